"""Run a shot: skip what is made, resume what is not."""

from __future__ import annotations

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.config import Shot, check_stage_names, stage_params
from pipeline.errors import ConfigError, StageError, StoreError
from pipeline.farm.local import LocalPool
from pipeline.frames import FrameRange
from pipeline.log import Reporter
from pipeline.plan import Job, Made, differences, job_for, made_of, section_results
from pipeline.stage import Stage
from pipeline.store import Folder, KeptFiles, content_digest, join, latest_key
from pipeline.types import Plate
from pipeline.words import Words

LEAST_FREE_BYTES = 500_000_000


@dataclass(frozen=True)
class Wish:
    """What of a shot is wanted: up to which stage, which frames of the split stages, how many workers."""

    until: str = ""
    frames: FrameRange | None = None
    workers: int = 0


@dataclass
class StageState:
    """How a stage stands. state: made | partly | missing | waiting (for what comes before)."""

    name: str
    state: str
    frames_done: int = 0
    frames: int = 0
    reasons: list[str] = field(default_factory=list)
    folder: Path | None = None


def run(shot: Shot, stages: tuple[Stage, ...], wish: Wish, report: Reporter) -> dict[type, Any]:
    """Make a shot's stages in order, up to `wish.until`, and return the results by type.

    Finished stages are taken as they are; split stages go on at their first missing frame. Raises the errors of
    pipeline.errors; a KeyboardInterrupt leaves every finished frame in place.
    """
    check_stage_names(shot, tuple(s.name for s in stages))
    wanted = _until(stages, wish.until)
    for stage in stages:
        stage_params(stage.params, shot, stage.name)  # a wrong setting is said now, not an hour into the run
    made = section_results(shot)
    whole = needed_whole(wanted)
    with _only_run_of(shot), LocalPool(wish.workers) as pool:
        report.start([s.name for s in wanted])
        for stage in wanted:
            job = job_for(stage, shot, made)
            _check_disk(shot.build)
            frames = None if stage.name in whole else wish.frames
            made[stage.output] = _make(job, shot, frames, pool, report)
            if stage.output is Plate:
                _limited(made[Plate].result.files.frames, wish.frames)  # said at once, not after the solve
    return {kind: found.result for kind, found in made.items()}


def needed_whole(stages: tuple[Stage, ...]) -> set[str]:
    """Split stages that must be made for the whole shot, because a stage that runs once takes them, directly or not."""
    whole: set[type] = set()
    for stage in reversed(stages):
        if stage.output in whole or not (stage.per_frame or stage.some_frames):
            whole |= set(stage.inputs.values())
    return {s.name for s in stages if s.output in whole}


def look(shot: Shot, stages: tuple[Stage, ...]) -> list[StageState]:
    """How each stage stands, without making anything."""
    made = section_results(shot)
    states: list[StageState] = []
    for stage in stages:
        if any(kind not in made for kind in stage.inputs.values()):
            states.append(StageState(stage.name, "waiting"))
            continue
        job = job_for(stage, shot, made)
        folder = Folder(shot.build, stage.name, job.fingerprint)
        try:
            receipt = folder.load(stage.output)
        except StoreError:
            done = len(list((folder.path / "units").glob("*.json")))
            reasons = differences(latest_key(shot.build, stage.name), job.key)
            states.append(
                StageState(stage.name, "partly" if done else "missing", done, _frame_count(made), reasons, folder.path)
            )
            continue
        made[stage.output] = made_of(receipt)
        states.append(StageState(stage.name, "made", folder=folder.path))
    return states


def _frame_count(made: dict[type, Made]) -> int:
    return len(made[Plate].result.files.frames) if Plate in made else 0


def _make(job: Job, shot: Shot, frames: FrameRange | None, pool: LocalPool, report: Reporter) -> Made:
    stage = job.stage
    folder = Folder(shot.build, stage.name, job.fingerprint)
    try:
        receipt = folder.load(stage.output)
        folder.mark_latest()
        report.skipped(stage.name)
        return made_of(receipt)
    except StoreError:
        pass
    folder.path.mkdir(parents=True, exist_ok=True)
    folder.clean()
    report.began(stage.name, differences(latest_key(shot.build, stage.name), job.key))
    words = Words.of(job.shared, shot.build.name, stage.name)
    words.begin()
    began = time.monotonic()
    try:
        if stage.per_frame:
            made = _make_frames(job, folder, frames, pool, report)
        else:
            made = _make_once(job, folder, report)
    finally:  # who was asked in vain is told of a stage that failed, too
        for line in words.heard():
            report.noted(stage.name, line)
    report.finished(stage.name, time.monotonic() - began)
    return made


def _make_once(job: Job, folder: Folder, report: Reporter) -> Made:
    stage = job.stage
    arguments = job.arguments
    if stage.wants_progress:
        arguments["progress"] = report.progress(stage.name)
    if stage.wants_kept:
        arguments["kept"] = KeptFiles(folder.path)
    else:
        _empty(folder.path)
    result = stage(out=folder.path, **arguments)
    _check_kind(stage, result)
    for note in getattr(result, "notes", ()):
        report.noted(stage.name, note)
    receipt = folder.finish(job.key, result, folder.marks(result))
    return made_of(receipt)


def _make_frames(job: Job, folder: Folder, frames: FrameRange | None, pool: LocalPool, report: Reporter) -> Made:
    stage = job.stage
    everything = _all_frames(job)
    wanted = _limited(everything, frames)
    done = folder.finished_frames(stage.output, everything)
    missing = [f for f in wanted if f not in done]
    tell = report.progress(stage.name)
    tell(len(wanted) - len(missing), len(wanted), "")
    for made_now, _frame in enumerate(pool.make(job, folder, missing), start=1):
        tell(len(wanted) - len(missing) + made_now, len(wanted), "")
    done.update({f: folder.finished_frame(stage.output, f, by_content=False) for f in missing})
    result = join([done[f][0] for f in wanted])
    files = {name: mark for f in wanted for name, mark in done[f][1].items()}
    _check_kind(stage, result)
    if len(done) == len(everything):
        result = join([done[f][0] for f in everything])
        files = {name: mark for f in everything for name, mark in done[f][1].items()}
        return made_of(folder.finish(job.key, result, files))
    return Made(result, content_digest(result, files, folder.path))


def _all_frames(job: Job) -> FrameRange:
    found = [r for r in map(_range_of, job.inputs.values()) if r]
    if not found:
        raise StageError(f"stage {job.stage.name}: it is split over frames, but nothing that it takes has frames.")
    return FrameRange(max(r.first for r in found), min(r.last for r in found))


def _range_of(receipt: Any) -> FrameRange | None:
    for name in ("files", "frames"):
        value = getattr(receipt, name, None)
        if isinstance(value, FrameRange):
            return value
        if value is not None and hasattr(value, "frames"):
            return value.frames  # type: ignore[no-any-return]
    layers = getattr(receipt, "layers", ())
    return layers[0].files.frames if layers else None


def _limited(everything: FrameRange, wanted: FrameRange | None) -> FrameRange:
    if wanted is None:
        return everything
    if wanted.first > everything.last or wanted.last < everything.first:
        raise ConfigError(f"--frames {wanted}: the plate has frames {everything}. Choose frames inside it.")
    if wanted.first < everything.first or wanted.last > everything.last:
        raise ConfigError(
            f"--frames {wanted}: goes past the plate, which has frames {everything}. Choose frames inside it."
        )
    return wanted


def _until(stages: tuple[Stage, ...], name: str) -> tuple[Stage, ...]:
    if not name:
        return stages
    names = [s.name for s in stages]
    if name not in names:
        raise ConfigError(f"--until {name}: there is no such stage. Stages: {', '.join(names)}.")
    return stages[: names.index(name) + 1]


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _check_kind(stage: Stage, result: Any) -> None:
    if not isinstance(result, stage.output):
        raise StageError(
            f"stage {stage.name}: it returned {type(result).__name__}, not the {stage.output.__name__} it declares."
        )


def _check_disk(build: Path) -> None:
    free = shutil.disk_usage(build).free
    if free < LEAST_FREE_BYTES:
        raise StoreError(
            f"{build}: {free / 1e6:.0f} MB are free on this disk, {LEAST_FREE_BYTES / 1e6:.0f} MB are needed to go on. "
            "Free some and run again: finished frames are kept."
        )


@contextmanager
def _only_run_of(shot: Shot) -> Iterator[None]:
    try:
        shot.build.mkdir(parents=True, exist_ok=True)
        lock = (shot.build / ".lock").open("w")
    except OSError as error:
        raise StoreError(
            f"{shot.build}: cannot be written ({error.strerror}). Check the folder, or set `build` in show.toml."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"{shot.build}: another run of this shot is at work. Wait for it, or stop it.") from error
        yield
