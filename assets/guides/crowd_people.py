"""A crowd on one frame, and on the other one that tells its motion, as the guides' renderer wants it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from assets.guides import lod
from assets.guides.mesh_chain import Level
from assets.people.characters import Character, load_character
from assets.people.mesh import Mesh
from assets.sprites.cards import Agents

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Leaving:
    """Who fades from one kept motion into another: cheap, and nothing jumps. shares: (N,) float32 how much is left of the
    motion before, 0: nothing; phases (N,) cycles, doing (N,) index into People.motions: of that motion."""

    shares: Floats
    phases: Array
    doing: NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """Where N agents are on one frame. positions: (N, 3) world metres, the point between the feet; yaws (N,) radians;
    phases (N,) cycles; doing (N,) index into People.motions; slopes (N, 2): how the ground rises per metre along world x
    and z, which the legs follow (zeros leave every sole at the height of the point between the feet). own: by agent's
    row, the full mesh of who does not share a pose of his motion. leaving: for all others (joints do not follow it)."""

    positions: Array
    yaws: Array
    phases: Array
    doing: NDArray[np.integer]
    slopes: Array
    own: Mapping[int, Mesh] = field(default_factory=dict)
    leaving: Leaving | None = None


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """N agents on one frame and on the other one that tells motion. ids: (N,) uint32, 0 is nobody. characters, motions:
    names; wears: (N,) index into characters; scales: (N,) of body height. variants: which person each of the characters
    is, as load_character counts them; empty: the first of each. Who is not the first has a pose of his own."""

    ids: NDArray[np.uint32]
    characters: tuple[str, ...]
    wears: NDArray[np.integer]
    motions: tuple[str, ...]
    scales: Array
    now: Moment
    there: Moment
    variants: tuple[int, ...] = ()

    def character(self, worn: int) -> Character:
        """The character that those wear whose `wears` says `worn`."""
        return load_character(self.characters[worn], self.variants[worn] if self.variants else 0)

    def chain(self, worn: int) -> tuple[Level, ...]:
        """Their meshes, finest first; of who is not the first of his character the full one alone."""
        return (
            lod.full(self.character(worn)) if self.variants and self.variants[worn] else lod.chain(self.character(worn))
        )


def people_of(agents: Agents, row: int, ahead: int = 1, slope: Callable[[Array, Array], Array] | None = None) -> People:
    """The agents of a layout on its frame `row`; ahead: as View.ahead. slope: x, z (N,) to (N, 2) rise of the ground."""
    names = tuple(sorted(set(agents.characters)))
    number = {name: i for i, name in enumerate(names)}

    def moment(at: int) -> Moment:
        positions = agents.positions[at].astype(np.float64)
        slopes = slope(positions[:, 0], positions[:, 2]) if slope else np.zeros((len(positions), 2))
        yaws, phases = agents.yaws[at].astype(np.float64), agents.phases[at].astype(np.float64)
        return Moment(positions, yaws, phases, agents.motions[at], slopes)

    return People(
        agents.ids.astype(np.uint32), names, np.array([number[name] for name in agents.characters], np.intp),
        agents.motion_names, agents.scales, moment(row), moment(int(np.clip(row + ahead, 0, len(agents.yaws) - 1))),
    )  # fmt: skip


def camera_from_people(people: People, moment: Moment, pose: Array) -> Array:
    """(N, 3, 4) camera from each person's space."""
    c, s, zero, one = np.cos(moment.yaws), np.sin(moment.yaws), np.zeros(len(moment.yaws)), np.ones(len(moment.yaws))
    turned = np.stack([c, zero, s, zero, one, zero, -s, zero, c], axis=1).reshape(-1, 3, 3)
    frames = np.empty((len(turned), 3, 4))
    frames[:, :, :3] = pose[:3, :3] @ turned * people.scales[:, None, None]
    frames[:, :, 3] = moment.positions @ pose[:3, :3].T + pose[:3, 3]
    return frames


def local_slopes(moment: Moment) -> Floats:
    """(N, 2) float32: how the ground rises per metre along each person's own x and z."""
    c, s = np.cos(moment.yaws), np.sin(moment.yaws)
    x, z = moment.slopes[:, 0], moment.slopes[:, 1]
    return np.stack([c * x - s * z, s * x + c * z], axis=1).astype(np.float32)
