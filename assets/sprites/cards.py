"""The crowd of one frame as cards: which sprite each agent shows, how large, facing whom, in which tint."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from assets.crowd.formations import chance
from assets.motion.motions import learn_captures, load_motion
from assets.people.recipes import called, learn_recipes
from assets.sprites.atlas import VIEWS, bin_phase, phase_bin
from pipeline.errors import AssetError
from pipeline.types import CrowdLayout

Array = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
HOLD = 0.8  # of a view's width: an agent keeps its view until it is seen from so far beyond the view's middle
UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, slots=True, eq=False)
class Agents:
    """A layout in memory: N agents, F frames; see CrowdLayout. characters: as load_character knows them."""

    ids: Ints
    names: list[str]
    characters: list[str]
    motion_names: tuple[str, ...]
    motions: npt.NDArray[np.uint8]
    seeds: Ints
    scales: Array
    positions: npt.NDArray[np.float32]
    yaws: npt.NDArray[np.float32]
    phases: npt.NDArray[np.float32]
    frames_per_second: float = 24.0

    def doing(self, row: int) -> list[str]:
        """The name of each agent's motion on the layout's frame `row`."""
        return [self.motion_names[number] for number in self.motions[row]]


@dataclass(frozen=True, slots=True, eq=False)
class Stance:
    """Cards in the world. roots, rights, ups, normals: (N, 3); right and up span the card, normal looks at its viewer."""

    roots: Array
    rights: Array
    ups: Array
    normals: Array


@lru_cache(maxsize=2)
def load_agents(layout: CrowdLayout) -> Agents:
    """The agents of a receipt. Raises AssetError when its files do not belong together."""
    learn_captures(layout.captures)
    names = learn_recipes(layout.recipes)
    entries = json.loads(layout.agents.read_text())
    files = (layout.positions, layout.yaws, layout.phases, layout.motions)
    positions, yaws, phases, motions = (np.load(path) for path in files)
    shape = (len(layout.frames), len(entries))
    if not (positions.shape == (*shape, 3) and yaws.shape == phases.shape == motions.shape == shape):
        raise AssetError(f"{layout.agents}: agents and positions do not belong together. Run lay_out_crowd again.")
    return Agents(
        ids=np.array([entry["id"] for entry in entries], np.int64),
        names=[entry["name"] for entry in entries],
        characters=[called(entry["character"], names) for entry in entries],
        motion_names=layout.motion_names,
        motions=motions,
        seeds=np.array([entry["seed"] for entry in entries], np.int64),
        scales=np.array([entry["scale"] for entry in entries], np.float64),
        positions=positions,
        yaws=yaws,
        phases=phases,
        frames_per_second=float(layout.rate.fraction),
    )


def held_views(yaws_relative: Array) -> Array:
    """View yaws (F, N) rounded to the atlas's views, each held while the agent is seen from nearly there: no popping.

    yaws_relative: (F, N) radians, from `view_yaw`. Frame by frame from the first, so every frame agrees with the others.
    """
    step = 2 * np.pi / VIEWS
    held = np.empty_like(np.asarray(yaws_relative, np.float64))
    current = np.round(yaws_relative[0] / step)
    for row, yaws in enumerate(yaws_relative):
        away = (yaws / step - current + VIEWS / 2) % VIEWS - VIEWS / 2
        current = np.where(np.abs(away) > HOLD, np.round(yaws / step), current)
        held[row] = current * step
    return held


def stance(positions: Array, viewer: Array, elevation_rad: float) -> Stance:
    """Upright cards at positions (N, 3) that turn to a viewer (3,) or (N, 3), leaning back as the sprites were seen."""
    towards = (np.asarray(viewer, np.float64) - positions) * [1.0, 0.0, 1.0]
    towards = towards / np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-9)
    c, s = np.cos(elevation_rad), np.sin(elevation_rad)
    rights = np.stack([towards[:, 2], np.zeros(len(towards)), -towards[:, 0]], axis=1)
    return Stance(np.asarray(positions, np.float64), rights, c * UP - s * towards, c * towards + s * UP)


def feet_off(agents: Agents, row: int) -> Array:
    """(N, 2) metres x, z in the world by which planted feet stand off those that the sprite of a motion shows.

    A sprite shows the middle of its phase bin. While the body glides on, a planted foot does not: it lies behind by the
    way walked since that moment.
    """
    steps = np.zeros(len(agents.ids))
    for number, name in enumerate(agents.motion_names):
        mine, motion = agents.motions[row] == number, load_motion(name)
        bins = bin_phase(name, phase_bin(name, agents.phases[row][mine]))
        since = (agents.phases[row][mine].astype(np.float64) - bins + 0.5) % 1 - 0.5
        gone = since * motion.cycle_s * motion.speed_mps
        if motion.shares:  # an uneven way
            gone = motion.gone_m(bins + since) - motion.gone_m(bins)
        steps[mine] = -gone * agents.scales[mine]
    yaws = agents.yaws[row].astype(np.float64)
    return np.asarray(steps[:, None] * np.stack([np.sin(yaws), np.cos(yaws)], axis=1))


def foot_leans(feet: Array, cards: Stance, elevation_rad: float) -> Array:
    """(N, 2) metres right and up on the card that `feet` (N, 2), metres x, z in the world, are seen to lie off.

    elevation_rad: of the viewer above the agents; a foot farther off is seen higher.
    """
    stepped = np.stack([feet[:, 0], np.zeros(len(feet)), feet[:, 1]], axis=1)
    towards = np.cross(cards.rights, UP)
    away = -(stepped * towards).sum(axis=1)
    return np.stack([(stepped * cards.rights).sum(axis=1), away * np.sin(elevation_rad)], axis=1)


def tints(agents: Agents, brightness: float, hue: float) -> Array:
    """(N, 3) factors on each agent's colours: nobody's cloth is dyed alike. Spreads: the largest change, as shares."""
    draw = [2 * chance(7, "tint", agents.seeds, what) - 1 for what in ("brightness", "warmth", "green")]
    level, warmth, green = 1 + brightness * draw[0], hue * draw[1], 0.5 * hue * draw[2]
    return np.stack([level * (1 + warmth), level * (1 + green), level * (1 - warmth)], axis=1)


def cover(sprites: npt.NDArray[np.float32], root_px: tuple[float, float], metres_per_px: float) -> Array:
    """(S, 4) metres left, right, below, above the root between which each sprite (S, H, W, 4) shows anything."""
    shown = sprites[..., 3] > 0
    columns, rows = np.asarray(shown.any(axis=1)), np.asarray(shown.any(axis=2))
    some = np.asarray(rows.any(axis=1))
    left, right = columns.argmax(axis=1), columns.shape[1] - columns[:, ::-1].argmax(axis=1)
    top, bottom = rows.argmax(axis=1), rows.shape[1] - rows[:, ::-1].argmax(axis=1)
    edges = np.stack([left - root_px[0], right - root_px[0], root_px[1] - bottom, root_px[1] - top], axis=1)
    return edges * some[:, None] * metres_per_px


def crowding(positions: Array, radius_m: float = 1.6) -> Array:
    """(N,) 0..1: how closely agents (N, 3) are surrounded; eight neighbours within the radius are a full ring."""
    if len(positions) < 2:
        return np.zeros(len(positions))
    from scipy.spatial import cKDTree

    tree = cKDTree(positions[:, [0, 2]])
    counts = tree.query_ball_point(positions[:, [0, 2]], radius_m, return_length=True) - 1
    return np.clip(counts / 8.0, 0, 1)
