"""Scene light to pictures for the eye: through the show's view, at review size, and depth and mattes made visible."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.io import color, exr, images
from pipeline.types import Plate

Array = np.ndarray[Any, Any]

_TINT = (224, 119, 111)  # of a matte, sRGB


@dataclass(frozen=True, slots=True)
class Screen:
    """How pictures are shown: display and view by OpenColorIO's names, size in square pixels, both even."""

    display: str
    view: str
    width: int
    height: int

    def show(self, rgb: Array) -> Array:
        """(H, W, 3) ACEScg to (height, width, 3) uint8 for the display."""
        return self.fit(color.to_display_8bit(rgb, self.display, self.view))

    def fit(self, picture: Array) -> Array:
        """Any (H, W[, 3]) picture at the screen's size."""
        import cv2

        if picture.shape[:2] == (self.height, self.width):
            return picture
        smaller = picture.shape[1] > self.width
        way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(picture, (self.width, self.height), interpolation=way))


def screen_for(plate: Plate, display: str, view: str, max_width_px: int) -> Screen:
    """The screen for a plate: its pixels made square, at most `max_width_px` wide."""
    wide = plate.width * plate.pixel_aspect
    scale = min(1.0, max_width_px / wide)
    return Screen(display, view, _even(wide * scale), _even(plate.height * scale))


def depth_picture(path: Path) -> Array:
    """A depth EXR's Z by colour: (H, W, 3) uint8, as `depth_colours` gives them."""
    return depth_colours(exr.read(path).channels["Z"].astype(np.float32))


def depth_colours(z: Array, near_far: tuple[float, float] | None = None) -> Array:
    """(H, W) metres by colour, near bright, sky black: (H, W, 3) uint8. Even steps of the logarithm of the distance.

    near_far: metres drawn brightest and darkest, by itself the picture's own `depth_range`.
    """
    import cv2

    near_far = near_far or depth_range(z)
    if near_far is None:
        return np.zeros((*z.shape, 3), np.uint8)
    found = np.isfinite(z) & (z > 0)
    near, far = np.log(near_far)
    level = np.clip((far - np.log(np.where(found, z, 1))) / max(far - near, 1e-6), 0, 1)
    picture = cv2.applyColorMap(np.rint(level * 255).astype(np.uint8), cv2.COLORMAP_CIVIDIS)[..., ::-1].copy()
    picture[~found] = 0
    return np.asarray(picture)


def depth_range(z: Array) -> tuple[float, float] | None:
    """Metres that all but a hundredth of (H, W) lies between at either end; None where all is sky."""
    found = z[np.isfinite(z) & (z > 0)]
    if not found.size:
        return None
    near, far = np.percentile(found, [1, 99])
    return float(near), float(far)


def matte_picture(plate: Array, matte: Array) -> Array:
    """(H, W, 3) uint8 plate in grey with the (H, W) matte laid over it in colour."""
    grey = plate.mean(axis=2, keepdims=True) * 0.75
    share = np.clip(matte, 0, 1)[..., None] * 0.8
    return np.asarray(np.rint(grey * (1 - share) + np.array(_TINT) * share).astype(np.uint8))


def inline(picture: Array, max_width_px: int = 1280, quality: int = 86) -> str:
    """(H, W, 3) uint8 as a data: address of a JPEG, for a page that stands by itself."""
    import cv2

    height, width = picture.shape[:2]
    if width > max_width_px:
        size = (max_width_px, max(1, round(height * max_width_px / width)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
    return "data:image/jpeg;base64," + base64.b64encode(images.jpeg(picture, quality)).decode("ascii")


def inline_file(path: Path, max_width_px: int = 1280) -> str:
    """A PNG of an earlier stage as `inline` gives it; what is transparent shows the page's dark."""
    pixels = images.read_png(path)
    if pixels.ndim == 2:
        pixels = pixels[..., None].repeat(3, axis=2)
    if pixels.shape[2] == 4:
        pixels = pixels[..., :3] * pixels[..., 3:] + (1 - pixels[..., 3:]) * np.float32(0.07)
    return inline(np.rint(pixels * 255).astype(np.uint8), max_width_px)


def inline_png(path: Path) -> str:
    """A PNG as a data: address, byte for byte: nothing of it is compressed away."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode("ascii")


def _even(size: float) -> int:
    return max(2, 2 * round(size / 2))
