"""Planted feet: while a foot is down, heel, sole and toes roll over one spot that passes at exactly the person's speed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.motion.gaits import Build, smooth
from assets.people.skeleton import Leg

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SIGNS = {"L": 1.0, "R": -1.0}
# A grown person's foot in leg lengths, shoe included, where the rig does not tell: ankle's height, heel, toe joints.
ANKLE, HEEL, BALL, KNUCKLE = 0.10, 0.068, 0.178, 0.035


@dataclass(frozen=True, slots=True)
class Footfall:
    """One foot's time on the ground. first, last: phases (last may pass 1).

    x, z: where the ankle of the flat foot would be at phase 0, in leg lengths; yaw: radians, toes outward.
    """

    first: float
    last: float
    x: float
    z: float
    yaw: float


@dataclass(frozen=True, eq=False)
class Feet:
    """One side's captured foot over the clip: rows (N + 1, 6) ankle x, y, z, pitch, yaw, toes; and its footfalls.

    travel: leg lengths that the ground passes in one cycle; shares: (N + 1,) how much of that it has passed at each row.
    """

    sign: float
    rows: Array
    falls: tuple[Footfall, ...]
    travel: float
    shares: Array
    loops: bool

    def leg(self, build: Build, stride_m: float, phase: float) -> Leg:
        """The foot at `phase`; stride_m: how long a leg length of travel is for this body."""
        scales = np.array([build.leg_m, build.leg_m, stride_m, 1.0, 1.0, 1.0])
        captured = self._captured(phase) * scales + (0.0, build.ankle_m, 0.0, 0.0, 0.0, 0.0)
        x, y, z, pitch, yaw, toes = captured + self._correction(build, scales, phase)
        clear = -lowest(build, pitch, toes)
        return Leg((float(x), float(max(y, clear)), float(z)), pitch=float(pitch), yaw=float(yaw), toes=float(toes))

    def passed(self, phase: float) -> float:
        """Leg lengths of ground that have passed since phase 0; `phase` may pass 1."""
        rounds = np.floor(phase)
        return float(self.travel * (rounds + sample(self.shares[:, None], phase - rounds)[0]))

    def _captured(self, phase: float) -> Array:
        return sample(self.rows, phase)

    def _correction(self, build: Build, scales: Array, phase: float) -> Array:
        """(6,) what planting adds: all of it on the ground, fading from one footfall to the next in the air."""
        if not self.falls:
            return np.zeros(6)
        for fall in self.falls:
            if fall.first <= phase <= fall.last:
                return self._planting(build, scales, fall, phase, phase)
            if self.loops and phase + 1 <= fall.last:
                return self._planting(build, scales, fall, phase + 1, phase)
        before = [f for f in self.falls if f.last < phase] or ([self.falls[-1]] if self.loops else [])
        after = [f for f in self.falls if f.first > phase] or ([self.falls[0]] if self.loops else [])
        if not before or not after:
            return self._planting(build, scales, *self._end(before, after))
        old, new = before[-1], after[0]
        left = old.last if old.last <= phase else old.last - 1
        lands = new.first if new.first >= phase else new.first + 1
        share = smooth((phase - left) / max(lands - left, 1e-9))
        first = self._planting(build, scales, old, old.last, old.last % 1.0 if self.loops else old.last)
        then = self._planting(build, scales, new, new.first, new.first)
        return first * (1 - share) + then * share

    def _end(self, before: list[Footfall], after: list[Footfall]) -> tuple[Footfall, float, float]:
        """Outside of all footfalls of a clip that is played once: what the nearest one adds stays."""
        return (after[0], after[0].first, after[0].first) if after else (before[-1], before[-1].last, before[-1].last)

    def _planting(self, build: Build, scales: Array, fall: Footfall, phase: float, at: float) -> Array:
        """(6,) planted minus captured; phase: on the footfall's own count, at: where the captured rows are read."""
        captured = self._captured(at) * scales + (0.0, build.ankle_m, 0.0, 0.0, 0.0, 0.0)
        pitch = float(captured[3])
        along, up = rolled(build.heel_m, build.ball_m, build.ankle_m, build.knuckle_m, pitch)
        planted = (
            fall.x * scales[0] + self.sign * along * np.sin(fall.yaw),
            up,
            (fall.z - self.passed(phase)) * scales[2] + along * np.cos(fall.yaw),
            pitch,
            fall.yaw,
            max(-pitch, 0.0),
        )
        return np.array(planted) - captured


def footfalls(rows: Array, down: Flags, sign: float, passed: Array, ball: float, loops: bool) -> tuple[Footfall, ...]:
    """The footfalls in a clip's rows (N + 1, 6), where `down` (N + 1,) says that the foot is on the ground.

    passed: (N + 1,) leg lengths of ground that have passed at each row.
    """
    count = len(down) - 1
    edges = np.flatnonzero(np.diff(down.astype(int)))
    if not down.any():
        return ()
    if loops and down[:-1].all():
        spans = [(0, count)]
    elif loops:
        starts = [int(e) + 1 for e in edges if down[e + 1]] or [0]
        starts = sorted({s % count for s in starts})
        spans = [(s, s + int(np.argmin(down[(s + np.arange(count)) % count])) - 1) for s in starts]
    else:
        starts = ([0] if down[0] else []) + [int(e) + 1 for e in edges if down[e + 1]]
        ends = [int(e) for e in edges if down[e]] + ([count] if down[-1] else [])
        spans = list(zip(starts, ends, strict=True))
    return tuple(_fall(rows, a, b, passed, sign, ball) for a, b in spans if b > a)


def _fall(rows: Array, first: int, last: int, passed: Array, sign: float, ball: float) -> Footfall:
    places, count = np.arange(first, last + 1), len(rows) - 1
    rounds, within = np.where(places > count, 1, 0), np.where(places > count, places - count, places)
    there, gone = rows[within], rounds * passed[-1] + passed[within]
    along, _ = np.array([rolled(HEEL, ball, ANKLE, KNUCKLE, pitch) for pitch in there[:, 3]]).T
    yaw = float(np.median(there[:, 4]))
    x = np.median(there[:, 0] - sign * along * np.sin(yaw))
    z = np.median(there[:, 2] - along * np.cos(yaw) + gone)
    return Footfall(first / count, last / count, float(x), float(z), yaw)


def rolled(heel: float, ball: float, ankle: float, knuckle: float, pitch: float) -> tuple[float, float]:
    """(how far ahead of its flat place, how high) the ankle is when the foot rolls on its heel or on its toe joints."""
    ahead, up = (-heel, 0.0) if pitch > 0 else (ball, knuckle)
    cos, sin = np.cos(pitch), np.sin(pitch)
    return float(ahead - ahead * cos - (ankle - up) * sin), float(up - ahead * sin + (ankle - up) * cos)


def lowest(build: Build, pitch: float, toes: float) -> float:
    """The height of a foot's lowest point (heel, ball or toes) over its ankle, metres: below 0."""
    cos, sin = np.cos(pitch), np.sin(pitch)
    heel = -build.heel_m * sin - build.ankle_m * cos
    joint = build.ball_m * sin + (build.knuckle_m - build.ankle_m) * cos
    tips = 0.3 * build.ball_m * np.sin(pitch + toes) - build.knuckle_m * np.cos(pitch + toes)
    return float(min(heel, joint - build.knuckle_m * np.cos(pitch + toes), joint + tips))


def sample(rows: Array, phase: float) -> Array:
    """(k,) a row of (N + 1, k) at a phase from 0 to 1."""
    place = min(max(phase, 0.0), 1.0) * (len(rows) - 1)
    first = min(int(place), len(rows) - 2)
    share = place - first
    return rows[first] * (1 - share) + rows[first + 1] * share
