"""Bands of a picture's rows on several threads: for compiled functions that let go of the interpreter (nogil).

Unlike prange, safe to call from several threads at once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from functools import lru_cache

import numba

ROWS = 32  # of a band: with the columns of a block, what stays in one core's caches; changes speed, never values


def in_bands(height: int, work: Callable[[int, int], object], rows: int = ROWS) -> None:
    """Call work(top, bottom) for bands of `rows` that make up 0..height, on as many threads as numba may use.

    Each row must be computed from its own position alone: then the result is the same for any number of threads. The
    calling thread works too, and each takes the next band when it is done with one.
    """
    tops = range(0, height, rows)
    threads, left = min(numba.get_num_threads(), len(tops)), iter(tops)

    def some() -> None:
        for top in left:
            work(top, min(top + rows, height))

    if threads <= 1:
        some()
        return
    others = [_helpers(threads - 1).submit(some) for _ in range(threads - 1)]
    try:
        some()
    finally:  # who has not begun by now finds nothing to do: busy with other pictures, or lost in a fork
        begun = [other for other in others if not other.cancel()]
        wait(begun)
    for other in begun:
        other.result()


@lru_cache
def _helpers(threads: int) -> ThreadPoolExecutor:
    """Kept: to start them for each picture takes as long as a small picture."""
    return ThreadPoolExecutor(threads)
