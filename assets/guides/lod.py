"""Detail by size on screen: which mesh of its chain each agent wears, and the poses that a crowd shares, kept on disk."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from assets.guides.mesh_chain import STRAY_PX, Level, build_chain, build_full, merged
from assets.guides.mesh_chunks import Chunks
from assets.motion.motions import MOTIONS, load_motion
from assets.people.bodies import vertex_normals
from assets.people.characters import Character
from assets.people.direction import Direction
from assets.people.mesh import Mesh, posed_mesh
from assets.sprites.atlas import phases_of
from pipeline.fingerprint import code_of, digest_of
from pipeline.io.kept import Arrays, kept

__all__ = ["Level", "Poses", "allowed", "chain", "coarse", "full", "held", "joints", "merged", "moments", "poses"]

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

PHASES = 32
FULL_PX, FINE_PX = 400.0, 250.0  # who stands taller wears every vertex, at least the second mesh: faces are looked at
MORPH = 1.3  # a mesh turns into the next while the size on screen changes by so much: nothing pops
_END = 0.999  # the last phase of a motion that is held


@dataclass(frozen=True, eq=False)
class Poses:
    """A motion of one character at one level: vertices and normals, (P, V, 3) float32."""

    vertices: Floats
    normals: Floats


def chain(character: Character) -> tuple[Level, ...]:
    """The meshes of `character`, finest first; the first is the full one. From the user's cache when it was made before."""
    return _chain(_body_only(character))


def full(character: Character) -> tuple[Level, ...]:
    """The full mesh of `character` as a chain of one: made at once, where making the coarser ones takes half a minute."""
    return _full(_body_only(character))


def allowed(strays_m: Array, tall_m: Array, metres_per_px: Array) -> tuple[NDArray[np.int64], Floats]:
    """(which mesh of its chain each agent wears, how far (0 to 1, float32) it has turned into the next).

    strays_m: (N, L) of each one's chain, scaled, infinite past its end; tall_m, metres_per_px: (N,). Both results change
    without a jump with the size on screen: a mesh is all the next one when the next one takes its place.
    """
    strays, size = np.asarray(strays_m, np.float64), np.asarray(metres_per_px, np.float64)
    # From which size of a pixel on each mesh is worn.
    worn_from = strays / STRAY_PX
    worn_from[:, 1:] = np.maximum(worn_from[:, 1:], (tall_m / FULL_PX)[:, None])
    worn_from[:, 2:] = np.maximum(worn_from[:, 2:], (tall_m / FINE_PX)[:, None])
    worn_from[:, 0] = 0
    worn_from = np.maximum.accumulate(worn_from, axis=1)
    level = (worn_from <= size[:, None]).sum(axis=1) - 1
    ends = np.concatenate([worn_from, np.full((len(size), 1), np.inf)], axis=1)
    rows = np.arange(len(size))
    here, there = ends[rows, level], ends[rows, level + 1]
    begins = np.maximum(there / MORPH, here)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(np.isfinite(there), (size - begins) / (there - begins), 0.0)
    return level.astype(np.int64), np.clip(np.nan_to_num(share), 0, 1).astype(np.float32)


def held(motion: str) -> bool:
    """Whether a motion runs once and stays at its end instead of beginning again."""
    return not getattr(load_motion(motion), "loops", True)


def moments(motion: str, phases: Array) -> tuple[Ints, Floats]:
    """(N, 2) kept poses before and after each phase (cycles), and (N,) float32 the share of the one after."""
    count = _count(motion)
    if held(motion):
        at = np.clip(phases / _END, 0, 1) * (count - 1)
        before = np.minimum(at.astype(np.int32), count - 2)
        return np.stack([before, before + 1], axis=1).astype(np.int32), (at - before).astype(np.float32)
    at = np.asarray(phases % 1.0, np.float64) * count
    before = np.minimum(at.astype(np.int32), count - 1)
    return np.stack([before, (before + 1) % count], axis=1).astype(np.int32), (at - before).astype(np.float32)


def joints(character: Character, motion: str) -> Floats:
    """(P, 18, 3) float32: the COCO-18 joints of the kept poses."""
    return _tables(_body_only(character), motion)["joints"]


def poses(character: Character, motion: str, level: int) -> Poses:
    """The kept poses of mesh `level` of a character's chain."""
    if not level:
        return _full_poses(_body_only(character), motion)
    tables = _tables(_body_only(character), motion)
    return Poses(tables[f"vertices{level}"], tables[f"normals{level}"])


def coarse(level: Level, mesh: Mesh, what: str) -> Floats:
    """(V, 3) float32 "vertices" or "normals" of any pose of the full mesh at a level."""
    if level.merge is None:
        return mesh.vertices if what == "vertices" else mesh.normals
    return _coarse(level, mesh)[0 if what == "vertices" else 1]


@lru_cache(maxsize=64)
def _full(character: Character) -> tuple[Level, ...]:
    return build_full(character)


@lru_cache(maxsize=64)
def _chain(character: Character) -> tuple[Level, ...]:
    arrays = kept("chains", _code(), _key(character, None), lambda: _packed(build_chain(character)))
    return _unpacked(arrays)


@lru_cache(maxsize=24)  # some 20 megabytes each
def _full_poses(character: Character, motion: str) -> Poses:
    meshes = [posed_mesh(character, motion, phase) for phase in _phases(motion)]
    return Poses(np.stack([mesh.vertices for mesh in meshes]), np.stack([mesh.normals for mesh in meshes]))


@lru_cache(maxsize=96)
def _tables(character: Character, motion: str) -> Arrays:
    """joints (P, 18, 3), and verticesL, normalsL (P, V, 3) of every coarser mesh L."""
    return kept("poses", _code(), _key(character, motion), lambda: _posed(character, motion))


def _posed(character: Character, motion: str) -> Arrays:
    meshes = (posed_mesh(character, motion, phase) for phase in _phases(motion))
    rows: list[list[Floats]] = []
    levels = _chain(character)[1:]
    for mesh in meshes:
        row = [mesh.joints]
        for level in levels:
            row += _coarse(level, mesh)
        rows.append(row)
    names = ["joints"] + [f"{what}{number}" for number in range(1, len(levels) + 1) for what in ("vertices", "normals")]
    return {name: np.stack([row[i] for row in rows]) for i, name in enumerate(names)}


def _coarse(level: Level, mesh: Mesh) -> tuple[Floats, Floats]:
    posed = merged(level, mesh)
    return posed.astype(np.float32), vertex_normals(posed, level.triangles).astype(np.float32)


def _phases(motion: str) -> Array:
    count = _count(motion)
    return np.linspace(0, _END, count) if held(motion) else np.arange(count) / count


def _count(motion: str) -> int:
    """How many poses are kept: of a long captured motion more than of one of ours."""
    return PHASES if motion in MOTIONS else max(PHASES, phases_of(motion))


# ---------------------------------------------------------------- what decides a table


@lru_cache(maxsize=256)
def _body_only(character: Character) -> Character:
    """Without what changes no vertex, so that all of a kind share their tables."""
    return replace(
        character, name="", title="", licence="", version=0, palette=(), made_of=(), vary=(), direction=Direction()
    )


def _key(character: Character, motion: str | None) -> str:
    return digest_of([asdict(character), motion])  # a captured motion's name ends in the digest of its content


@cache
def _code() -> str:
    return digest_of([code_of(Path(__file__)), version("anny"), version("numpy")])


def _packed(levels: Iterable[Level]) -> Arrays:
    arrays: Arrays = {}
    for number, level in enumerate(levels):
        plain: Arrays = {
            "push": level.push,
            "triangles": level.triangles,
            "parts": level.parts,
            "parents": level.parents,
            "fronts": level.fronts,
        }
        plain |= {"strays": np.array(level.strays_m), "ends": level.chunks.ends, "orders": level.chunks.orders}
        plain |= {"corner_ends": level.chunks.corner_ends, "corners": level.chunks.corners}
        if level.merge is not None:
            plain |= {"data": level.merge.data, "indices": level.merge.indices, "indptr": level.merge.indptr}
        arrays |= {f"{name}{number}": array for name, array in plain.items()}
    return arrays


def _unpacked(arrays: Arrays) -> tuple[Level, ...]:
    levels: list[Level] = []
    while f"push{len(levels)}" in arrays:
        ours = re.compile(rf"([a-z_]+){len(levels)}")
        mine = {found[1]: value for name, value in arrays.items() if (found := ours.fullmatch(name))}
        shape = len(mine["push"]), len(arrays["push0"])
        merge = sparse.csr_matrix((mine["data"], mine["indices"], mine["indptr"]), shape=shape) if levels else None
        chunks = Chunks(mine["ends"], mine["corner_ends"], mine["corners"], mine["orders"])
        triangles, parts, strays_m = mine["triangles"], mine["parts"], float(mine["strays"])
        level = Level(merge, mine["push"], triangles, parts, strays_m, mine["parents"], chunks, mine["fronts"])
        levels.append(level)
    return tuple(levels)
