"""Meshes of plain files: Wavefront OBJ, STL, PLY. They know neither unit nor axes: metres and Y up are taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.io.polygons import Polygons, polygons_of

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What a reader found. polygons are read as they are asked for. missing: textures that are not there. instead: what the
    file holds in the place of meshes, for an error's words."""

    polygons: Iterable[Polygons]
    up: str = "Y"
    metres_per_unit: float = 1.0
    missing: tuple[str, ...] = ()
    instead: str = ""


@dataclass(slots=True)
class _Group:
    """Faces of one object, group and material of an OBJ file."""

    corners: list[list[int]] = field(default_factory=list)
    normals: list[list[int]] = field(default_factory=list)


def read_obj(path: Path) -> Source:
    """Faces by object, group and material; indices from either end; normals where every corner of a group has one."""
    points: list[list[float]] = []
    normals: list[list[float]] = []
    groups: dict[tuple[str, ...], _Group] = {}
    key: tuple[str, ...] = ("", "", "")
    text = path.read_text("utf-8", errors="replace").replace("\\\n", " ")
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#", 1)[0].split()
        if not words:
            continue
        what, rest = words[0], words[1:]
        if what == "v":
            points.append(_three(rest, number))
        elif what == "vn":
            normals.append(_three(rest, number))
        elif what in ("o", "g", "usemtl"):
            at = ("o", "g", "usemtl").index(what)
            key = (*key[:at], " ".join(rest), *key[at + 1 :])
        elif what == "f":
            group = groups.setdefault(key, _Group())
            fields = [word.split("/") for word in rest]
            if len(fields) < 3:
                raise ValueError(f"line {number} is a face of {len(fields)} corners")
            group.corners.append([_place(f[0], len(points), number) for f in fields])
            group.normals.append([_place(f[2], len(normals), number) for f in fields if len(f) > 2 and f[2]])
    return Source(_obj_polygons(np.array(points, np.float64).reshape(-1, 3), np.array(normals, np.float64), groups))


def _obj_polygons(points: Array, normals: Array, groups: dict[tuple[str, ...], _Group]) -> Iterator[Polygons]:
    for key, group in groups.items():
        chosen = [place for face in group.normals for place in face]
        whole = len(chosen) == sum(map(len, group.corners))
        name = " ".join(word for word in key if word)
        yield polygons_of(name, points, group.corners, normals[chosen] if whole and chosen else None)


def _three(words: list[str], number: int) -> list[float]:
    if len(words) < 3:
        raise ValueError(f"line {number} has {len(words)} numbers, needs 3")
    return [float(word) for word in words[:3]]


def _place(word: str, count: int, number: int) -> int:
    """An OBJ index as a row: they count from 1, or backwards from -1."""
    index = int(word)
    row = index - 1 if index > 0 else count + index
    if index == 0 or not 0 <= row < count:
        raise ValueError(f"line {number} names {index} of {count}")
    return row


def read_stl(path: Path) -> Source:
    """Loose triangles, binary or text; STL's own normals say no more than its corners do."""
    data = path.read_bytes()
    if len(data) < 84 or (data[:5] == b"solid" and len(data) != 84 + 50 * int.from_bytes(data[80:84], "little")):
        words = re.findall(r"vertex\s+(\S+)\s+(\S+)\s+(\S+)", data.decode("ascii", errors="replace"))
        if b"endsolid" not in data:
            raise ValueError("it is cut off, or is no STL")
        points = np.array(words, np.float64).reshape(-1, 3)
    else:
        count = int.from_bytes(data[80:84], "little")
        if len(data) < 84 + 50 * count:
            raise ValueError(f"it is cut off: {len(data)} bytes for {count} triangles")
        record = np.dtype([("normal", "<f4", 3), ("corners", "<f4", 9), ("attribute", "<u2")])
        points = np.frombuffer(data, record, count, 84)["corners"].astype(np.float64).reshape(-1, 3)
    counts = np.full(len(points) // 3, 3, np.int64)
    return Source([Polygons("", points, counts, np.arange(3 * len(counts)))])


_PLY_TYPES = {
    "char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4", "float": "f4", "double": "f8",
    "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4", "float32": "f4",
    "float64": "f8",
}  # fmt: skip


def read_ply(path: Path) -> Source:
    """Vertices with their normals and faces of any number of corners, as text or binary of either byte order."""
    data = path.read_bytes()
    head = re.match(rb"ply\s.*?end_header[^\n]*\n", data, re.DOTALL)
    if head is None:
        raise ValueError("its header is missing or cut off")
    lines = [line.split() for line in head.group().decode("ascii").splitlines()]
    kind = next(line[1] for line in lines if line[:1] == ["format"])
    elements: list[tuple[str, int, list[list[str]]]] = []
    for line in lines:
        if line[:1] == ["element"]:
            elements.append((line[1], int(line[2]), []))
        elif line[:1] == ["property"]:
            elements[-1][2].append(line[1:])
    stream = _PlyText(data[head.end() :]) if kind == "ascii" else _PlyBytes(data[head.end() :], kind)
    found: dict[str, Any] = {name: _rows(stream, count, properties) for name, count, properties in elements}
    vertex, face = found["vertex"], found.get("face", {})
    points = np.stack([vertex[axis] for axis in "xyz"], axis=-1).astype(np.float64)
    polygons = polygons_of("", points, face.get("vertex_indices", face.get("vertex_index", [])))
    if {"nx", "ny", "nz"} <= set(vertex):
        normals = np.stack([vertex[f"n{axis}"] for axis in "xyz"], axis=-1).astype(np.float64)[polygons.corners]
        polygons = Polygons("", points, polygons.counts, polygons.corners, normals)
    return Source([polygons])


class _PlyText:
    def __init__(self, data: bytes) -> None:
        self._words = iter(data.split())

    def take(self, kind: str, count: int) -> Any:
        taken = [float(word) for word in islice(self._words, count)]
        if len(taken) < count:
            raise ValueError("it is cut off")
        return np.array(taken)

    def table(self, kinds: list[tuple[str, str]], count: int) -> dict[str, Any]:
        rows = self.take("", count * len(kinds)).reshape(count, len(kinds))
        return {name: rows[:, i] for i, (name, _) in enumerate(kinds)}


class _PlyBytes:
    def __init__(self, data: bytes, kind: str) -> None:
        self._data, self._at = data, 0
        self._order = {"binary_little_endian": "<", "binary_big_endian": ">"}[kind]

    def take(self, kind: str, count: int) -> Any:
        taken = np.frombuffer(self._data, np.dtype(self._order + kind), count, self._at)
        self._at += taken.nbytes
        return taken

    def table(self, kinds: list[tuple[str, str]], count: int) -> dict[str, Any]:
        rows = self.take_records(np.dtype([(name, self._order + kind) for name, kind in kinds]), count)
        return {name: rows[name] for name, _ in kinds}

    def take_records(self, record: np.dtype[Any], count: int) -> Any:
        taken = np.frombuffer(self._data, record, count, self._at)
        self._at += taken.nbytes
        return taken


def _rows(stream: _PlyText | _PlyBytes, count: int, properties: list[list[str]]) -> dict[str, Any]:
    """One element's values by property: a column, or a list of arrays where the property is a list."""
    if all(p[0] != "list" for p in properties):
        return stream.table([(p[-1], _PLY_TYPES[p[0]]) for p in properties], count)
    values: dict[str, list[Any]] = {p[-1]: [] for p in properties}
    for _ in range(count):
        for p in properties:
            if p[0] == "list":
                length = int(stream.take(_PLY_TYPES[p[1]], 1)[0])
                values[p[-1]].append(stream.take(_PLY_TYPES[p[2]], length))
            else:
                values[p[-1]].append(stream.take(_PLY_TYPES[p[0]], 1)[0])
    return values
