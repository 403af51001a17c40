"""Geometry files of any kind as named triangles: USD, glTF, OBJ, STL, PLY."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.errors import FormatError
from pipeline.io.meshfiles import Source, read_obj, read_ply, read_stl

Array = npt.NDArray[np.float64]
MOST_TRIANGLES = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """name: of object, group and material, in words. corners (T, 3, 3): places of each triangle's corners, counter-clockwise
    seen from outside; normals (T, 3, 3), None where the file has none. Unit and axes are the file's."""

    name: str
    corners: Array
    normals: Array | None


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """up: "Y" or "Z". missing: textures that the file names and that are not there."""

    parts: tuple[Part, ...]
    up: str
    metres_per_unit: float
    missing: tuple[str, ...] = ()


def read_geometry(path: Path) -> Geometry:
    """Every visible polygon of a file, cut into triangles, instances and nested transforms laid out.

    Raises FormatError when the file is missing, of no known kind or broken, holds no polygon, a vertex that is no number,
    or more than MOST_TRIANGLES triangles.
    """
    kind = path.suffix.lower()
    if kind not in _READERS:
        raise FormatError(f"{path}: a set piece is read from {', '.join(_READERS)}. Export it as one of these.")
    if not path.is_file():
        raise FormatError(f"{path}: there is no such file. Check the path.")
    try:
        return _gathered(path, _READERS[kind](path))
    except (KeyError, IndexError, ValueError, TypeError, struct.error, OSError, RecursionError, MemoryError) as error:
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise FormatError(f"{path}: is a broken {kind[1:]} file ({said}). Copy or export it again.") from error


def _gathered(path: Path, source: Source) -> Geometry:
    parts: list[Part] = []
    total = 0
    for polygons in source.polygons:
        total += polygons.triangle_count
        if total > MOST_TRIANGLES:  # asked before it is laid out: instances of instances can be thousands of millions
            raise FormatError(
                f"{path}: holds more than {MOST_TRIANGLES} triangles, the most that a set piece may have. Export a proxy "
                "of it, or reduce it: its painting gives the detail."
            )
        places = polygons.triangles()
        if not len(places):
            continue
        corners = polygons.points[polygons.corners[places]]
        right = np.asarray(np.isfinite(corners.reshape(-1, 9)).all(axis=1))
        if not right.all():
            raise FormatError(
                f"{path}: {int((~right).sum())} of {len(corners)} triangles of {polygons.name or 'it'} have a corner that is no "
                "number (NaN or infinite). Clean the mesh and export it again."
            )
        parts.append(Part(polygons.name, corners, None if polygons.normals is None else polygons.normals[places]))
    if not parts:
        raise FormatError(f"{path}: holds no mesh that is visible and rendered{source.instead}. Export polygons.")
    return Geometry(tuple(parts), source.up, source.metres_per_unit, source.missing)


def _usd(path: Path) -> Source:
    from pipeline.io.usdgeometry import read_usd

    return read_usd(path)


def _gltf(path: Path) -> Source:
    from pipeline.io.gltfgeometry import read_gltf

    return read_gltf(path)


_READERS: dict[str, Callable[[Path], Source]] = {
    **dict.fromkeys((".usd", ".usda", ".usdc", ".usdz"), _usd),
    **dict.fromkeys((".gltf", ".glb"), _gltf),
    ".obj": read_obj,
    ".stl": read_stl,
    ".ply": read_ply,
}
