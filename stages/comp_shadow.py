"""The shadow of crowd and set where it falls in the plate: on the solved ground, through the plate's air. No stage."""

from __future__ import annotations

import math

import numpy as np

from calibration.cameras import lens_at, pose_at, to_camera
from calibration.ground.heightfield import Heightfield
from calibration.look.measured import LookFigures
from calibration.look.shade import find_shade
from calibration.mattes.holdout import visible_share
from pipeline.kernels import blur
from pipeline.kernels.bounds import around, nothing
from pipeline.kernels.color import LUMINANCE, RGB
from pipeline.types import CameraTrack, PlateLight
from stages.comp_inputs import LEAST_ALPHA, Holdout, Shot

MOST_LEFT = 0.97  # of the ground's light
_AROUND = 12  # a 12th of the picture's width: as far around a shadow the ground is looked at ...
_PLACES = 10_000  # ... in about so many places
_ON_IT = 0.05  # of the distance, that the depth of what is ground may be off
_SOFT = 5e-4  # of the picture's width: as much is blurred before a colour is asked


def ground_depth(where: np.ndarray, heights: Heightfield, track: CameraTrack, frame: int) -> np.ndarray:
    """Depth along camera z of the bare ground, (H, W) float32 metres, at the pixels of `where` (H, W) bool; else +inf."""
    depth = np.full(where.shape, np.inf, np.float32)
    y, x = np.nonzero(where)
    if len(y):
        pose = pose_at(track, frame)
        z = to_camera(heights.meet_ground(np.stack([x, y], axis=1) + 0.5, lens_at(track, frame), pose), pose)[:, 2]
        depth[y, x] = np.where(np.isfinite(z), z, np.inf)
    return depth


def may_fall(light: np.ndarray, shot: Shot, strength: float) -> np.ndarray:
    """(H, W) bool: where light_left takes something, should the ground lie there; elsewhere no ground need be found."""
    taken = (1 - light) * np.float32(strength)
    return np.asarray((taken >= LEAST_ALPHA) & (shot.matte < 1) & np.isfinite(shot.depth_m))


def once(light: np.ndarray, sun: np.ndarray, shaded: np.ndarray, left: RGB) -> np.ndarray:
    """(H, W) float32: light as rendered, but that nothing takes the sun where the plate's ground lacks it already.

    light: (H, W) what all shadows leave, sun: what those of the sun leave of it; shaded: (H, W) 0..1, how much of the sun the plate's
    ground lacks; left: what a full shadow leaves, per channel.
    """
    most = 1 - float(np.dot(left, LUMINANCE))
    shines = 1 - shaded
    taken = (1 - sun) * shines / np.maximum(1 - most + most * shines, 1e-3)
    return np.asarray(np.where(shaded > 0, light / np.maximum(sun, 1e-3) * (1 - taken), light), np.float32)


def shaded_ground(
    ground_m: np.ndarray,
    shot: Shot,
    measured: LookFigures,
    heights: Heightfield,
    track: CameraTrack,
    frame: int,
    left: RGB,
) -> np.ndarray:
    """(H, W) float32 0..1: how much of the sun the plate's ground lacks where ground_m is finite; told by the ground around."""
    out, where = np.zeros_like(ground_m), np.isfinite(ground_m)
    width = where.shape[1]
    window = around(where, round(width / _AROUND))
    if nothing(window):
        return out
    asked = np.zeros_like(where)
    step = max(1, round(math.sqrt(asked[window].size / _PLACES)))
    asked[window][::step, ::step] = True
    there = ground_depth(asked, heights, track, frame)
    open_ground = asked & np.isfinite(there) & (shot.matte < LEAST_ALPHA) & np.isfinite(shot.depth_m)
    open_ground[open_ground] = np.abs(shot.depth_m[open_ground] / there[open_ground] - 1) < _ON_IT
    seen = np.zeros_like(where)
    seen[window] = np.isfinite(shot.depth_m[window])
    bare = shot.rgb[window] - np.minimum(veil(shot, measured, seen)[window], shot.rgb[window])
    soft = np.empty_like(bare)
    blur.gaussian(np.ascontiguousarray(bare), _SOFT * width, soft)
    found = find_shade(soft[open_ground[window]], left)
    if found is not None:
        out[window][where[window]] = found.share(soft[where[window]])
    return out


def light_left(light: np.ndarray, ground_m: np.ndarray, shot: Shot, holdout: Holdout, strength: float) -> np.ndarray:
    """What the shadow leaves of the light, (H, W) float32: not dark on people, on things before the ground, in the sky.

    light: (H, W) as rendered for the bare ground, 1 = untouched; ground_m: depth of that ground. A shadow ends at what stands
    before the ground as a layer would: where the plate's own colours say, as softly.
    """
    lies_on = visible_share(
        ground_m,
        shot.rgb,
        shot.depth_m,
        shot.confidence,
        tolerance_m=holdout.tolerance_m,
        tolerance=holdout.tolerance,
        doubt=holdout.doubt,
        edge_px=holdout.edge_px,
    )
    lies_on *= np.isfinite(shot.depth_m) * np.isfinite(ground_m) * (1 - np.clip(shot.matte, 0, 1))
    taken = (1 - light) * lies_on * np.float32(strength)
    return np.asarray(1 - np.where(taken < LEAST_ALPHA, 0, np.clip(taken, 0, 1)), np.float32)


def shadow_powers(light: PlateLight) -> RGB:
    """By which power of what a shadow leaves of luminance each channel darkens, so that a full shadow has the plate's colour.

    The dark between the feet takes the same colour: it lies within the shadow.
    """
    left = np.clip(np.array(light.shadow_rgb, np.float64), 1e-3, 1)
    luminance = float(left @ LUMINANCE.astype(np.float64))
    if luminance > MOST_LEFT or left.max() > MOST_LEFT:  # hardly a shadow: it has no colour
        return (1.0, 1.0, 1.0)
    red, green, blue = (float(v) for v in np.log(left) / np.log(luminance))
    return red, green, blue


def veil(shot: Shot, measured: LookFigures, where: np.ndarray) -> np.ndarray:
    """Radiance of the air before each pixel of the plate, (H, W, 3), 0 but at `where` (H, W) bool: a far shadow leaves it."""
    haze, out = measured.haze, np.zeros_like(shot.rgb)
    air = 1 - np.exp(-np.float32(haze.extinction_per_m) * np.minimum(shot.depth_m[where], np.float32(1e6)))
    out[where] = air[:, None] * np.array(haze.colour, np.float32)
    return out
