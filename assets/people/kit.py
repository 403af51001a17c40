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

from assets.people.bodies import Body, vertex_normals
from assets.people.characters import Part
from assets.people.cloth import Flown

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Piece:
    """vertices (V, 3) metres in rest; triangles (T, 3); parts (T,) Part numbers; weights (V, B) sparse.

    hidden: (body triangles,) what this piece covers. hem_m: a skirt, which hides thighs down to a hand above this height.
    slides: the vertices go with Pose.shaft_m along `axis`.
    hangs: (V,) 0..1, how freely a vertex swings with Pose.drape; None for what does not hang.
    clear_m: how much further than other cloth it stays off the legs. flown: which of its vertices are a banner's cloth.
    """

    vertices: Array
    triangles: Ints
    parts: Ints
    weights: sparse.csr_matrix
    hidden: Mask | None = None
    hem_m: float | None = None
    slides: Array | None = None
    hangs: Array | None = None
    clear_m: float = 0.0
    flown: Flown | None = None


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

_COVERED_M = 0.022  # skin further than this inside a garment's edge is taken away


def shell(
    body: Body,
    inside: Array,
    offset_m: float | Array,
    part: Part,
    *,
    smooth: int = 6,
    split: int = 0,
    hide: bool = True,
) -> Piece:
    """The body's surface where `inside` (V,) is positive, smoothed, subdivided `split` times, let out by offset_m.

    inside: roughly the metres to the garment's edge; triangles are cut where it is 0, so edges run clean. offset_m:
    metres, one number or one per body vertex; less at the edge, so that the cloth closes against the body.
    """
    cut = _clip(body, inside, np.broadcast_to(np.asarray(offset_m, float), len(body.vertices)))
    for _ in range(split):
        cut = _subdivide(*cut)
    vertices, triangles, weights, offsets = cut
    neighbours = neighbour_means(triangles, len(vertices))
    edge = _edge(triangles, len(vertices))
    smoothed = vertices
    for _ in range(smooth):
        mean = neighbours @ smoothed
        smoothed = np.where(edge[:, None], smoothed, 0.5 * smoothed + 0.5 * mean)
    normals = vertex_normals(smoothed, triangles)
    sunk = ((vertices - smoothed) * normals).sum(axis=1)  # smoothing shrinks: stay above the skin
    let_out = offsets + np.maximum(sunk, 0.0)
    placed = smoothed + normals * np.where(edge, 0.6 * let_out, let_out)[:, None]
    covered = np.asarray((inside > _COVERED_M)[body.triangles].all(axis=1))
    return Piece(placed, triangles, np.full(len(triangles), part, np.int32), weights.tocsr(), covered if hide else None)


def _clip(body: Body, inside: Array, offsets: Array) -> tuple[Array, Ints, sparse.csr_matrix, Array]:
    """(vertices, triangles, weights, offsets) of the surface where `inside` > 0, cut along its zero line."""
    count = len(body.vertices)
    within = inside > 0
    corners = within[body.triangles].sum(axis=1)
    crossing = body.triangles[(corners == 1) | (corners == 2)]
    # The corner that differs from both others comes first.
    odd = within[crossing] == (within[crossing].sum(axis=1) == 1)[:, None]
    first = odd.argmax(axis=1)
    a, b, c = (crossing[np.arange(len(crossing)), (first + k) % 3] for k in range(3))
    ends = np.sort(np.concatenate([np.stack([a, b], 1), np.stack([a, c], 1)]), axis=1)
    edges, inverse = np.unique(ends, axis=0, return_inverse=True)
    ab, ac = inverse.ravel().reshape(2, -1) + count
    alone = within[a]
    pieces = [
        body.triangles[corners == 3],
        np.stack([a, ab, ac], 1)[alone],
        np.stack([ab, b, c], 1)[~alone],
        np.stack([ab, c, ac], 1)[~alone],
    ]
    triangles = np.concatenate(pieces)
    i, j = edges.T
    share = np.clip(inside[i] / np.where(inside[i] == inside[j], 1.0, inside[i] - inside[j]), 0.02, 0.98)
    vertices = np.concatenate(
        [body.vertices, body.vertices[i] + share[:, None] * (body.vertices[j] - body.vertices[i])]
    )
    cut = sparse.diags(1 - share) @ body.weights[i] + sparse.diags(share) @ body.weights[j]
    weights = sparse.vstack([body.weights, cut]).tocsr()
    offsets = np.concatenate([offsets, offsets[i] + share * (offsets[j] - offsets[i])])
    used, renumbered = np.unique(triangles, return_inverse=True)
    return vertices[used], renumbered.reshape(-1, 3).astype(np.int32), weights[used], offsets[used]


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


def neighbour_means(triangles: Ints, count: int) -> sparse.csr_matrix:
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
    follow: float = 0.72  # how much of the thighs' movement the hem takes


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
    radii = radii + ease + cut.fold_m * (0.25 + 0.75 * down**0.8) * folds * (cut.fold_m > 0)
    vertices = np.stack(
        [
            centre[0] + radii * np.sin(angles),
            np.broadcast_to(heights[:, None], radii.shape) + 0.006 * down * folds,
            centre[1] + radii * np.cos(angles),
        ],
        axis=-1,
    ).reshape(-1, 3)
    triangles = grid(cut.rows, cut.columns, closed=closed)
    weights = _hanging_weights(body, vertices, cut.follow, torso=torso)
    hangs = np.repeat(np.maximum(down[:, 0], 0.02) ** 1.5, cut.columns)
    parts = np.full(len(triangles), part, np.int32)
    return Piece(vertices, triangles, parts, weights, hem_m=cut.hem_m if closed else None, hangs=hangs)


def _hanging_weights(body: Body, vertices: Array, follow: float, *, torso: bool) -> sparse.csr_matrix:
    """Upper rows follow the spine or pelvis, lower rows each side's thigh; the middle follows both."""
    skeleton = body.skeleton
    hip, knee = skeleton.head("upperleg01.L"), skeleton.head("lowerleg01.L")
    x, y = vertices[:, 0], vertices[:, 1]
    with_legs = follow * _smooth((hip[1] + 0.02 - y) / (hip[1] - knee[1]) * 1.1)
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


Maker = Callable[..., list[Piece]]  # (body, **sizes): see assets.people.sizes
