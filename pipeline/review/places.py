"""The places of a frame that a compositor looks at first: an edge, feet, the darkest, the brightest, the farthest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from pipeline.kernels.color import LUMINANCE

Array = np.ndarray[Any, Any]

ZOOM = 2  # 200%
_SHARE = 6  # a place is a sixth of the picture wide ...
_SIDES_PX = (64, 320)  # ... within these
_SOLID = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """A window of the picture. what: in words; left, top, width, height: pixels."""

    what: str
    left: int
    top: int
    width: int
    height: int

    def cut(self, picture: Array) -> Array:
        """Its part of (H, W, ...)."""
        return np.ascontiguousarray(picture[self.top : self.top + self.height, self.left : self.left + self.width])


def places(channels: Mapping[str, Array]) -> list[Place]:
    """Where to look in a finished frame, by the channels of its EXR; nothing where no layer is."""
    layers = [name.removesuffix(".id") for name in channels if name.endswith(".id")]
    if not layers:
        return []
    alpha = np.max([channels[f"{name}.A"].astype(np.float32) for name in layers], axis=0)
    solid = alpha >= _SOLID
    if not solid.any():
        return []
    luma = np.stack([channels[c].astype(np.float32) for c in "RGB"], axis=-1) @ LUMINANCE
    depth = np.where(solid, channels["depth.Z"], np.float32(np.inf)).astype(np.float32)
    height, width = alpha.shape
    wide = min(max(width // _SHARE, _SIDES_PX[0]), _SIDES_PX[1], width)
    tall = min(round(0.75 * wide), height)

    def around(what: str, at: tuple[int, int]) -> Place:
        left, top = (min(max(c - s // 2, 0), m - s) for c, s, m in zip(at, (wide, tall), (width, height), strict=True))
        return Place(what, left, top, wide, tall)

    return [around(what, at) for what, at in _points(alpha, solid, luma, depth, channels, layers, wide // 4).items()]


def _points(
    alpha: Array, solid: Array, luma: Array, depth: Array, channels: Mapping[str, Array], layers: list[str], near: int
) -> dict[str, tuple[int, int]]:
    """(x, y) of each place. near: pixels that brightness is averaged over."""
    window = (2 * (near // 2) + 1,) * 2
    covered = cv2.boxFilter(solid.astype(np.float32), -1, window)
    mean = cv2.boxFilter(np.where(solid, luma, 0).astype(np.float32), -1, window) / np.maximum(covered, 1e-6)
    within = solid & (covered >= min(0.5, 0.8 * float(covered[solid].max())))
    sides = np.ones((7, 7), np.uint8)
    contrast = cv2.dilate(luma, sides) - cv2.erode(luma, sides)
    edges = cv2.boxFilter((4 * alpha * (1 - alpha) * contrast).astype(np.float32), -1, window)
    found = {
        "strongest edge": _at(edges),
        "feet of the nearest": _feet(depth, channels, layers),
        "darkest": _at(np.where(within, -mean, -np.inf)),
        "brightest": _at(np.where(within, mean, -np.inf)),
    }
    far = np.where(np.isfinite(depth), depth, -np.inf)
    return found | ({"farthest": _at(far)} if np.isfinite(far).any() else {})


def _feet(depth: Array, channels: Mapping[str, Array], layers: list[str]) -> tuple[int, int]:
    """The lowest row of whoever is nearest."""
    x, y = _at(-depth)
    for name in layers:
        ids = channels[f"{name}.id"]
        if ids[y, x]:
            rows, columns = np.nonzero(ids == ids[y, x])
            lowest = int(rows.max())
            return round(float(columns[rows == lowest].mean())), lowest
    return x, y


def _at(score: Array) -> tuple[int, int]:
    y, x = np.unravel_index(int(np.argmax(score)), score.shape)
    return int(x), int(y)


def difference(plate: Array, comp: Array, gain: float = 4.0) -> Array:
    """(H, W, 3) uint8 of what changed between (H, W, 3) scene-linear pictures: black is equal to the last bit.

    The smallest change shows at a quarter of full, the rest times `gain`, so that nothing changed can hide.
    """
    change = np.abs(comp.astype(np.float32) - plate.astype(np.float32))
    shown = np.where(change != 0, 0.25 + gain * change, 0)
    return np.asarray(np.rint(np.clip(np.nan_to_num(shown, nan=1, posinf=1), 0, 1) * 255), np.uint8)


def enlarged(picture: Array, pixel_aspect: float = 1.0) -> Array:
    """(h, w, 3) uint8 at 200%, pixel for pixel; an anamorphic one is made square."""
    return np.asarray(cv2.resize(picture, None, fx=ZOOM * pixel_aspect, fy=ZOOM, interpolation=cv2.INTER_NEAREST))


def beside(left: Array, right: Array, gap_px: int = 0) -> Array:
    """Two pictures of one size in one, black between them."""
    height, width = left.shape[:2]
    out = np.zeros((height, 2 * width + gap_px, 3), np.uint8)
    out[:, :width], out[:, width + gap_px :] = left, right
    return out
