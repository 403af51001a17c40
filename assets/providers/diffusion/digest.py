"""Know a model folder by its content: SHA-256 of gigabytes, remembered in the user's cache folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.io.files import sha256, write_bytes
from pipeline.io.kept import cache_folder

DECIDING = frozenset({".json", ".safetensors", ".txt", ".model", ".jinja"})  # configurations, weights, words
_SMALL_BYTES = 1 << 20  # hashed as fast as it is looked up


def files_of(folder: Path, subfolders: Iterable[str] | None = None) -> dict[str, Path]:
    """The files that decide what a model paints, by their names in the folder; subfolders: only of these, and the index."""
    if subfolders is None:
        found = list(folder.rglob("*"))
    else:
        found = [folder / "model_index.json", *(f for name in subfolders for f in (folder / name).rglob("*"))]
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(found)
        if path.is_file() and path.suffix.lower() in DECIDING
    }


def model_digest(files: Mapping[str, Path], settings: str) -> str:
    """Hex SHA-256 over files by name and content, and over the settings that decide a picture."""
    digest = hashlib.sha256(settings.encode() + b"\n")
    for name, path in sorted(files.items()):
        digest.update(f"{name}\n{remembered_sha256(path)}\n".encode())
    return digest.hexdigest()


def remembered_sha256(path: Path) -> str:
    """Hex SHA-256 of a file; a large one is read again only when its size or its time of change is another."""
    path = path.resolve()
    facts = path.stat()
    if facts.st_size < _SMALL_BYTES:
        return sha256(path)
    note = cache_folder() / "file-digests" / f"{hashlib.sha256(str(path).encode()).hexdigest()[:32]}.json"
    known = {"path": str(path), "size": facts.st_size, "mtime_ns": facts.st_mtime_ns}
    try:
        kept = json.loads(note.read_text("utf-8"))
        if {name: kept[name] for name in known} == known and len(kept["sha256"]) == 64:
            return str(kept["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # never seen, or damaged: read again
    found = sha256(path)
    try:
        write_bytes(note, json.dumps({**known, "sha256": found}).encode())
    except (OSError, StoreError):
        return found
    return found
