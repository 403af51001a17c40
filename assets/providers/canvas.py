"""A picture of any size on a canvas that a service paints: scaled, laid in the middle, and brought back.

Services paint certain sizes alone, and paint best at about the size they were trained on. So a sprite of 128 x 256 is shown
enlarged and its answer is averaged down; what does not fill the canvas is black, and is cut away again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.errors import ProviderNonsense

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What a service paints, in pixels.

    fixed: these (width, height) alone. When empty: sides of least_px to most_px that multiple_px divides, the longer at
    most longest times the other, most_pixels in all; native_pixels is what it paints best. any_scale: it may answer
    larger or smaller than it was shown, in the same shape.
    """

    fixed: tuple[tuple[int, int], ...] = ()
    least_px: int = 64
    most_px: int = 4096
    multiple_px: int = 1
    longest: float = 4.0
    most_pixels: int = 4096 * 4096
    native_pixels: int = 1024 * 1024
    any_scale: bool = False


@dataclass(frozen=True, slots=True)
class Canvas:
    """size_px: (width, height) of the canvas. inner_px: of the asked picture on it. asked_px: of the picture itself."""

    size_px: tuple[int, int]
    inner_px: tuple[int, int]
    asked_px: tuple[int, int]
    any_scale: bool = False

    @property
    def corner_px(self) -> tuple[int, int]:
        """(left, top) of the asked picture on the canvas."""
        return (self.size_px[0] - self.inner_px[0]) // 2, (self.size_px[1] - self.inner_px[1]) // 2

    def laid(self, picture: Array) -> Array:
        """(H, W[, C]) uint8 of the asked size, on the canvas: black around it."""
        (width, height), (left, top), (inner_w, inner_h) = self.size_px, self.corner_px, self.inner_px
        canvas = np.zeros((height, width, *picture.shape[2:]), picture.dtype)
        canvas[top : top + inner_h, left : left + inner_w] = _resized(picture, self.inner_px)
        return canvas

    def brought_back(self, answer: Array, who: str) -> Array:
        """(H, W, 3|4) of the canvas's size, cut and averaged to the asked size; integers stay what they are.

        Raises ProviderNonsense, naming `who`, on another size, or where any size will do, on another shape.
        """
        height, width = answer.shape[:2]
        if (width, height) != self.size_px and not (self.any_scale and self._alike(width, height)):
            raise ProviderNonsense(
                f"{who}: answered {width} x {height} px, shown were {self.size_px[0]} x {self.size_px[1]}. "
                "It is another model than its name says, or it changed: try another."
            )
        x, y = width / self.size_px[0], height / self.size_px[1]
        left, top = round(self.corner_px[0] * x), round(self.corner_px[1] * y)
        inner_w, inner_h = max(1, round(self.inner_px[0] * x)), max(1, round(self.inner_px[1] * y))
        return _resized(answer[top : top + inner_h, left : left + inner_w], self.asked_px)

    def _alike(self, width: int, height: int) -> bool:
        """The same shape within a pixel or a hundredth: services round their sides."""
        wanted, got = self.size_px[0] / self.size_px[1], width / height
        return abs(got / wanted - 1) <= max(0.01, 1 / min(width, height))


def canvas_for(sizes: Sizes, width: int, height: int) -> Canvas:
    """The canvas on which a (width, height) picture is painted best."""
    if sizes.fixed:
        size = max(sizes.fixed, key=lambda s: (_share(s, width, height), s[0] * s[1]))
        scale = min(size[0] / width, size[1] / height)
        return Canvas(size, _scaled(width, height, scale, size), (width, height), sizes.any_scale)
    # The picture with what must be added so that neither side is too long.
    full_w, full_h = max(width, height / sizes.longest), max(height, width / sizes.longest)
    room = min(sizes.most_px / max(full_w, full_h), math.sqrt(sizes.most_pixels / (full_w * full_h)))
    wanted = max(1.0, math.sqrt(sizes.native_pixels / (full_w * full_h)), sizes.least_px / min(full_w, full_h))
    scale = min(room, wanted)
    step = sizes.multiple_px
    across, along = (max(_stepped(side * scale, step), sizes.least_px) for side in (full_w, full_h))
    # Rounding must break no limit: the shorter side grows for the shape, the longer gives way to the size.
    across, along = (
        max(side, _stepped(other / sizes.longest, step)) for side, other in ((across, along), (along, across))
    )
    while across * along > sizes.most_pixels or max(across, along) > sizes.most_px:
        across, along = (across - step, along) if across >= along else (across, along - step)
    size = (across, along)
    return Canvas(
        size, _scaled(width, height, min(scale, across / width, along / height), size), (width, height), sizes.any_scale
    )


def _stepped(side: float, step: int) -> int:
    return max(step, math.ceil(round(side, 6) / step) * step)


def _scaled(width: int, height: int, scale: float, size: tuple[int, int]) -> tuple[int, int]:
    return min(size[0], max(1, round(width * scale))), min(size[1], max(1, round(height * scale)))


def _share(size: tuple[int, int], width: int, height: int) -> float:
    """How much of a canvas of this size the picture fills, rounded so that nearly equal ones count as equal."""
    scale = min(size[0] / width, size[1] / height)
    return round(width * height * scale * scale / (size[0] * size[1]), 2)


def _resized(picture: Array, size_px: tuple[int, int]) -> Array:
    import cv2

    if (picture.shape[1], picture.shape[0]) == size_px:
        return picture
    smaller = size_px[0] < picture.shape[1]
    return cv2.resize(
        np.ascontiguousarray(picture), size_px, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    )
