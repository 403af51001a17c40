"""Review proxies: H.264, every frame a key frame, no burn-in; made once, in the background, kept in a folder."""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pipeline.errors import BattleplateError, FormatError
from pipeline.io.encode import write_review
from pipeline.review import slate
from pipeline.screening.media.child import Child, Told
from pipeline.screening.media.footage import Footage
from pipeline.screening.media.views import DEPTH, PLATE, picture, steady_range

Array = np.ndarray[Any, Any]
State = Literal["waiting", "making", "ready", "failed"]

CRF, PRESET = 14.0, "fast"  # the difference of two versions must not show the encoder
_FORM = "1"  # raise when proxies come to be made differently
_SILENCE_S = 90.0  # a frame that takes longer is not going to come
_FAULT = (74, 24, 22)  # sRGB, of a frame that cannot be read


@dataclass(frozen=True, slots=True)
class Proxy:
    """How a proxy stands. done of total frames; file: where it lies, once ready; message: what went wrong."""

    state: State
    done: int = 0
    total: int = 0
    file: Path | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class _Job:
    footage: Footage
    view: str
    file: Path


class Proxies:
    """The proxies of a show, in `folder`. One is made at a time; who asked last is served first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._child = Child(_SILENCE_S, patient=True)
        self._states: dict[Path, Proxy] = {}
        self._waiting: list[_Job] = []
        self._change = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def want(self, footage: Footage, view: str) -> Proxy:
        """The proxy of a view of a version as its frames are now; one that is not there is begun. Returns at once."""
        file = self.file(footage, view)
        total = len(_files(footage, view))
        with self._change:
            state = self._states.get(file)
            if file.is_file():
                return replace(state, state="ready", file=file) if state else Proxy("ready", total, total, file)
            if state is not None and state.state != "ready":
                if state.state == "waiting":
                    self._waiting.sort(key=lambda job: job.file == file)
                return state
            self._states[file] = Proxy("waiting", 0, total)
            self._waiting.append(_Job(footage, view, file))
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="proxies", daemon=True)
                self._thread.start()
            self._change.notify_all()
            return self._states[file]

    def file(self, footage: Footage, view: str) -> Path:
        """Where the proxy lies or will lie: its name tells the state of the frames it is made of."""
        key = hashlib.sha256(f"{_FORM} {CRF} {PRESET} {view} {footage.state()}".encode()).hexdigest()[:16]
        return self.folder / f"{footage.shot}_v{footage.version:03d}" / f"{view}.{key}.mp4"

    def close(self) -> None:
        """Stop: what is half made is dropped."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        self._child.close()

    def _work(self) -> None:
        while True:
            with self._change:
                while not self._waiting and not self._closed:
                    self._change.wait()
                if self._closed:
                    return
                job = self._waiting.pop()
                self._states[job.file] = replace(self._states[job.file], state="making")
            try:
                unread = self._child.run(make, job.footage, job.view, job.file, told=partial(self._told, job))
                said = f"cannot be read: {', '.join(map(str, unread))}" if unread else ""
                self._set(job, state="ready", file=job.file, message=said)
                _drop_older(job)
            except (BattleplateError, OSError) as error:
                self._set(job, state="failed", message=str(error))

    def _told(self, job: _Job, done: int) -> None:
        self._set(job, done=done)

    def _set(self, job: _Job, **changes: Any) -> None:
        with self._change:
            self._states[job.file] = replace(self._states[job.file], **changes)


def make(tell: Told, footage: Footage, view: str, file: Path) -> list[int]:
    """Write the proxy of a view, whole or not at all; tells how many frames are done. Returns the frames it could not read.

    Such a frame is a plain red one that says so: those after it keep their places. Raises FormatError when none can be read.
    """
    unread: list[int] = []
    near_far = steady_range(footage) if view == DEPTH else None
    screen = footage.screen()

    def frames() -> Iterator[Array]:
        chosen = _files(footage, view)
        for done, frame in enumerate(chosen, start=1):
            try:
                shown = screen.fit(picture(footage, view, frame, near_far=near_far))
            except FormatError:
                unread.append(frame)
                shown = _fault(screen.width, screen.height, frame)
            if len(unread) == len(chosen):
                raise FormatError(f"{footage.shot} v{footage.version:03d}: no frame of {view} can be read.")
            yield shown
            tell(done)

    write_review(file, frames(), footage.rate, crf=CRF, preset=PRESET)
    return unread


def _files(footage: Footage, view: str) -> list[int]:
    """The frames of a proxy: always the version's, so that frame numbers mean the same in all of them."""
    if view == PLATE and footage.plate is None:
        return []
    return list(footage.frames)


def _fault(width: int, height: int, frame: int) -> Array:
    out = np.empty((height, width, 3), np.uint8)
    out[:] = _FAULT
    said, size = f"frame {frame} cannot be read", max(8, height // 16)
    slate.write(out, said, (width - slate.width_of(said, size)) // 2, height // 2, size)
    return out


def _drop_older(job: _Job) -> None:
    """What was made of frames that are no more, and what a killed server left."""
    for other in (*job.file.parent.glob(f"{job.view}.*.mp4"), *job.file.parent.glob(f".{job.view}.*.tmp.mp4")):
        if other != job.file:
            with contextlib.suppress(OSError):
                other.unlink()
