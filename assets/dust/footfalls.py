"""Where and when feet came down before a frame: read off the motions, so that dust rises where the pictures show a step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from assets.motion.motions import Motion, load_motion
from assets.sprites.cards import Agents

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Stand = Callable[[Array, Array], Array]  # x, z to points on the ground
LARGEST_STEP = 0.5  # of a cycle between two frames: what goes farther was cut
ASIDE_M = 0.09  # of a foot from the line walked


@dataclass(frozen=True, slots=True, eq=False)
class Footfalls:
    """N of them, oldest first for each person. agents: (N,) column of the layout; steps: (N,) a number of each, whichever
    frame asks; places: (N, 3) world metres; ages_s: (N,); ways: (N, 2) metres a second that the body went, x, z."""

    agents: Ints
    steps: Ints
    places: Array
    ages_s: Array
    ways: Array


def footfalls(agents: Agents, row: int, back_s: float, stand: Stand) -> Footfalls:
    """Every foot that came down within `back_s` seconds before the layout's frame `row`, of whoever goes somewhere.

    Who goes at the layout's first frame is taken to have gone straight on before it: dust hangs in the air when the shot
    begins. Frame `row` alone is asked for, so that any frame can be made alone.
    """
    rate = agents.frames_per_second
    found = [_none()]
    for here in range(row - int(np.ceil(back_s * rate)) + 1, row + 1):
        found += _within(agents, here, row, stand)
    joined = {field.name: np.concatenate([getattr(part, field.name) for part in found]) for field in fields(Footfalls)}
    young = joined["ages_s"] <= back_s
    return Footfalls(**{name: values[young] for name, values in joined.items()})


def _within(agents: Agents, here: int, row: int, stand: Stand) -> Iterator[Footfalls]:
    """Those between the frames `here` - 1 and `here`, by motion."""
    rate, before = agents.frames_per_second, _before(agents, here)
    for number, name in enumerate(agents.motion_names):
        motion = load_motion(name)
        mine = np.flatnonzero(before.going & (before.motions == number))
        if motion.speed_mps <= 0 or not len(mine):
            continue
        gone = before.gone[mine]
        for side, (foot, first, last) in enumerate(motion.footfalls):
            ahead = (first - before.phases[mine]) % 1.0
            down = (ahead > 0) & (ahead <= gone)
            who, share = mine[down], ahead[down] / gone[down]
            if not len(who):
                continue
            ways = before.ways[who]
            plan = before.plan[who] + share[:, None] * ways / rate
            plan += _foot(agents, before.yaws[who], who, motion, last - first, 1.0 if foot == "L" else -1.0)
            yield Footfalls(
                agents=who,
                steps=np.full(len(who), 2 * here + side),
                places=stand(plan[:, 0], plan[:, 1]),
                ages_s=(row - here + 1 - share) / rate,
                ways=ways,
            )


@dataclass(frozen=True, slots=True, eq=False)
class _Before:
    """Everyone on the frame before one: phases, yaws (N,), plan (N, 2); gone: (N,) of a cycle until that one; ways: (N, 2) m/s;
    going: (N,) bool, in one motion over both."""

    motions: npt.NDArray[np.uint8]
    phases: Array
    yaws: Array
    plan: Array
    gone: Array
    ways: Array
    going: npt.NDArray[np.bool_]


def _before(agents: Agents, here: int) -> _Before:
    last = len(agents.positions) - 1
    earlier, later = (0, min(1, last)) if here < 1 else (here - 1, here)
    plan = agents.positions[earlier][:, [0, 2]].astype(np.float64)
    phases, yaws = agents.phases[earlier].astype(np.float64), agents.yaws[earlier].astype(np.float64)
    if last == 0:
        ways, gone = _alone(agents, yaws)
    else:
        ways = (agents.positions[later][:, [0, 2]].astype(np.float64) - plan) * agents.frames_per_second
        gone = (agents.phases[later].astype(np.float64) - phases) % 1.0
    going = (agents.motions[earlier] == agents.motions[later]) & (gone > 0) & (gone < LARGEST_STEP)
    since = here - 1 - earlier  # below 0 ahead of the layout
    plan = plan + since / agents.frames_per_second * ways
    return _Before(agents.motions[earlier], (phases + since * gone) % 1.0, yaws, plan, gone, ways, going)


def _alone(agents: Agents, yaws: Array) -> tuple[Array, Array]:
    """Ways and shares of a cycle until the next frame, of a layout of one frame: as the motions go."""
    speeds, gone = np.zeros(len(yaws)), np.zeros(len(yaws))
    for number, name in enumerate(agents.motion_names):
        motion, mine = load_motion(name), agents.motions[0] == number
        speeds[mine] = motion.speed_mps * agents.scales[mine]
        gone[mine] = 1 / (motion.cycle_s * agents.frames_per_second)
    return speeds[:, None] * np.stack([np.sin(yaws), np.cos(yaws)], axis=1), gone


def _foot(agents: Agents, yaws: Array, who: Ints, motion: Motion, planted: float, side: float) -> Array:
    """(N, 2) metres x, z from the body to the foot that comes down: half of the way that it will stay behind ahead."""
    ahead = 0.5 * planted * motion.cycle_s * motion.speed_mps * agents.scales[who]
    aside = side * ASIDE_M * agents.scales[who]
    sin, cos = np.sin(yaws), np.cos(yaws)
    return np.stack([ahead * sin + aside * cos, ahead * cos - aside * sin], axis=1)


def _none() -> Footfalls:
    none = np.zeros(0, np.int64)
    return Footfalls(none, none, np.zeros((0, 3)), np.zeros(0), np.zeros((0, 2)))
