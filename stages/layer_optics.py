"""What the plate's lens and shutter do to a layer: motion blur, depth of field, softness, vignette. No stage."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calibration.cameras import zoom_of
from calibration.look.focus import blur_radius_px
from calibration.look.optics import Settled
from calibration.look.vignette import vignette_gain
from pipeline.kernels import blur
from pipeline.kernels.defocus import defocus
from pipeline.optics_sections import LensFacts
from pipeline.types import CameraTrack

MOST_SOFTNESS_PX = 3.0
LENS_SETTINGS = ("motion_blur", "defocus", "layer_sigma_px")


@dataclass(frozen=True)  # without slots: a stage's Params joins it to other settings
class LensParams:
    """How much of it counts."""

    motion_blur: float = 1.0  # times the shutter
    defocus: float = 1.0  # times the iris
    layer_sigma_px: float = 0.5  # how soft the renderer's own edges are


@dataclass(frozen=True, slots=True, eq=False)
class Through:
    """A shot's lens and shutter, ready for its frames. corners: (H, W, 1) gain of the vignette, None: there is none. wider: by
    frame, how much more a zoom's iris blurs than on the first: at one f-number it widens, and is seen larger."""

    optics: Settled
    said: LensFacts
    shutter: float
    softness_px: float
    iris_px_m: float
    corners: np.ndarray | None
    wider: dict[int, float]

    @classmethod
    def of(cls, optics: Settled, said: LensFacts, track: CameraTrack, params: LensParams) -> Through:
        """Settings of a stage over what was measured and said."""
        corners = vignette_gain(track.lens, *optics.vignette)[..., None] if any(optics.vignette) else None
        softness = softness_px(optics.sigma_px, params.layer_sigma_px)
        shutter, iris = params.motion_blur * optics.shutter, params.defocus * optics.scale_px_m
        zoom = zoom_of(track) ** 2 if said.f_number else np.ones(len(track.frames))
        return cls(optics, said, shutter, softness, iris, corners, dict(zip(track.frames, zoom.tolist(), strict=True)))

    def seen(self, rgba: np.ndarray, depth: np.ndarray, moved: np.ndarray, frame: int) -> tuple[np.ndarray, np.ndarray]:
        """A layer (H, W, 4) premultiplied and its depth (H, W), as the plate's camera would have seen them on a frame.

        moved: (H, W, 2) pixels until the next frame.
        """
        rgba, depth = _smeared(rgba, depth, moved, self.shutter, self.optics.late)
        if self.iris_px_m:
            iris_px_m = self.iris_px_m * self.wider[frame]
            rgba, depth = _defocused(rgba, depth, self.optics.focus_m(frame), iris_px_m, self.said)
        rgba, depth = _softened(rgba, depth, self.softness_px)
        if self.corners is not None:
            rgba[..., :3] *= self.corners
        return rgba, depth


def softness_px(plate_sigma_px: float, layer_sigma_px: float) -> float:
    """The blur that lacks: Gaussians add as squares."""
    return min(MOST_SOFTNESS_PX, math.sqrt(max(0.0, plate_sigma_px**2 - layer_sigma_px**2)))


def _smeared(
    rgba: np.ndarray, depth: np.ndarray, moved: np.ndarray, shutter: float, late: float
) -> tuple[np.ndarray, np.ndarray]:
    out, out_depth = np.empty_like(rgba), np.empty_like(depth)
    blur.motion_blur(rgba, depth, moved, shutter, out, out_depth, late)
    return out, out_depth


def _defocused(
    rgba: np.ndarray, depth: np.ndarray, focus_m: float, iris_px_m: float, said: LensFacts
) -> tuple[np.ndarray, np.ndarray]:
    out, out_depth = np.empty_like(rgba), np.empty_like(depth)
    radius = blur_radius_px(depth, focus_m, iris_px_m)
    defocus(rgba, depth, radius, out, out_depth, blades=said.blades, rotation_deg=said.blades_deg)
    return out, out_depth


def _softened(rgba: np.ndarray, depth: np.ndarray, softness: float) -> tuple[np.ndarray, np.ndarray]:
    """What any lens does in focus; the depth grows along so that soft edges have one."""
    out = np.empty_like(rgba)
    blur.gaussian(rgba, softness, out)
    out[out[..., 3] < 1e-4] = 0
    return out, grown_depth(depth, out[..., 3])


def grown_depth(depth: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Depth for every pixel with alpha: where there was none, the nearest of its surroundings; +inf without alpha."""
    grown = depth
    while (lacking := (alpha > 0) & np.isinf(grown)).any():
        around = np.pad(grown, 1, constant_values=np.inf)
        near = np.min(
            [around[j : j + depth.shape[0], i : i + depth.shape[1]] for j in range(3) for i in range(3)], axis=0
        )
        if not np.isfinite(near[lacking]).any():
            break
        grown = np.where(lacking, near, grown)
    return np.where(alpha > 0, grown, np.float32(np.inf)).astype(np.float32)
