"""Lay a picture that was painted through a camera of its own onto a body in the plate: exact edges, depth and motion.

The body is drawn with several samples in each pixel of the plate; each sample that it covers looks its colour up in the
picture, among those pixels that show the same part of the body. So edges come from geometry alone, outlines and what is
painted on a shield alike, however coarse the picture is; it only colours them.

Source of the lookup: Kopf et al., "Joint Bilateral Upsampling", SIGGRAPH 2007, with parts in place of a guide's colours.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.check import shaped
from pipeline.kernels.sprites import same_samples

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
_FURTHER = 0.01  # what the part's pixels one further away count: all there is where the four nearest show none of it
_OTHERS = 1e-4  # and what all four nearest count: all there is where none around shows it


def put_back(
    samples: tuple[Floats, Ints, Floats],
    rays: Floats,
    triangles: Ints,
    moves: Floats,
    picture_from_ray: NDArray[np.float64],
    picture: Floats,
    parts: tuple[Ints, Ints],
    ss: int,
) -> tuple[Floats, Floats, Floats]:
    """Colour one body's samples: (rgba (H, W, 4), depth (H, W), motion (H, W, 2)), all float32.

    samples: depth, triangle_id, weights of the rasteriser, ss x ss in each pixel; rays: (H ss, W ss, 2) float32. moves:
    (V, 2) float32 pixels that each vertex moves. picture: (h, w, 3) float32, scene-linear, not premultiplied;
    picture_from_ray: (3, 3), homogeneous pixels of the picture (centres at .5) from rays (x/z, y/z, 1). Beyond the
    picture's edges its outermost colours go on. parts: which part of the body each triangle (T,) and each pixel of the
    picture (h, w) shows, int32. rgba is premultiplied, alpha the share of samples that are covered;
    depth is the nearest sample's, +inf where none; motion is the samples' mean. Raises ValueError on another shape.
    """
    depth, triangle_id, weights = samples
    own, shown = parts
    same_samples(depth, triangle_id, weights, triangles, own, ss)
    shaped(depth.shape, 2, rays=rays)
    if moves.ndim != 2 or moves.shape[1] != 2 or (len(triangles) and triangles.max() >= len(moves)):
        raise ValueError(f"moves are {moves.shape}, must be (V, 2) for every vertex of the triangles")
    if picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise ValueError(f"picture is {picture.shape}, must be (h, w, 3)")
    if shown.shape != picture.shape[:2]:
        raise ValueError(f"parts are told of {shown.shape} pixels, the picture has {picture.shape[:2]}")
    height, width = depth.shape[0] // ss, depth.shape[1] // ss
    rgba, nearest = np.zeros((height, width, 4), np.float32), np.full((height, width), np.inf, np.float32)
    motion = np.zeros((height, width, 2), np.float32)
    matrix = np.ascontiguousarray(picture_from_ray, np.float64)
    _put_back(
        depth, triangle_id, weights, rays, triangles, moves, matrix, picture, own, shown, ss, rgba, nearest, motion
    )
    return rgba, nearest, motion


@njit(cache=True)
def _look_up(picture, shown, part, fx, fy, out):
    """A part's colour at fx, fy (pixel centres at whole numbers, within the picture): linear between pixels that show it."""
    rows, columns = shown.shape
    x0, y0 = int(fx), int(fy)
    x1, y1 = min(x0 + 1, columns - 1), min(y0 + 1, rows - 1)
    ax, ay = fx - x0, fy - y0
    if shown[y0, x0] == part and shown[y0, x1] == part and shown[y1, x0] == part and shown[y1, x1] == part:
        for k in range(3):
            top = (1.0 - ax) * picture[y0, x0, k] + ax * picture[y0, x1, k]
            bottom = (1.0 - ax) * picture[y1, x0, k] + ax * picture[y1, x1, k]
            out[k] = (1.0 - ay) * top + ay * bottom
        return
    total = 0.0
    out[:] = 0.0
    for y in range(max(y0 - 1, 0), min(y0 + 3, rows)):
        for x in range(max(x0 - 1, 0), min(x0 + 3, columns)):
            down, across = abs(fy - y), abs(fx - x)
            close = max(1.0 - down, 0.0) * max(1.0 - across, 0.0)
            share = _OTHERS * close
            if shown[y, x] == part:
                share += close + _FURTHER * max(2.0 - down, 0.0) * max(2.0 - across, 0.0)
            total += share
            for k in range(3):
                out[k] += share * picture[y, x, k]
    for k in range(3):
        out[k] /= total


@njit(cache=True)
def _put_back(
    depth, triangle_id, weights, rays, triangles, moves, matrix, picture, own, shown, ss, rgba, nearest, motion
):
    height, width = nearest.shape
    rows, columns = picture.shape[0], picture.shape[1]
    colour, found = np.zeros(3, np.float64), np.zeros(3, np.float64)
    for y in range(height):
        for x in range(width):
            covered, right, down = 0, 0.0, 0.0
            colour[:] = 0.0
            for j in range(y * ss, y * ss + ss):
                for i in range(x * ss, x * ss + ss):
                    t = triangle_id[j, i]
                    if t < 0:
                        continue
                    covered += 1
                    nearest[y, x] = min(nearest[y, x], depth[j, i])
                    u, v = np.float64(weights[j, i, 0]), np.float64(weights[j, i, 1])
                    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                    right += u * moves[a, 0] + v * moves[b, 0] + (1.0 - u - v) * moves[c, 0]
                    down += u * moves[a, 1] + v * moves[b, 1] + (1.0 - u - v) * moves[c, 1]
                    rx, ry = np.float64(rays[j, i, 0]), np.float64(rays[j, i, 1])
                    w = matrix[2, 0] * rx + matrix[2, 1] * ry + matrix[2, 2]
                    fx = (matrix[0, 0] * rx + matrix[0, 1] * ry + matrix[0, 2]) / w - 0.5
                    fy = (matrix[1, 0] * rx + matrix[1, 1] * ry + matrix[1, 2]) / w - 0.5
                    fx, fy = min(max(fx, 0.0), columns - 1.0), min(max(fy, 0.0), rows - 1.0)
                    _look_up(picture, shown, own[t], fx, fy, found)
                    for k in range(3):
                        colour[k] += found[k]
            if covered:
                for k in range(3):
                    rgba[y, x, k] = colour[k] / (ss * ss)
                rgba[y, x, 3] = covered / (ss * ss)
                motion[y, x, 0], motion[y, x, 1] = right / covered, down / covered
