"""Look points up in a painting that a projector throws onto them: filtered, and only where the projector sees them."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.splat import CHANNELS, Pyramid, check, sample

Floats = NDArray[np.float32]
_LEAST_ALPHA = 0.02  # a painting thinner than this says nothing of a colour


def look_up(
    points: Floats,
    normals: Floats,
    focals_px: Floats,
    painting: Pyramid,
    projector: NDArray[np.float64],
    depth: Floats,
    bias_m: float,
) -> tuple[Floats, Floats]:
    """Colours (N, 3) float32, unpremultiplied, and how well each is known (N,) float32, 0 unseen .. 1.

    points, normals: (N, 3) float32 world. focals_px: (N,) float32, pixels per metre at which each point will be shown.
    painting: pyramid of one picture. projector: (3, 4) float64, from world to (x z, y z, z) in the painting's pixels.
    depth: (H, W) float32, what the projector sees, metres, +inf where nothing. bias_m: how much farther than that a point
    may lie. A point seen at a grazing angle counts little.
    """
    count = len(points)
    for name, array in (("points", points), ("normals", normals)):
        check(name, array, np.float32, (count, 3))
    check("focals_px", focals_px, np.float32, (count,))
    check("projector", projector, np.float64, (3, 4))
    check("depth", depth, np.float32, depth.shape[:2])
    check("texels", painting.texels, np.float32, (1, painting.texels.shape[1], CHANNELS))
    colours, known = np.zeros((count, 3), np.float32), np.zeros(count, np.float32)
    _look_up(points, normals, focals_px, painting.texels, painting.shapes, projector, depth, bias_m, colours, known)
    return colours, known


@njit(cache=True)
def _seen(depth, x, y, z, bias):
    """Share of the four depths around x, y that do not hide a point at z; nothing there hides nothing and shows nothing."""
    height, width = depth.shape
    fx, fy = x - 0.5, y - 0.5
    x0, y0 = int(np.floor(fx)), int(np.floor(fy))
    ax, ay = fx - x0, fy - y0
    seen = total = 0.0
    for j in range(2):
        for i in range(2):
            row, column = y0 + j, x0 + i
            if 0 <= row < height and 0 <= column < width and depth[row, column] < np.inf:
                weight = (ax if i else 1.0 - ax) * (ay if j else 1.0 - ay) + 1e-9
                total += weight
                if abs(z - depth[row, column]) <= bias:
                    seen += weight
    return seen / total if total > 1e-6 else 0.0


@njit(cache=True)
def _look_up(points, normals, focals_px, texels, shapes, projector, depth, bias, colours, known):
    colour = np.empty(CHANNELS, np.float64)
    # Rows of the projector, less its pixel centre, are its axes times its focal length.
    focal = np.sqrt(projector[0, 0] ** 2 + projector[0, 1] ** 2 + projector[0, 2] ** 2)
    axis = projector[2]
    off_centre = projector[0, 0] * axis[0] + projector[0, 1] * axis[1] + projector[0, 2] * axis[2]
    focal = np.sqrt(max(focal * focal - off_centre * off_centre, 1e-12))
    centre = -np.linalg.inv(np.ascontiguousarray(projector[:, :3])) @ np.ascontiguousarray(projector[:, 3])
    for n in range(len(points)):
        p = points[n]
        z = axis[0] * p[0] + axis[1] * p[1] + axis[2] * p[2] + axis[3]
        if z < 0.05:
            continue
        x = (projector[0, 0] * p[0] + projector[0, 1] * p[1] + projector[0, 2] * p[2] + projector[0, 3]) / z
        y = (projector[1, 0] * p[0] + projector[1, 1] * p[1] + projector[1, 2] * p[2] + projector[1, 3]) / z
        seen = _seen(depth, x, y, z, bias)
        if seen <= 0.0:
            continue
        wx, wy, wz = centre[0] - p[0], centre[1] - p[1], centre[2] - p[2]
        facing = (wx * normals[n, 0] + wy * normals[n, 1] + wz * normals[n, 2]) / np.sqrt(wx * wx + wy * wy + wz * wz)
        grazing = min(max((facing - 0.03) / 0.15, 0.0), 1.0)
        colour[:] = 0.0
        lod = np.log2(max(focal / z / focals_px[n], 1e-6))
        sample(texels, shapes, 0, x, y, lod, 1.0, colour)
        if colour[3] > _LEAST_ALPHA:
            for c in range(3):
                colours[n, c] = np.float32(colour[c] / colour[3])
            known[n] = np.float32(seen * grazing * grazing * (3.0 - 2.0 * grazing))
