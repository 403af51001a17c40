"""Which sprites a shot needs: every character, motion, phase and view that its camera sees, and nothing else."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.motion.changes import Changes, Moves, changes_in, nearest, step_in, unlike_m
from assets.sprites.atlas import VIEWS, Change, phase_bin, variant_of, view_bin, view_yaw
from assets.sprites.cards import held_views
from assets.sprites.sprite import frame_width_px

Array = np.ndarray[Any, Any]
_MARGIN = 0.35  # of the picture's size, beyond each edge: people are wider than a point, and shadows fall in
_BEHIND_M = -3.0


NEAR_M = 0.04  # crossings no more unlike than this are one: two pixels of a sprite


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """One sprite that is needed: bins of assets.sprites.atlas. change: who is midway between motions shows `step` of it; then
    `motion` is the new one and `phase` 0."""

    character: str
    motion: str
    variant: int
    view: int
    phase: int
    change: Change | None = None
    step: int = 0

    @property
    def order(self) -> tuple[Any, ...]:
        """By width first, so that a batch is of one size."""
        change = (dataclasses.astuple(self.change), self.step) if self.change else ()
        return self.width_px, self.character, self.motion, change, self.variant, self.view, self.phase

    @property
    def width_px(self) -> int:
        """Of the frame that its motions have."""
        motions = (self.change.before, self.change.after) if self.change else (self.motion,)
        return max(frame_width_px(motion) for motion in motions)


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What a shot needs. wanted: in their order. elevation_rad: how far above the people's middle the camera stands, median.

    headings_rad: (VIEWS,) mean heading from the people seen in a view towards the camera, by which the sun is turned.
    unlike_m: how far, at most, hands or feet of someone who changes his motion are from those of the sprite that the
    atlas has for it where that begins or ends; infinite where some motions have to be cut.
    """

    wanted: tuple[Wanted, ...]
    elevation_rad: float
    headings_rad: Array
    unlike_m: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is needed of a layout and a camera. N agents, F frames.

    characters: N names; motions (F, N) index into motion_names; seeds, scales (N,); positions (F, N, 3) metres; yaws,
    phases (F, N); camera_from_world (F, 4, 4); tangents (F, 2): half the picture's width and height at distance 1.
    """

    characters: Sequence[str]
    motion_names: Sequence[str]
    motions: Array
    seeds: Array
    positions: Array
    yaws: Array
    phases: Array
    camera_from_world: Array
    tangents: Array
    scales: Array
    frames_per_second: float = 24.0

    @property
    def changes(self) -> Changes:
        """Everyone's changes of motion."""
        moves = Moves(
            self.motion_names,
            self.motions,
            self.phases,
            self.yaws,
            self.positions,
            self.scales,
            self.frames_per_second,
        )
        return changes_in(moves)


def demand(scene: Scene, variants: int, most_between: int = 0) -> Demand:
    """Every sprite that some agent shows on some frame. Each kind of agent has one of each of its motions, seen or not.

    most_between: so many sprites, at most, show people midway between two motions; beyond, changes share what is most
    like them.
    """
    if not len(scene.characters):
        return Demand((), 0.0, np.zeros(VIEWS))
    rotations, shifts = scene.camera_from_world[:, :3, :3], scene.camera_from_world[:, :3, 3]
    cameras = -np.einsum("fji,fj->fi", rotations, shifts)[:, None]
    views = view_bin(held_views(view_yaw(scene.yaws, scene.positions, cameras)))  # as they will be drawn
    seen = _seen(scene)
    seen = seen if seen.any() else np.ones_like(seen)
    worn = np.broadcast_to(variant_of(scene.seeds, variants), seen.shape)
    characters = np.array(scene.characters)
    wanted: set[Wanted] = set()
    for character in np.unique(characters):
        for number, motion in enumerate(scene.motion_names):
            mine = (characters == character) & (scene.motions == number)
            if not mine.any():
                continue
            mine = mine & seen if (mine & seen).any() else mine & (np.cumsum(mine).reshape(mine.shape) == 1)
            bins = np.stack([worn[mine], views[mine], phase_bin(motion, scene.phases[mine])], axis=-1)
            wanted |= {
                Wanted(str(character), motion, int(v), int(view), int(b)) for v, view, b in np.unique(bins, axis=0)
            }
    between, unlike = _between(scene.changes, characters, worn[0], views, seen, most_between)
    to_camera = cameras - scene.positions - np.array([0, 0.9, 0])
    headings = np.arctan2(to_camera[..., 0], to_camera[..., 2])
    heights = np.arctan2(to_camera[..., 1], np.hypot(to_camera[..., 0], to_camera[..., 2]))
    means = [_mean_angle(headings[seen & (views == view)], headings[seen]) for view in range(VIEWS)]
    order = tuple(sorted(wanted | between, key=lambda each: each.order))
    return Demand(order, float(np.median(heights[seen])), np.array(means), unlike)


def _between(
    changes: Changes, characters: Array, worn: Array, views: Array, seen: Array, most: int
) -> tuple[set[Wanted], float]:
    """Sprites of people midway between motions, `most` at most, and how unlike what is wanted the worst of them is.

    Each kind of change first has what most people show; then, one after the other, whatever is least like anything
    painted is painted as well.
    """
    kinds: dict[tuple[str, str, str], _Kind] = {}
    for number, change in enumerate(changes.all):
        agent = int(changes.agents[number])
        rows = np.arange(changes.rows[number], changes.ends[number])
        rows = rows[seen[rows, agent]]
        if len(rows) and change.steps > 1:
            kind = kinds.setdefault((str(characters[agent]), change.before, change.after), _Kind([], []))
            kind.changes.append(change)
            kind.shown.append((int(worn[agent]), views[rows, agent], changes.step[rows, agent]))
    painted: dict[tuple[str, str, str], list[Change]] = {key: [] for key in kinds}
    sprites: dict[tuple[str, str, str], set[Wanted]] = {key: set() for key in kinds}
    unlike, open_ = dict.fromkeys(kinds, np.inf), set(kinds)
    while open_:
        key = max(open_, key=lambda each: (unlike[each], len(kinds[each].changes), each))
        chosen = [*painted[key], kinds[key].next_to(painted[key])]
        found = kinds[key].sprites(key[0], chosen)
        others = sum(len(those) for each, those in sprites.items() if each != key)
        if others + len(found) > most:
            open_.discard(key)
            continue
        painted[key], sprites[key] = chosen, found
        unlike[key] = float(kinds[key].unlike(chosen).max())
        if unlike[key] <= NEAR_M:
            open_.discard(key)
    return set().union(*sprites.values()), float(max(unlike.values(), default=0.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Kind:
    """People of one character who go over from one motion to another. shown: variant, views and steps of each."""

    changes: list[Change]
    shown: list[tuple[int, Array, Array]]

    def unlike(self, chosen: Sequence[Change]) -> Array:
        """(C,) metres between each change and the nearest of those chosen."""
        different = sorted(set(self.changes))
        apart = dict(zip(different, unlike_m(different, chosen).min(axis=1).tolist(), strict=True))
        return np.array([apart[change] for change in self.changes])

    def next_to(self, chosen: Sequence[Change]) -> Change:
        """The most frequent one; with some chosen, the one least like them."""
        if not chosen:
            return max(sorted(set(self.changes)), key=self.changes.count)
        return self.changes[int(self.unlike(chosen).argmax())]

    def sprites(self, character: str, chosen: Sequence[Change]) -> set[Wanted]:
        """What all of them show when these are painted."""
        painted = sorted(chosen)  # as an atlas lists them
        found: set[Wanted] = set()
        nearest_of = {change: nearest(change, painted) for change in set(self.changes)}
        for change, (variant, views, steps) in zip(self.changes, self.shown, strict=True):
            shows = nearest_of[change]
            at = [step_in(shows, change, int(step)) for step in steps]
            found |= {
                Wanted(character, change.after, variant, int(view), 0, shows, step)
                for view, step in zip(views, at, strict=True)
            }
        return found


def _seen(scene: Scene) -> Array:
    """(F, N) whether an agent's middle lies in the picture or near it."""
    middles = scene.positions.astype(np.float64) + np.array([0, 0.9, 0])
    rotations, shifts = scene.camera_from_world[:, :3, :3], scene.camera_from_world[:, :3, 3]
    local = np.einsum("fij,fnj->fni", rotations, middles) + shifts[:, None]
    reach = np.maximum(local[..., 2], 0) * (1 + 2 * _MARGIN) + 3.0  # metres added for those who stand close
    across, down = scene.tangents.T[:, :, None]
    inside = (np.abs(local[..., 0]) < across * reach) & (np.abs(local[..., 1]) < down * reach)
    return np.asarray(inside & (local[..., 2] > _BEHIND_M))


def _mean_angle(angles: Array, otherwise: Array) -> float:
    chosen = angles if angles.size else otherwise
    return float(np.arctan2(np.sin(chosen).mean(), np.cos(chosen).mean()))
