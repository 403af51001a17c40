"""Read the next frame and write the last one while this one is computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from pipeline.memory import kept_memory

Given = TypeVar("Given")
Made = TypeVar("Made")


def overlapped(
    frames: Iterable[int],
    read: Callable[[int], Given],
    make: Callable[[int, Given], Made],
    write: Callable[[int, Made], None],
) -> Iterator[int]:
    """write(frame, make(frame, read(frame))) for each frame; yields it, in order, once it is written.

    `read` and `write` each have a thread, `make` runs in the caller's: compiled loops that are parallel belong there, numba's
    own threads serve one caller at a time. At most three frames are in memory, and the next ones use it again. What was computed before an error is written
    and yielded, then the error is raised, the earliest frame's first: so is the outcome of one frame after the other.
    """
    with kept_memory(), ThreadPoolExecutor(1, "read") as reader, ThreadPoolExecutor(1, "write") as writer:
        behind: tuple[int, Future[None]] | None = None
        waiting = iter(frames)
        frame = next(waiting, None)
        coming = None if frame is None else reader.submit(read, frame)
        while frame is not None and coming is not None:
            try:
                given, coming = coming.result(), None
                following = next(waiting, None)
                coming = None if following is None else reader.submit(read, following)
                made = make(frame, given)
            except BaseException:
                if behind:
                    yield _written(behind)
                raise
            del given
            if behind:
                yield _written(behind)
            behind = frame, writer.submit(write, frame, made)
            del made
            frame = following
        if behind:
            yield _written(behind)


def _written(behind: tuple[int, Future[None]]) -> int:
    frame, future = behind
    future.result()
    return frame
