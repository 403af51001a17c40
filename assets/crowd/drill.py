"""Drill: where the slots of a body of men are while it marches along a path or wheels about its flank.

Offsets are (N, 2) metres in the body's own axes: ahead, and to the right, of the point that is led along the path. Plan
x, z; a heading of 0 goes to +Z, pi/2 to +X.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assets.crowd.shapes import Rail, headings, ways
from pipeline.errors import AssetError

Array = npt.NDArray[np.float64]
_GRAIN_M = 0.05  # paths are sampled this finely
_GENTLE_MPS2 = 1.0  # how bodies start and halt


def along(
    path_m: npt.ArrayLike,
    offsets_m: npt.ArrayLike,
    times_s: npt.ArrayLike,
    *,
    speed_mps: float = 1.4,
    fastest_mps: float = 2.1,
    corner_m: float | None = None,
    at_m: float = 0.0,
) -> Array:
    """Slots (F, N, 2) of a body that marches along a polyline: each rank wheels where the path turns, outer files faster.

    path_m: (P, 2) x, z corners. times_s: (F,), the body is led past `at_m` metres of the path at time 0, marching, and
    halts at its end. corner_m: radius of the turns on the body's middle; left out, three quarters of its width. In a
    turn the middle slows down until the outermost file does not exceed `fastest_mps`.

    Raises AssetError when the radius is too small for the inner files, or the path is none.
    """
    path, offsets, times = (np.asarray(a, np.float64) for a in (path_m, offsets_m, times_s))
    half = float(np.abs(offsets[:, 1]).max(initial=0.0))
    radius = max(1.5 * half, 1.0) if corner_m is None else corner_m
    if radius <= half:
        raise AssetError(
            f"crowd path: a turn of {radius:g} m makes the inner files of a body {2 * half:g} m wide go backwards. "
            "Write a larger corner_m, or fewer files."
        )
    if path.ndim != 2 or path.shape[1] != 2 or len(path) < 2 or (np.diff(path, axis=0) == 0).all(axis=1).any():
        raise AssetError(f"crowd path: {path.shape} points, must be (P, 2), P of 2 or more that differ. Draw it again.")
    turns = np.diff(np.unwrap(headings(np.diff(path, axis=0))))
    rail = Rail.along(path, radius * float(np.abs(turns).max(initial=0.0)))
    at = np.linspace(0, rail.length_m, max(round(rail.length_m / _GRAIN_M), 2) + 1)
    widest = 1 + np.abs(np.gradient(rail.at(at)[1], at)) * half
    pace = np.minimum(speed_mps, fastest_mps / widest)
    pace = np.minimum(pace, np.sqrt(2 * _GENTLE_MPS2 * np.maximum(rail.length_m - at, 0)))  # halt at the end
    pace = np.maximum(_eased_speed(pace, speed_mps, at[1]), 0.02)
    hours = np.concatenate([[0.0], np.cumsum(at[1] / (0.5 * (pace[1:] + pace[:-1])))])
    led = np.interp(np.interp(at_m, at, hours) + times, hours, at)
    spots, turned = rail.at(led[:, None] + offsets[:, 0])  # each rank has its own place on the path
    return np.asarray(spots + offsets[:, 1, None] * ways(turned + np.pi / 2), np.float64)


def wheel(
    offsets_m: npt.ArrayLike,
    times_s: npt.ArrayLike,
    *,
    start_m: npt.ArrayLike = (0.0, 0.0),
    heading_rad: float = 0.0,
    turn_rad: float = np.pi / 2,
    speed_mps: float = 1.4,
    begin_s: float = 2.0,
) -> Array:
    """Slots (F, N, 2) of a line that marches, wheels as one block about its inner flank, and marches on.

    turn_rad: positive turns towards the right (+Z to +X). The outermost file keeps `speed_mps` through the wheel, the
    man on the pivot marks time. start_m: where offset (0, 0) is at time 0. The wheel begins after `begin_s` and is eased
    in and out; its length follows from speed and width.
    """
    offsets, times = np.asarray(offsets_m, np.float64), np.asarray(times_s, np.float64)
    side = np.sign(turn_rad) or 1.0
    inner = float((side * offsets[:, 1]).max(initial=0.0)) * side  # right flank for a right wheel
    width = max(float(np.abs(offsets[:, 1] - inner).max(initial=0.0)), 1e-3)
    rate = speed_mps / width
    ease = 1.0  # seconds to set the block turning
    lasts = abs(turn_rad) / rate + ease
    clock = np.clip(times - begin_s, 0.0, lasts)
    turned = rate * (_ramp(clock, ease) - _ramp(clock - (lasts - ease), ease))
    gone = speed_mps * (
        np.minimum(times, begin_s) + _fade(times - begin_s, ease) + _ramp(times - begin_s - lasts, ease)
    )
    yaw = heading_rad + side * np.minimum(turned, abs(turn_rad))
    before = speed_mps * (np.minimum(times, begin_s) + _fade(times - begin_s, ease))
    after = gone - before
    ahead0, right0 = (ways(np.array(heading_rad + turn)) for turn in (0, np.pi / 2))
    ahead, right = ways(yaw), ways(yaw + np.pi / 2)
    pivot = np.asarray(start_m, np.float64) + before[:, None] * ahead0 + inner * right0 + after[:, None] * ahead
    arms = offsets - [0.0, inner]
    return np.asarray(
        pivot[:, None] + arms[:, 0, None] * ahead[:, None, :] + arms[:, 1, None] * right[:, None, :], np.float64
    )


def _ramp(clock: Array, ease: float) -> Array:
    """The integral of a speed that rises from 0 to 1 within `ease` seconds."""
    held = np.clip(clock, 0, None)
    return np.where(held < ease, 0.5 * held**2 / ease, held - 0.5 * ease)


def _fade(clock: Array, ease: float) -> Array:
    """The integral of a speed that falls from 1 to 0 within `ease` seconds."""
    held = np.clip(clock, 0, ease)
    return held - 0.5 * held**2 / ease


def _eased_speed(pace: Array, top: float, grain_m: float) -> Array:
    """No speed-up or slow-down harder than _GENTLE_MPS2, both ways along the path."""
    squares = np.minimum(pace, top) ** 2
    rise = 2 * _GENTLE_MPS2 * grain_m
    at = rise * np.arange(len(squares))
    squares = np.minimum.accumulate(squares - at) + at
    return np.asarray(np.sqrt((np.minimum.accumulate((squares[::-1] - at)) + at)[::-1]), np.float64)
