"""A frame's near people among the sprites: in the same tints, as dark among neighbours, before or behind by depth."""

from __future__ import annotations

import numpy as np

from assets.near.layer import Near, merge
from assets.sprites.cards import Agents, crowding, tints
from assets.sprites.layer import Looks
from assets.view import Buffers, View
from pipeline.kernels.splat import FADE_M


def add_near(crowd: Buffers, near: Near, view: View, agents: Agents, row: int, looks: Looks) -> None:
    """Merge a frame's near people into the sprites' layer, in the same tints and as dark among neighbours as sprites."""
    dressed = near.pixels.rgba.copy()
    where = np.nonzero(near.owner)
    order = np.argsort(agents.ids)
    rows = order[np.searchsorted(agents.ids, near.owner[where], sorter=order)]
    positions = agents.positions[row].astype(np.float64)
    dims = (looks.crowding * crowding(positions))[rows]
    z = near.pixels.depth[where].astype(np.float64)[:, None]
    points = (np.concatenate([view.rays[where] * z, z], axis=1) - view.pose[:3, 3]) @ view.pose[:3, :3]
    light = 1 - dims * np.clip(1 - (points[:, 1] - positions[rows, 1]) / FADE_M, 0, 1)
    dressed[..., :3][where] *= (light[:, None] * tints(agents, looks.brightness, looks.hue)[rows]).astype(np.float32)
    pixels = Buffers(dressed, near.pixels.depth, near.pixels.ids, near.pixels.motion)
    cover = np.where(crowd.ids > 0, np.float32(1), np.float32(0.5) * (crowd.rgba[..., 3] > 0))
    merge(crowd, cover.astype(np.float32), pixels, near.cover)
