"""What the plate's lens does to a layer when it is laid over: colour fringes at its edges, glow around what is bright."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from calibration.look.optics import Optics
from pipeline.kernels import fused
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.glow import highlights, scattered
from pipeline.kernels.magnify import magnify
from pipeline.optics_sections import LensFacts
from pipeline.types import Lens
from stages.comp_inputs import LEAST_ALPHA

LEAST_GLOW = 5e-4  # scene-linear: under that nobody sees it, and the plate keeps its bits
LOST = 0.99  # share of the plate's signal that is left under a glow


@dataclass(frozen=True, slots=True)
class LensOver:
    """aberration: red, blue, shares by which those pictures are larger; centre_px: of the lens; glow: share per channel
    of the light above white, and the radius of its spread."""

    aberration: tuple[float, float] = (0.0, 0.0)
    centre_px: tuple[float, float] = (0.0, 0.0)
    glow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    glow_px: float = 0.0

    @classmethod
    def of(cls, said: LensFacts, measured: Optics, lens: Lens) -> LensOver:
        """What was said, else what was measured."""
        found, light = measured.aberration, measured.glow
        aberration = said.aberration or (found.red, found.blue)
        glow = (light.share, light.radius_px) if said.glow is None else ((said.glow[0],) * 3, said.glow[1])
        return cls(aberration, (lens.centre_x_px, lens.centre_y_px), *glow)


NO_LENS = LensOver()


def lay_over(layer: np.ndarray, picture: np.ndarray, kept: np.ndarray, lens: LensOver) -> None:
    """fused.lay_over, with red and blue larger or smaller than green: alpha too, so that like over like shows no fringe."""
    if not any(lens.aberration):
        fused.lay_over(layer, picture, kept)
        return
    before, left = picture.copy(), kept.copy()
    fused.lay_over(layer, picture, kept)
    moved = np.empty_like(layer)
    for channel, share in zip((0, 2), lens.aberration, strict=True):
        if share:
            magnify(layer, share, lens.centre_px, moved)
            moved[moved[..., 3] < LEAST_ALPHA] = 0
            behind, through = before.copy(), left.copy()
            fused.lay_over(moved, behind, through)
            picture[..., channel] = behind[..., channel]
            np.minimum(kept, through, out=kept)


def add_glow(layers: list[np.ndarray], picture: np.ndarray, kept: np.ndarray, lens: LensOver) -> None:
    """Add what the lens scatters of layers (H, W, 4), farthest first, to picture (H, W, 3); in place, as is `kept`."""
    if not any(lens.glow) or not layers:
        return
    bright = np.zeros_like(picture)
    for layer in layers:
        bright *= 1 - np.minimum(layer[..., 3:], 1)
        bright += highlights(layer[..., :3], LUMINANCE)
    if not bright.any():
        return
    glow = scattered(bright, lens.glow_px) * np.array(lens.glow, np.float32)
    glow[glow.max(axis=2) < LEAST_GLOW] = 0
    picture += glow
    shines = glow.max(axis=2) > 0
    kept[shines] = np.minimum(kept[shines], LOST)
