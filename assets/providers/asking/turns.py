"""Who may work at something now, over all processes: locks that the system lets go of when their holder dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assets.providers.asking.pacing import Clock, wait
from assets.providers.base import Watch
from pipeline.errors import StoreError

_LOOK_AGAIN_S = 0.05


@contextmanager
def alone(files: tuple[Path, ...], provider: str, watch: Watch, clock: Clock) -> Iterator[None]:
    """Hold one of `files`, waiting until one is free. Raises ProviderCancelled when the asker had enough of waiting."""
    held, file = _first_free(files)
    while held < 0:
        wait(_LOOK_AGAIN_S, provider, watch, clock)
        held, file = _first_free(files)
    try:
        yield
    finally:
        _let_go(held, file)


@contextmanager
def if_free(file: Path) -> Iterator[bool]:
    """Hold `file` if nobody does; says whether that is so."""
    held = _take(file)
    try:
        yield held >= 0
    finally:
        if held >= 0:
            _let_go(held, file)


def _first_free(files: tuple[Path, ...]) -> tuple[int, Path]:
    for file in files:
        if (held := _take(file)) >= 0:
            return held, file
    return -1, files[0]


def _take(file: Path) -> int:
    """An open, locked handle of `file`; -1 when somebody else has it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise StoreError(f"{file}: cannot be written ({error.strerror}). Check the folder's permissions.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(handle).st_ino == os.stat(file).st_ino:
            return handle
    except (BlockingIOError, FileNotFoundError):
        pass  # held; or its last holder removed it in this moment
    os.close(handle)
    return -1


def _let_go(handle: int, file: Path) -> None:
    file.unlink(missing_ok=True)  # while it is held: whoever opened it meanwhile sees that it is another file
    os.close(handle)
