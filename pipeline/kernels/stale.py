"""Forget compiled kernels whose source changed: numba looks at a kernel's own file, not at those that it imports."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

STAMP = "kernels.sha256"


def forget_stale(folder: Path) -> int:
    """Delete numba's index files in `folder`/__pycache__ when any .py of `folder` changed since last time; how many.

    Without its index a compiled kernel is compiled anew. A folder that cannot be written to is installed, not edited:
    nothing is forgotten there.
    """
    cache = folder / "__pycache__"
    digest = sha256()
    for source in sorted(folder.glob("*.py")):
        digest.update(source.name.encode() + b"\0" + sha256(source.read_bytes()).digest())
    stamp = cache / STAMP
    try:
        if stamp.is_file() and stamp.read_text("ascii") == digest.hexdigest():
            return 0
        stale = list(cache.glob("*.nbi"))
        for index in stale:
            index.unlink(missing_ok=True)
        cache.mkdir(exist_ok=True)
        stamp.write_text(digest.hexdigest(), "ascii")
    except (OSError, ValueError):
        return 0
    return len(stale)
