"""Grass before what stands in it: the plate's own blades hide the lowest of a layer where it meets green ground. No stage."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from calibration.cameras import lens_at, pixel_rays_world, pose_at
from calibration.ground.heightfield import Heightfield
from pipeline.kernels.bounds import around
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.cover import hide_behind_cover
from pipeline.types import VEIL, CameraTrack
from stages.comp_inputs import Placed, Shot, held_back
from stages.comp_shadow import ground_depth

_GREEN = 0.1, 0.25  # excess green, of all three channels' sum: from bare ground to grass
_WIDE = 200  # colour is looked at over a 200th of the picture's width
_FINE = 400  # a blade stands out of what is around it by a 400th
_SOFT = 1200  # and ends as softly as a 1200th
_NEAR_M = 0.02  # by which solve and survey may have an edge over the ground that stands on it
_LEAST_PX = 0.5


def in_cover(layer: Placed, shot: Shot, heights: Heightfield, track: CameraTrack, frame: int, cover_m: float) -> Placed:
    """The layer without what grass up to `cover_m` metres high hides of it: the same where the plate's ground is not green.

    Grass hides from a layer's lower edge upwards, where that edge lies on the surveyed ground, by the plate's own picture there:
    the brighter a blade, the higher. An edge above the ground is hidden by what is left of the grass's height.
    """
    on_a_screen = shot.pulled is not None and shot.pulled.keyed  # which may be green, and nothing grows on it
    if cover_m <= 0 or layer.name == VEIL or on_a_screen:
        return layer
    reach = _reach(layer, shot, heights, track, frame, cover_m)
    if reach is None:
        return layer
    width = layer.alpha.shape[1]
    edge_px = max(2, round(width / _WIDE))
    window = around(reach > 0, 2 * int(np.ceil(reach.max())) + edge_px)
    share = np.empty_like(layer.alpha[window], order="C")
    alpha, rises = (np.ascontiguousarray(a[window]) for a in (layer.alpha, reach))
    hide_behind_cover(alpha, rises, _detail(shot.rgb[window], width), edge_px, share)
    left, visible = 1 - cv2.GaussianBlur(share, (0, 0), max(0.7, width / _SOFT)), layer.visible.copy()
    visible[window] *= np.where(alpha > 0, left, np.float32(1))
    return replace(held_back(layer, left, window), visible=visible)


def _reach(
    layer: Placed, shot: Shot, heights: Heightfield, track: CameraTrack, frame: int, cover_m: float
) -> np.ndarray | None:
    """(H, W) float32 pixels that the cover reaches upwards over a layer's lower edges; None where it reaches nowhere."""
    solid = layer.alpha >= 0.5
    edge = solid.copy()
    edge[:-1] &= ~solid[1:]
    edge[-1] = False
    y, x = np.nonzero(edge)
    green = _green(shot.rgb, y, x)
    y, x, green = (a[green > 0] for a in (y, x, green))
    if not len(y):
        return None
    there = np.zeros_like(edge)
    there[y, x] = True
    lens = lens_at(track, frame)
    _, rays = pixel_rays_world(np.stack([x, y], axis=1) + 0.5, lens, pose_at(track, frame))
    z = layer.depth_m[y, x].astype(np.float64)
    with np.errstate(invalid="ignore"):  # beyond the ground both are infinite
        over_m = (ground_depth(there, heights, track, frame)[y, x] - z) * -rays[:, 1]
    upright = np.hypot(rays[:, 0], rays[:, 2]) / np.linalg.norm(rays, axis=1)  # how long what stands looks from here
    left_m = np.clip(cover_m + _NEAR_M - over_m, 0, cover_m)
    found = green * left_m * lens.focal_y_px / np.maximum(z, 1e-3) * upright
    fits = np.isfinite(found) & (found > _LEAST_PX)
    if not fits.any():
        return None
    reach = np.zeros(edge.shape, np.float32)
    reach[y[fits], x[fits]] = found[fits]
    return reach


def _green(rgb: np.ndarray, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(N,) float32 0..1: is the plate green around pixels y, x (N,)?

    Source: the excess green index of Woebbecke et al., "Color Indices for Weed Identification", Transactions of the ASAE 38 (1), 1995.
    """
    soft = cv2.blur(rgb, (max(3, rgb.shape[1] // _WIDE) | 1,) * 2)[y, x]
    low, high = _GREEN
    return np.clip((3 * soft[:, 1] / np.maximum(soft.sum(axis=1), 1e-4) - 1 - low) / (high - low), 0, 1)


def _detail(rgb: np.ndarray, width: int) -> np.ndarray:
    """(H, W) float32 0..1: how bright a pixel is beside what is around it, in three standard deviations."""
    light = rgb @ LUMINANCE
    fine = light - cv2.GaussianBlur(light, (0, 0), width / _FINE)
    size = np.sqrt(cv2.GaussianBlur(fine * fine, (0, 0), 3 * width / _FINE)) + 1e-5
    return np.clip(0.5 + fine / (3 * size), 0, 1).astype(np.float32)
