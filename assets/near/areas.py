"""Hero areas: people of the crowd who are painted together, as one clip, by a model of video; kept and taken apart again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assets.near.area_guides import Owned
from pipeline.errors import StoreError
from pipeline.io import exr
from pipeline.types import HeroPeople

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
_AROUND_PX = 6  # beyond somebody's own pixels, so that his colours can be carried on over his edges
_PURE = 0.9  # of what covers a pixel, from which on its colour is taken for his who owns it
_MIXED = 0.25  # how much the colours of other pixels count


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """An area's pictures. matrices: by frame, (3, 3) homogeneous pixels of the picture from rays of the plate's camera.
    request_of: by frame and id, the request's digest; size: (height, width), px."""

    name: str
    size: tuple[int, int]
    matrices: Mapping[int, Array]
    request_of: Mapping[int, Mapping[int, str]]
    folder: Path


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """One person of an area, painted in its clip."""

    number: int
    clip: Clip

    @property
    def size(self) -> tuple[int, int]:
        return self.clip.size

    def request(self, frame: int) -> str:
        """Digest of the request that he is painted by. Raises StoreError when there is none."""
        if frame not in self.clip.request_of:
            raise StoreError(f"hero area {self.clip.name} was not painted on frame {frame}. Run generate_hero again.")
        return self.clip.request_of[frame][self.number]

    def seen(self, frame: int, _own: Array) -> tuple[Floats, Array]:
        """(h, w, 4) float32, premultiplied ACEScg, all that the clip shows of him and of nobody else, and the pixels of it
        from rays of the plate's camera. Who is hidden from the camera has a picture of nothing."""
        self.request(frame)
        rgba, whose = read_frame(self.clip.folder, self.clip.name, frame)
        mine = whose.ids == self.number
        rows, columns = np.flatnonzero(mine.any(axis=1)), np.flatnonzero(mine.any(axis=0))
        if not len(rows):
            return np.zeros((1, 1, 4), np.float32), np.eye(3)
        top, left = max(rows[0] - _AROUND_PX, 0), max(columns[0] - _AROUND_PX, 0)
        window = slice(top, rows[-1] + 1 + _AROUND_PX), slice(left, columns[-1] + 1 + _AROUND_PX)
        counts = mine[window] * np.where(whose.share[window] > _PURE, np.float32(1), np.float32(_MIXED))
        shift = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
        return rgba[window] * counts[..., None].astype(np.float32), shift @ self.clip.matrices[frame]


def write_frame(folder: Path, name: str, frame: int, rgba: Floats, whose: Owned) -> None:
    """Keep one picture of an area's clip."""
    planes = {**exr.rgba_channels(rgba), "id": whose.ids.astype(np.uint32), "share": exr.half(whose.share)}
    exr.write(_file(folder, name, frame), planes, compression="zips")


@lru_cache(maxsize=4)  # all of an area's people are taken from a frame one after the other
def read_frame(folder: Path, name: str, frame: int) -> tuple[Floats, Owned]:
    """One picture of an area's clip, (h, w, 4) float32, and whose its pixels are."""
    planes = exr.read(_file(folder, name, frame)).channels
    rgba = np.stack([planes[channel] for channel in "RGBA"], axis=-1).astype(np.float32)
    return rgba, Owned(planes["id"].astype(np.int32), planes["share"].astype(np.float32))


def _file(folder: Path, name: str, frame: int) -> Path:
    return folder / f"area.{name}.{frame:04d}.exr"


@lru_cache(maxsize=2)
def load_members(receipt: HeroPeople) -> dict[int, Member]:
    """Everyone who is painted in an area of the shot, by id."""
    members: dict[int, Member] = {}
    for entry in json.loads(receipt.areas.read_text("utf-8")):
        matrices, request_of = {}, {}
        for run in entry["runs"]:
            asked = {int(number): asking["request"] for asking in run["asked"] for number in asking["people"]}
            for frame, matrix in enumerate(run["matrices"], start=run["first"]):
                matrices[frame], request_of[frame] = np.array(matrix, np.float64), asked
        size = int(entry["height_px"]), int(entry["width_px"])
        clip = Clip(entry["name"], size, matrices, request_of, receipt.paintings)
        members |= {number: Member(number, clip) for number in entry["people"]}
    return members
