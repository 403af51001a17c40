"""What every agent shows on every frame: its sprite, of a motion or midway between two, and where its feet are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from assets.motion.changes import WAY_M, Changes, Moves, changes_in, nearest, step_in, way_of
from assets.sprites.atlas import Atlas, Change, load_atlas, variant_of, view_bin, view_yaw
from assets.sprites.cards import Agents, feet_off, held_views, load_agents
from pipeline.types import CharacterAtlas, CrowdLayout

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
FARTHEST_LEAN_M = 0.25  # a leg is not sheared further; then a foot glides


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """N agents, F frames. sprites: (F, N) int32 rows of the atlas. feet: (F, N, 2) metres x, z in the world by which
    planted feet stand off the sprite's. changes: those of the layout; painted: for each, the crossing that the atlas has
    for it, None where it has none and the motions are cut."""

    sprites: Ints
    feet: npt.NDArray[np.float32]
    changes: Changes
    painted: tuple[Change | None, ...]


@lru_cache(maxsize=2)
def shown_by(layout: CrowdLayout, receipt: CharacterAtlas, cameras: tuple[tuple[float, float, float], ...]) -> Shown:
    """What a layout's people show of an atlas, seen from `cameras`, one place per frame."""
    agents, atlas = load_agents(layout), load_atlas(receipt)
    changes = changes_in(moves_of(agents))
    kinds = [
        atlas.changes.get((agents.characters[agent], change.before, change.after), ())
        for change, agent in zip(changes.all, changes.agents, strict=True)
    ]
    painted = tuple(
        nearest(change, kind) if kind and change.steps > 1 else None
        for change, kind in zip(changes.all, kinds, strict=True)
    )
    relative = view_yaw(agents.yaws, agents.positions, np.array(cameras)[:, None])
    held = held_views(relative)
    found = Shown(np.zeros(held.shape, np.int32), np.zeros((*held.shape, 2), np.float32), changes, painted)
    for row in range(len(held) if len(agents.ids) else 0):
        found.sprites[row] = _seen_from(agents, atlas, found, row, held[row])
        found.feet[row] = feet_off(agents, row)
    _plant(agents, found)
    return found


def shadow_sprites(agents: Agents, atlas: Atlas, shown: Shown, row: int, to_sun: Array) -> Ints:
    """(N,) int32: each agent's sprite as the sun sees it, or the nearest view that was painted."""
    positions = agents.positions[row].astype(np.float64)
    relative = view_yaw(agents.yaws[row], positions, positions + 1e4 * to_sun)
    return _seen_from(agents, atlas, shown, row, relative)


def moves_of(agents: Agents) -> Moves:
    """What changes of motion are read from."""
    return Moves(
        agents.motion_names,
        agents.motions,
        agents.phases,
        agents.yaws,
        agents.positions,
        agents.scales,
        agents.frames_per_second,
    )


def _seen_from(agents: Agents, atlas: Atlas, shown: Shown, row: int, yaws_relative: Array) -> Ints:
    """(N,) sprites on a frame, seen at those yaws."""
    seeds = agents.seeds.astype(np.uint64)
    found = atlas.sprite_index(agents.characters, agents.doing(row), agents.phases[row], yaws_relative, seeds)
    variants, views = variant_of(seeds, atlas.variants), view_bin(yaws_relative)
    for agent in np.flatnonzero(shown.changes.event[row] >= 0):
        number = shown.changes.event[row, agent]
        painted = shown.painted[number]
        if painted is not None:
            step = step_in(painted, shown.changes.all[number], int(shown.changes.step[row, agent]))
            table = atlas.tables[agents.characters[agent], painted]
            found[agent] = table[variants[agent], step - 1, views[agent]]
    return np.asarray(found, np.int32)


def _plant(agents: Agents, shown: Shown) -> None:
    """Correct `shown.feet` during crossings: feet stay where the old motion left them, then where the new one finds them."""
    changes = shown.changes
    for number, painted in enumerate(shown.painted):
        if painted is None:
            continue
        agent, first, end = changes.agents[number], changes.rows[number], changes.ends[number]
        places = agents.positions[:, agent][:, [0, 2]].astype(np.float64)
        yaw, scale = float(agents.yaws[first, agent]), float(agents.scales[agent])
        ahead = scale * np.array([np.sin(yaw), np.cos(yaw)])
        way, rows = way_of(painted), range(first, end)
        steps = [step_in(painted, changes.all[number], int(changes.step[row, agent])) for row in rows]
        before, after = shown.feet[first - 1, agent].copy(), shown.feet[min(end, len(places) - 1), agent].copy()
        for row, step in zip(rows, steps, strict=True):
            left = before + way[step] * ahead - (places[row] - places[first - 1])
            if end < len(places):
                met = after + (way[step] - painted.way * WAY_M) * ahead - (places[row] - places[end])
                left += _smooth(step / painted.steps) * (met - left)
            far = float(np.hypot(*left))
            shown.feet[row, agent] = left * min(1.0, FARTHEST_LEAN_M / max(far, 1e-9))


def _smooth(share: float) -> float:
    return share * share * (3 - 2 * share)
