"""What people do: the clips by name, each fitted to a body and to what its hands hold.

A clip runs over phases in [0, 1). `speed_mps` is how fast the ground passes: a planted foot moves backwards under the
body at exactly that speed, so a person who moves at it does not slide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from assets.motion import clips_fall, clips_fighting, clips_moving, clips_standing
from assets.motion.clips_moving import Bearing
from assets.motion.gaits import Build, Gait
from assets.motion.grips import Grip
from assets.people.skeleton import Pose
from pipeline.errors import AssetError

__all__ = ["MOTIONS", "Grip", "Motion", "is_known", "learn_captures", "load_motion", "motion_titles", "moving_at"]

Footfalls = tuple[tuple[str, float, float], ...]


@dataclass(frozen=True, slots=True)
class Motion:
    """One clip. footfalls: (side "L"/"R", first and last phase at which that foot is planted; last may pass 1)."""

    name: str
    cycle_s: float
    speed_mps: float
    footfalls: Footfalls
    pose: Callable[[float, Build, Grip], Pose]
    loops: bool = True  # a clip that does not loop runs once and stays at its end
    title: str = ""  # one line
    gait: Gait | None = None  # of clips that cover ground
    bearing: Bearing | None = None
    shares: tuple[float, ...] = ()  # of its way gone, at even steps of its phase; empty: at an even speed

    def gone_m(self, phases: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        """Metres that someone of scale 1 has gone at `phases`, counted from phase 0."""
        way_m = self.speed_mps * self.cycle_s
        if not self.shares:
            return np.asarray(way_m * np.asarray(phases, np.float64))
        return np.asarray(way_m * np.interp(phases, np.linspace(0, 1, len(self.shares)), self.shares))

    def at_speed(self, speed_mps: float) -> Motion:
        """The same way of going at another speed: half of the change in longer strides, half in quicker ones.

        Feet do not slide at any speed. Raises AssetError for a clip that stays on the spot.
        """
        if self.gait is None or self.bearing is None or speed_mps <= 0:
            raise AssetError(f"motion {self.name!r} cannot go at {speed_mps:g} m/s. Take walk, march, run or charge.")
        return _moving(self.name, self.title, clips_moving.at_pace(self.gait, speed_mps), self.bearing)


def load_motion(name: str) -> Motion:
    """The motion called `name`: one of ours, or a layout's capture that was learnt. Raises AssetError that lists ours."""
    if name in MOTIONS:
        return MOTIONS[name]
    if name in _LEARNT:
        return _LEARNT[name]
    known = ", ".join(sorted(MOTIONS))
    raise AssetError(f"motion {name!r} is not known. Take one of: {known}.")


def is_known(name: str) -> bool:
    """Whether `load_motion` knows it."""
    return name in MOTIONS or name in _LEARNT


def learn_captures(files: Iterable[Path]) -> None:
    """From now on `load_motion` knows the captured motions of a layout (CrowdLayout.captures) by their files' stems.

    Such a name ends in the digest of its file's content ("salute.3fa9c21b70de"), so it can never mean another motion: not in
    another shot, and not in anything that is remembered by name. Raises AssetError when a file is broken.
    """
    from assets.mocap.baked import unpacked  # these know this module
    from assets.mocap.motion import captured_motion

    for file in files:
        if file.stem not in _LEARNT:
            _LEARNT[file.stem] = captured_motion(unpacked(file.stem, file))


def motion_titles() -> dict[str, str]:
    """Every motion's name and what it is, in one line."""
    return {name: motion.title for name, motion in sorted(MOTIONS.items())}


def moving_at(speed_mps: float) -> Motion:
    """How a person goes at `speed_mps` who may choose: a walk, a run, or the step from one to the other."""
    gait = clips_moving.gait_at(speed_mps)
    return _moving("going", "A walk or a run, by its speed", gait, clips_moving.bearing_at(gait.speed_mps))


def _moving(name: str, title: str, gait: Gait, bearing: Bearing) -> Motion:
    steps = (("L", 0.0, gait.stance), ("R", 0.5, 0.5 + gait.stance))
    pose = clips_moving.going(gait, bearing)
    return Motion(name, gait.cycle_s, gait.speed_mps, steps, pose, title=title, gait=gait, bearing=bearing)


def _on_the_spot(name: str, cycle_s: float, pose: Callable[[float, Build, Grip], Pose], title: str) -> Motion:
    return Motion(name, cycle_s, 0.0, (("L", 0.0, 1.0), ("R", 0.0, 1.0)), pose, title=title)


_LEARNT: dict[str, Motion] = {}  # by content: what is known once stays true, whatever else this process does
_UNTIL = clips_fall.UNTIL
MOTIONS: dict[str, Motion] = {
    motion.name: motion
    for motion in (
        _on_the_spot("idle", 4.0, clips_standing.idle, "Stands at ease, breathing, the weight on one leg"),
        _on_the_spot("brace", 2.4, clips_standing.brace, "Stands in the line of battle, on guard"),
        _on_the_spot("cheer", 1.1, clips_standing.cheer, "Pumps the right arm overhead"),
        _on_the_spot("shield_up", 3.2, clips_standing.shield_up, "Crouches under a raised shield, against arrows"),
        _on_the_spot("thrust", 1.5, clips_fighting.thrust, "Lunges: a spear or sword thrust; a fist without either"),
        _on_the_spot("blow", 1.6, clips_fighting.blow, "Strikes: a sword's cut from above; a spear's jab overarm"),
        _on_the_spot("draw", 4.6, clips_fighting.draw, "Nocks, draws, aims, looses; who has no bow braces"),
        _moving("walk", "Walks at ease", clips_moving.WALK, clips_moving.WALKING),
        _moving("march", "Marches in step, knees high", clips_moving.MARCH, clips_moving.MARCHING),
        _moving("run", "Runs, weapons carried", clips_moving.RUN, clips_moving.RUNNING),
        _moving("charge", "Runs at the foe, weapon levelled, shield up", clips_moving.CHARGE, clips_moving.CHARGING),
        replace(
            _on_the_spot("fall", 1.8, clips_fall.fall, "Is struck, falls on his back and stays down; does not loop"),
            footfalls=(("L", 0.0, _UNTIL), ("R", 0.0, _UNTIL)),
            loops=False,
        ),
    )
}
