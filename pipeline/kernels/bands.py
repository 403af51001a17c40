"""Bands of a picture's rows on several threads: for compiled functions that let go of the interpreter (nogil).

Unlike prange, safe to call from several threads at once.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import lru_cache

import numba

ROWS = 32  # of a band: with the columns of a block, what stays in one core's caches; changes speed, never values
RUN = 256  # of things that are each a few pixels' work


def in_bands(height: int, work: Callable[[int, int], object], rows: int = ROWS, *, shrinking: bool = False) -> None:
    """Call work(top, bottom) for bands of `rows` that make up 0..height, on as many threads as numba may use.

    Each row must be computed from its own position alone: then the result is the same for any number of threads. The
    calling thread works too, and each takes the next band when it is done with one. What work raises is raised.
    shrinking: `rows` is the least; bands begin larger, for work that takes no time to begin and has nothing to keep in caches.
    """
    most = numba.get_num_threads()
    bands = list(_shrinking(height, rows, most) if shrinking else _even(height, rows))
    threads, left = min(most, len(bands)), iter(bands)

    def some() -> None:
        for top, bottom in left:
            work(top, bottom)

    helpers = _crew.idle(threads - 1) if threads > 1 else []
    _keep_off_this_core(helpers)
    for helper in helpers:
        helper.begin(some)
    try:
        some()
    finally:
        failed = [error for error in [helper.end() for helper in helpers] if error]
        _crew.rest(helpers)
    if failed:
        raise failed[0]


def banded(kernel: Callable[..., object], height: int, *given: object, rows: int = ROWS) -> None:
    """in_bands of kernel(top, bottom, *given)."""
    in_bands(height, lambda top, bottom: kernel(top, bottom, *given), rows)


def _even(height: int, rows: int) -> Iterator[tuple[int, int]]:
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def _shrinking(height: int, rows: int, threads: int) -> Iterator[tuple[int, int]]:
    """Each is half of a thread's even share of what is left: few bands, and nobody waits long for the last one.

    Source: Polychronopoulos and Kuck, "Guided Self-Scheduling", IEEE Transactions on Computers 36 (12), 1987.
    """
    top = 0
    while top < height:
        bottom = min(top + max((height - top) // (2 * threads), rows), height)
        yield top, bottom
        top = bottom


class _Helper(threading.Thread):
    """One job after the other. Two locks: a pool's futures take a fiftieth of the time of laying a layer over 3840 x 2160 pixels."""

    def __init__(self) -> None:
        super().__init__(name="bands", daemon=True)
        self._begun, self._ended = threading.Lock(), threading.Lock()
        self._begun.acquire()
        self._ended.acquire()
        self._job: Callable[[], None] | None = None
        self._error: BaseException | None = None
        self._cores: set[int] = set()
        self.start()

    def run(self) -> None:
        while True:
            self._begun.acquire()
            try:
                if self._job:
                    self._job()
            except BaseException as error:  # handed to who waits for the end
                self._error = error
            self._job = None  # or its pictures would stay
            self._ended.release()

    def begin(self, job: Callable[[], None]) -> None:
        self._job = job
        self._begun.release()

    def keep_to(self, cores: set[int]) -> None:
        """Work on these cores alone."""
        if cores != self._cores and self.native_id:  # 0 would be the caller
            os.sched_setaffinity(self.native_id, cores)
            self._cores = cores

    def end(self) -> BaseException | None:
        """Wait for the job's end: what it raised."""
        self._ended.acquire()
        error, self._error = self._error, None
        return error


class _Crew:
    """Helpers are kept: to start them for each picture takes as long as a small picture."""

    def __init__(self) -> None:
        self._lock, self._idle, self._made = threading.Lock(), list[_Helper](), 0

    def idle(self, most: int) -> list[_Helper]:
        """Up to `most` that nobody uses; so many are made, in all."""
        with self._lock:
            found = [self._idle.pop() for _ in range(min(most, len(self._idle)))]
            new = min(most - len(found), max(most - self._made, 0))
            self._made += new
        return found + [_Helper() for _ in range(new)]

    def rest(self, helpers: list[_Helper]) -> None:
        with self._lock:
            self._idle += helpers


_crew = _Crew()


def _new_crew() -> None:
    """A fork has none of its parent's threads."""
    global _crew
    _crew = _Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_crew)


def _keep_off_this_core(helpers: list[_Helper]) -> None:
    """Linux, on small virtual machines at least, may wake a thread where its waker works and leave it waiting there for
    milliseconds, with another core idle.
    """
    if sys.platform != "linux" or not helpers:
        return
    elsewhere = os.sched_getaffinity(0) - {_libc().sched_getcpu()}
    with suppress(OSError):  # some sandboxes forbid it
        for helper in helpers:
            if elsewhere:
                helper.keep_to(elsewhere)


@lru_cache
def _libc() -> ctypes.PyDLL:
    return ctypes.PyDLL(None)
