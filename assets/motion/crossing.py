"""The steps from one motion to another: speed eases across, every foot keeps its place until it is lifted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assets.motion.blending import STEP_S, blend, planted, transition
from assets.motion.gaits import Build, flat_leg, rolled, smooth, sole_height
from assets.motion.grips import Grip
from assets.motion.keyframes import settled
from assets.motion.motions import Motion
from assets.people.skeleton import Leg, Pose

Array = NDArray[np.float64]
SWING_S = 0.25  # a foot is in the air at least so long
_LIFT_M = 0.07
_AHEAD_M = 0.45  # a foot lands no farther than that before the hips of someone who halts
_LONGEST_S = 3.0


@dataclass(frozen=True, slots=True)
class Crossing:
    """A change from one motion to another, frame by frame. ahead_m: how far the body has gone on each frame; phase: of
    the new motion on the last frame; planted: (left, right) on each frame."""

    poses: tuple[Pose, ...]
    ahead_m: tuple[float, ...]
    phase: float
    planted: tuple[tuple[bool, bool], ...]


@dataclass(frozen=True, slots=True)
class _Track:
    """One motion over the frames of a crossing; feet: by side, in the world."""

    motion: Motion
    phases: list[float]
    poses: list[Pose]
    feet: dict[str, list[Leg]]

    def down(self, frame: int, side: str) -> bool:
        return planted(self.motion, self.phases[frame], side)

    @property
    def still(self) -> bool:
        return self.motion.speed_mps == 0


def cross(
    motion_a: Motion, phase_a: float, motion_b: Motion, build: Build, grip: Grip, rate_hz: float = 24.0
) -> Crossing:
    """Go from one motion over to another at the phase that fits (assets.motion.blending.transition); no foot slides.

    A foot keeps its place until it is lifted, and lands where the new motion wants it. The change lasts longer than
    `transition` says where a foot would not come off the ground in that time.
    """
    phase_b, frames = transition(motion_a, phase_a, motion_b, rate_hz)
    while True:
        times = np.arange(frames + 1) / frames
        shares = [smooth(time) for time in times]
        speeds = motion_a.speed_mps + np.array(shares) * (motion_b.speed_mps - motion_a.speed_mps)
        way = np.concatenate([[0.0], np.cumsum((speeds[1:] + speeds[:-1]) / 2 / rate_hz)])
        old = _track(motion_a, phase_a, way, rate_hz, build, grip, way[0])
        new = _track(motion_b, phase_b, way, rate_hz, build, grip, way[-1])
        flights = _flights(old, new, way, build, rate_hz)
        if flights is not None or frames > _LONGEST_S * rate_hz:
            break
        frames += 2
    return _crossing(old, new, flights or {}, way, build)


def cross_along(
    motion_a: Motion,
    phase_a: float,
    motion_b: Motion,
    phase_b: float,
    way_m: Array,
    build: Build,
    grip: Grip,
    rate_hz: float = 24.0,
) -> Crossing:
    """As `cross`, for a body whose way is known. way_m: (K + 1,) how far it has gone on each frame, from 0. phase_b: of
    the new motion on the last frame. Feet glide only where the time is too short for their steps.
    """
    way = np.asarray(way_m, float)
    stride = motion_b.speed_mps * motion_b.cycle_s
    gone = way[-1] / stride if stride else (len(way) - 1) / rate_hz / motion_b.cycle_s
    entered = phase_b - gone if motion_b.loops else max(phase_b - gone, 0.0)
    old = _track(motion_a, phase_a, way, rate_hz, build, grip, way[0])
    new = _track(motion_b, entered, way, rate_hz, build, grip, way[-1])
    return _crossing(old, new, _flights(old, new, way, build, rate_hz), way, build)


def _crossing(
    old: _Track, new: _Track, flights: dict[str, tuple[int, int]] | None, way: Array, build: Build
) -> Crossing:
    """flights as `_flights` finds them; None: feet are mixed like all else."""
    last = len(way) - 1
    legs = {side: _legs(old, new, side, (flights or {}).get(side), build) for side in "LR"}
    poses = []
    for frame in range(last + 1):
        pose = blend(old.poses[frame], new.poses[frame], smooth(frame / last))
        if flights is not None:
            left, right = (_moved(legs[side][frame][0], -way[frame]) for side in "LR")
            pose = replace(pose, left_leg=left, right_leg=right)
        poses.append(settled(pose, build))
    down = tuple((legs["L"][frame][1], legs["R"][frame][1]) for frame in range(last + 1))
    return Crossing(tuple(poses), tuple(way.tolist()), new.phases[-1], down)


def _track(
    motion: Motion, phase: float, way: Array, rate_hz: float, build: Build, grip: Grip, stands_m: float
) -> _Track:
    """Phases go with the ground that passes; on the spot, with time, at `stands_m` along the way."""
    stride = motion.speed_mps * motion.cycle_s
    gone = way / stride if stride else np.arange(len(way)) / rate_hz / motion.cycle_s
    phases = [float(p % 1.0 if motion.loops else min(p, 0.999)) for p in phase + gone]
    poses = [motion.pose(p, build, grip) for p in phases]
    at = way if stride else np.full(len(way), stands_m)
    feet = {
        "L": [_moved(pose.left_leg, at[i]) for i, pose in enumerate(poses)],
        "R": [_moved(pose.right_leg, at[i]) for i, pose in enumerate(poses)],
    }
    return _Track(motion, phases, poses, feet)


def _flights(old: _Track, new: _Track, way: Array, build: Build, rate_hz: float) -> dict[str, tuple[int, int]] | None:
    """By side: the first frame in the air and the first on the new place; a side that stays put is left out.

    None when the crossing is too short for its steps.
    """
    last, air, step = len(old.poses) - 1, round(SWING_S * rate_hz), round(STEP_S * rate_hz)
    lifts = {}
    for side in "LR":
        if old.down(0, side) and new.down(0, side) and _same_place(old.feet[side][0], new.feet[side][0], build):
            continue
        lifts[side] = next((i for i in range(last + 1) if not _holds(old, new, i, side)), last + 1)
    if new.still and not old.still:  # whoever comes to a halt strides on until one step takes each foot to its place
        strides = {side: _last_lift(old, side, last - 2 * step) for side in lifts}
        lifts = {side: max(lift, strides[side]) if lift <= last else lift for side, lift in lifts.items()}
    found: dict[str, tuple[int, int]] = {}
    free = 0
    for side in sorted(lifts, key=lambda side: (lifts[side], side)):
        up = max(lifts[side], 1 if old.down(0, side) else 0)
        if new.still:  # nothing lifts a foot that stands in the end: it takes a step, one foot after the other
            waiting = sum(other not in found for other in lifts) - 1
            up = max(min(up, last - step * (1 + waiting)), free, 0)
            land = up + step
            if not old.still:
                reach = (
                    i for i in range(land, last - step * waiting) if new.feet[side][i].ankle[2] - way[i] < _AHEAD_M
                )
                land = next(reach, max(land, last - step * waiting))
        else:
            land = next((i for i in range(up + air, last + 1) if new.down(i, side)), last + 1)
            if land > last and up + air <= last and not new.down(last, side):
                land = last  # it ends in the swing of the new motion
        if land > last:
            return None
        found[side], free = (up, land), land
    return found


def _last_lift(old: _Track, side: str, until: int) -> int:
    """The last frame up to `until` on which the old motion takes that foot off the ground; 0 when there is none."""
    lifted = (i for i in range(max(until, 0), 0, -1) if old.down(i - 1, side) and not old.down(i, side))
    return next(lifted, 0)


def _holds(old: _Track, new: _Track, frame: int, side: str) -> bool:
    """Whether a foot is still on its old place: one who stood goes when the new motion lifts it."""
    return old.down(frame, side) and (not old.still or new.still or new.down(frame, side))


def _legs(old: _Track, new: _Track, side: str, flight: tuple[int, int] | None, build: Build) -> list[tuple[Leg, bool]]:
    """One foot over the crossing, in the world, and whether it is planted."""
    a, b = old.feet[side], new.feet[side]
    legs = []
    for i in range(len(a)):
        if flight is None:
            down = new.down(i, side)
            heel = smooth(i / (len(a) - 1))
            up = (1 - heel) * max(-a[i].pitch, 0.0) + heel * max(-b[i].pitch, 0.0)
            legs.append((rolled(build, flat_leg(build, b[i]), up) if down else b[i], down))
        elif i < flight[0]:
            legs.append((a[i], old.down(i, side)))
        elif i >= flight[1]:
            legs.append((b[i], new.down(i, side)))
        else:
            first = max(flight[0] - 1, 0)
            share = (i - first) / (flight[1] - first)
            legs.append((_flown(a[first], b[flight[1]], share, build), False))
    return legs


def _same_place(a: Leg, b: Leg, build: Build) -> bool:
    one, other = (np.array([*flat_leg(build, leg).ankle, leg.yaw]) for leg in (a, b))
    return bool(np.abs(one - other).max() < 1e-4)


def _flown(a: Leg, b: Leg, share: float, build: Build) -> Leg:
    eased = smooth(share)
    mixed = {
        name: (1 - eased) * getattr(a, name) + eased * getattr(b, name) for name in ("pitch", "yaw", "toes", "roll")
    }
    x, y, z = ((1 - eased) * p + eased * q for p, q in zip(a.ankle, b.ankle, strict=True))
    y += _LIFT_M * np.sin(np.pi * share) ** 2
    leg = replace(b, ankle=(float(x), float(y), float(z)), **mixed)
    return replace(leg, ankle=(leg.ankle[0], leg.ankle[1] + max(0.0, -sole_height(build, leg)), leg.ankle[2]))


def _moved(leg: Leg, way_m: float) -> Leg:
    x, y, z = leg.ankle
    return replace(leg, ankle=(x, y, float(z + way_m)))
