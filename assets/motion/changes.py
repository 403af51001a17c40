"""When people go from one motion to another: which crossing each one shows (assets.motion.crossing), and at which of its steps.

A crossing lasts as long as the library takes for it. It begins on the frame on which the layout names the new motion, goes
the way that the layout goes meanwhile, and ends at the moment that the layout has reached by then; so it fits both motions
at its ends. An atlas holds crossings quantised: by the phase bins of both ends, by tenths of a metre, in steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from assets.motion.blending import STANDARD
from assets.motion.crossing import Crossing, cross, cross_along
from assets.motion.gaits import Build
from assets.motion.grips import Grip
from assets.motion.motions import load_motion
from assets.people.skeleton import Pose
from assets.sprites.atlas import Change, bin_phase, phase_bin, phases_of

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
WAY_M = 0.1  # ways are told apart by so much; feet are leaned by the rest
STEPS_PER_S = 12.0, 24.0  # at least, at most: as finely as the motions themselves are cut
BRIEF_S = 0.21  # a motion left so soon is passed over: the crossing goes on to what follows


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """What a layout says. N agents, F frames. motions (F, N) index into motion_names; phases, yaws (F, N); positions
    (F, N, 3) metres; scales (N,); frames_per_second."""

    motion_names: Sequence[str]
    motions: npt.NDArray[np.integer]
    phases: npt.NDArray[np.floating]
    yaws: npt.NDArray[np.floating]
    positions: npt.NDArray[np.floating]
    scales: Array
    frames_per_second: float


@dataclass(frozen=True, slots=True, eq=False)
class Changes:
    """The E changes of a layout. all: the crossing of each, as exactly as an atlas tells them apart. agents (E,): column;
    rows (E,): the first frame of the new motion; ends (E,): the first frame after the crossing. event (F, N): the change
    that an agent is in the midst of, -1; step (F, N): of its crossing, 1 to steps - 1."""

    all: tuple[Change, ...]
    agents: Ints
    rows: Ints
    ends: Ints
    event: npt.NDArray[np.int32]
    step: npt.NDArray[np.int16]


def changes_in(moves: Moves) -> Changes:
    """Every change of motion of everyone."""
    frames, count = moves.motions.shape
    event, step = np.full((frames, count), -1, np.int32), np.zeros((frames, count), np.int16)
    found: list[tuple[Change, int, int, int]] = []
    turned = np.argwhere((moves.motions[1:] != moves.motions[:-1]).T)
    for agent in np.unique(turned[:, 0]) if len(turned) else ():
        for first, until in _spells(turned[turned[:, 0] == agent, 1] + 1, frames, moves.frames_per_second):
            change = _change(moves, int(agent), first, until)
            rows = np.arange(first, until)
            steps = _step(rows - first + 1, change, moves.frames_per_second)
            within = steps < change.steps
            event[rows[within], agent], step[rows[within], agent] = len(found), steps[within]
            found.append((change, int(agent), first, first + int(within.sum())))
    columns = np.array([entry[1:] for entry in found], np.int64).reshape(-1, 3)
    return Changes(tuple(entry[0] for entry in found), columns[:, 0], columns[:, 1], columns[:, 2], event, step)


def crossing_of(change: Change, build: Build, grip: Grip) -> Crossing:
    """The crossing on a body: poses 0 (the old motion's) to `change.steps` (the new one's)."""
    old, new = load_motion(change.before), load_motion(change.after)
    first, last = (float(bin_phase(*end)) for end in (change.ends()))
    return cross_along(old, first, new, last, way_of(change), build, grip, steps_per_s(change.before, change.after))


def pose_of(change: Change, step: int, build: Build, grip: Grip) -> Pose:
    """One pose of a crossing."""
    return _poses(change, build, grip)[step]


@lru_cache(maxsize=256)
def _poses(change: Change, build: Build, grip: Grip) -> tuple[Pose, ...]:
    return crossing_of(change, build, grip).poses


def way_of(change: Change) -> Array:
    """(steps + 1,) metres that the body has gone at each step: from the old motion's speed to the new one's, without ever
    going back."""
    total, times = change.way * WAY_M, np.linspace(0.0, 1.0, change.steps + 1)
    seconds = change.steps / steps_per_s(change.before, change.after)
    speeds = [load_motion(name).speed_mps * seconds for name in (change.before, change.after)]
    first, last = (
        min(speed, 3 * total) for speed in speeds
    )  # beyond, the curve would turn back (Fritsch, Carlson 1980)
    cubic = total * times**2 * (3 - 2 * times)
    return np.asarray(cubic + first * times * (1 - times) ** 2 - last * times**2 * (1 - times))


@lru_cache(maxsize=1024)
def steps_per_s(before: str, after: str) -> float:
    """How finely a crossing is cut: as the livelier of its motions is."""
    least, most = STEPS_PER_S
    return float(min(max(least, *(phases_of(name) / load_motion(name).cycle_s for name in (before, after))), most))


def unlike_m(changes: Sequence[Change], others: Sequence[Change]) -> Array:
    """(C, O) metres by which hands, hips or feet of one crossing lie off those of another where it begins and ends, and
    half of what their ways differ. All between the same two motions."""
    one, other = (np.array([_ends(change) for change in them]).reshape(len(them), -1, 3) for them in (changes, others))
    apart = np.linalg.norm(one[:, None] - other[None], axis=-1).max(axis=-1)
    ways, steps = (
        [np.array([getattr(change, name) for change in them]) for them in (changes, others)]
        for name in ("way", "steps")
    )
    apart += 0.5 * WAY_M * np.abs(ways[0][:, None] - ways[1]) + 0.002 * np.abs(steps[0][:, None] - steps[1])
    return np.asarray(apart)


def nearest(change: Change, painted: Sequence[Change]) -> Change:
    """The one most like `change` of those painted, sorted: at least one."""
    return painted[int(unlike_m([change], painted)[0].argmin())]


def step_in(painted: Change, change: Change, step: int) -> int:
    """The step of the crossing that is painted at which `step` of the one wanted is shown."""
    return min(max(int(step * painted.steps / change.steps + 0.5), 1), painted.steps - 1)


def _spells(rows: Ints, frames: int, frames_per_second: float) -> list[tuple[int, int]]:
    """(first frame, first frame of the next change) of one agent's changes; those that follow too soon count as one."""
    spells: list[tuple[int, int]] = []
    ends = [*rows.tolist()[1:], frames]
    first = -1
    for row, end in zip(rows.tolist(), ends, strict=True):
        first = row if first < 0 else first
        if end - row > BRIEF_S * frames_per_second or end == frames:
            spells.append((first, end))
            first = -1
    return spells


def _change(moves: Moves, agent: int, first: int, until: int) -> Change:
    names, doing = moves.motion_names, moves.motions[:, agent]
    before, after = names[doing[first - 1]], names[doing[until - 1]]
    rate, frames = steps_per_s(before, after), moves.frames_per_second
    begun = int(phase_bin(before, moves.phases[first - 1, agent]))
    steps = _usual_steps(before, begun, after)
    if until < len(doing):  # the next change begins on the new motion itself
        steps = max(1, min(steps, int((until - first) / frames * rate)))
    last = first - 1 + steps / rate * frames
    way, phase = _reached(moves, agent, first, min(until, len(doing)) - 1, last)
    return Change(before, begun, after, int(phase_bin(after, np.asarray(phase))), max(0, round(way / WAY_M)), steps)


def _reached(moves: Moves, agent: int, first: int, final: int, row: float) -> tuple[float, float]:
    """Metres of a body of scale 1 gone ahead since the frame before `first`, and the phase, at `row`; after `final`, the
    last frame there is, it goes on as it did."""
    motion = load_motion(moves.motion_names[moves.motions[final, agent]])
    start = first - 1
    while moves.motions[first, agent] != moves.motions[final, agent]:
        first += 1  # what was passed over
    told = min(round(row), final)
    over_s = max(0.0, row - told) / moves.frames_per_second
    yaw = float(moves.yaws[first, agent])
    gone = (moves.positions[told, agent] - moves.positions[start, agent]) @ [np.sin(yaw), 0.0, np.cos(yaw)]
    way = float(gone) / float(moves.scales[agent]) + over_s * motion.speed_mps
    phase = float(moves.phases[max(told, first), agent]) + over_s / motion.cycle_s
    return way, phase if motion.loops else min(phase, 0.999)


def _step(frames: Ints, change: Change, frames_per_second: float) -> npt.NDArray[np.int16]:
    """The step shown so many frames after the last one of the old motion."""
    times = frames / frames_per_second * steps_per_s(change.before, change.after)
    return np.maximum(np.floor(times + 0.5), 1).astype(np.int16)


@lru_cache(maxsize=4096)
def _usual_steps(before: str, begun: int, after: str) -> int:
    """As many as the library takes from that moment on."""
    old, new = load_motion(before), load_motion(after)
    made = cross(old, float(bin_phase(before, begun)), new, STANDARD, Grip(), steps_per_s(before, after))
    return len(made.poses) - 1


@lru_cache(maxsize=4096)
def _ends(change: Change) -> tuple[tuple[float, float, float], ...]:
    """Ankles, hips and hands in the motions' poses at both ends, metres."""
    places: list[tuple[float, float, float]] = []
    for motion, number in change.ends():
        pose = load_motion(motion).pose(float(bin_phase(motion, number)), STANDARD, Grip())
        x, y, z = pose.hips
        hands = [tuple(0.6 * w for w in arm.wrist) for arm in (pose.left_arm, pose.right_arm)]
        places += [pose.left_leg.ankle, pose.right_leg.ankle, (x, y, z)]
        places += [(float(a), float(b), float(c)) for a, b, c in hands]
    return tuple(places)
