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

_LONGEST_RUN = 8
_GLANCE_S = 1.0  # how often a run of frames is asked which of them are finished

# One thread in each worker: the frames are the parallelism, and idle OpenMP threads of several workers fight for cores.
# numba's number is set in the worker alone: a process whose numba threads run already must not see it change.
SINGLE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


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
        waiting = iter(runs_of(frames, _run_length(len(frames), self.workers) if job.stage.wants_finished else 1))
        flying: dict[Future[None], FrameRange] = {}
        told: set[int] = set()
        try:
            while True:
                while len(flying) < 2 * self.workers and (run := next(waiting, None)) is not None:
                    flying[executor.submit(make_frames, *_plain_job(job, folder), run)] = run
                if not flying:
                    return
                done, _ = wait(flying, _GLANCE_S if job.stage.wants_finished else None, FIRST_COMPLETED)
                noted = [f for run in flying.values() for f in run if f not in told and folder.noted(f)]
                told.update(noted)
                yield from noted
                for future in done:
                    run = flying.pop(future)
                    future.result()
                    yield from (f for f in run if f not in told)
        except BrokenProcessPool as error:
            self._executor = None
            raise StageError(
                f"{job.stage.name}: a worker died while making frames {', '.join(map(str, sorted(flying.values(), key=str)))} "
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


def make_frames(module: str, stage_name: str, arguments: dict[str, Any], folder: Folder, run: FrameRange) -> None:
    """Make a run of frames of a split stage here, and note each as finished."""
    stage = getattr(importlib.import_module(module), stage_name)
    if stage.wants_finished:
        stage(out=folder.path, frames=run, finished=folder.finish_frame, **arguments)
        return
    for frame in run:
        folder.finish_frame(frame, stage(out=folder.path, frames=FrameRange(frame, frame), **arguments))


def runs_of(frames: list[int], most: int) -> list[FrameRange]:
    """`frames`, in order, as runs of neighbours, none longer than `most`."""
    runs: list[FrameRange] = []
    for frame in sorted(frames):
        if runs and runs[-1].last == frame - 1 and len(runs[-1]) < most:
            runs[-1] = FrameRange(runs[-1].first, frame)
        else:
            runs.append(FrameRange(frame, frame))
    return runs


def _run_length(frames: int, workers: int) -> int:
    """Long enough to overlap reading, work and writing; short enough that all workers end at about the same time."""
    return max(1, min(_LONGEST_RUN, frames // (3 * workers)))


def _plain_job(job: Job, folder: Folder) -> tuple[str, str, dict[str, Any], Folder]:
    return job.stage.module, job.stage.name, job.arguments, folder


def _begin_worker(parent: int) -> None:
    os.environ.setdefault("NUMBA_NUM_THREADS", "1")
    # Ctrl-C reaches the whole group: the parent decides, a worker finishes its frame.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """A worker whose run was killed must not live on."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
