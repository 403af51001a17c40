"""Which sprites a shot needs: every character, motion, phase and view that its camera sees, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assets.atlas import VIEWS, phase_bin, variant_of, view_bin, view_yaw
from assets.cards import held_views

Array = np.ndarray[Any, Any]
_MARGIN = 0.35  # of the picture's size, beyond each edge: people are wider than a point, and shadows fall in
_BEHIND_M = -3.0


@dataclass(frozen=True, slots=True, order=True)
class Wanted:
    """One sprite that is needed: bins of assets.atlas."""

    character: str
    motion: str
    variant: int
    view: int
    phase: int


@dataclass(frozen=True, slots=True, eq=False)
class Demand:
    """What a shot needs. wanted: sorted. elevation_rad: how far above the people's middle the camera stands, median.

    headings_rad: (VIEWS,) mean heading from the people seen in a view towards the camera, by which the sun is turned.
    """

    wanted: tuple[Wanted, ...]
    elevation_rad: float
    headings_rad: Array


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is needed of a layout and a camera. N agents, F frames.

    characters: N names; motions (F, N) index into motion_names; seeds (N,); positions (F, N, 3) metres; yaws, phases
    (F, N); camera_from_world (F, 4, 4); tangents: half the picture's width and height at distance 1.
    """

    characters: Sequence[str]
    motion_names: Sequence[str]
    motions: Array
    seeds: Array
    positions: Array
    yaws: Array
    phases: Array
    camera_from_world: Array
    tangents: tuple[float, float]


def demand(scene: Scene, variants: int) -> Demand:
    """Every sprite that some agent shows on some frame. Each kind of agent has one of each of its motions, seen or not."""
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
            wanted |= {Wanted(str(character), motion, *map(int, row)) for row in np.unique(bins, axis=0)}
    to_camera = cameras - scene.positions - np.array([0, 0.9, 0])
    headings = np.arctan2(to_camera[..., 0], to_camera[..., 2])
    heights = np.arctan2(to_camera[..., 1], np.hypot(to_camera[..., 0], to_camera[..., 2]))
    means = [_mean_angle(headings[seen & (views == view)], headings[seen]) for view in range(VIEWS)]
    return Demand(tuple(sorted(wanted)), float(np.median(heights[seen])), np.array(means))


def _seen(scene: Scene) -> Array:
    """(F, N) whether an agent's middle lies in the picture or near it."""
    middles = scene.positions.astype(np.float64) + np.array([0, 0.9, 0])
    rotations, shifts = scene.camera_from_world[:, :3, :3], scene.camera_from_world[:, :3, 3]
    local = np.einsum("fij,fnj->fni", rotations, middles) + shifts[:, None]
    reach = np.maximum(local[..., 2], 0) * (1 + 2 * _MARGIN) + 3.0  # metres added for those who stand close
    inside = (np.abs(local[..., 0]) < scene.tangents[0] * reach) & (np.abs(local[..., 1]) < scene.tangents[1] * reach)
    return np.asarray(inside & (local[..., 2] > _BEHIND_M))


def _mean_angle(angles: Array, otherwise: Array) -> float:
    chosen = angles if angles.size else otherwise
    return float(np.arctan2(np.sin(chosen).mean(), np.cos(chosen).mean()))
