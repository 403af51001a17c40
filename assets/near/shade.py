"""Near people where the sun is hidden: what is left of each pixel's light, told from how far away its neighbours are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from assets.near.layer import Near
from assets.sprites.cards import UP
from assets.sprites.shade import smoothed
from assets.sunlight.maps import pixel_step
from assets.sunlight.share import Sunlight
from assets.view import View
from pipeline.kernels.facing import facings

Array = NDArray[np.float64]
Floats = NDArray[np.float32]


def left_in_shade(near: Near, view: View, hidden: Floats, light: Sunlight) -> Floats:
    """(H, W, 3) of each pixel's light, 1 where the sun is not `hidden` (H, W) 0 .. 1, and on what faces away
    from it."""
    left = np.ones((*hidden.shape, 3), np.float32)
    owners = np.unique(near.owner[hidden > 0])
    numbered = np.where(np.isin(near.owner, owners), np.searchsorted(owners, near.owner) + 1, 0)
    for owner, box in zip(owners, ndimage.find_objects(numbered), strict=True):
        mine, rays = near.owner[box] == owner, view.rays[box].astype(np.float64)
        axes = _axes(rays[mine].mean(axis=0))
        z = np.where(mine, near.pixels.depth[box], 0).astype(np.float64)
        relief = (np.concatenate([rays, np.ones((*mine.shape, 1))], axis=-1) @ axes[2]) * z
        middle = float(np.median(relief[mine]))
        relief, cover = np.where(mine, relief - middle, 0).astype(np.float32), mine.astype(np.float32)
        metres_per_px = float(np.median(z[mine]) * pixel_step(view).mean())
        to_sun, up = ((axes @ (view.pose[:3, :3] @ way)).astype(np.float32) for way in (light.maps.to_sun, UP))
        faced = np.zeros((1, *mine.shape, 2), np.float32)
        facings(relief[None], cover[None], to_sun[None], up[None], metres_per_px, faced)
        soft = smoothed(faced[0], cover, metres_per_px)
        share = hidden[box][mine][:, None]
        left[box][mine] = 1 - share * (1 - light.left_of(soft[mine, 0], soft[mine, 1]))
    return left


def _axes(ray: Array) -> Array:
    """(3, 3) rows right, up, towards the viewer of someone seen along a ray (2,), in camera axes."""
    towards = -np.array([ray[0], ray[1], 1.0])
    towards /= np.linalg.norm(towards)
    right = np.array([1.0, 0.0, -ray[0]])
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards])
