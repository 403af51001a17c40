"""Stand-ins: people as coarse grey meshes, one for each moment of a motion, shared by everybody who is just then in it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from assets.motion.motions import load_motion
from assets.people.bodies import vertex_normals
from assets.people.characters import Character, Part, load_character
from assets.people.mesh import dressed, posed_mesh
from assets.sprites.atlas import PHASES_MOVING, phases_of

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

CELLS_M = (0.0, 0.012, 0.02, 0.033, 0.055, 0.09, 0.15)  # vertices that lie in one cell at rest become one; 0: all stay
CELL_PX = 2.2  # a cell may be as large as this on screen
THIN = (Part.SHAFT, Part.BLADE, Part.HILT, Part.BOW)
THIN_M = 0.016  # across a spear the cells stay small, or it would shrink to a line that no pixel meets
MOMENTS = ((160.0, 64), (48.0, 32), (0.0, 16))  # from this height on screen, so many phases of a cycle are told apart


@dataclass(frozen=True, slots=True, eq=False)
class Standin:
    """vertices (V, 3) float32 as in assets.people.mesh.Mesh; triangles (T, 3) int32; normals (T, 3) float32, unit."""

    vertices: Floats
    triangles: Ints
    normals: Floats


def level_for(px_per_m: float) -> int:
    """The coarsest row of CELLS_M that a figure at `px_per_m` on screen can do with."""
    return max(level for level, cell in enumerate(CELLS_M) if cell * px_per_m <= CELL_PX)


def moments_for(tall_px: float) -> int:
    """How many phases of a cycle a figure so tall on screen is worth."""
    return next(count for least, count in MOMENTS if tall_px >= least)


def lasting(motion: str) -> int:
    """By how much a motion needs more phases than one of ours: 1, but for long captured ones."""
    return max(1, -(-phases_of(motion) // PHASES_MOVING))


def moment_of(motion: str, phase: float, moments: int) -> int:
    """Which of a motion's `moments` is nearest to `phase` (cycles); the last one of a clip that does not loop stays."""
    nearest = int(np.floor(phase * moments + 0.5))
    return nearest % moments if load_motion(motion).loops else min(nearest, moments - 1)


@lru_cache(maxsize=2048)  # about 30 kB each
def standin(character: str, motion: str, moment: int, moments: int, level: int) -> Standin:
    """`character` in `motion` at phase moment / moments, as coarse as CELLS_M[level].

    Raises AssetError when character or motion is not known.
    """
    person = load_character(character)
    mesh = posed_mesh(person, motion, moment / moments)
    kept, triangles = _merged(person, level)
    vertices = np.ascontiguousarray(mesh.vertices[kept])
    # The body's own normals: those of the coarse triangles would sparkle.
    normals = mesh.normals[kept][triangles].sum(axis=1)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return Standin(vertices, triangles, normals.astype(np.float32))


@lru_cache(maxsize=128)
def _merged(character: Character, level: int) -> tuple[NDArray[np.intp], Ints]:
    """(the vertex that stands for each cell (C,), triangles (T, 3) between cells): clustered at rest, so that every pose
    shares it. The outermost vertex of a cell stays: the crown of the head and the tips of the toes lie where they lay.

    Source: Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes", 1993.
    """
    figure = dressed(character)
    if CELLS_M[level] == 0:
        return np.arange(len(figure.vertices)), figure.triangles
    places, size = figure.vertices.copy(), np.full((len(figure.vertices), 3), CELLS_M[level])
    pieces = _thin_pieces(figure.triangles[np.isin(figure.parts, [int(p) for p in THIN])], len(places))
    for piece in range(1, pieces.max(initial=0) + 1):
        own = pieces == piece
        middle = places[own].mean(axis=0)
        places[own] = (places[own] - middle) @ np.linalg.svd(places[own] - middle, full_matrices=False)[2].T
        size[own] = (4 * CELLS_M[level], min(THIN_M, CELLS_M[level]), min(THIN_M, CELLS_M[level]))
    keys = np.column_stack([np.floor(places / size).astype(np.int64), pieces])
    cells = np.unique(keys, axis=0, return_inverse=True)[1].ravel()
    normals = vertex_normals(figure.vertices, figure.triangles)
    ways = np.stack([np.bincount(cells, normals[:, axis]) for axis in range(3)], axis=1)
    order = np.lexsort((-(figure.vertices * ways[cells]).sum(axis=1), cells))
    kept = order[np.searchsorted(cells[order], np.arange(len(ways)))]
    corners = cells[figure.triangles]
    corners = corners[
        (corners[:, 0] != corners[:, 1]) & (corners[:, 1] != corners[:, 2]) & (corners[:, 2] != corners[:, 0])
    ]
    first = np.unique(np.sort(corners, axis=1), axis=0, return_index=True)[
        1
    ]  # sheets: inside and outside fell together
    return kept, np.ascontiguousarray(corners[np.sort(first)], np.int32)


def _thin_pieces(triangles: Ints, vertices: int) -> NDArray[np.int64]:
    """(V,) which connected piece of `triangles` each vertex belongs to, counted from 1; 0: none."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]])
    joined = sparse.coo_matrix((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), (vertices, vertices))
    own, pieces = np.unique(triangles), np.zeros(vertices, np.int64)
    labels = csgraph.connected_components(joined, directed=False)[1]
    pieces[own] = np.unique(labels[own], return_inverse=True)[1] + 1
    return pieces
