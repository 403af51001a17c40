"""How far away the bare ground is in each pixel, from few rays: the inverse of depth runs straight over a plane."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from assets.view import View

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]
# An eye (3,) and rays (N, 3) to where they meet the ground; NaN where they do not.
Meet = Callable[[Array, Array], Array]
CELL_PX = 4
ALIKE = 1.15  # the most that depths of a cell's corners may be apart, as a factor, to be told between them


def ground_depth(view: View, meet: Meet, where: Flags) -> Floats:
    """(H, W) depth of the bare ground along camera z at the pixels of `where` (H, W); +inf elsewhere, and in the sky.

    Cells whose corners lie at about the same distance are filled in between them; in others, as on a ridge, each pixel is asked for.
    """
    height, width = view.size
    cells = where[: (height - 1) // CELL_PX * CELL_PX, : (width - 1) // CELL_PX * CELL_PX]
    rows, columns = cells.shape[0] // CELL_PX, cells.shape[1] // CELL_PX
    asked = cells.reshape(rows, CELL_PX, columns, CELL_PX).any(axis=(1, 3))
    near = np.zeros((rows + 1, columns + 1))
    corners = np.zeros(near.shape, bool)
    for j in (0, 1):
        for i in (0, 1):
            corners[j : rows + j, i : columns + i] |= asked
    near[corners] = _met(view, meet, view.rays[::CELL_PX, ::CELL_PX][: rows + 1, : columns + 1][corners])
    around = np.stack([near[j : rows + j, i : columns + i] for j in (0, 1) for i in (0, 1)], axis=-1)
    smooth = asked & (around.min(axis=-1) * ALIKE >= around.max(axis=-1))  # also: nothing but sky
    out = np.zeros(view.size)
    across = np.arange(CELL_PX) / CELL_PX
    along_y, along_x = np.stack([1 - across, across]), np.stack([1 - across, across])
    filled = np.einsum("njk,jy,kx->nyx", around[smooth].reshape(-1, 2, 2), along_y, along_x)
    y, x = (k[:, None] * CELL_PX + np.arange(CELL_PX) for k in np.nonzero(smooth))
    out[y[:, :, None], x[:, None, :]] = filled
    rest = where.copy()
    rest[y[:, :, None], x[:, None, :]] = False
    out[rest] = _met(view, meet, view.rays[rest])
    with np.errstate(divide="ignore"):
        return np.where(where, 1 / out, np.inf).astype(np.float32)


def _met(view: View, meet: Meet, rays: Floats) -> Array:
    """(N,) inverse depth of the ground along rays (N, 2) of the camera; 0 where there is none."""
    ways = np.concatenate([rays, np.ones((len(rays), 1))], axis=1) @ view.pose[:3, :3]
    depth = view.to_camera(meet(view.centre, ways))[:, 2]
    return np.where(depth > 0, 1 / np.where(depth > 0, depth, 1), 0)
