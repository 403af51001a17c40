"""A frame's near people among the sprites: same tints, as dark among neighbours, by depth; and their own shadows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.near.layer import Near, merge
from assets.near.shade import left_in_shade
from assets.near.shades import TEXEL_M, Shades, boxes_of, facing
from assets.sprites.cards import Agents, crowding, tints
from assets.sprites.layer import Looks, Taken
from assets.sunlight.maps import LOWEST_SUN
from assets.sunlight.share import Sunlight
from assets.view import Buffers, View
from pipeline.kernels.groundmaps import GroundMaps, lay_maps
from pipeline.kernels.splat import FADE_M, pyramid

Array = NDArray[np.float64]


def add_near(
    crowd: Buffers, near: Near, view: View, agents: Agents, row: int, looks: Looks, light: Sunlight | None = None
) -> None:
    """Merge a frame's near people into the sprites' layer, in the same tints, as dark among neighbours and in the same light as
    sprites (light: as draw_crowd takes it)."""
    dressed = near.pixels.rgba.copy()
    where = np.nonzero(near.owner)
    order = np.argsort(agents.ids)
    rows = order[np.searchsorted(agents.ids, near.owner[where], sorter=order)]
    positions = agents.positions[row].astype(np.float64)
    dims = (looks.crowding * crowding(positions))[rows]
    z = near.pixels.depth[where].astype(np.float64)[:, None]
    points = (np.concatenate([view.rays[where] * z, z], axis=1) - view.pose[:3, 3]) @ view.pose[:3, :3]
    left = 1 - dims * np.clip(1 - (points[:, 1] - positions[rows, 1]) / FADE_M, 0, 1)
    dressed[..., :3][where] *= (left[:, None] * tints(agents, looks.brightness, looks.hue)[rows]).astype(np.float32)
    if light is not None:
        hidden = np.where(near.owner > 0, light.maps.hidden_from(view, near.pixels.depth), 0)
        if hidden.any():
            dressed[..., :3] *= left_in_shade(near, view, hidden, light)
    pixels = Buffers(dressed, near.pixels.depth, near.pixels.ids, near.pixels.motion)
    cover = np.where(crowd.ids > 0, np.float32(1), np.float32(0.5) * (crowd.rgba[..., 3] > 0))
    merge(crowd, cover.astype(np.float32), pixels, near.cover)


def add_shadows(taken: Taken, shades: Shades, view: View, to_sun: Array, looks: Looks) -> None:
    """Take from the ground's light what near bodies take, each on its own plane of ground. to_sun: (3,) unit, world."""
    if not len(shades.ids):
        return
    level = np.zeros(shades.contact.shape)
    axes = np.stack([facing(normal) for normal in shades.normals])
    contact = _maps(view, shades, axes, shades.contact, level, shades.contact_corners, 0.0)
    lay_maps(view.rays, contact, 0.0, taken.contact, one_light=False)
    if to_sun[1] > LOWEST_SUN:
        axes = np.broadcast_to(facing(to_sun), (len(shades.ids), 3, 3))
        blur_m = 3 * looks.softness
        sun = _maps(view, shades, axes, shades.sun, shades.sun_relief, shades.sun_corners, blur_m)
        lay_maps(view.rays, sun, looks.softness, taken.sun, one_light=True)


def _maps(
    view: View, shades: Shades, axes: Array, shares: NDArray[np.uint8], relief: NDArray[np.floating], corners: Array,
    blur_m: float,
) -> GroundMaps:  # fmt: skip
    """Maps of those shades as the camera's frame needs them. axes: (K, 3, 3) rows right, up, towards, world."""
    rotation = view.pose[:3, :3].T
    images = np.zeros((*shares.shape, 4), np.float32)
    images[..., 3] = shares / np.float32(255)
    span = TEXEL_M * np.array([shares.shape[2], -shares.shape[1]])
    blur = blur_m * np.array([-1, 1])
    edges = np.stack([corners + blur, corners + span - blur], axis=1)
    outline = np.stack([
        edges[:, i, :1] * axes[:, 0] + edges[:, j, 1:] * axes[:, 1] for i in (0, 1) for j in (0, 1)
    ], axis=1)  # fmt: skip
    height = (outline * shades.normals[:, None]).sum(axis=-1)
    rate = np.maximum((axes[:, 2] * shades.normals).sum(axis=-1), LOWEST_SUN)
    fallen = shades.roots[:, None] + outline - (height / rate[:, None])[..., None] * axes[:, None, 2]
    return GroundMaps(
        roots=_f32(view.to_camera(shades.roots)),
        normals=_f32(shades.normals @ rotation),
        rights=_f32(axes[:, 0] @ rotation),
        ups=_f32(axes[:, 1] @ rotation),
        towards=_f32(axes[:, 2] @ rotation),
        corners=_f32(corners),
        images=pyramid(images, np.asarray(relief, np.float32)),
        metres_per_px=TEXEL_M,
        boxes=boxes_of(view, fallen),
    )


def _f32(array: Array) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, np.float32)
