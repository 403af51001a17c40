"""Coarser and coarser meshes of one character, each made of the one before, so that one can turn into the next."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from assets.guides.mesh_chunks import Chunks, chunked
from assets.guides.mesh_fronts import fronts
from assets.people.bodies import vertex_normals
from assets.people.characters import Character, Part
from assets.people.mesh import Mesh, dressed, posed_mesh
from assets.sprites.guides import view_from_person
from pipeline.kernels.raster import empty_buffers, rasterize_orthographic

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

STRAY_PX = 0.33  # how far an outline may lie from the full mesh's, on average, where a mesh is worn
CELLS_M = (0.03, 0.06, 0.1, 0.16, 0.28, 0.5, 0.9, 1.8)
_WHOLE_LIMBS_M = 0.8  # in larger cells an arm is one limb, and so is a leg
_VIEWS = ((0.0, 0.1), (0.8, 0.1), (1.6, 0.1), (2.6, 0.3))  # yaw, elevation of the pictures that measure
_POSES = (("idle", 0.0), ("march", 0.3))  # of those pictures: elbows and knees straight and bent
_PICTURE = (320, 256)
_M_PER_PX = 0.01
_LIMBS = {"upperarm": 1, "lowerarm": 2, "wrist": 2, "finger": 2, "metacarpal": 2, "upperleg": 3, "lowerleg": 4, "foot": 5,
          "toe": 5, "neck": 6, "head": 6}  # fmt: skip
_KIT = {Part.SHIELD: 1, Part.SHIELD_MARK: 1, Part.SHIELD_TRIM: 1, Part.SHAFT: 2, Part.BLADE: 3, Part.HILT: 3, Part.BOW: 4,
        Part.QUIVER: 5, Part.CAPE: 6, Part.BANNER: 7, Part.BANNER_MARK: 7}  # fmt: skip
_SHELL_M = 0.1  # from such cells on, triangles that are never seen are left out
_FAR_M = 0.0035  # meshes that stray so far are looked at for backs that need not be drawn
# Motion, phase, how far turned into the next mesh, of the pictures that say which: limbs and clothes in all their ways.
_TURNS = (("idle", 0.0, 0.0), ("march", 0.05, 0.5), ("march", 0.3, 0.9), ("march", 0.55, 0.0), ("march", 0.8, 0.5),
          ("run", 0.2, 0.9), ("brace", 0.0, 0.0), ("cheer", 0.5, 0.5), ("thrust", 0.5, 0.9), ("blow", 0.5, 0.0),
          ("shield_up", 0.9, 0.5), ("fall", 0.99, 0.9), ("run", 0.7, 0.0), ("charge", 0.15, 0.5), ("charge", 0.65, 0.0),
          ("walk", 0.4, 0.5))  # fmt: skip
_WORTH = 1.4  # a mesh is kept if the one before has so many times its triangles
_WHOLE = np.array([0, 1, 1, 3, 3, 3, 6, 0])
# Four ways to face, the corners of a tetrahedron: enough to keep a limb or a shaft round, few enough to stay cheap.
_FACINGS = np.array([(1, 1, 1), (-1, -1, 1), (-1, 1, -1), (1, -1, -1)], float) / np.sqrt(3)


_Truth = list[tuple[Mesh, list[NDArray[np.bool_]]]]  # the full mesh in each pose, and its outline in each view


@dataclass(frozen=True, eq=False)
class Level:
    """One mesh of the chain. merge: (V, vertices of the full mesh) sparse means, None for the full mesh. push: (V,)
    metres that each vertex stands out of that mean. triangles (T, 3) int32, parts (T,) uint8. strays_m: how far its
    outline lies from the full mesh's, on average. parents: (V,) int32 the vertex of the next mesh that each becomes
    (whatever, past the last mesh or for a vertex without triangle). chunks: how its triangles are drawn. fronts: (T,) int8
    from which side they are drawn, as mesh_fronts.fronts has it: near meshes from both."""

    merge: sparse.csr_matrix | None
    push: Array
    triangles: Ints
    parts: NDArray[np.uint8]
    strays_m: float
    parents: Ints = field(default_factory=lambda: np.zeros(0, np.int32))
    chunks: Chunks = field(default_factory=Chunks.none)
    fronts: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))

    @property
    def vertices(self) -> int:
        return len(self.push)


@dataclass(frozen=True, eq=False)
class _Step:
    """A mesh under way. member: (full vertices,) its vertex that each belongs to, -1: to none; group, rest, facing: of its
    vertices: what must not be merged, where they are, which way they look."""

    member: NDArray[np.int64]
    group: NDArray[np.int64]
    rest: Array
    facing: NDArray[np.int64]
    triangles: Ints
    parts: NDArray[np.int64]


def build_chain(character: Character) -> tuple[Level, ...]:
    """The meshes of `character`, finest first; the first is the full one."""
    mesh = posed_mesh(character, "idle", 0.0)
    rest = mesh.rest.astype(np.float64)
    normals = vertex_normals(rest, mesh.triangles)
    truth = _truth(character)
    step = _Step(
        np.arange(len(rest)), _groups(character, mesh), rest, (normals @ _FACINGS.T).argmax(axis=1), mesh.triangles,
        mesh.parts.astype(np.int64),
    )  # fmt: skip
    levels = [Level(None, np.zeros(len(rest)), mesh.triangles, mesh.parts.astype(np.uint8), 0.0)]
    parents: list[Ints] = []
    for cell in CELLS_M:
        coarser, into = _merged_step(step, cell, rest, normals)
        level = _level(character, mesh, coarser, rest, normals, cell, truth)
        if _WORTH * len(level.triangles) < len(levels[-1].triangles) and level.strays_m > levels[-1].strays_m:
            levels.append(level)
            parents.append(into)
            step = _Step(
                coarser.member, coarser.group, coarser.rest, coarser.facing, level.triangles,
                level.parts.astype(np.int64),
            )  # fmt: skip
    parents.append(np.zeros(levels[-1].vertices, np.int32))
    chunked_levels = [_finished(level, up, mesh) for level, up in zip(levels, parents, strict=True)]
    following = [*chunked_levels[1:], None]
    return tuple(
        replace(level, fronts=_fronts(character, level, up)) if level.strays_m > _FAR_M else level
        for level, up in zip(chunked_levels, following, strict=True)
    )


def build_full(character: Character) -> tuple[Level, ...]:
    """The full mesh alone, as a chain of one."""
    mesh = posed_mesh(character, "idle", 0.0)
    count = len(mesh.rest)
    level = Level(None, np.zeros(count), mesh.triangles, mesh.parts.astype(np.uint8), 0.0)
    return (_finished(level, np.zeros(count, np.int32), mesh),)


def merged(level: Level, mesh: Mesh) -> Array:
    """(V, 3) vertices of a coarser mesh in the pose of the full one."""
    assert level.merge is not None
    return _pushed(level.merge, level.push, mesh)


def _finished(level: Level, parents: Ints, mesh: Mesh) -> Level:
    at = mesh.vertices.astype(np.float64) if level.merge is None else merged(level, mesh)
    order, chunks = chunked(at, level.triangles)
    triangles, parts = np.ascontiguousarray(level.triangles[order]), np.ascontiguousarray(level.parts[order])
    sides = np.zeros(len(triangles), np.int8)
    return Level(level.merge, level.push, triangles, parts, level.strays_m, parents, chunks, sides)


def _fronts(character: Character, level: Level, following: Level | None) -> NDArray[np.int8]:
    """As Level.fronts. following: the mesh that it turns into."""
    shapes = []
    for motion, phase, turned in _TURNS:
        mesh = posed_mesh(character, motion, phase)
        shape = merged(level, mesh)
        if following is not None:
            shape += turned * (merged(following, mesh)[level.parents] - shape)
        shapes.append(shape)
    return fronts(shapes, level.triangles, level.strays_m / STRAY_PX)


def _merged_step(step: _Step, cell_m: float, rest: Array, normals: Array) -> tuple[_Step, Ints]:
    """The next mesh, and the vertex of it that each vertex becomes. Vertices without triangles are left behind."""
    groups = step.group
    if cell_m > _WHOLE_LIMBS_M:
        groups = np.where(groups < 32, _WHOLE[groups // 2 % 8] * 2 + groups % 2, groups)
    cells = np.floor(step.rest / cell_m + 0.5).astype(np.int64)
    keys = np.concatenate([groups[:, None], step.facing[:, None], cells], axis=1)
    used = np.unique(step.triangles)
    _, row = np.unique(keys[used], axis=0, return_inverse=True)
    into = np.full(len(step.rest) + 1, -1, np.int64)  # the last: of those who belong to none
    into[used] = row.ravel()
    member = into[step.member]
    count = int(row.max()) + 1
    merge = _means(member, count)
    facing = (merge @ normals @ _FACINGS.T).argmax(axis=1)
    group = np.zeros(count, np.int64)
    group[into[used]] = groups[used]
    triangles = into[step.triangles]
    whole = (triangles[:, 0] != triangles[:, 1]) & (triangles[:, 1] != triangles[:, 2])
    whole &= triangles[:, 2] != triangles[:, 0]
    triangles, parts = triangles[whole], step.parts[whole]
    _, first = np.unique(np.sort(triangles, axis=1), axis=0, return_index=True)
    first = np.sort(first)
    faces = np.ascontiguousarray(triangles[first], np.int32)
    return _Step(member, group, merge @ rest, facing, faces, parts[first]), np.maximum(into[:-1], 0).astype(np.int32)


def _means(member: NDArray[np.int64], count: int) -> sparse.csr_matrix:
    """(count, full vertices): the mean of the vertices that belong to each."""
    belongs = np.flatnonzero(member >= 0)
    rows = member[belongs]
    share = 1.0 / np.bincount(rows, minlength=count)[rows]
    return sparse.csr_matrix((share, (rows, belongs)), shape=(count, len(member)))


def _level(
    character: Character, mesh: Mesh, step: _Step, rest: Array, normals: Array, cell_m: float, truth: _Truth
) -> Level:
    merge = _means(step.member, len(step.rest))
    faces, parts = step.triangles, step.parts
    push, strays = _plumped(merge, _bulge(merge, rest, normals), faces, truth)
    if cell_m >= _SHELL_M:
        shell = _seen_from_outside(character, merge, push, faces)
        faces, parts = np.ascontiguousarray(faces[shell]), parts[shell]
    return Level(merge, push, faces, parts.astype(np.uint8), strays)


def _pushed(merge: sparse.csr_matrix, push: Array, mesh: Mesh) -> Array:
    ways = merge @ mesh.normals
    ways /= np.maximum(np.linalg.norm(ways, axis=1, keepdims=True), 1e-9)
    return np.asarray(merge @ mesh.vertices + push[:, None] * ways)


def _groups(character: Character, mesh: Mesh) -> NDArray[np.int64]:
    """(V,) what must not be merged: limbs, left and right, each thing in the hands or on the back."""
    figure = dressed(character)
    limbs = []
    for name in figure.body.skeleton.names:
        limb = next((number for begin, number in _LIMBS.items() if name.startswith(begin)), 0)
        limbs.append(2 * limb + name.endswith(".R"))
    limb = np.array(limbs)[np.asarray(figure.weights.argmax(axis=1)).ravel()]
    part = np.zeros(len(mesh.vertices), np.int64)
    part[mesh.triangles.ravel()] = np.repeat([_KIT.get(Part(p), 0) for p in mesh.parts], 3)
    return np.where(part > 0, 32 * part, limb).astype(np.int64)


def _seen_from_outside(character: Character, merge: sparse.csr_matrix, push: Array, faces: Ints) -> NDArray[np.bool_]:
    """(T,) triangles that show from anywhere in any of some poses: what lies under clothes and armour does not."""
    shown = np.zeros(len(faces), bool)
    for motion, phase in (("idle", 0.0), ("march", 0.05), ("march", 0.55), ("brace", 0.0), ("cheer", 0.5)):
        posed = _pushed(merge, push, posed_mesh(character, motion, phase))
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


def _plumped(merge: sparse.csr_matrix, bulge: Array, faces: Ints, truth: _Truth) -> tuple[Array, float]:
    """(push of each vertex, metres that the outline strays on average): the share of the bulge that strays least."""
    outline = sum(_outline_px(mask) for _, masks in truth for mask in masks)
    best = (np.inf, 0.0)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0, 1.25):
        wrong = 0
        for mesh, masks in truth:
            posed = _pushed(merge, share * bulge, mesh)
            wrong += sum(
                int((_silhouette(posed, faces, v) != mask).sum()) for v, mask in zip(_VIEWS, masks, strict=True)
            )
        best = min(best, (wrong / outline * _M_PER_PX, share))
    return best[1] * bulge, best[0]


def _truth(character: Character) -> _Truth:
    meshes = [posed_mesh(character, motion, phase) for motion, phase in _POSES]
    return [(mesh, [_silhouette(mesh.vertices, mesh.triangles, view) for view in _VIEWS]) for mesh in meshes]


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
