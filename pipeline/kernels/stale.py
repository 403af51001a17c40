"""Forget compiled kernels whose source changed: numba looks at a kernel's own file, not at those that it imports."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path

STAMP = "kernels.json"
_IMPORT = re.compile(r"^\s*(?:from\s+([\w.]+)\s+)?import\s+(\([^)]*\)|[^\n]*)", re.MULTILINE)


def forget_stale(folder: Path) -> int:
    """Delete numba's index files in `folder`/__pycache__ of each .py of `folder` that changed since last time, and of those
    that import it, directly or through others; how many.

    Without its index a compiled kernel is compiled anew. A folder that cannot be written to is installed, not edited:
    nothing is forgotten there.
    """
    cache = folder / "__pycache__"
    sources = {source.stem: source.read_bytes() for source in folder.glob("*.py")}
    now = {name: sha256(source).hexdigest() for name, source in sources.items()}
    try:
        before = _told(cache / STAMP)
        if now == before:
            return 0
        changed = {name for name in now if now[name] != before.get(name)}
        stems = _reached(changed, sources)
        stale = [index for index in cache.glob("*.nbi") if index.name.split(".")[0] in stems or not before]
        for index in stale:
            index.unlink(missing_ok=True)
        cache.mkdir(exist_ok=True)
        (cache / STAMP).write_text(json.dumps(now, indent=1, sort_keys=True), "ascii")
    except OSError:
        return 0
    return len(stale)


def _told(stamp: Path) -> dict[str, str]:
    """The digest of each file as it was last time; empty where that is not known."""
    try:
        return dict(json.loads(stamp.read_text("ascii")))
    except (FileNotFoundError, TypeError, ValueError):
        return {}


def _reached(changed: set[str], sources: dict[str, bytes]) -> set[str]:
    """The modules that changed and all that import one of them, directly or through others."""
    imports = {name: _imported(source.decode()) & sources.keys() for name, source in sources.items()}
    reached = set(changed)
    while more := {name for name, needs in imports.items() if name not in reached and needs & reached}:
        reached |= more
    return reached


def _imported(source: str) -> set[str]:
    """Every word of the import statements: whichever of them is a module of the folder is one that this file needs."""
    return {word for statement in _IMPORT.findall(source) for part in statement for word in re.findall(r"\w+", part)}
