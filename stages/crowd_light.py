"""A second look at a crowd's sprites: those that were painted in a light of their own are brought into the shot's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assets.providers.asking.desk import Desk
from assets.providers.request import Request
from assets.relight.answers import Pool, relit_take
from assets.relight.light import Found
from assets.sprites.guides import ROOT_M
from assets.sprites.likeness import sums_of
from pipeline.io.files import replacing
from pipeline.stage import Progress

Array = np.ndarray[Any, Any]


def in_shot_light(
    desk: Desk, batches: Sequence[Path], asked: Sequence[Callable[[], Request]], strength: float, progress: Progress
) -> tuple[list[Path], dict[tuple[str, str], Found]]:
    """The batches in the shot's light, and the light that each person's sprites were painted in, by painter.

    A batch is the same file where all its painters obey; else what was relit lies in a file beside it.
    batches: files of generate_crowd, in order. asked: draws the request of each sprite anew, guides and all,
    once to find a person's light in all sprites together, and once to relight them.
    """
    strangers = {path: _strangers(desk, path) if strength > 0 else [] for path in batches}
    firsts = np.cumsum([0, *(_count(path) for path in batches)])
    pool, total = Pool(), sum(map(len, strangers.values()))
    done = 0
    for first, path in zip(firsts, batches, strict=False):
        with np.load(path) as batch:
            for row in strangers[path]:
                request = asked[int(first) + row]()
                pool.add(request, str(batch["painters"][row]), _whole(batch[f"{row}"], request)[None])
                done += 1
        if strangers[path]:
            progress(done, 2 * total, "looking at the light")
    lights = pool.lights()
    lit = list(batches)
    for k, path in enumerate(batches):
        if strangers[path]:
            lit[k] = _relit(path, int(firsts[k]), strangers[path], asked, lights, strength)
            done += len(strangers[path])
            progress(done, 2 * total, "relit")
    return lit, lights


def say_relit(desk: Desk, lights: dict[tuple[str, str], Found]) -> None:
    """Say, once for each painter, how many people were relit."""
    for painter in sorted({painter for _, painter in lights}):
        mine = [found for (_, who), found in lights.items() if who == painter]
        if wrong := [found for found in mine if not found.right]:
            sure = float(np.median([found.confidence for found in wrong]))
            desk.words.remark(
                f"{painter} painted {len(wrong)} of {len(mine)} people in another light: relit (confidence {sure:.2f})"
            )


def _strangers(desk: Desk, path: Path) -> list[int]:
    """Rows of a batch whose painters may not have painted in the light that was asked for."""
    with np.load(path) as batch:
        return [row for row, painter in enumerate(batch["painters"].tolist()) if desk.light_of(painter) != "asked"]


def _count(path: Path) -> int:
    with np.load(path) as batch:
        return len(batch["painters"])


def _whole(picture: Array, request: Request) -> Array:
    """(H, W, 4) float32, at the width that was asked for: a batch keeps its sprites without empty columns."""
    margin = (request.size_px[0] - picture.shape[1]) // 2
    return np.pad(picture[..., :4].astype(np.float32), ((0, 0), (margin, margin), (0, 0)))


def _relit(
    path: Path,
    first: int,
    rows: list[int],
    asked: Sequence[Callable[[], Request]],
    lights: dict[tuple[str, str], Found],
    strength: float,
) -> Path:
    """The file beside a batch."""
    with np.load(path) as batch:
        files = {name: batch[name] for name in batch.files}
    for row in rows:
        request = asked[first + row]()
        kept, found = files[f"{row}"], lights.get((request.identity.name, str(files["painters"][row])))
        picture = relit_take(request, _whole(kept, request)[None], found, strength)[0]
        margin = (request.size_px[0] - kept.shape[1]) // 2
        kept[..., :4] = picture[:, margin : margin + kept.shape[1]]
        files["sums"][row] = sums_of(request, picture, ROOT_M)
    lit = path.with_suffix(".lit.npz")
    with replacing(lit) as temporary:
        np.savez(temporary, **files)
    return lit
