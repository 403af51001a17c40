"""The meshes of a glTF 2.0 file, laid out in its scene. Metres, Y up by the standard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import numpy.typing as npt

from pipeline.io.gltf import accessor, opened
from pipeline.io.meshfiles import Source
from pipeline.io.polygons import Polygons

Array = npt.NDArray[np.float64]
_TRIANGLES, _STRIP, _FAN = 4, 5, 6
# Without these a mesh is not there, or stands once instead of many times.
_UNREAD = {"KHR_draco_mesh_compression", "EXT_meshopt_compression", "EXT_mesh_gpu_instancing"}


def read_gltf(path: Path) -> Source:
    """Every triangle of the default scene, by node and material. Raises as pipeline.io.gltf.opened does."""
    document, buffers = opened(path)
    unread = sorted(_UNREAD & {*document.get("extensionsUsed", ()), *document.get("extensionsRequired", ())})
    if unread:
        raise ValueError(f"it is written with {', '.join(unread)}, which is not read")
    uris = [image.get("uri", "data:") for image in document.get("images", ())]
    files = [unquote(uri) for uri in uris if not uri.startswith("data:")]
    missing = tuple(sorted(file for file in files if not (path.parent / file).is_file()))
    return Source(_laid_out(document, buffers), missing=missing)


def _laid_out(document: dict[str, Any], buffers: list[bytes]) -> Iterator[Polygons]:
    nodes = document.get("nodes", [])
    children = {child for node in nodes for child in node.get("children", ())}
    scenes = document.get("scenes")
    roots = scenes[document.get("scene", 0)].get("nodes", []) if scenes else sorted({*range(len(nodes))} - children)

    def walk(number: int, outer: Array) -> Iterator[Polygons]:
        node = nodes[number]
        matrix = outer @ _local(node)
        if "mesh" in node:
            for name, polygons in _meshes(document, buffers, node["mesh"]):
                yield Polygons(
                    " ".join(filter(None, (node.get("name", ""), name))), polygons.points, polygons.counts,
                    polygons.corners, polygons.normals,
                ).placed(matrix)  # fmt: skip
        for child in node.get("children", ()):
            yield from walk(child, matrix)

    for root in roots:
        yield from walk(root, np.eye(4))


def _meshes(document: dict[str, Any], buffers: list[bytes], number: int) -> Iterator[tuple[str, Polygons]]:
    mesh = document["meshes"][number]
    for primitive in mesh["primitives"]:
        mode = primitive.get("mode", _TRIANGLES)
        if mode not in (_TRIANGLES, _STRIP, _FAN):  # points and lines
            continue
        points = accessor(document, buffers, primitive["attributes"]["POSITION"])
        corners = np.arange(len(points))
        if "indices" in primitive:
            corners = accessor(document, buffers, primitive["indices"])[:, 0].astype(np.int64)
        corners = _separate(corners, mode)
        material = document["materials"][primitive["material"]].get("name", "") if "material" in primitive else ""
        counts = np.full(len(corners) // 3, 3, np.int64)
        polygons = Polygons(mesh.get("name", ""), points, counts, corners)
        if "NORMAL" in primitive["attributes"]:
            normals = accessor(document, buffers, primitive["attributes"]["NORMAL"])[corners]
            polygons = Polygons(polygons.name, points, counts, corners, normals)
        yield " ".join(filter(None, (mesh.get("name", ""), material))), polygons


def _separate(corners: npt.NDArray[np.int64], mode: int) -> npt.NDArray[np.int64]:
    """Corners of single triangles from those of a strip or a fan."""
    if mode == _TRIANGLES:
        return corners
    i = np.arange(max(len(corners) - 2, 0))
    odd = i % 2
    places = [i, i + 1 + odd, i + 2 - odd] if mode == _STRIP else [i * 0, i + 1, i + 2]
    return corners[np.stack(places, axis=1).ravel()]


def _local(node: dict[str, Any]) -> Array:
    """(4, 4) parent_from_node."""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = node.get("rotation", (0.0, 0.0, 0.0, 1.0))
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, :3] *= np.array(node.get("scale", (1.0, 1.0, 1.0)), np.float64)
    matrix[:3, 3] = node.get("translation", (0.0, 0.0, 0.0))
    return matrix
