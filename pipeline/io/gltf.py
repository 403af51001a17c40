"""glTF 2.0 files (.gltf, .glb): the document, its buffers, and the numbers of its accessors."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_TYPES = {5120: np.int8, 5121: np.uint8, 5122: np.int16, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_SIZES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def opened(path: Path) -> tuple[dict[str, Any], list[bytes]]:
    """(the JSON document, its buffers). Raises ValueError, KeyError, IndexError, TypeError, struct.error or OSError where it is broken."""
    data, chunk = path.read_bytes(), b""
    if data[:4] == b"glTF":
        if len(data) < struct.unpack("<I", data[8:12])[0]:
            raise ValueError("it is cut off")
        length = struct.unpack("<I", data[12:16])[0]
        rest = data[20 + length :]
        chunk = rest[8 : 8 + struct.unpack("<I", rest[:4])[0]] if rest else b""
        data = data[20 : 20 + length]
    document = json.loads(data)
    if not isinstance(document, dict):
        raise ValueError("its JSON is no object")
    buffers = []
    for buffer in document.get("buffers", []):
        uri = buffer.get("uri")
        if uri is None:
            buffers.append(chunk)
        elif uri.startswith("data:"):
            buffers.append(base64.b64decode(uri.split(",", 1)[1]))
        else:
            buffers.append((path.parent / unquote(uri)).read_bytes())
    return document, buffers


def accessor(document: dict[str, Any], buffers: list[bytes], number: int) -> Array:
    """(count, size) values of an accessor; normalised integers become -1..1 or 0..1. Raises as `opened` does."""
    entry = document["accessors"][number]
    if "sparse" in entry or "bufferView" not in entry:
        raise ValueError("sparse accessors are not read")
    view = document["bufferViews"][entry["bufferView"]]
    kind, size, count = np.dtype(_TYPES[entry["componentType"]]), _SIZES[entry["type"]], entry["count"]
    start, stride = view.get("byteOffset", 0) + entry.get("byteOffset", 0), view.get("byteStride", 0)
    stride = stride or kind.itemsize * size
    raw = np.frombuffer(buffers[view["buffer"]], np.uint8)
    places = start + stride * np.arange(count)[:, None] + np.arange(kind.itemsize * size)
    values = raw[places].view(kind.newbyteorder("<")).astype(float)
    if entry.get("normalized"):
        values = np.maximum(values / (2 ** (8 * kind.itemsize - (kind.kind == "i")) - 1), -1.0)
    if not np.isfinite(values).all():
        raise ValueError("a value is not a number")
    return values
