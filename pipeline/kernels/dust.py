"""How much light puffs of dust take from each ray, up to what it meets: flat Gaussians in the world, summed in closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from pipeline.kernels.bands import ROWS, in_bands
from pipeline.kernels.check import shaped
from pipeline.kernels.exponent import exp

Floats = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
Ints = np.ndarray[tuple[int, ...], np.dtype[np.int32]]
LEAST = 2e-4  # optical depth through a puff's middle under which it is left out
FARTHEST = 3.0  # standard deviations from its middle at which any puff ends
PARTS = 4  # what is summed of a pixel
_F = np.float32
# erfc by Hastings' rational approximation, within 2.5e-5; of the normal distribution: half of that at x / sqrt(2).
_P, _A1, _A2, _A3 = _F(0.47047), _F(0.3480242), _F(-0.0958798), _F(0.7478556)
_ROOT_HALF = _F(np.sqrt(0.5))


@dataclass(frozen=True, slots=True, eq=False)
class Clouds:
    """N puffs, float32. middles: (N, 3) metres in camera axes, ahead of the camera; wide_m, high_m: (N,) standard deviations
    across the ground and upwards; masses: (N,) m2, extinction (1/m) summed over their volume; lit: (N,) share of the sun
    that reaches them; boxes: (N, 4) int32 first and one-past-last column and row that they reach."""

    middles: Floats
    wide_m: Floats
    high_m: Floats
    masses: Floats
    lit: Floats
    boxes: Ints


def reach(masses: np.ndarray, wide_m: np.ndarray, high_m: np.ndarray) -> np.ndarray:
    """(N,) standard deviations at which puffs end: there a ray loses less than LEAST by them; 0 for those that are nothing.

    The most that a ray loses by a puff is its mass over 2 pi and both its deviations.
    """
    most = masses / (2 * np.pi * wide_m * np.minimum(wide_m, high_m))
    return np.asarray(np.clip(np.sqrt(2 * np.log(np.maximum(most / LEAST, 1.0))), 0, FARTHEST))


def optical_depth(
    rays: Floats,
    clouds: Clouds,
    up: Floats,
    ends: Floats,
    near_m: Floats,
    cover: Floats,
    far_m: Floats,
    out: Floats,
) -> None:
    """Sum over the puffs before two surfaces of each pixel into `out` (PARTS, H, W) float32: optical depth before the near one,
    before the far one; and over both, by how much of the pixel each covers, depth along camera z and the sun's share.

    rays: (H, W, 2) float32, x/z and y/z of each pixel. up: (3,) float32, the world's up in camera axes. ends: (N,) of `reach`:
    a puff's profile is lowered to be 0 there, so that none has an edge. near_m, far_m: (H, W) float32 depths along camera z,
    +inf where nothing stops a ray; cover: (H, W) float32 0..1, of the pixel, of the near one. Each pixel is summed in the
    puffs' order: the same bits for any number of threads.

    Source: the integral of a Gaussian along a line, Kajiya and Von Herzen, "Ray Tracing Volume Densities", SIGGRAPH 1984,
    for blobs; the error function by Hastings, "Approximations for Digital Computers", 1955.
    """
    height, width = rays.shape[0], rays.shape[1]
    shaped((height, width), 2, rays=rays)
    shaped((height, width), near_m=near_m, cover=cover, far_m=far_m)
    if out.shape != (PARTS, height, width):
        raise ValueError(f"out is {out.shape}; wanted {(PARTS, height, width)}.")
    shaped((height, width), out=out[0])
    count = len(clouds.middles)
    _vectors(count, wide_m=clouds.wide_m, high_m=clouds.high_m, masses=clouds.masses, lit=clouds.lit, ends=ends)
    _vectors(3, up=up)
    shaped((count, 3), middles=clouds.middles)
    shaped((count, 4), dtype=np.int32, boxes=clouds.boxes)
    boxes = np.clip(clouds.boxes, 0, [width, width, height, height]).astype(np.int32)
    starts, members = _by_band(boxes, height)
    planes = np.ascontiguousarray(np.moveaxis(rays, -1, 0))  # loops over pairs are not vectorised
    how = clouds.middles, clouds.wide_m, clouds.high_m, clouds.masses, clouds.lit, boxes, ends

    def work(top: int, bottom: int) -> None:
        mine = members[starts[top // ROWS] : starts[top // ROWS + 1]]
        _sum(top, bottom, planes, mine, *how, up, near_m, cover, far_m, out)

    in_bands(height, work)


def _vectors(count: int, **arrays: Floats) -> None:
    for name, array in arrays.items():
        if array.shape != (count,) or array.dtype != np.float32:
            raise ValueError(f"{name} is {array.shape} {array.dtype}; wanted {(count,)} float32.")


def _by_band(boxes: Ints, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Where each band's puffs begin, and their numbers, in order within a band."""
    first, last = boxes[:, 2] // ROWS, (boxes[:, 3] - 1) // ROWS
    some = (boxes[:, 0] < boxes[:, 1]) & (boxes[:, 2] < boxes[:, 3])
    spans = np.where(some, last - first + 1, 0)
    members = np.repeat(np.arange(len(boxes)), spans)
    bands = np.repeat(first, spans) + np.arange(len(members)) - np.repeat(np.cumsum(spans) - spans, spans)
    order = np.argsort(bands, kind="stable")
    starts = np.searchsorted(bands[order], np.arange(-(-height // ROWS) + 1))
    return starts, members[order]


@njit(error_model="numpy")
def _before(x):
    """Share of a normal distribution below x standard deviations."""
    z = abs(x) * _ROOT_HALF
    t = _F(1) / (_F(1) + _P * z)
    half = _F(0.5) * t * (_A1 + t * (_A2 + t * _A3)) * exp(-z * z)
    return half if x < _F(0) else _F(1) - half


# Everything is told from the ray to the puff's middle, in the puff's own metric: a difference of far places would lose float32.
# Loops over columns have no branch and few arrays, one after another in memory: only then are they vectorised.
@njit(nogil=True, cache=True, error_model="numpy")
def _sum(top, bottom, rays, mine, middles, wide, high, masses, lit, boxes, ends, up, near, cover, far, out):
    out[:, top:bottom] = _F(0)
    kept = np.empty((5, rays.shape[2]), np.float32)
    whole, middle, narrow, by_near, by_far = kept[0], kept[1], kept[2], kept[3], kept[4]
    for n in mine:
        if not ends[n] > _F(0):
            continue
        z, h = middles[n, 2], wide[n]
        cx, cy, taller = middles[n, 0] / z, middles[n, 1] / z, h / high[n] - _F(1)
        # Axes of the camera and the ray to the middle, scaled so that the puff is a ball of radius h.
        ax, ay, az = _F(1) + taller * up[0] * up[0], taller * up[1] * up[0], taller * up[2] * up[0]
        bx, by, bz = taller * up[0] * up[1], _F(1) + taller * up[1] * up[1], taller * up[2] * up[1]
        along = taller * (up[0] * cx + up[1] * cy + up[2])
        dx, dy, dz = cx + along * up[0], cy + along * up[1], _F(1) + along * up[2]
        ux, uy, uz = dy * az - dz * ay, dz * ax - dx * az, dx * ay - dy * ax
        vx, vy, vz = dy * bz - dz * by, dz * bx - dx * bz, dx * by - dy * bx
        uu, uv, vv = ux * ux + uy * uy + uz * uz, ux * vx + uy * vy + uz * vz, vx * vx + vy * vy + vz * vz
        dd, da, db = dx * dx + dy * dy + dz * dz, dx * ax + dy * ay + dz * az, dx * bx + dy * by + dz * bz
        aa, ab, bb = ax * ax + ay * ay + az * az, ax * bx + ay * by + az * bz, bx * bx + by * by + bz * bz
        scale, per_m = (z / h) * (z / h), _F(1) / h
        floor = exp(_F(-0.5) * ends[n] * ends[n])
        amount = masses[n] / (_F(2 * np.pi) * h * high[n] * (_F(1) - floor))
        first, end = boxes[n, 0], boxes[n, 1]
        for row in range(max(top, boxes[n, 2]), min(bottom, boxes[n, 3])):
            ray_x, ray_y = rays[0, row], rays[1, row]
            for column in range(first, end):
                x = np.uintp(column)
                rx, ry = ray_x[x], ray_y[x]
                p, q = rx - cx, ry - cy
                square = dd + _F(2) * (p * da + q * db) + p * p * aa + _F(2) * p * q * ab + q * q * bb
                off = scale * (p * p * uu + _F(2) * p * q * uv + q * q * vv) / square
                profile = exp(_F(-0.5) * off) - floor
                root = np.sqrt(square)
                whole[x] = amount * (profile if profile > _F(0) else _F(0)) * np.sqrt(_F(1) + rx * rx + ry * ry) / root
                middle[x] = z * (dd + p * da + q * db) / square  # along camera z
                narrow[x] = root * per_m
            front, back, share = near[row], far[row], cover[row]
            _up_to(whole, middle, narrow, back, back, first, end, by_far)
            _up_to(whole, middle, narrow, front, back, first, end, by_near)
            _add(by_far, first, end, out[1, row])
            _add(by_near, first, end, out[0, row])
            _mix(by_near, by_far, share, first, end)
            _add_depths(by_near, by_far, middle, front, back, first, end, out[2, row])
            _add_shares(by_near, by_far, lit[n], first, end, out[3, row])


@njit(error_model="numpy")
def _up_to(whole, middle, narrow, front, back, first, end, out):
    """What of a puff lies before the nearer of two surfaces."""
    for column in range(first, end):
        x = np.uintp(column)
        met = front[x] if front[x] < back[x] else back[x]
        out[x] = whole[x] * _before((met - middle[x]) * narrow[x])


@njit
def _mix(by_near, by_far, share, first, end):
    for column in range(first, end):
        x = np.uintp(column)
        by_near[x] *= share[x]
        by_far[x] *= _F(1) - share[x]


@njit
def _add(values, first, end, out):
    for column in range(first, end):
        x = np.uintp(column)
        out[x] += values[x]


@njit
def _add_depths(by_near, by_far, middle, front, back, first, end, out):
    for column in range(first, end):
        x = np.uintp(column)
        met = front[x] if front[x] < back[x] else back[x]
        near_z = middle[x] if middle[x] < met else met
        far_z = middle[x] if middle[x] < back[x] else back[x]
        out[x] += by_near[x] * near_z + by_far[x] * far_z


@njit
def _add_shares(by_near, by_far, share, first, end, out):
    for column in range(first, end):
        x = np.uintp(column)
        out[x] += (by_near[x] + by_far[x]) * share
