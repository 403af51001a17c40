"""Draw the picture of the model's card: python -m assets.train.card DATA grid.png [--model FOLDER]."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assets.providers.base import Provider
from assets.providers.builtin import FOLDER, Builtin
from assets.providers.conditioning import condition, decode
from assets.providers.request import Request
from assets.train.brought import bring
from assets.train.people import kept_back
from assets.train.samples import Sample, Shard
from pipeline.io.color import to_display_8bit
from pipeline.io.images import write_png

Array = np.ndarray[Any, Any]
_GREY = 0.14
_DEEP_M = 0.9  # depth that is shown white
_SEED = 8


def with_all(model: Provider, samples: Sequence[Sample]) -> list[Array]:
    """(H, 5 W, 3) uint8 of each: normals, pose map, flat colours, painted, true."""
    groups = []
    for sample, picture in zip(samples, _painted(model, [sample.request for sample in samples]), strict=True):
        given, shown = sample.request.guides.given(), condition(sample.request)
        normals = (given["normals"][0] * [0.5, -0.5, -0.5] + 0.5) * (shown.room > 0)[..., None]
        flat = to_display_8bit(decode(shown.base).transpose(1, 2, 0))
        groups.append(
            np.concatenate([_bytes(normals), _bytes(given["pose"][0]), flat, picture, _over_grey(sample.truth)], 1)
        )
    return groups


def with_few(model: Provider, samples: Sequence[Sample]) -> list[Array]:
    """(H, 5 W, 3) uint8 of each: pose map, painted from it alone, depth, painted from pose and depth, true."""
    posed, deep = (
        _painted(model, [bring(sample.request, guides) for sample in samples])
        for guides in (("pose",), ("pose", "depth"))
    )
    groups = []
    for sample, from_pose, from_both in zip(samples, posed, deep, strict=True):
        given = sample.request.guides.given()
        covered = given["coverage"][0] > 0
        depth = np.clip(0.5 + given["depth"][0] / _DEEP_M, 0.08, 1) * covered
        shown = _bytes(given["pose"][0]), from_pose, _bytes(depth[..., None].repeat(3, -1)), from_both
        groups.append(np.concatenate([*shown, _over_grey(sample.truth)], axis=1))
    return groups


def grid(groups: Sequence[Array], zoom: int = 2, across: int = 2) -> Array:
    """(H, W, 3) uint8: groups side by side, in rows."""
    groups = [*groups, *[np.zeros_like(groups[0])] * (-len(groups) % across)]
    rows = [np.concatenate(groups[i : i + across], axis=1) for i in range(0, len(groups), across)]
    return np.concatenate(rows).repeat(zoom, axis=0).repeat(zoom, axis=1)


def _painted(model: Provider, requests: Sequence[Request]) -> list[Array]:
    return [_over_grey(result.takes[0, 0]) for result in model.generate(requests)]


def _over_grey(rgba: Array) -> Array:
    return np.asarray(to_display_8bit(np.ascontiguousarray(rgba[..., :3] + (1 - rgba[..., 3:]) * _GREY, np.float32)))


def _bytes(picture: Array) -> Array:
    return np.round(np.clip(picture, 0, 1) * 255).astype(np.uint8)


def draw(data: Path, picture: Path, model: Provider, few: int = 6) -> None:
    """Two rows of people and of masonry with every guide, people with few, and two at twice the size; all kept back."""
    groups = []
    for kind in ("kept", "stone"):
        path = data / f"{kind}_0000.npz"
        if path.exists():
            shard = Shard(path)
            groups += with_all(model, [shard[i] for i in range(min(4, len(shard)))])
    rng = np.random.default_rng(_SEED)
    groups += with_few(model, [kept_back(rng) for _ in range(few)])
    near = with_all(model, [kept_back(rng, near=2) for _ in range(2)])
    write_png(picture, np.concatenate([grid(groups), grid(near, zoom=1)]))


def main() -> None:
    """Draw the picture from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--few", type=int, default=6, help="people painted with few guides")
    asked = parser.parse_args()
    draw(asked.data, asked.picture, Builtin.open(asked.model), asked.few)


if __name__ == "__main__":
    main()
