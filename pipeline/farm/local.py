"""Frames on this machine: spawned worker processes, a few frames in flight, single-threaded kernels in each."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from pipeline.errors import StageError
from pipeline.frames import FrameRange
from pipeline.plan import Job
from pipeline.store import Folder

# One thread in each worker: the frames are the parallelism, and idle OpenMP threads of several workers fight for cores.
SINGLE_THREAD = {"NUMBA_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


class LocalPool:
    """Worker processes for the split stages of one run; started at the first frame, stopped at the end.

    workers: 0 for one per core. Spawned, never forked: fork after numba's or OpenMP's threads started kills the child.
    """

    def __init__(self, workers: int = 0) -> None:
        self.workers = workers or os.cpu_count() or 1
        self._executor: ProcessPoolExecutor | None = None

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(self, kind: object, value: object, traceback: object) -> None:
        if self._executor:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def make(self, job: Job, folder: Folder, frames: list[int]) -> Iterator[int]:
        """Make `frames`, yielding each as it is finished. At most two per worker are in flight.

        Raises the first error of a frame, and StageError when a worker dies; what is finished stays.
        """
        if not frames:
            return
        executor = self._start()
        waiting = iter(frames)
        flying: dict[Future[int], int] = {}
        try:
            while True:
                while len(flying) < 2 * self.workers and (frame := next(waiting, None)) is not None:
                    flying[executor.submit(make_frame, *_plain_job(job, folder), frame)] = frame
                if not flying:
                    return
                done, _ = wait(flying, return_when=FIRST_COMPLETED)
                for future in done:
                    frame = flying.pop(future)
                    yield future.result()
        except BrokenProcessPool as error:
            self._executor = None
            raise StageError(
                f"{job.stage.name}: a worker died while making frames {', '.join(map(str, sorted(flying.values())))} "
                "(out of memory, or killed). Finished frames are kept: run again, with --workers 1 if memory is short."
            ) from error
        finally:
            for future in flying:
                future.cancel()

    def _start(self) -> ProcessPoolExecutor:
        if self._executor is None:
            os.environ.update({k: v for k, v in SINGLE_THREAD.items() if k not in os.environ})
            context = multiprocessing.get_context("spawn")
            self._executor = ProcessPoolExecutor(
                self.workers, context, initializer=_begin_worker, initargs=(os.getpid(),)
            )
        return self._executor


def make_frame(module: str, stage_name: str, arguments: dict[str, Any], folder: Folder, frame: int) -> int:
    """Make one frame of a split stage here, note it as finished, and return its number."""
    stage = getattr(importlib.import_module(module), stage_name)
    result = stage(out=folder.path, frames=FrameRange(frame, frame), **arguments)
    folder.finish_frame(frame, result)
    return frame


def _plain_job(job: Job, folder: Folder) -> tuple[str, str, dict[str, Any], Folder]:
    return job.stage.module, job.stage.name, job.arguments, folder


def _begin_worker(parent: int) -> None:
    # Ctrl-C reaches the whole group: the parent decides, a worker finishes its frame.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A worker whose run was killed must not live on."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
