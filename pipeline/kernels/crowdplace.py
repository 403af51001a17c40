"""Place a crowd that shares poses before the camera, and look up through a table where the lens shows it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.splat import check
from pipeline.kernels.triangles import NEAR_M

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
LEG_M = 0.9  # above this height a body stays upright whatever the slope under its feet


@dataclass(frozen=True, slots=True, eq=False)
class LensTable:
    """Where undistorted rays land: pixels (G, K, 2) float64 at nodes low + step * (column, row) of x/z, y/z.

    Between nodes it is read bilinearly: with a node every 12 pixels that is exact within 0.01 px for cinema lenses.
    """

    low: tuple[float, float]
    step: tuple[float, float]
    pixels: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Turning:
    """What agents are turning into. poses: (P, U, 3) float32 of the other mesh; parents: (V,) int32 the vertex of it that
    each vertex becomes; shares: (N,) float32 how far each agent has got."""

    poses: Floats
    parents: Ints
    shares: Floats


def place(
    poses: Floats,
    bins: Ints,
    shares: Floats,
    frames: NDArray[np.float64],
    slopes: Floats,
    firsts: Ints,
    out: Floats,
    turning: Turning | None = None,
) -> None:
    """Put agents that share poses before the camera, each at its own moment between two of them.

    poses: (P, V, 3) float32 metres in the person's space. bins: (N, 2) int32 pose before and after; shares: (N,) float32
    of the one after. frames: (N, 3, 4) float64, camera from person. slopes: (N, 2) float32: how the ground rises per
    metre along the person's x and z; the legs follow it. firsts: (N,) int32 rows of `out` (V, 3) float32 to write.
    """
    count = len(bins)
    check("poses", poses, np.float32, (*poses.shape[:2], 3))
    check("bins", bins, np.int32, (count, 2))
    check("shares", shares, np.float32, (count,))
    check("frames", frames, np.float64, (count, 3, 4))
    check("slopes", slopes, np.float32, (count, 2))
    check("firsts", firsts, np.int32, (count,))
    check("out", out, np.float32, (len(out), 3))
    if not count:
        return
    if bins.min() < 0 or bins.max() >= len(poses):
        raise ValueError(f"bins name poses outside 0..{len(poses) - 1}")
    if firsts.min() < 0 or firsts.max() + poses.shape[1] > len(out):
        raise ValueError(f"vertices reach outside the {len(out)} rows of out")
    other, parents = np.zeros((len(poses), 0, 3), np.float32), np.zeros(0, np.int32)
    turned = np.zeros(count, np.float32)
    if turning is not None:
        other, parents, turned = turning.poses, turning.parents, turning.shares
        check("turning.poses", other, np.float32, (len(poses), other.shape[1], 3))
        check("turning.parents", parents, np.int32, (poses.shape[1],))
        check("turning.shares", turned, np.float32, (count,))
        if len(parents) and (parents.min() < 0 or parents.max() >= other.shape[1]):
            raise ValueError(f"parents name vertices outside 0..{other.shape[1] - 1}")
    _place(poses, bins, shares, frames, slopes, firsts, other, parents, turned, out)


def to_pixels(points: Floats, table: LensTable) -> Floats:
    """(V, 2) float32 pixels at which points (V, 3) float32 in camera axes are seen; NaN before the near plane."""
    check("points", points, np.float32, (len(points), 3))
    out = np.empty((len(points), 2), np.float32)
    _to_pixels(points, table.pixels, *table.low, *table.step, out)
    return out


@njit(cache=True, error_model="numpy")
def _place(poses, bins, shares, frames, slopes, firsts, other, parents, turned, out):
    for n in range(np.uintp(len(bins))):
        before, after, first = np.uintp(bins[n, 0]), np.uintp(bins[n, 1]), np.uintp(firsts[n])
        turn, share = turned[n], shares[n]
        stay, keep = np.float32(1) - turn, np.float32(1) - share
        rise_x, rise_z = slopes[n, 0], slopes[n, 1]
        m00, m01, m02, m03 = _row(frames, n, 0)
        m10, m11, m12, m13 = _row(frames, n, 1)
        m20, m21, m22, m23 = _row(frames, n, 2)
        for v in range(np.uintp(poses.shape[1])):
            x = keep * poses[before, v, 0] + share * poses[after, v, 0]
            y = keep * poses[before, v, 1] + share * poses[after, v, 1]
            z = keep * poses[before, v, 2] + share * poses[after, v, 2]
            if turn > 0:
                p = np.uintp(parents[v])
                x = stay * x + turn * (keep * other[before, p, 0] + share * other[after, p, 0])
                y = stay * y + turn * (keep * other[before, p, 1] + share * other[after, p, 1])
                z = stay * z + turn * (keep * other[before, p, 2] + share * other[after, p, 2])
            low = min(max(np.float32(1) - y / np.float32(LEG_M), np.float32(0)), np.float32(1))
            y += low * (rise_x * x + rise_z * z)
            out[first + v, 0] = m00 * x + m01 * y + m02 * z + m03
            out[first + v, 1] = m10 * x + m11 * y + m12 * z + m13
            out[first + v, 2] = m20 * x + m21 * y + m22 * z + m23


@njit(cache=True)
def _row(frames, n, row):
    return (np.float32(frames[n, row, 0]), np.float32(frames[n, row, 1]), np.float32(frames[n, row, 2]),
            np.float32(frames[n, row, 3]))  # fmt: skip


@njit(cache=True, error_model="numpy")
def seen_at(x, y, pixels, low_x, low_y, step_x, step_y):
    """Pixel of a ray; beyond the table its last cell is continued straight."""
    u, v = (x - low_x) / step_x, (y - low_y) / step_y
    i, j = np.uintp(min(max(u, 0.0), pixels.shape[1] - 2.0)), np.uintp(min(max(v, 0.0), pixels.shape[0] - 2.0))
    a, b = u - i, v - j
    w00, w01, w10, w11 = (1 - a) * (1 - b), a * (1 - b), (1 - a) * b, a * b
    right, below = i + np.uintp(1), j + np.uintp(1)
    return (
        w00 * pixels[j, i, 0] + w01 * pixels[j, right, 0] + w10 * pixels[below, i, 0] + w11 * pixels[below, right, 0],
        w00 * pixels[j, i, 1] + w01 * pixels[j, right, 1] + w10 * pixels[below, i, 1] + w11 * pixels[below, right, 1],
    )


@njit(cache=True, error_model="numpy")
def _to_pixels(points, pixels, low_x, low_y, step_x, step_y, out):
    for n in range(np.uintp(len(points))):
        z = np.float64(points[n, 2])
        if z >= NEAR_M:
            x, y = seen_at(points[n, 0] / z, points[n, 1] / z, pixels, low_x, low_y, step_x, step_y)
            out[n, 0], out[n, 1] = np.float32(x), np.float32(y)
        else:
            out[n, 0] = out[n, 1] = np.nan
