"""Drill: where the slots of a body of men are while it marches along a path or wheels about its flank.

Offsets are (N, 2) metres in the body's own axes: ahead, and to the right, of the point that is led along the path. Plan
x, z; a heading of 0 goes to +Z, pi/2 to +X.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.errors import AssetError

Array = npt.NDArray[np.float64]
_GRAIN_M = 0.05  # paths are sampled this finely
_EASE_M = 0.6  # standard deviation of the bell that makes a path's curvature, so everybody's speed, rise gently
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

    Raises AssetError when a leg of the path is too short for its turns, or the radius for the inner files.
    """
    path, offsets, times = (np.asarray(a, np.float64) for a in (path_m, offsets_m, times_s))
    half = float(np.abs(offsets[:, 1]).max(initial=0.0))
    radius = max(1.5 * half, 1.0) if corner_m is None else corner_m
    if radius <= half:
        raise AssetError(
            f"crowd path: a turn of {radius:g} m makes the inner files of a body {2 * half:g} m wide go backwards. "
            "Write a larger corner_m, or fewer files."
        )
    points, headings, bends = _smooth_path(path, radius)
    steps = np.full(len(points) - 1, _GRAIN_M)
    length = _GRAIN_M * (len(points) - 1)
    at = np.concatenate([[0.0], np.cumsum(steps)])
    widest = 1 + np.abs(bends) * half
    pace = np.minimum(speed_mps, fastest_mps / widest)
    pace = np.minimum(pace, np.sqrt(2 * _GENTLE_MPS2 * np.maximum(length - at, 0)))  # halt at the end
    pace = np.maximum(_eased_speed(pace, speed_mps), 0.02)
    hours = np.concatenate([[0.0], np.cumsum(_GRAIN_M / (0.5 * (pace[1:] + pace[:-1])))])
    led = np.interp(np.interp(at_m, at, hours) + times, hours, at)
    where = led[:, None] + offsets[:, 0]  # each rank has its own place on the path
    return _on_path(where, offsets[:, 1], at, points, headings)


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
        np.minimum(times, begin_s) + _fade(times - begin_s, ease) + _rise(times - begin_s - lasts, ease)
    )
    yaw = heading_rad + side * np.minimum(turned, abs(turn_rad))
    before = speed_mps * (np.minimum(times, begin_s) + _fade(times - begin_s, ease))
    after = gone - before
    ahead0, right0 = _axes(np.array(heading_rad))
    ahead, right = _axes(yaw)
    pivot = np.asarray(start_m, np.float64) + before[:, None] * ahead0 + inner * right0 + after[:, None] * ahead
    arms = offsets - [0.0, inner]
    return np.asarray(
        pivot[:, None] + arms[:, 0, None] * ahead[:, None, :] + arms[:, 1, None] * right[:, None, :], np.float64
    )


def _ramp(clock: Array, ease: float) -> Array:
    """The integral of a speed that rises from 0 to 1 within `ease` seconds."""
    held = np.clip(clock, 0, None)
    return np.where(held < ease, 0.5 * held**2 / ease, held - 0.5 * ease)


def _rise(clock: Array, ease: float) -> Array:
    return _ramp(clock, ease)


def _fade(clock: Array, ease: float) -> Array:
    """The integral of a speed that falls from 1 to 0 within `ease` seconds."""
    held = np.clip(clock, 0, ease)
    return held - 0.5 * held**2 / ease


def _axes(heading: Array) -> tuple[Array, Array]:
    """Unit (ahead, right) in plan for headings of any shape: (..., 2) each."""
    ahead = np.stack([np.sin(heading), np.cos(heading)], axis=-1)
    return ahead, np.stack([np.cos(heading), -np.sin(heading)], axis=-1)


def _bell(values: Array) -> Array:
    """Smooth along a path; ends are continued by their point reflection, so they stay where they are."""
    taps = np.arange(-round(4 * _EASE_M / _GRAIN_M), round(4 * _EASE_M / _GRAIN_M) + 1)
    weights = np.exp(-0.5 * (taps * _GRAIN_M / _EASE_M) ** 2)
    pad = len(taps) // 2
    wide = np.pad(values, pad, mode="reflect", reflect_type="odd") if len(values) > pad else values
    return np.convolve(wide, weights / weights.sum(), mode="valid") if len(values) > pad else values


def _eased_speed(pace: Array, top: float) -> Array:
    """No speed-up or slow-down harder than _GENTLE_MPS2, both ways along the path."""
    squares = np.minimum(pace, top) ** 2
    rise = 2 * _GENTLE_MPS2 * _GRAIN_M
    at = rise * np.arange(len(squares))
    squares = np.minimum.accumulate(squares - at) + at
    return np.asarray(np.sqrt((np.minimum.accumulate((squares[::-1] - at)) + at)[::-1]), np.float64)


def _on_path(where: Array, right: Array, at: Array, points: Array, headings: Array) -> Array:
    """Slots at metres `where` (F, N) of the path, `right` (N,) beside it; before and after it goes straight on."""
    held = np.clip(where, at[0], at[-1])
    heading = np.interp(held, at, headings)
    ahead, beside = _axes(heading)
    spots = np.stack([np.interp(held, at, points[:, axis]) for axis in (0, 1)], axis=-1)
    return np.asarray(spots + (where - held)[..., None] * ahead + right[None, :, None] * beside, np.float64)


def _smooth_path(path: Array, radius: float) -> tuple[Array, Array, Array]:
    """(points (M, 2), headings (M,), bends (M,) 1/m) every _GRAIN_M of a polyline whose corners are rounded."""
    if path.ndim != 2 or path.shape[1] != 2 or len(path) < 2 or not np.isfinite(path).all():
        raise AssetError(f"crowd path: {path.shape} points, must be (P, 2) with P of 2 or more. Draw it again.")
    legs = np.diff(path, axis=0)
    lengths = np.hypot(legs[:, 0], legs[:, 1])
    if (lengths < 1e-6).any():
        raise AssetError("crowd path: two points in a row are the same. Take one out.")
    ways = np.unwrap(np.arctan2(legs[:, 0], legs[:, 1]))
    turns = np.diff(ways)
    cuts = np.concatenate([[0.0], radius * np.tan(np.minimum(np.abs(turns), 3.0) / 2), [0.0]])
    room = lengths - cuts[:-1] - cuts[1:]
    if (room < 0).any():
        leg = int(np.argmin(room))
        raise AssetError(
            f"crowd path: leg {leg + 1} is {lengths[leg]:.1f} m, its turns of {radius:.1f} m radius need "
            f"{lengths[leg] - room[leg]:.1f} m. Move its points apart, write a smaller corner_m, or fewer files."
        )
    # Heading over distance: level on the legs, a slope in each turn; smoothed, then walked to get the points.
    marks, values = [0.0], [ways[0]]
    for k, length in enumerate(room):
        marks.append(marks[-1] + length)
        values.append(ways[k])
        if k < len(turns):
            marks.append(marks[-1] + radius * abs(turns[k]))
            values.append(ways[k + 1])
    count = max(int(np.ceil(marks[-1] / _GRAIN_M)), 2)
    at = _GRAIN_M * np.arange(count + 1)
    headings = _bell(np.interp(at, marks, values))
    middles = 0.5 * (headings[1:] + headings[:-1])
    steps = _GRAIN_M * np.stack([np.sin(middles), np.cos(middles)], axis=1)
    points = path[0] + np.concatenate([np.zeros((1, 2)), np.cumsum(steps, axis=0)])
    return points, headings, np.gradient(headings, _GRAIN_M)
