"""The other files that one file needs: a file that is named by a shot counts with all that it is made of."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import unquote


def parts_of(path: Path) -> list[Path]:
    """Files that `path` (glTF, USD) is read with, without itself, sorted; [] for every other kind, and where it is broken."""
    suffix = path.suffix.lower()
    if suffix == ".gltf":
        return _buffers(path)
    if suffix in (".usd", ".usda", ".usdc", ".usdz"):
        from pipeline.io.usdlayers import parts_of as of_usd

        return of_usd(path)[0]
    return []


def _buffers(path: Path) -> list[Path]:
    try:
        buffers = json.loads(path.read_bytes())["buffers"]
        uris = [buffer["uri"] for buffer in buffers if not buffer.get("uri", "data:").startswith("data:")]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []  # its reader says what is wrong
    return sorted(file for file in (path.parent / unquote(uri) for uri in uris) if file.is_file())
