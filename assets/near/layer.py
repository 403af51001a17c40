"""People near the camera as pixels of the plate: each painting put back under the lens, near before far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from assets.near.bodies import Placed
from assets.people.mesh import Mesh
from assets.people.parts import Part
from assets.view import Buffers, View
from pipeline.kernels.putback import put_back
from pipeline.kernels.raster import empty_buffers, rasterize
from pipeline.kernels.sprites import resolve
from pipeline.kernels.triangles import NEAR_M

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
SAMPLES = 3  # per pixel and axis
_SPREADS_PX = (3, 9, 27, 81)
_SURE = 0.3  # of alpha, above which a painted colour is taken as it is


@dataclass(frozen=True, slots=True, eq=False)
class Near:
    """A frame's near people. As Buffers, but owner: (H, W) int32, whose depth and motion are told, however little of the
    pixel he covers; his id is in `ids` where he covers more than half."""

    pixels: Buffers
    owner: Ints
    cover: Floats

    @classmethod
    def empty(cls, height: int, width: int) -> Near:
        """Nobody."""
        return cls(
            Buffers.empty(height, width), np.zeros((height, width), np.int32), np.zeros((height, width), np.float32)
        )


def lay_back(
    near: Near, view: View, placed: Placed, there: Placed, matrix: Array, painting: Floats, number: int
) -> None:
    """Put one person's painting (h, w, 4), premultiplied, into the frame, before or behind those who are there by depth.

    there: the same body on the frame that View.other belongs to. matrix: (3, 3) homogeneous pixels of the painting from
    rays of the view. number: the agent's id.
    """
    world = placed.world()
    camera = view.to_camera(world)
    pixels = view.project(camera)
    window = _window(pixels[camera[:, 2] > NEAR_M], view.size)
    if window is None:
        return
    rows, columns = window
    moves = view.motion(world, there.world()).astype(np.float32)
    rays = finer(view.rays, rows, columns)
    samples = empty_buffers(*rays.shape[:2])
    corner = np.array([columns.start, rows.start])
    at = (np.nan_to_num(pixels, nan=-1e6) - corner) * SAMPLES
    triangles = placed.mesh.triangles
    rasterize(camera.astype(np.float32), triangles, rays, at.astype(np.float32), *samples)
    shown = parts_shown(placed.mesh, camera, matrix, painting.shape[:2])
    parts = _with_the_skin(placed.mesh.parts), _with_the_skin(shown)
    rgba, depth, motion = put_back(samples, rays, triangles, moves, matrix, unveiled(painting), parts, SAMPLES)
    body = Buffers(rgba, depth, np.where(rgba[..., 3] > 0, number, 0).astype(np.int32), motion)
    whole, at_window = near.pixels, (rows, columns)
    cut = Buffers(whole.rgba[at_window], whole.depth[at_window], whole.ids[at_window], whole.motion[at_window])
    wins = merge(cut, near.cover[at_window], body, rgba[..., 3])  # views: what is merged lies in the whole
    near.owner[at_window][wins] = number


def _with_the_skin(parts: Ints) -> Ints:
    """Parts as colours are looked up: eyes, a pixel or two of a painting, melt into the face rather than fill their outline."""
    return np.where(parts == Part.EYES, np.int32(Part.SKIN), parts)


def parts_shown(mesh: Mesh, camera: Array, matrix: Array, size: tuple[int, int]) -> Ints:
    """(h, w) which part of a body most of each pixel of its painting shows, 0 where none, as generators are told.

    camera: (V, 3) its vertices, axes of the plate's camera. matrix, size: of the painting, as `lay_back` has them.
    """
    height, width = size
    seen = camera @ matrix.T  # a painting's pixels are its rays: both cameras stand in one place
    across, down = ((np.arange(side * SAMPLES) + 0.5) / SAMPLES for side in (width, height))
    rays = np.stack(np.meshgrid(across, down), axis=-1).astype(np.float32)
    at = (seen[:, :2] / np.maximum(seen[:, 2:], 1e-3) * SAMPLES).astype(np.float32)
    samples = empty_buffers(height * SAMPLES, width * SAMPLES)
    rasterize(seen.astype(np.float32), mesh.triangles, rays, at, *samples)
    return resolve(*samples, mesh.triangles, mesh.normals, mesh.parts, SAMPLES)[2].astype(np.int32)


def merge(into: Buffers, cover: Floats, other: Buffers, other_cover: Floats) -> NDArray[np.bool_]:
    """Merge `other` into `into` and `cover`, pixel by pixel: the nearer over the farther. Returns where `other` tells
    depth, id and motion: where it covers more than half and is nearest, or covers anything and nobody does.

    cover, other_cover: (H, W) float32, how much of a pixel the one covers whose depth is told.
    """
    there, half, was_half = other_cover > 0, other_cover > 0.5, cover > 0.5
    nearer = other.depth < into.depth
    front, back = np.where(nearer[..., None], other.rgba, into.rgba), np.where(nearer[..., None], into.rgba, other.rgba)
    into.rgba[there] = (front + (1 - front[..., 3:]) * back)[there]
    wins = there & ((half & (nearer | ~was_half)) | (~half & ~was_half & nearer))
    into.depth[wins], into.motion[wins] = other.depth[wins], other.motion[wins]
    into.ids[wins] = np.where(half, other.ids, 0)[wins]
    cover[wins] = other_cover[wins]
    return np.asarray(wins)


def unveiled(painting: Floats) -> Floats:
    """(h, w, 3) colours of a premultiplied painting (h, w, 4), carried on over its edges and wherever it is thin."""
    alpha = painting[..., 3]
    colour = painting[..., :3] / np.maximum(alpha, 1e-3)[..., None]
    known = alpha > _SURE
    for size in _SPREADS_PX:
        if known.all():
            break
        weight = ndimage.uniform_filter(alpha, size, mode="constant")
        sums = [ndimage.uniform_filter(painting[..., k], size, mode="constant") for k in range(3)]
        found = ~known & (weight > 1e-3)
        colour[found] = (np.stack(sums, axis=-1) / np.maximum(weight, 1e-3)[..., None])[found]
        known |= found
    return np.ascontiguousarray(colour, np.float32)


def finer(rays: Floats, rows: slice, columns: slice) -> Floats:
    """Rays (h SAMPLES, w SAMPLES, 2) of the samples in a window of the picture: they bend too little within a pixel for
    more than a straight line."""
    height, width = rays.shape[:2]
    first = max(rows.start - 1, 0), max(columns.start - 1, 0)
    padded = rays[first[0] : min(rows.stop + 1, height), first[1] : min(columns.stop + 1, width)].astype(np.float64)
    inside = (
        slice(rows.start - first[0], rows.stop - first[0]),
        slice(columns.start - first[1], columns.stop - first[1]),
    )
    down, across = np.asarray(np.gradient(padded, axis=(0, 1)))
    off = (np.arange(SAMPLES) + 0.5) / SAMPLES - 0.5
    middle, down, across = (a[inside][:, None, :, None] for a in (padded, down, across))
    fine = middle + off[None, :, None, None, None] * down + off[None, None, None, :, None] * across
    shape = (rows.stop - rows.start) * SAMPLES, (columns.stop - columns.start) * SAMPLES, 2
    return np.ascontiguousarray(fine.reshape(shape), np.float32)


def _window(pixels: Array, size: tuple[int, int]) -> tuple[slice, slice] | None:
    """Rows and columns that points (N, 2) reach in a picture (height, width), at least 2 x 2; None: none."""
    known = pixels[np.isfinite(pixels).all(axis=1)]
    if not len(known):
        return None
    low, high = np.floor(known.min(axis=0)) - 1, np.ceil(known.max(axis=0)) + 1
    low, high = np.clip(low, 0, (size[1], size[0])).astype(int), np.clip(high, 0, (size[1], size[0])).astype(int)
    if (high - low < 2).any():
        return None
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))
