"""Planted feet held in the world: a walker who turns, slows down or sidesteps keeps each foot where it came down.

A cycle's planted foot stays put under a body that goes straight ahead. Where the body turns over it, the foot would turn
along: here it is put back, for as long as it is down, onto one spot and one heading; in the air it goes over to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from assets.crowd.shapes import smoothed
from assets.motion.gaits import Build, smooth
from assets.motion.keyframes import settled
from assets.people.skeleton import Leg, Pose

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
MOST_M = 0.25  # a foot is put back at most so far, in the person's metres: a leg reaches no farther
MOST_RAD = 0.6
SIDES = (1.0, -1.0)  # left, right
WAY_FRAMES = 4  # so many frames before and after tell the way that somebody goes
STANDS_M = 2e-3  # a frame
FAST_M = 0.05  # a frame
BACK_RAD = 2.1  # who goes so far off straight ahead goes backwards


def spot(build: Build, leg: Leg, side: float) -> tuple[float, float, float]:
    """(x, z, heading) of the ankle if the foot were flat, person's space: metres, and radians to the left of straight
    ahead. While a foot is down it rolls over its heel, its sole, its toes: this is what stays. side: 1 left, -1 right."""
    past = _past(build, leg)
    x, _, z = leg.ankle
    return x + side * past * float(np.sin(leg.yaw)), z + past * float(np.cos(leg.yaw)), side * leg.yaw


def in_world(build: Build, poses: Sequence[Pose], plan: Array, yaws: Array, scale: float) -> Array:
    """(F, 2, 3) x, z, heading of the left and the right foot's `spot` on every frame; world metres, radians.

    plan: (F, 2) x, z of the person; yaws: (F,); scale: of the person's body.
    """
    feet = np.array([[spot(build, leg, s) for leg, s in zip(_legs(p), SIDES, strict=True)] for p in poses])
    c, s = np.cos(yaws)[:, None], np.sin(yaws)[:, None]
    x, z = scale * feet[..., 0], scale * feet[..., 1]
    return np.stack([plan[:, :1] + x * c + z * s, plan[:, 1:] - x * s + z * c, yaws[:, None] + feet[..., 2]], axis=-1)


def locked(
    poses: Sequence[Pose], down: Flags, plan: Array, yaws: Array, scale: float, build: Build, doing: Sequence[int] = ()
) -> list[Pose]:
    """A person's poses over F frames in a row, with every planted foot on one spot of level ground.

    down: (F, 2) whether the left and the right foot are planted (assets.motion.blending.planted). plan, yaws, scale: as for
    `in_world`; yaws without jumps. doing: (F,) number of the motion of each frame: a foot's stand ends where it changes.
    Who steps to the side or back swings his legs that way. Feet are put back by MOST_M and MOST_RAD at most: who is
    swept along faster than he steps slides the rest.
    """
    swung = [_swung(pose, float(way)) for pose, way in zip(poses, _ways(plan, yaws), strict=True)]
    feet = in_world(build, swung, plan, yaws, scale)
    kinds = np.asarray(doing or np.zeros(len(poses), int))
    put = np.stack([_put_back(feet[:, k], down[:, k], kinds, scale) for k in (0, 1)], axis=1)
    made = []
    for frame, pose in enumerate(swung):
        c, s = np.cos(yaws[frame]), np.sin(yaws[frame])
        legs = []
        for k, (leg, side) in enumerate(zip(_legs(pose), SIDES, strict=True)):
            dx, dz, turned = put[frame, k]
            shift = (dx * c - dz * s) / scale, (dx * s + dz * c) / scale
            legs.append(_moved(build, leg, side, shift, float(turned)))
        made.append(settled(replace(pose, left_leg=legs[0], right_leg=legs[1]), build))
    return made


def backs(plan: Array, yaws: Array) -> Flags:
    """(F, ...) who goes backwards: his cycle runs backwards then. plan: (F, ..., 2); yaws: (F, ...). Nobody does so fast:
    who is fast is about to turn round."""
    left, ahead = _pace(plan, yaws)
    slow = np.hypot(left, ahead) < FAST_M
    return np.asarray(slow & (np.abs(_courses(left, ahead)) > BACK_RAD))


def _pace(plan: Array, yaws: Array) -> tuple[Array, Array]:
    """(F, ...) metres a frame to the left and ahead, the mean of a third of a second."""
    steps = np.gradient(plan, axis=0) if len(plan) > 1 else np.zeros(plan.shape)
    c, s = np.cos(yaws), np.sin(yaws)
    left, ahead = steps[..., 0] * c - steps[..., 1] * s, steps[..., 0] * s + steps[..., 1] * c
    return smoothed(left, WAY_FRAMES), smoothed(ahead, WAY_FRAMES)


def _courses(left: Array, ahead: Array) -> Array:
    """Radians to the left of straight ahead in which people go; 0: they stand."""
    return np.where(np.hypot(left, ahead) > STANDS_M, np.arctan2(left, ahead), 0.0)


def _ways(plan: Array, yaws: Array) -> Array:
    """(F,) radians to the left of straight ahead to which legs swing forward: of who backs, the way he comes from."""
    course = _courses(*_pace(plan, yaws))
    return np.where(backs(plan, yaws), course - np.sign(course) * np.pi, course)


def _swung(pose: Pose, way: float) -> Pose:
    """The pose with its legs' swing ahead and back turned into another way."""
    legs = []
    for leg in _legs(pose):
        x, y, z = leg.ankle
        off = z - pose.hips[2]
        legs.append(replace(leg, ankle=(x + off * float(np.sin(way)), y, pose.hips[2] + off * float(np.cos(way)))))
    return replace(pose, left_leg=legs[0], right_leg=legs[1])


def _put_back(feet: Array, down: Flags, kinds: npt.NDArray[np.int_], scale: float) -> Array:
    """(F, 3) what brings one foot from where its cycle has it, feet (F, 3), to where it stands or flies."""
    most = np.array([MOST_M * scale, MOST_M * scale, MOST_RAD])
    put = np.full(feet.shape, np.nan)
    for first, last in _stands(down, kinds):
        stand = feet[first : last + 1]
        middle = (stand.max(axis=0) + stand.min(axis=0)) / 2
        put[first : last + 1] = np.clip(middle - stand, -most, most)
    known = np.flatnonzero(down)
    if not len(known):
        return np.zeros(feet.shape)
    put[: known[0]], put[known[-1] + 1 :] = put[known[0]], put[known[-1]]
    for a, b in pairwise(known.tolist()):
        for frame in range(a + 1, b):
            put[frame] = put[a] + smooth((frame - a) / (b - a)) * (put[b] - put[a])
    return put


def _stands(down: Flags, kinds: npt.NDArray[np.int_]) -> list[tuple[int, int]]:
    """First and last frame of each time on the ground."""
    found: list[tuple[int, int]] = []
    for frame in np.flatnonzero(down).tolist():
        if found and found[-1][1] == frame - 1 and kinds[frame] == kinds[frame - 1]:
            found[-1] = found[-1][0], frame
        else:
            found.append((frame, frame))
    return found


def _legs(pose: Pose) -> tuple[Leg, Leg]:
    return pose.left_leg, pose.right_leg


def _past(build: Build, leg: Leg) -> float:
    """How far a rolling foot's ankle lies behind where it is when flat: over the heel with toes up, else over the toes."""
    along, up = (-build.heel_m, -build.ankle_m) if leg.pitch > 0 else (build.ball_m, build.knuckle_m - build.ankle_m)
    return float(along * (np.cos(leg.pitch) - 1) - up * np.sin(leg.pitch))


def _moved(build: Build, leg: Leg, side: float, shift: tuple[float, float], turned: float) -> Leg:
    """The foot moved by `shift` (x, z) and turned by `turned` to the left, about its spot."""
    x, z, _ = spot(build, leg, side)
    yaw, past = leg.yaw + side * turned, _past(build, leg)
    ankle_x = x + shift[0] - side * past * float(np.sin(yaw))
    ankle_z = z + shift[1] - past * float(np.cos(yaw))
    return replace(leg, ankle=(ankle_x, leg.ankle[1], ankle_z), yaw=yaw)
