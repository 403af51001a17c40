"""What near bodies take from the ground's light, from their true meshes: as the sun sees each, and as the ground does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from assets.near.bodies import Placed
from assets.view import View
from pipeline.errors import AssetError
from pipeline.kernels.raster import empty_buffers, rasterize_orthographic

Array = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Ground = Callable[[Array, Array], Array]  # x, z (N,) to heights (N,) or normals (N, 3)
TEXEL_M = 0.02
_SAMPLES = 4  # per texel and axis
_ROUND = 32  # texels to which maps are rounded up: filtering halves them
_SOLE_M = 0.05  # above the lowest point: what stands on the ground
_PRIOR_M2 = 0.002  # two feet tell a plane's slope along the line between them; across it the ground's own counts
# Light from all sides is lost under what is low, the lower the more, and around it: a sole's edge, a foot, a body.
# Each: metres of blur, metres above the ground at which nothing is taken, share taken under what touches the ground.
_CLOSENESS = ((0.012, 0.06, 0.85), (0.05, 0.20, 0.50), (0.16, 0.60, 0.45))
_MARGIN_M = 0.5
_ANYBODY_M = (2.5, 3.2)  # of a body with all that he holds: to each side of his root, above it
_LOW_SUN = 0.08  # sine of the sun's height under which its shadows are not drawn


@dataclass(frozen=True, slots=True, eq=False)
class Shades:
    """K bodies of one frame. ids: (K,) of the agents.

    roots, normals: (K, 3) float64 world metres, the plane of ground that they stand or lie on; the root is amid their
    soles. sun: (K, H, W) uint8, 255 where the body covers the sun, in axes `facing(to_sun)`; sun_relief: (K, H, W) float16
    metres towards the sun from the root of what is nearest to the ground; contact: (K, h, w) uint8, 255 where the ground
    gets no light from above, in axes `facing(normal)`. Both at TEXEL_M; sun_corners, contact_corners: (K, 2) float64
    metres right and up of the root of the upper left corner.
    """

    ids: NDArray[np.int64]
    roots: Array
    normals: Array
    sun: Bytes
    sun_relief: NDArray[np.float16]
    sun_corners: Array
    contact: Bytes
    contact_corners: Array

    def packed(self) -> bytes:
        """As an .npz; the same bytes for the same shades."""
        held = BytesIO()
        np.savez_compressed(held, **{field.name: getattr(self, field.name) for field in fields(self)})
        return held.getvalue()

    @classmethod
    def read(cls, path: Path) -> Shades:
        """What `packed` wrote. Raises AssetError when the file is broken or gone."""
        try:
            with np.load(path) as found:
                return cls(**{field.name: found[field.name] for field in fields(cls)})
        except (OSError, ValueError, KeyError) as error:
            raise AssetError(f"{path}: holds no shadows of near people. Run generate_near again.") from error


def facing(direction: Array) -> Array:
    """(3, 3) rows right, up, towards: unit axes of a picture as it is seen from `direction` (3,)."""
    towards = direction / np.linalg.norm(direction)
    right = np.cross([0.0, 1.0, 0.0] if towards[1] < 0.9 else [0.0, 0.0, -1.0], towards)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards])


def boxes_of(view: View, corners: Array) -> NDArray[np.int32]:
    """As view.boxes, but what reaches behind the camera may be anywhere in the picture."""
    boxes = view.boxes(corners)
    ahead = view.to_camera(corners)[..., 2] > 0
    boxes[ahead.any(axis=1) & ~ahead.all(axis=1)] = (0, view.size[1], 0, view.size[0])
    return boxes


def throwing(view: View, positions: Array, to_sun: Array) -> NDArray[np.bool_]:
    """(N,) whose shadows may reach the picture of people at world positions (N, 3). to_sun: (3,) unit, world."""
    across, up = _ANYBODY_M
    corners = np.array([(x, y, z) for x in (-across, across) for y in (0.0, up) for z in (-across, across)])
    fallen = corners - corners[:, 1:2] / max(to_sun[1], _LOW_SUN) * to_sun
    boxes = boxes_of(view, positions[:, None] + fallen)
    return np.asarray((boxes[:, 1] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 2]))


def shades_of(ids: Sequence[int], bodies: Sequence[Placed], to_sun: Array, height: Ground, normal: Ground) -> Shades:
    """What bodies take from the light of the ground. to_sun: (3,) unit, world; height, normal: of the ground."""
    planes, suns, contacts = [], [], []
    for body in bodies:
        world, triangles = body.world(), body.mesh.triangles
        above = world[:, 1] - height(world[:, 0], world[:, 2])
        root, up = _plane(world, above, normal)
        planes.append((root, up))
        suns.append(_sun(world - root, triangles, to_sun))
        contacts.append(_contact(world - root, above, triangles, up))
    sun, relief = (_stacked([maps[k] for maps in suns]) for k in (0, 1))
    return Shades(
        ids=np.array(ids, np.int64),
        roots=np.array([root for root, _ in planes]).reshape(-1, 3),
        normals=np.array([up for _, up in planes]).reshape(-1, 3),
        sun=_bytes(sun),
        sun_relief=relief.astype(np.float16),
        sun_corners=np.array([maps[2] for maps in suns]).reshape(-1, 2),
        contact=_bytes(_stacked([made for made, _ in contacts])),
        contact_corners=np.array([corner for _, corner in contacts]).reshape(-1, 2),
    )


def _plane(world: Array, above: Array, normal: Ground) -> tuple[Array, Array]:
    """A point amid the soles, or under whatever else is lowest, and the unit normal of the ground through all of them."""
    low = above < max(float(above.min()), 0.0) + _SOLE_M
    soles = world[low] - above[low, None] * [0.0, 1.0, 0.0]
    root = soles.mean(axis=0)
    known = normal(root[:1], root[2:])[0]
    off = soles - root
    flat = off[:, [0, 2]]
    spread = flat.T @ flat / len(flat) + _PRIOR_M2 * np.eye(2)
    rise = flat.T @ off[:, 1] / len(flat) - _PRIOR_M2 * known[[0, 2]] / known[1]
    slope = np.linalg.solve(spread, rise)
    up = np.array([-slope[0], 1.0, -slope[1]])
    return root, up / np.linalg.norm(up)


def _sun(points: Array, triangles: NDArray[np.int32], to_sun: Array) -> tuple[Array, Array, Array]:
    """Coverage and relief (h, w) of what the sun sees, and the upper left corner (2,)."""
    seen = points @ facing(to_sun).T
    corner, size = _frame(seen[:, :2], 2 * TEXEL_M)
    # Of what lies behind each other the last counts: it is nearest to the ground, and its shadow the sharpest.
    depth = _drawn(seen, seen[:, 2], triangles, corner, size)
    there = np.isfinite(depth)
    share, relief = _means(there), _means(np.where(there, depth, 0))
    return share, relief / np.maximum(share, 1e-6), corner


def _contact(points: Array, above: Array, triangles: NDArray[np.int32], up: Array) -> tuple[Array, Array]:
    """How much light from above is lost on the ground (h, w), and the upper left corner (2,)."""
    seen, reach = points @ facing(up).T, max(off for _, off, _ in _CLOSENESS)
    low = above < reach
    if not low.any():  # high in the air
        return np.zeros((_ROUND, _ROUND)), np.zeros(2)
    corner, size = _frame(seen[low, :2], _MARGIN_M)
    depth = np.maximum(_drawn(seen, above, triangles[low[triangles].any(axis=1)], corner, size), 0)
    left = np.ones(size)
    for blur_m, off_m, share in _CLOSENESS:
        near = _means(np.clip(1 - depth / off_m, 0, 1))
        left *= 1 - share * ndimage.gaussian_filter(near, blur_m / TEXEL_M, mode="constant", truncate=3.0)
    return 1 - left, corner


def _frame(flat: Array, margin_m: float) -> tuple[Array, tuple[int, int]]:
    """The upper left corner, metres right and up, and the rows and columns of a map that holds all points (N, 2)."""
    low, high = flat.min(axis=0) - margin_m, flat.max(axis=0) + margin_m
    columns, rows = np.ceil((high - low) / (TEXEL_M * _ROUND)).astype(int) * _ROUND
    return np.array([low[0], high[1]]), (int(rows), int(columns))


def _drawn(seen: Array, depth: Array, triangles: NDArray[np.int32], corner: Array, size: tuple[int, int]) -> Array:
    """(rows * _SAMPLES, columns * _SAMPLES) the least depth (N,) of points that lie at `seen` (N, 3), +inf where none."""
    scale = _SAMPLES / TEXEL_M
    points = np.stack([(seen[:, 0] - corner[0]) * scale, (corner[1] - seen[:, 1]) * scale, depth], axis=1)
    buffers = empty_buffers(size[0] * _SAMPLES, size[1] * _SAMPLES)
    rasterize_orthographic(np.ascontiguousarray(points, np.float32), np.ascontiguousarray(triangles), *buffers)
    return buffers[0].astype(np.float64)


def _means(samples: NDArray[np.generic]) -> Array:
    rows, columns = samples.shape[0] // _SAMPLES, samples.shape[1] // _SAMPLES
    return np.asarray(samples.reshape(rows, _SAMPLES, columns, _SAMPLES).mean(axis=(1, 3), dtype=np.float64))


def _stacked(maps: Sequence[Array]) -> Array:
    """(K, H, W), each with its upper left corner in the upper left corner."""
    size = np.array([made.shape for made in maps] or [(_ROUND, _ROUND)]).max(axis=0)
    whole = np.zeros((len(maps), *size))
    for into, made in zip(whole, maps, strict=True):
        into[: made.shape[0], : made.shape[1]] = made
    return whole


def _bytes(shares: Array) -> Bytes:
    return np.asarray(np.rint(255 * np.clip(shares, 0, 1)), np.uint8)
