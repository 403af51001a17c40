"""Costume bound to a body: cloth and armour cut from the body's own surface, so that they move with it.

A piece is geometry in the body's rest pose with skin weights. Shells are cut out of the body, smoothed and let out;
skirts and capes are hung from it. What a garment covers is taken off the body beneath.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from assets.bodies import Body, vertex_normals
from assets.characters import Part

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Piece:
    """vertices (V, 3) metres in rest; triangles (T, 3); parts (T,) Part numbers; weights (V, B) sparse.

    hidden: (body triangles,) what this piece covers. slides: the vertices go with Pose.shaft_m along `axis`.
    hangs: (V,) 0..1, how freely a vertex swings with Pose.drape; None for what does not hang.
    """

    vertices: Array
    triangles: Ints
    parts: Ints
    weights: sparse.csr_matrix
    hidden: Mask | None = None
    slides: Array | None = None
    hangs: Array | None = None


def rigid(
    body: Body, bone: str, vertices: Array, triangles: Ints, part: int | Ints, slides: Array | None = None
) -> Piece:
    """A stiff piece carried by one bone."""
    weights = sparse.csr_matrix(
        (np.ones(len(vertices)), (np.arange(len(vertices)), np.full(len(vertices), body.skeleton.index(bone)))),
        shape=(len(vertices), len(body.skeleton.names)),
    )
    parts = np.broadcast_to(np.asarray(part, np.int32), len(triangles)).copy()
    return Piece(vertices, triangles.astype(np.int32), parts, weights, slides=slides)


# ---------------------------------------------------------------- shells


def shell(
    body: Body, mask: Mask, offset_m: float | Array, part: Part, *, smooth: int = 6, split: int = 0, hide: bool = True
) -> Piece:
    """The body's surface where `mask` (per vertex) holds, smoothed, subdivided `split` times, let out by offset_m.

    offset_m: metres, one number or one per body vertex. The piece's edge is turned in towards the body so that its
    thickness shows.
    """
    chosen = mask[body.triangles].all(axis=1)
    used, triangles = np.unique(body.triangles[chosen], return_inverse=True)
    triangles = triangles.reshape(-1, 3).astype(np.int32)
    vertices, weights = body.vertices[used], body.weights[used]
    offsets = np.broadcast_to(np.asarray(offset_m, float), len(body.vertices))[used]
    for _ in range(split):
        vertices, triangles, weights, offsets = _subdivide(vertices, triangles, weights, offsets)
    neighbours = _neighbours(triangles, len(vertices))
    edge = _edge(triangles, len(vertices))
    smoothed = vertices
    for _ in range(smooth):
        mean = neighbours @ smoothed
        smoothed = np.where(edge[:, None], smoothed, 0.5 * smoothed + 0.5 * mean)
    normals = vertex_normals(smoothed, triangles)
    inside = ((vertices - smoothed) * normals).sum(axis=1)  # smoothing shrinks: stay above the skin
    let_out = offsets + np.maximum(inside, 0.0)
    placed = smoothed + normals * np.where(edge, 0.35 * let_out, let_out)[:, None]
    hidden = _interior(body, chosen) if hide else None
    return Piece(placed, triangles, np.full(len(triangles), part, np.int32), weights.tocsr(), hidden)


def _interior(body: Body, chosen: Mask) -> Mask:
    """The chosen triangles that do not touch the piece's edge."""
    outside = np.zeros(len(body.vertices), bool)
    outside[body.triangles[~chosen].ravel()] = True
    near = outside[body.triangles].any(axis=1)
    wider = np.zeros(len(body.vertices), bool)
    wider[body.triangles[near & chosen].ravel()] = True
    return chosen & ~wider[body.triangles].any(axis=1)


def _subdivide(
    vertices: Array, triangles: Ints, weights: sparse.csr_matrix, offsets: Array
) -> tuple[Array, Ints, sparse.csr_matrix, Array]:
    """Every triangle into four; new vertices lie midway, with the mean of both ends' weights."""
    sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    edges, inverse = np.unique(sides, axis=0, return_inverse=True)
    count = len(vertices)
    ab, bc, ca = (inverse.ravel().reshape(3, -1) + count).astype(np.int32)
    a, b, c = triangles.T
    new = np.concatenate([np.stack(rows, 1) for rows in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    i, j = edges.T
    return (
        np.concatenate([vertices, (vertices[i] + vertices[j]) / 2]),
        new.astype(np.int32),
        sparse.vstack([weights, (weights[i] + weights[j]) * 0.5]).tocsr(),
        np.concatenate([offsets, (offsets[i] + offsets[j]) / 2]),
    )


def _neighbours(triangles: Ints, count: int) -> sparse.csr_matrix:
    """(V, V) rows that average each vertex's neighbours."""
    i = triangles[:, [0, 1, 2, 1, 2, 0]].ravel()
    j = triangles[:, [1, 2, 0, 0, 1, 2]].ravel()
    links = sparse.csr_matrix((np.ones(len(i)), (i, j)), shape=(count, count))
    links.data[:] = 1.0
    degree = np.maximum(np.asarray(links.sum(axis=1)).ravel(), 1.0)
    return sparse.diags(1.0 / degree) @ links


def _edge(triangles: Ints, count: int) -> Mask:
    """(V,) vertices on an open edge: one that belongs to a single triangle."""
    sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    edges, uses = np.unique(sides, axis=0, return_counts=True)
    mask = np.zeros(count, bool)
    mask[edges[uses == 1].ravel()] = True
    return mask


# ---------------------------------------------------------------- what hangs


def hull_radius(points: Array, angles: Array) -> Array:
    """Distance from the origin to the convex hull of `points` (N, 2) along each angle (0 = +z, pi/2 = +x)."""
    probes = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    support = (points @ np.stack([np.sin(probes), np.cos(probes)])).max(axis=0)
    facing = np.cos(angles[:, None] - probes[None])
    return np.where(facing > 0.05, support[None] / np.maximum(facing, 0.05), np.inf).min(axis=1)


def grid(rows: int, columns: int, *, closed: bool) -> Ints:
    """Triangles of a rows x columns lattice (row-major); closed: the last column meets the first."""
    last = columns if closed else columns - 1
    r, c = np.mgrid[0 : rows - 1, 0:last]
    a, b = r * columns + c, r * columns + (c + 1) % columns
    d, e = a + columns, b + columns
    return np.concatenate([np.stack([a, d, b], -1).reshape(-1, 3), np.stack([b, d, e], -1).reshape(-1, 3)]).astype(
        np.int32
    )


@dataclass(frozen=True, slots=True)
class Hang:
    """A tube or sheet of cloth around the body, from `top_m` down to `hem_m` (heights in rest, metres)."""

    top_m: float
    hem_m: float
    ease_m: tuple[float, float] = (0.012, 0.035)  # stands off the body at the top and at the hem
    folds: int = 13
    fold_m: float = 0.016  # how deep folds are at the hem
    span: tuple[float, float] = (-np.pi, np.pi)  # angles from the front, to the left; a full turn closes the tube
    rows: int = 14
    columns: int = 72
    seed: int = 1


def hang(body: Body, cut: Hang, part: Part, *, torso: bool = False) -> Piece:
    """Cloth that hangs around hips and legs (torso: around the chest too), following both thighs."""
    closed = cut.span[1] - cut.span[0] > 2 * np.pi - 1e-6
    angles = np.linspace(*cut.span, cut.columns, endpoint=not closed)
    heights = np.linspace(cut.top_m, cut.hem_m, cut.rows)
    figure = body.of_bones(
        "pelvis", "upperleg", "lowerleg", "spine", "root", *(("shoulder", "clavicle") if torso else ())
    )
    points = body.vertices[figure]
    rng = np.random.default_rng(cut.seed)
    phases, tilt = rng.uniform(0, 2 * np.pi, 3), rng.normal(0, 0.15, 2)
    centre = np.array([0.0, float(body.skeleton.head("spine04")[2])])
    radii = np.empty((cut.rows, cut.columns))
    for row, height in enumerate(heights):
        near = np.abs(points[:, 1] - height) < 0.045
        radii[row] = hull_radius(points[near][:, [0, 2]] - centre, angles)
    down = np.linspace(0, 1, cut.rows)[:, None]
    radii = np.maximum(radii, np.maximum.accumulate(radii, axis=0) * 0.97)  # cloth does not follow the body back in
    ease = cut.ease_m[0] + (cut.ease_m[1] - cut.ease_m[0]) * down
    bent = angles[None] + 0.10 * np.sin(3 * angles[None] + phases[0]) + tilt[0] * 0.2 * down
    folds = 0.6 * np.sin(cut.folds * bent + phases[1]) + 0.4 * np.sin((cut.folds * 2 - 5) * bent + phases[2] + tilt[1])
    radii = radii + ease + cut.fold_m * down**0.8 * folds
    vertices = np.stack(
        [
            centre[0] + radii * np.sin(angles),
            np.broadcast_to(heights[:, None], radii.shape) + 0.006 * down * folds,
            centre[1] + radii * np.cos(angles),
        ],
        axis=-1,
    ).reshape(-1, 3)
    triangles = grid(cut.rows, cut.columns, closed=closed)
    weights = _hanging_weights(body, vertices, torso=torso)
    hangs = np.repeat(down[:, 0] ** 1.5, cut.columns)
    return Piece(vertices, triangles, np.full(len(triangles), part, np.int32), weights, hangs=hangs)


def _hanging_weights(body: Body, vertices: Array, *, torso: bool) -> sparse.csr_matrix:
    """Upper rows follow the spine or pelvis, lower rows each side's thigh; the middle follows both."""
    skeleton = body.skeleton
    hip, knee = skeleton.head("upperleg01.L"), skeleton.head("lowerleg01.L")
    x, y = vertices[:, 0], vertices[:, 1]
    with_legs = 0.72 * _smooth((hip[1] + 0.02 - y) / (hip[1] - knee[1]) * 1.1)
    left = _smooth(0.5 + x / (2 * 1.1 * (abs(hip[0]) + 0.05)))
    dense = np.zeros((len(vertices), len(skeleton.names)))
    dense[:, skeleton.index("upperleg01.L")] = with_legs * left
    dense[:, skeleton.index("upperleg01.R")] = with_legs * (1 - left)
    rest = 1 - with_legs
    if torso:
        levels = [skeleton.head(name)[1] for name in ("root", "spine04", "spine03", "spine02", "spine01")]
        bones = [skeleton.index(name) for name in ("root", "spine05", "spine04", "spine02", "spine01")]
        place = np.interp(y, levels, np.arange(5.0))
        for k, bone in enumerate(bones):
            dense[:, bone] += rest * np.clip(1 - np.abs(place - k), 0, 1)
    else:
        dense[:, skeleton.index("root")] += rest
    return sparse.csr_matrix(dense)


def _smooth(x: Array) -> Array:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


Maker = Callable[[Body], list[Piece]]
