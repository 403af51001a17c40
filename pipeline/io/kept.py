"""Keep arrays that are slow to make in the user's cache folder, by content; made again when they are not there or damaged."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import StoreError
from pipeline.io.files import replacing

Arrays = dict[str, npt.NDArray[Any]]
VERSIONS = 3  # of the code whose tables stay: the older ones are removed
# NumPy parses each array's header as Python, which CPython 3.11 cannot do in two threads at once ("AST constructor recursion
# depth mismatch").
_READING = Lock()


def cache_folder() -> Path:
    """BATTLEPLATE_CACHE, else battleplate/ in the user's cache folder (XDG_CACHE_HOME, ~/.cache)."""
    if own := os.environ.get("BATTLEPLATE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "battleplate"


def kept(kind: str, version: str, key: str, make: Callable[[], Arrays]) -> Arrays:
    """The arrays that `make` gives, from the cache when they lie there whole.

    kind: a folder's name; version, key: hex digests of the code and of everything else that decides the arrays. Written
    whole or not at all, so two processes may make the same at once. A damaged file (a zip's checksums tell) is made again;
    where nothing can be written, everything is made anew each time.
    """
    file = cache_folder() / kind / version[:16] / f"{key[:32]}.npz"
    found = _read(file)
    if found is None:
        found = make()
        try:
            _forget_old(file.parent)
            with replacing(file) as temporary:
                np.savez(temporary, allow_pickle=False, **found)  # type: ignore[arg-type]
        except (OSError, StoreError):
            return found
    return found


def _read(file: Path) -> Arrays | None:
    try:
        with _READING, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None


def _forget_old(folder: Path) -> None:
    """Remove the tables of code that is long gone, when the first of a new one are written."""
    if folder.is_dir() or not folder.parent.is_dir():
        return
    others = sorted((f for f in folder.parent.iterdir() if f.is_dir()), key=lambda f: f.stat().st_mtime)
    for old in others[: max(len(others) - VERSIONS + 1, 0)]:
        shutil.rmtree(old, ignore_errors=True)
