"""Heroes: near people who are painted as one moving picture each, by a model of video, instead of frame by frame."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assets.providers.request import Guides, Light, Request
from pipeline.errors import AssetError, StoreError
from pipeline.io import exr
from pipeline.io.reel import Reel
from pipeline.types import HeroPeople

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


class Moving(Protocol):
    """Somebody who is painted before, in a moving picture: alone (Hero) or with others (assets.near.areas.Member)."""

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the pictures, px."""

    def request(self, frame: int) -> str:
        """Digest of the request that he is painted by. Raises StoreError when there is none."""

    def seen(self, frame: int, own: Array) -> tuple[Floats, Array]:
        """(h, w, 4) float32, premultiplied ACEScg: him alone, all 0 where he is hidden; and (3, 3) homogeneous pixels of it
        from rays of the plate's camera. own: those of his own camera."""


@dataclass(frozen=True, slots=True)
class Hero:
    """One hero's paintings. height_px, width_px: of each; request_of: digest of the request, by frame; folder: of files."""

    number: int
    height_px: int
    width_px: int
    request_of: dict[int, str]
    folder: Path

    @property
    def size(self) -> tuple[int, int]:
        return self.height_px, self.width_px

    def request(self, frame: int) -> str:
        return self.request_of[frame]

    def seen(self, frame: int, own: Array) -> tuple[Floats, Array]:
        return self.painting(frame), own

    def painting(self, frame: int) -> Floats:
        """(H, W, 4) float32, premultiplied ACEScg, as his own camera sees him. Raises StoreError when there is none."""
        if frame not in self.request_of:
            raise StoreError(f"hero {self.number} was not painted on frame {frame}. Run generate_hero again.")
        return exr.read_rgba(file_of(self.folder, self.number, frame))


def file_of(folder: Path, number: int, frame: int) -> Path:
    """Where a hero's painting of one frame lies."""
    return folder / f"{number}.{frame:04d}.exr"


@lru_cache(maxsize=2)
def load_heroes(receipt: HeroPeople) -> dict[int, Hero]:
    """The heroes of a shot by id."""
    heroes = {}
    for entry in json.loads(receipt.index.read_text("utf-8")):
        requests = {frame: run["request"] for run in entry["runs"] for frame in range(run["first"], run["last"] + 1)}
        number = int(entry["id"])
        heroes[number] = Hero(number, entry["height_px"], entry["width_px"], requests, receipt.paintings)
    return heroes


def runs(shown: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last + 1 row of every stretch of rows on which somebody is shown, (F,) bool: one moving picture each."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shown, [False]])))
    return [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]


def sequence_request(stills: Iterable[Request], folder: Path) -> Request:
    """One request of many frames from requests for one frame each, of one person in pictures of one size and scale.

    No more than a still is held in memory: guides wait in `folder`, nameless. His own camera turns with him, so the sun turns
    a little: the sequence is lit from the mean of the directions. Raises AssetError when anything but guides and light differs.
    """
    first: Request | None = None
    lights: list[Light] = []
    reels: dict[str, Reel] = {}
    for still in stills:
        given, first = still.guides.given(), first or still
        odd = [
            f.name
            for f in fields(Request)
            if f.name not in ("guides", "light", "references") and getattr(still, f.name) != getattr(first, f.name)
        ]
        reels = reels or {name: Reel(folder) for name in given}
        if still.guides.shape != first.guides.shape or set(given) != set(reels):
            odd.append("guides")
        if odd:
            raise AssetError(f"{first.identity.name}: {', '.join(odd)} differ within a sequence. Ask for one each.")
        lights.append(still.light)
        for name, guide in given.items():
            reels[name].add(guide)
    assert first is not None
    guides = Guides(**{name: reel.array() for name, reel in reels.items()})
    return replace(first, guides=guides, light=_mean_light(lights))


def _mean_light(lights: Sequence[Light]) -> Light:
    mean = np.mean([light.sun_direction for light in lights], axis=0)
    x, y, z = (float(np.float32(value)) for value in mean / np.linalg.norm(mean))
    return replace(lights[0], sun_direction=(x, y, z))
