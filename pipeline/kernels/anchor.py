"""Find small patches again where they were cut out of an earlier picture: place, shape, gain and offset of each.

Source: Baker and Matthews, "Lucas-Kanade 20 Years On", IJCV 2004 (inverse compositional steps); Shi and Tomasi, "Good Features to
Track", CVPR 1994 (that a long track is judged by an affine patch of its first picture).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.kernels.bands import banded

UNKNOWN = 8  # of a patch: shift x and y, shape xx xy yx yy, gain, offset
_DAMPING = 1e-4


def cut(picture: np.ndarray, at: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    """Patches around `at` (N, 2) float64, array index x and y, of a picture (H, W) float32, and what finding them takes.

    Returns patches (N, S + 2, S + 2) float32 with a border for their slopes, S = 2 half + 1, and inverse normal matrices
    (N, 8, 8). Beyond the picture's edge its last pixel goes on.
    """
    _picture(picture)
    if at.ndim != 2 or at.shape[1] != 2 or at.dtype != np.float64:
        raise ValueError(f"at is {at.shape} {at.dtype}; wanted (N, 2) float64.")
    patches = np.empty((len(at), 2 * half + 3, 2 * half + 3), np.float32)
    normals = np.empty((len(at), UNKNOWN, UNKNOWN), np.float64)
    banded(_cut, len(at), picture, at, patches, _weights(half), normals, rows=8)
    grown = np.einsum("nii->ni", normals)
    grown *= 1 + _DAMPING
    grown += 1e-6
    return patches, np.linalg.inv(normals)


def find(picture: np.ndarray, patches: np.ndarray, inverses: np.ndarray, warps: np.ndarray, steps: int) -> np.ndarray:
    """Adjust `warps` in place until the patches fit the picture; returns how well, (N,): correlation, -1 where one leaves it.

    picture: (H, W) float32; patches, inverses: of `cut`. warps: (N, 6) float64: array index x, y of the patch's middle, then the
    shape (xx, xy, yx, yy) by which offsets in the patch become offsets in the picture. Every patch is found by itself.
    """
    _picture(picture)
    count, side, _ = patches.shape
    if inverses.shape != (count, UNKNOWN, UNKNOWN) or warps.shape != (count, 6) or warps.dtype != np.float64:
        raise ValueError(f"inverses {inverses.shape}, warps {warps.shape} {warps.dtype} do not fit {count} patches.")
    scores = np.empty(count, np.float64)
    banded(_find, count, picture, patches, inverses, warps, _weights((side - 3) // 2), steps, scores, rows=8)
    return scores


def _picture(picture: np.ndarray) -> None:
    if picture.ndim != 2 or picture.dtype != np.float32 or min(picture.shape) < 2:
        raise ValueError(f"picture is {picture.shape} {picture.dtype}; wanted (H, W) float32.")


def _weights(half: int) -> np.ndarray:
    """(S, S): a bell, so that what enters or leaves at a patch's edge counts little."""
    away = np.arange(-half, half + 1)
    return np.exp(-(away[:, None] ** 2 + away**2) / (2 * (half / 1.2) ** 2))


@njit(cache=True)
def _at(picture, x, y):
    """Between four pixels; beyond the edge its last pixel goes on."""
    height, width = picture.shape
    x = min(max(x, 0.0), width - 1.000001)
    y = min(max(y, 0.0), height - 1.000001)
    column, row = np.uintp(x), np.uintp(y)
    across, down = x - column, y - row
    one = np.uintp(1)
    above = picture[row, column] * (1.0 - across) + picture[row, column + one] * across
    below = picture[row + one, column] * (1.0 - across) + picture[row + one, column + one] * across
    return above * (1.0 - down) + below * down


@njit(cache=True)
def _slopes(patch, row, column, half, mean, out):
    """How pixel (row, column) of a patch changes with its eight unknowns."""
    i, j, one = np.uintp(row + 1), np.uintp(column + 1), np.uintp(1)
    x, y = float(column - half), float(row - half)
    by_x = 0.5 * (patch[i, j + one] - patch[i, j - one])
    by_y = 0.5 * (patch[i + one, j] - patch[i - one, j])
    out[0], out[1] = by_x, by_y
    out[2], out[3], out[4], out[5] = by_x * x, by_x * y, by_y * x, by_y * y
    out[6], out[7] = patch[i, j] - mean, 1.0


@njit(cache=True)
def _mean(patch, weights):
    total = weight = 0.0
    for row in range(weights.shape[0]):
        for column in range(weights.shape[1]):
            total += weights[row, column] * patch[row + 1, column + 1]
            weight += weights[row, column]
    return total / weight


@njit(nogil=True, cache=True, error_model="numpy")
def _cut(first, last, picture, at, patches, weights, normals):
    side = weights.shape[0]
    half = side // 2
    for n in range(first, last):
        patch, normal = patches[n], normals[n]
        for row in range(side + 2):
            for column in range(side + 2):
                patch[row, column] = _at(picture, at[n, 0] + column - half - 1, at[n, 1] + row - half - 1)
        mean = _mean(patch, weights)
        slopes = np.empty(UNKNOWN, np.float64)
        normal[:] = 0.0
        for row in range(side):
            for column in range(side):
                _slopes(patch, row, column, half, mean, slopes)
                for a in range(UNKNOWN):
                    for b in range(UNKNOWN):
                        normal[a, b] += weights[row, column] * slopes[a] * slopes[b]


@njit(cache=True)
def _leaves(warp, half, height, width):
    """Whether a corner of the patch lies beyond the picture."""
    for x in (-half, half):
        for y in (-half, half):
            column = warp[0] + warp[2] * x + warp[3] * y
            row = warp[1] + warp[4] * x + warp[5] * y
            if not (0.0 <= column <= width - 1 and 0.0 <= row <= height - 1):
                return True
    return False


@njit(cache=True)
def _moved(warp, step):
    """The warp before the inverse of a step's. Too large a step is shortened."""
    for k in range(6):
        step[k] = min(max(step[k], -1.0 if k < 2 else -0.3), 1.0 if k < 2 else 0.3)
    xx, xy, yx, yy = 1.0 + step[2], step[3], step[4], 1.0 + step[5]
    whole = xx * yy - xy * yx
    xx, xy, yx, yy = yy / whole, -xy / whole, -yx / whole, xx / whole
    a, b, c, d = warp[2], warp[3], warp[4], warp[5]
    warp[2], warp[3], warp[4], warp[5] = a * xx + b * yx, a * xy + b * yy, c * xx + d * yx, c * xy + d * yy
    warp[0] -= warp[2] * step[0] + warp[3] * step[1]
    warp[1] -= warp[4] * step[0] + warp[5] * step[1]


@njit(cache=True)
def _alike(picture, patch, warp, weights, mean):
    """Correlation of a patch with what the picture shows in its place."""
    side = weights.shape[0]
    half = side // 2
    both = own = theirs = shown = weight = 0.0
    for row in range(side):
        for column in range(side):
            x, y, w = column - half, row - half, weights[row, column]
            seen = _at(picture, warp[0] + warp[2] * x + warp[3] * y, warp[1] + warp[4] * x + warp[5] * y)
            here = patch[row + 1, column + 1] - mean
            both += w * here * seen
            own += w * here * here
            shown += w * seen
            theirs += w * seen * seen
            weight += w
    return both / np.sqrt(max(own * (theirs - shown * shown / weight), 1e-12))


@njit(nogil=True, cache=True, error_model="numpy")
def _find(first, last, picture, patches, inverses, warps, weights, steps, scores):
    side = weights.shape[0]
    half = side // 2
    height, width = picture.shape
    for n in range(first, last):
        patch, warp = patches[n], warps[n]
        mean = _mean(patch, weights)
        slopes, pulled, step = np.empty(UNKNOWN), np.empty(UNKNOWN), np.empty(UNKNOWN)
        scores[n] = -1.0
        inside = True
        for _ in range(steps):
            if _leaves(warp, half, height, width):
                inside = False
                break
            pulled[:] = 0.0
            for row in range(side):
                for column in range(side):
                    x, y = column - half, row - half
                    seen = _at(picture, warp[0] + warp[2] * x + warp[3] * y, warp[1] + warp[4] * x + warp[5] * y)
                    off = weights[row, column] * (seen - patch[row + 1, column + 1])
                    _slopes(patch, row, column, half, mean, slopes)
                    for a in range(UNKNOWN):
                        pulled[a] += off * slopes[a]
            for a in range(UNKNOWN):
                step[a] = 0.0
                for b in range(UNKNOWN):
                    step[a] += inverses[n, a, b] * pulled[b]
            _moved(warp, step)
            if abs(step[0]) + abs(step[1]) < 1e-3:
                break
        if inside and not _leaves(warp, half, height, width):
            scores[n] = _alike(picture, patch, warp, weights, mean)
