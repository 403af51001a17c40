"""A sky in every direction: a panorama, a flat picture or a model, looked up along rays without shimmer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from assets.sets.cards import read_picture
from assets.sky import models
from pipeline.errors import AssetError, BattleplateError
from pipeline.kernels.color import LUMINANCE
from pipeline.sky_sections import SkyBrief

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Sky = Callable[
    [Array], Floats
]  # unit world directions (..., 3) to scene-linear ACEScg (..., 3); NaN where it holds nothing
RADIANCE = "Linear Rec.709 (sRGB)"
_PAD = 2  # pixels around a panorama, for cubic interpolation
_STRETCHED = 1.5  # columns to a pixel, from which on rows near the zenith are averaged along themselves
_DOME = 4096  # directions that a whole sky is summed over


@dataclass(frozen=True, slots=True, eq=False)
class Panorama:
    """Once round, as fine as the plate at most. rgb: (H, W, 3), padded; per_rad: pixels; horizon: row, without the pad."""

    rgb: Floats
    per_rad: float
    horizon: float


def sky_of(brief: SkyBrief, ahead: Array, to_sun: Array, focal_px: float) -> Sky:
    """The sky that [sky] asks for. ahead: (3,) where the first frame's camera looks; to_sun: (3,) unit, in the world.

    focal_px: of the plate, per radian: no picture is kept finer. Raises AssetError, FormatError, ConfigError in one line.
    """
    if brief.picture is None:
        return lambda directions: _model(brief, directions, to_sun)
    heading = math.atan2(ahead[0], -ahead[2]) + math.radians(brief.yaw_deg)
    rise = math.radians(brief.rise_deg)
    try:
        if brief.fov_deg:
            picture = _flat(brief.picture, brief.colorspace, brief.fov_deg, focal_px)
            return lambda directions: _in_flat(picture, math.radians(brief.fov_deg), directions, heading, rise)
        panorama = _panorama(brief.picture, brief.colorspace, brief.horizon, focal_px)
    except BattleplateError as error:
        raise type(error)(f"[sky] {error}") from error
    return lambda directions: _round(panorama, directions, heading, rise)


def mean_light(sky: Sky) -> float:
    """The luminance that a matte white on level ground sends back under the open sky."""
    k = np.arange(_DOME) + 0.5
    up = np.sqrt(k / _DOME)  # spread by the cosine: each counts the same
    turn, flat = k * math.pi * (3 - math.sqrt(5)), np.sqrt(1 - up**2)
    found = sky(np.stack([flat * np.cos(turn), up, flat * np.sin(turn)], axis=-1))
    return float((found @ LUMINANCE).mean())


def _model(brief: SkyBrief, directions: Array, to_sun: Array) -> Floats:
    if brief.model == "overcast":
        return models.acescg(models.overcast_xyy(directions))
    return models.acescg(models.clear_xyy(directions, to_sun, brief.turbidity))


# ---------------------------------------------------------------- once round


def _read(path: Path, colorspace: str) -> Floats:
    """(H, W, 3) ACEScg. Radiance's pictures name no colour space; their primaries are as good as those of Rec.709."""
    said = colorspace or (RADIANCE if path.suffix.lower() == ".hdr" else "")
    return np.ascontiguousarray(read_picture(path, said)[..., :3])


@lru_cache(maxsize=2)  # once per worker
def _panorama(path: Path, colorspace: str, horizon: float | None, focal_px: float) -> Panorama:
    rgb = _read(path, colorspace)
    height, width = rgb.shape[:2]
    if height > width // 2 + 1:
        raise AssetError(
            f"{path}: is {width} x {height}; a panorama is at most half as high as wide. Write fov_deg for a flat picture."
        )
    if horizon is None and abs(2 * height - width) > 2:
        raise AssetError(
            f"{path}: is {width} x {height}, a part of a panorama (whole is 2 to 1). Write horizon, the share of its height "
            "at which its horizon lies: 1 for one that ends there."
        )
    per_rad = width / (2 * math.pi)
    row = height * (0.5 if horizon is None else horizon)
    share = min(1.0, focal_px / per_rad)
    if share < 1:
        small = (max(round(width * share), 8), max(round(height * share), 4))
        rgb = np.asarray(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA), np.float32)
        row *= small[1] / height
        per_rad = small[0] / (2 * math.pi)
    _spread_rows(rgb, row, per_rad)
    sides = np.concatenate([rgb[:, -_PAD:], rgb, rgb[:, :_PAD]], axis=1)
    return Panorama(np.pad(sides, ((_PAD, _PAD), (0, 0), (0, 0)), "edge"), per_rad, row)


def _spread_rows(rgb: Floats, horizon: float, per_rad: float) -> None:
    """Average rows near the zenith along themselves, in place: there many columns meet in a pixel of the plate."""
    for row in range(min(len(rgb), int(horizon))):
        columns = 1 / max(math.cos(min((horizon - row - 0.5) / per_rad, math.pi / 2)), 1e-3)
        if columns < _STRETCHED:
            return
        wide = min(round(columns) | 1, 2 * (rgb.shape[1] // 2) - 1)
        line = np.concatenate([rgb[row, -(wide // 2) :], rgb[row], rgb[row, : wide // 2]])
        total = np.concatenate([np.zeros((1, 3)), np.cumsum(line, axis=0, dtype=np.float64)])
        rgb[row] = (total[wide:] - total[:-wide]) / wide


def _round(panorama: Panorama, directions: Array, heading: float, rise: float) -> Floats:
    high, wide = (n - 2 * _PAD for n in panorama.rgb.shape[:2])
    azimuth = np.arctan2(directions[..., 0], -directions[..., 2]) - heading
    above = np.arctan2(directions[..., 1], np.hypot(directions[..., 0], directions[..., 2])) - rise
    column = (wide / 2 + azimuth * panorama.per_rad) % wide
    row = np.clip(panorama.horizon - np.maximum(above, 0) * panorama.per_rad, 0, high)  # under it the horizon's goes on
    return _looked_up(panorama.rgb, column + _PAD, row + _PAD)


def _looked_up(rgb: Floats, x: Array, y: Array) -> Floats:
    """Cubic, never below 0; x, y: pixels, centres at .5."""
    table = (len(x), -1) if x.ndim > 1 else (1, -1)
    columns, rows = (np.asarray(a.reshape(table) - 0.5, np.float32) for a in (x, y))
    found = cv2.remap(rgb, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return np.maximum(found, 0).reshape(*x.shape, 3)


# ---------------------------------------------------------------- a flat picture


@lru_cache(maxsize=2)
def _flat(path: Path, colorspace: str, fov_deg: float, focal_px: float) -> Floats:
    rgb = _read(path, colorspace)
    height, width = rgb.shape[:2]
    share = min(1.0, focal_px * 2 * math.tan(math.radians(fov_deg) / 2) / width)
    if share == 1:
        return rgb
    small = (max(round(width * share), 2), max(round(height * share), 2))
    return np.asarray(cv2.resize(rgb, small, interpolation=cv2.INTER_AREA), np.float32)


def _in_flat(rgb: Floats, fov: float, directions: Array, heading: float, rise: float) -> Floats:
    """As a pinhole saw it that looked at `heading` and `rise`; NaN beyond its edges, but below its lower one it goes on."""
    height, width = rgb.shape[:2]
    focal = width / (2 * math.tan(fov / 2))
    ahead = np.array([math.sin(heading) * math.cos(rise), math.sin(rise), -math.cos(heading) * math.cos(rise)])
    right = np.array([math.cos(heading), 0.0, math.sin(heading)])
    up = np.cross(right, ahead)
    depth = directions @ ahead
    with np.errstate(divide="ignore", invalid="ignore"):
        x = width / 2 + focal * (directions @ right) / depth
        y = height / 2 - focal * (directions @ up) / depth
    inside = (depth > 1e-6) & (x >= 0) & (x <= width) & (y >= 0)
    found = _looked_up(rgb, np.where(inside, x, 0.5), np.where(inside, np.minimum(y, height - 0.5), 0.5))
    return np.where(inside[..., None], found, np.float32(np.nan))
