"""Declare a stage: its signature says what it needs and makes; its code is part of its fingerprint."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from typing import Any, Protocol, overload

from pipeline.errors import StageError
from pipeline.frames import FrameRange

RESERVED = ("params", "frames", "out", "progress", "kept", "shared", "finished")


class Progress(Protocol):
    """Told by a stage how far it is: progress(done, total, "what is being done")."""

    def __call__(self, done: int, total: int, note: str = "") -> None: ...


class Kept(Protocol):
    """For a stage that runs once but makes many files: which of them an earlier, killed run finished.

    `path in kept` is true when the file is there and its content is what was noted; `kept.note(path)` notes a file just
    written (through pipeline.io, so whole).
    """

    def __contains__(self, path: object) -> bool: ...

    def note(self, path: Path) -> None: ...


class Finished(Protocol):
    """Told by a stage that is split over frames that one of them is whole on disk: finished(frame, its receipt).

    A stage that takes it is given short runs of frames instead of single ones, so that it can read and write beside its
    work (pipeline.overlap); each frame counts as finished when it was told, in whatever state the run ends.
    """

    def __call__(self, frame: int, receipt: Any) -> None: ...


class NothingKept:
    """A Kept for a stage that is called plainly: nothing was finished before."""

    def __contains__(self, path: object) -> bool:
        return False

    def note(self, path: Path) -> None:
        """Nobody asks later."""


def silent(done: int, total: int, note: str = "") -> None:
    """A Progress that tells nobody."""


def unheard(frame: int, receipt: Any) -> None:
    """A Finished that nobody listens to: what is called plainly returns its receipt."""


@dataclass(frozen=True)
class Stage:
    """A declared stage. Calling it calls the function, so tests use it plainly.

    inputs: argument name to type, for arguments found by type. params: the Params class. per_frame: whether it is split
    over frames. wants_finished: takes `finished`, and so several frames at a time. wants_shared: takes `shared`, the show's folder for what its shots have in common and what decides no
    pixel (kept answers, the ledger). data: files and folders of ours, from the repository's root, that count as its code (weights, recipes).
    some_frames: it runs once but is content with some of the frames (a delivery of a part); others need the whole shot.
    """

    name: str
    function: Callable[..., Any]
    inputs: dict[str, type]
    params: type | None
    output: type
    per_frame: bool
    wants_progress: bool
    wants_kept: bool
    wants_shared: bool
    wants_finished: bool
    data: tuple[str, ...]
    some_frames: bool

    def __call__(self, **arguments: Any) -> Any:
        return self.function(**arguments)

    @property
    def module(self) -> str:
        return self.function.__module__


@overload
def stage(function: Callable[..., Any]) -> Stage: ...


@overload
def stage(*, data: tuple[str, ...] = (), some_frames: bool = False) -> Callable[[Callable[..., Any]], Stage]: ...


def stage(function: Callable[..., Any] | None = None, *, data: tuple[str, ...] = (), some_frames: bool = False) -> Any:
    """Read a stage off a function's signature: `@stage`, or `@stage(data=("assets/characters",))`.

    Raises StageError when an argument or the result has no usable type.
    """
    if function is None:
        return lambda inner: _declare(inner, data, some_frames)
    return _declare(function, data, some_frames)


def _declare(function: Callable[..., Any], data: tuple[str, ...], some_frames: bool) -> Stage:
    name = getattr(function, "__name__", "stage")
    hints = typing.get_type_hints(function)
    arguments = list(inspect.signature(function).parameters)
    untyped = [a for a in [*arguments, "return"] if a not in hints]
    if untyped:
        raise StageError(
            f"stage {name}: no type given for {', '.join(untyped)}. Name the receipt that it takes or makes."
        )
    inputs = {a: hints[a] for a in arguments if a not in RESERVED}
    for argument, kind in [*inputs.items(), ("return", hints["return"])]:
        if not is_dataclass(kind):
            raise StageError(
                f"stage {name}: {argument} is {kind}, which is no receipt. Use a frozen dataclass of pipeline.types."
            )
    if "out" not in arguments or hints["out"] is not Path:
        raise StageError(f"stage {name}: it needs an argument `out: Path`, the folder that it writes to.")
    if "frames" in arguments and hints["frames"] is not FrameRange:
        raise StageError(f"stage {name}: `frames` must be a FrameRange.")
    return Stage(
        name=name,
        function=function,
        inputs=inputs,
        params=hints.get("params"),
        output=hints["return"],
        per_frame="frames" in arguments,
        wants_progress="progress" in arguments,
        wants_kept="kept" in arguments,
        wants_shared="shared" in arguments,
        wants_finished="finished" in arguments,
        data=data,
        some_frames=some_frames,
    )
