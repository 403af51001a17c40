"""Memory of pictures that is freed and wanted again a frame later."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _MMAP_MAX, _ARENA_MAX, _TOP_PAD = -1, -3, -4, -8, -2  # glibc's malloc.h
_MOST = 2**31 - 1
_inside, _lock = 0, Lock()


@contextmanager
def kept_memory() -> Iterator[None]:
    """What is freed in here stays with the process until the end, then goes back to the system.

    glibc gives memory of more than 32 MB back at once, and Linux hands out each fresh page zeroed: at 3840 x 2160 that is a
    fifth of what a frame's comp and its EXR take of CPU time. Elsewhere than on glibc nothing changes. May be nested, and
    entered by several threads.

    Source: mallopt(3).
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    _entered(libc, +1)
    try:
        yield
    finally:
        _entered(libc, -1)


def _entered(libc: ctypes.CDLL, by: int) -> None:
    global _inside
    with _lock:
        before, _inside = _inside, _inside + by
        if (before, _inside) == (0, 1):
            libc.mallopt(_MMAP_MAX, 0)
            libc.mallopt(_TRIM_THRESHOLD, _MOST)
            libc.mallopt(_ARENA_MAX, 1)  # others' heaps end at 64 MB, and what is larger is fetched anew
            libc.mallopt(_TOP_PAD, 256 << 20)
        elif (before, _inside) == (1, 0):  # where glibc's own adjusting ends
            libc.mallopt(_TOP_PAD, 128 << 10)
            libc.mallopt(_ARENA_MAX, 0)
            libc.mallopt(_MMAP_MAX, 65536)
            libc.mallopt(_MMAP_THRESHOLD, 32 << 20)
            libc.mallopt(_TRIM_THRESHOLD, 64 << 20)
            libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    try:
        libc = ctypes.CDLL("libc.so.6")
    except OSError:
        return None
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
