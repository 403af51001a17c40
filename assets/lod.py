"""Detail by distance: each character as a chain of ever coarser meshes that share poses, and which one a size allows.

A coarser mesh merges vertices that lie in one cell of the rest pose, on one limb and facing the same way; it is then
plumped until it covers what the full mesh covers. How far its outline strays from the full mesh's is measured on
pictures. An agent wears the coarsest mesh whose outline strays less than HALF_PX on average, so outlines
cannot pop: the choice needs no memory, and a frame made alone equals the same frame of a sequence. Inside the outline,
borders between parts (a shield's device) and normals do change with the mesh, by up to a cell.
Between the phases that are kept, vertices move in straight lines: with 32 to a cycle joints stay within 2 mm of their
true way 95% of the time, a knee at a heel strike within 12.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from assets.bodies import vertex_normals
from assets.characters import Character, Part
from assets.guides import view_from_person
from assets.motions import load_motion
from assets.people import Mesh, dressed, posed_mesh
from pipeline.kernels.raster import empty_buffers, rasterize_orthographic

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

PHASES = 32
HALF_PX = 0.5
FULL_PX, FINE_PX = 400.0, 200.0  # who stands taller wears every vertex, at least the second mesh: faces are looked at
CELLS_M = (0.03, 0.06, 0.1, 0.16, 0.28, 0.5, 0.9, 1.8)
_WHOLE_LIMBS_M = 0.4  # in larger cells an arm is one limb, and so is a leg
_VIEWS = ((0.0, 0.1), (0.8, 0.1), (1.6, 0.1), (2.6, 0.3))  # yaw, elevation of the pictures that measure
_PICTURE = (320, 256)
_M_PER_PX = 0.01
_LIMBS = {"upperarm": 1, "lowerarm": 2, "wrist": 2, "finger": 2, "metacarpal": 2, "upperleg": 3, "lowerleg": 4, "foot": 5,
          "toe": 5, "neck": 6, "head": 6}  # fmt: skip
_KIT = {Part.SHIELD: 1, Part.SHIELD_MARK: 1, Part.SHIELD_TRIM: 1, Part.SHAFT: 2, Part.BLADE: 3, Part.HILT: 3, Part.BOW: 4,
        Part.QUIVER: 5, Part.CAPE: 6}  # fmt: skip
_SHELL_M = 0.1  # from such cells on, triangles that are never seen are left out
_WORTH = 1.4  # a mesh is kept if the one before has so many times its triangles
_WHOLE = np.array([0, 1, 1, 3, 3, 3, 0, 0])
# Four ways to face, the corners of a tetrahedron: enough to keep a limb or a shaft round, few enough to stay cheap.
_FACINGS = np.array([(1, 1, 1), (-1, -1, 1), (-1, 1, -1), (1, -1, -1)], float) / np.sqrt(3)


@dataclass(frozen=True, eq=False)
class Level:
    """One mesh of the chain. merge: (V, vertices of the full mesh) sparse means, None for the full mesh. push: (V,)
    metres that each vertex stands out of that mean. triangles (T, 3) int32, parts (T,) uint8. strays_m: how far its
    outline lies from the full mesh's, on average."""

    merge: sparse.csr_matrix | None
    push: Array
    triangles: Ints
    parts: NDArray[np.uint8]
    strays_m: float

    @property
    def vertices(self) -> int:
        return len(self.push)


@dataclass(frozen=True, eq=False)
class Poses:
    """A motion of one character at one level: vertices and normals, (P, V, 3) float32."""

    vertices: Floats
    normals: Floats


@lru_cache(maxsize=64)
def chain(character: Character) -> tuple[Level, ...]:
    """The meshes of `character`, finest first; the first is the full one."""
    mesh = posed_mesh(character, "idle", 0.0)
    full = Level(None, np.zeros(len(mesh.vertices)), mesh.triangles, mesh.parts.astype(np.uint8), 0.0)
    groups = _groups(character, mesh)
    truth = [_silhouette(mesh.vertices, mesh.triangles, view) for view in _VIEWS]
    levels = [full]
    for cell in CELLS_M:
        level = _coarser(character, mesh, groups, cell, truth)
        if _WORTH * len(level.triangles) < len(levels[-1].triangles) and level.strays_m > levels[-1].strays_m:
            levels.append(level)
    return tuple(levels)


def allowed(strays_m: Array, tall_m: Array, metres_per_px: Array) -> NDArray[np.int64]:
    """Which mesh of its chain each agent wears. strays_m: (N, L) of each one's chain, scaled, infinite past
    its end; tall_m, metres_per_px: (N,)."""
    fits = np.asarray(strays_m) < HALF_PX * np.asarray(metres_per_px)[:, None]
    tall_px = np.asarray(tall_m / metres_per_px)[:, None]
    fits[:, 1:] &= tall_px < FULL_PX
    fits[:, 2:] &= tall_px < FINE_PX
    fits[:, 0] = True
    return np.asarray(fits.shape[1] - 1 - fits[:, ::-1].argmax(axis=1))


def held(motion: str) -> bool:
    """Whether a motion runs once and stays at its end instead of beginning again."""
    return not getattr(load_motion(motion), "loops", True)


def moments(motion: str, phases: Array) -> tuple[Ints, Floats]:
    """(N, 2) kept poses before and after each phase (cycles), and (N,) float32 the share of the one after."""
    if held(motion):
        at = np.clip(phases / _END, 0, 1) * (PHASES - 1)
        before = np.minimum(at.astype(np.int32), PHASES - 2)
        return np.stack([before, before + 1], axis=1).astype(np.int32), (at - before).astype(np.float32)
    at = np.asarray(phases % 1.0, np.float64) * PHASES
    before = np.minimum(at.astype(np.int32), PHASES - 1)
    return np.stack([before, (before + 1) % PHASES], axis=1).astype(np.int32), (at - before).astype(np.float32)


@lru_cache(maxsize=96)
def joints(character: Character, motion: str) -> Floats:
    """(P, 18, 3) float32: the COCO-18 joints of the kept poses."""
    return np.stack([posed_mesh(character, motion, phase).joints for phase in _kept(motion)])


@lru_cache(maxsize=24)  # some 20 megabytes each
def full_poses(character: Character, motion: str) -> Poses:
    """The kept poses of the full mesh."""
    meshes = [posed_mesh(character, motion, phase) for phase in _kept(motion)]
    return Poses(np.stack([mesh.vertices for mesh in meshes]), np.stack([mesh.normals for mesh in meshes]))


@lru_cache(maxsize=96)
def coarse_poses(character: Character, motion: str) -> tuple[Poses, ...]:
    """The kept poses of every coarser mesh of the chain, finest first."""
    levels = chain(character)[1:]
    vertices: list[list[Array]] = [[] for _ in levels]
    normals: list[list[Array]] = [[] for _ in levels]
    for phase in _kept(motion):
        mesh = posed_mesh(character, motion, phase)
        for row, level in enumerate(levels):
            posed = merged(level, mesh)
            vertices[row].append(posed)
            normals[row].append(vertex_normals(posed, level.triangles))
    return tuple(
        Poses(np.stack(v).astype(np.float32), np.stack(n).astype(np.float32))
        for v, n in zip(vertices, normals, strict=True)
    )


def poses(character: Character, motion: str, level: int) -> Poses:
    """The kept poses of mesh `level` of a character's chain."""
    return coarse_poses(character, motion)[level - 1] if level else full_poses(character, motion)


def merged(level: Level, mesh: Mesh) -> Array:
    """(V, 3) vertices of a coarser mesh in the pose of the full one."""
    assert level.merge is not None
    return _merged(level.merge, level.push, mesh)


_END = 0.999  # the last phase of a motion that is held


def _kept(motion: str) -> Array:
    return np.linspace(0, _END, PHASES) if held(motion) else np.arange(PHASES) / PHASES


def _merged(merge: sparse.csr_matrix, push: Array, mesh: Mesh) -> Array:
    ways = merge @ mesh.normals
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-9)
    return np.asarray(merge @ mesh.vertices + push[:, None] * ways)


def _groups(character: Character, mesh: Mesh) -> Ints:
    """(V,) what must not be merged: limbs, left and right, each thing in the hands or on the back."""
    figure = dressed(character)
    limbs = []
    for name in figure.body.skeleton.names:
        limb = next((number for begin, number in _LIMBS.items() if name.startswith(begin)), 0)
        limbs.append(2 * limb + name.endswith(".R"))
    limb = np.array(limbs)[np.asarray(figure.weights.argmax(axis=1)).ravel()]
    part = np.zeros(len(mesh.vertices), np.int64)
    part[mesh.triangles.ravel()] = np.repeat([_KIT.get(Part(p), 0) for p in mesh.parts], 3)
    return np.where(part > 0, 32 * part, limb).astype(np.int32)


def _coarser(character: Character, mesh: Mesh, groups: Ints, cell_m: float, truth: list[NDArray[np.bool_]]) -> Level:
    rest, normals = mesh.rest.astype(np.float64), vertex_normals(mesh.rest.astype(np.float64), mesh.triangles)
    facing = (normals @ _FACINGS.T).argmax(axis=1)
    if cell_m > _WHOLE_LIMBS_M:
        groups = np.where(groups < 32, _WHOLE[groups // 2 % 8] * 2 + groups % 2, groups)
    keys = np.concatenate([groups[:, None], facing[:, None], np.floor(rest / cell_m + 0.5).astype(np.int64)], axis=1)
    _, cluster = np.unique(keys, axis=0, return_inverse=True)
    cluster = cluster.ravel()
    triangles = cluster[mesh.triangles]
    whole = (triangles[:, 0] != triangles[:, 1]) & (triangles[:, 1] != triangles[:, 2])
    whole &= triangles[:, 2] != triangles[:, 0]
    triangles, parts = triangles[whole], mesh.parts[whole]
    _, first = np.unique(np.sort(triangles, axis=1), axis=0, return_index=True)
    triangles, parts = triangles[np.sort(first)], parts[np.sort(first)]
    used, renumbered = np.unique(triangles, return_inverse=True)
    row = np.full(cluster.max() + 1, -1)
    row[used] = np.arange(len(used))
    member = np.flatnonzero(row[cluster] >= 0)
    counts = np.bincount(row[cluster[member]], minlength=len(used))
    merge = sparse.csr_matrix(
        (1.0 / counts[row[cluster[member]]], (row[cluster[member]], member)), shape=(len(used), len(rest))
    )
    faces = np.ascontiguousarray(renumbered.reshape(-1, 3), np.int32)
    bulge = _bulge(merge, rest, normals)
    push, strays = _plumped(mesh, merge, bulge, faces, truth)
    if cell_m >= _SHELL_M:
        shell = _seen_from_outside(character, merge, push, faces)
        faces, parts = np.ascontiguousarray(faces[shell]), parts[shell]
    return Level(merge, push, faces, parts.astype(np.uint8), strays)


def _seen_from_outside(character: Character, merge: sparse.csr_matrix, push: Array, faces: Ints) -> NDArray[np.bool_]:
    """(T,) triangles that show from anywhere in any of some poses: what lies under clothes and armour does not."""
    shown = np.zeros(len(faces), bool)
    for motion, phase in (("idle", 0.0), ("march", 0.05), ("march", 0.55), ("brace", 0.0), ("cheer", 0.5)):
        posed = _merged(merge, push, posed_mesh(character, motion, phase))
        for turn in range(8):
            for elevation in (-0.2, 0.25, 0.9):
                shown[np.unique(_drawn(posed, faces, (turn * np.pi / 4, elevation)))[1:]] = True
    return shown


def _bulge(merge: sparse.csr_matrix, rest: Array, normals: Array) -> Array:
    """(V,) how far the outermost vertex of each cluster stands out of its mean, along its mean normal."""
    ways = merge @ normals
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-9)
    pattern = merge.tocoo()
    out = ((rest[pattern.col] - (merge @ rest)[pattern.row]) * ways[pattern.row]).sum(axis=1)
    bulge = np.zeros(merge.shape[0])
    np.maximum.at(bulge, pattern.row, out)
    return bulge


def _plumped(
    mesh: Mesh, merge: sparse.csr_matrix, bulge: Array, faces: Ints, truth: list[NDArray[np.bool_]]
) -> tuple[Array, float]:
    """(push of each vertex, metres that the outline strays on average): the share of the bulge that strays least."""
    outline = sum(_outline_px(mask) for mask in truth)
    best = (np.inf, 0.0)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0, 1.25):
        posed = _merged(merge, share * bulge, mesh)
        wrong = sum(
            int((_silhouette(posed, faces, view) != mask).sum()) for view, mask in zip(_VIEWS, truth, strict=True)
        )
        best = min(best, (wrong / outline * _M_PER_PX, share))
    return best[1] * bulge, best[0]


def _silhouette(vertices: Array | Floats, triangles: Ints, view: tuple[float, float]) -> NDArray[np.bool_]:
    return np.asarray(_drawn(vertices, triangles, view) >= 0)


def _drawn(vertices: Array | Floats, triangles: Ints, view: tuple[float, float]) -> Ints:
    """(H, W) which triangle a picture from far away shows, -1 where none."""
    points = np.asarray(vertices, np.float64) @ view_from_person(*view).T
    height, width = _PICTURE
    pixels = np.empty((len(points), 3), np.float32)
    pixels[:, 0] = width / 2 + points[:, 0] / _M_PER_PX
    pixels[:, 1] = height - 20 - points[:, 1] / _M_PER_PX
    pixels[:, 2] = -points[:, 2]
    depth, triangle_id, weights = empty_buffers(height, width)
    rasterize_orthographic(pixels, triangles, depth, triangle_id, weights)
    return triangle_id


def _outline_px(mask: NDArray[np.bool_]) -> int:
    """Length of a silhouette's outline, in pixels' edges."""
    return int((mask[1:] != mask[:-1]).sum() + (mask[:, 1:] != mask[:, :-1]).sum())
