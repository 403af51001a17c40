"""Results on disk: one folder per stage and fingerprint; receipts to types and back.

BUILD/STAGE/FINGERPRINT/   what the stage wrote
    units/1001.json        one frame is finished: its files with their SHA-256, its part of the receipt
    receipt.json           the stage is finished; written last
A folder without a receipt is unfinished work. Nothing here holds a time or an absolute path: equal work gives equal bytes.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import codec
from pipeline.errors import ConfigError, StoreError
from pipeline.fingerprint import digest_of
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io.files import sha256, write_bytes

LIBRARIES = ("av", "kornia", "numba", "numpy", "opencolorio", "opencv-python-headless", "OpenEXR", "pycolmap", "torch")


@dataclass(frozen=True, slots=True)
class FileMark:
    """What a finished file was when it was written."""

    sha256: str
    size: int


@dataclass(frozen=True)
class Receipt:
    """A finished stage: its result, its files, what decided it."""

    stage: str
    fingerprint: str
    key: dict[str, Any]  # code, params, inputs: what `explain` compares
    result: Any
    files: dict[str, FileMark]
    versions: dict[str, str]

    @property
    def digest(self) -> str:
        """Content digest: the result and every byte that it names, but not where they lie."""
        return content_digest(self.result, self.files, None)


def content_digest(result: Any, files: dict[str, FileMark], folder: Path | None) -> str:
    """Digest of a result and its files. Paths count by their names, the stage's own folder left out."""
    names = sorted((name, mark.sha256) for name, mark in files.items())
    return digest_of([type(result).__name__, codec.plain(result, _name_only), names])


def _name_only(path: Path) -> str:
    return path.name if not _is_folder_of_frames(path) else ""


def _is_folder_of_frames(path: Path) -> bool:
    # A stage's own folder is named by its fingerprint, which must not enter the digest of what it made.
    return bool(re.fullmatch(r"[0-9a-f]{16}(-[0-9]+(-[0-9]+)?)?", path.name))


class Folder:
    """A stage's folder for one fingerprint."""

    def __init__(self, build: Path, stage: str, fingerprint: str) -> None:
        self.build = build
        self.stage = stage
        self.fingerprint = fingerprint
        self.path = build / stage / fingerprint

    # ------------------------------------------------------------ whole results

    def load(self, kind: type) -> Receipt:
        """Read the receipt and check that every file is there at its size. Raises StoreError otherwise."""
        data = _read_json(self.path / "receipt.json")
        files = {name: FileMark(**mark) for name, mark in data["files"].items()}
        for name, mark in files.items():
            _check(self.path / name, mark)
        return Receipt(
            self.stage, self.fingerprint, data["key"], self._result(kind, data["result"]), files, data["versions"]
        )

    def finish(self, key: dict[str, Any], result: Any, files: dict[str, FileMark]) -> Receipt:
        """Write the receipt, last of all, and return it."""
        versions = {name: _version(name) for name in LIBRARIES}
        data = {
            "stage": self.stage,
            "fingerprint": self.fingerprint,
            "key": key,
            "result": codec.plain(result, self._relative),
            "files": {name: dataclasses.asdict(mark) for name, mark in sorted(files.items())},
            "versions": versions,
        }
        self.mark_latest()
        _write_json(self.path / "receipt.json", data)
        return Receipt(self.stage, self.fingerprint, key, result, files, versions)

    def mark_latest(self) -> None:
        """Note that this is the result in use, which `explain` compares with."""
        pointer = self.path.parent / "latest.json"
        try:
            if _read_json(pointer) == {"fingerprint": self.fingerprint}:
                return
        except StoreError:
            pass
        _write_json(pointer, {"fingerprint": self.fingerprint})

    def marks(self, result: Any) -> dict[str, FileMark]:
        """SHA-256 and size of every file that `result` names. Raises StoreError when one is not there."""
        found: dict[str, FileMark] = {}
        for file in files_of(result):
            if not file.is_file():
                raise StoreError(
                    f"{self.stage}: it says that it wrote {file.name}, which is not there. This is a bug in the stage."
                )
            if not file.is_relative_to(self.path):
                raise StoreError(
                    f"{self.stage}: it names {file}, outside of its own folder. This is a bug in the stage."
                )
            found[file.relative_to(self.path).as_posix()] = FileMark(sha256(file), file.stat().st_size)
        return found

    # ------------------------------------------------------------ frames

    def finished_frames(self, kind: type, frames: FrameRange) -> dict[int, tuple[Any, dict[str, FileMark]]]:
        """Frames that an earlier run finished and whose every byte still is what was written."""
        found = {}
        for frame in frames:
            try:
                found[frame] = self.finished_frame(kind, frame, by_content=True)
            except (StoreError, ConfigError):
                self._unit(frame).unlink(missing_ok=True)
        return found

    def finished_frame(self, kind: type, frame: int, *, by_content: bool) -> tuple[Any, dict[str, FileMark]]:
        """One finished frame's part of the receipt, and its files. Raises StoreError when it is not whole."""
        data = _read_json(self._unit(frame))
        files = {name: FileMark(**mark) for name, mark in data["files"].items()}
        for name, mark in files.items():
            _check(self.path / name, mark, by_content=by_content)
        return self._result(kind, data["result"]), files

    def finish_frame(self, frame: int, result: Any) -> None:
        """Note that a frame is finished. Called by the worker that made it, after its files are in place."""
        files = {name: dataclasses.asdict(mark) for name, mark in self.marks(result).items()}
        record = {"files": files, "result": codec.plain(result, self._relative)}
        _write_json(self._unit(frame), record)

    def noted(self, frame: int) -> bool:
        """Whether `finish_frame` was told of it."""
        return self._unit(frame).is_file()

    # ------------------------------------------------------------ helpers

    def clean(self) -> None:
        """Remove temporary files that a killed writer left."""
        for file in self.path.rglob(".*.tmp*"):
            match = re.search(r"\.(\d+)\.tmp", file.name)
            if match and not _alive(int(match[1])):
                file.unlink(missing_ok=True)

    def _unit(self, frame: int) -> Path:
        return self.path / "units" / f"{frame}.json"

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.path).as_posix() if path.is_relative_to(self.path) else str(path)

    def _result(self, kind: type, data: Any) -> Any:
        return codec.build(kind, data, f"{self.path / 'receipt.json'}", self.path.joinpath)


class KeptFiles:
    """Files that a once-running stage finished before it was killed; see pipeline.stage.Kept."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __contains__(self, path: object) -> bool:
        if not isinstance(path, Path):
            return False
        try:
            mark = FileMark(**_read_json(self._record(path)))
            _check(path, mark, by_content=True)
        except (StoreError, TypeError):
            return False
        return True

    def note(self, path: Path) -> None:
        _write_json(self._record(path), {"sha256": sha256(path), "size": path.stat().st_size})

    def _record(self, path: Path) -> Path:
        return self.folder / "units" / f"{path.relative_to(self.folder).as_posix().replace('/', '__')}.json"


def files_of(result: Any) -> Iterable[Path]:
    """Every file that a receipt names: its Path fields (a folder: all in it) and each frame of its FrameFiles."""
    if isinstance(result, FrameFiles):
        yield from result
    elif isinstance(result, Path):
        if result.is_dir():
            yield from sorted(f for f in result.rglob("*") if f.is_file())
        else:
            yield result
    elif dataclasses.is_dataclass(result) and not isinstance(result, type):
        for field in dataclasses.fields(result):
            yield from files_of(getattr(result, field.name))
    elif isinstance(result, tuple):
        for entry in result:
            yield from files_of(entry)


def join(results: list[Any]) -> Any:
    """Join the receipts of single frames, in order, into one for all of them.

    FrameRange fields (and those of FrameFiles) run from the first to the last; every other field must be equal. Raises
    StoreError when it is not: such a number belongs in a file per frame.
    """
    first, last = results[0], results[-1]
    if isinstance(first, FrameRange):
        return FrameRange(first.first, last.last)
    if dataclasses.is_dataclass(first) and not isinstance(first, type):
        made = {f.name: join([getattr(r, f.name) for r in results]) for f in dataclasses.fields(first)}
        return dataclasses.replace(first, **made)
    if isinstance(first, tuple) and first and dataclasses.is_dataclass(first[0]):
        return tuple(join(list(entries)) for entries in zip(*results, strict=True))
    if any(r != first for r in results):
        raise StoreError(
            f"a per-frame receipt holds {first!r} for one frame and another value for the next. Write it to a file per frame."
        )
    return first


def latest_key(build: Path, stage: str) -> dict[str, Any]:
    """What decided the newest finished result of a stage; empty when there is none."""
    try:
        fingerprint = _read_json(build / stage / "latest.json")["fingerprint"]
        key: dict[str, Any] = _read_json(build / stage / fingerprint / "receipt.json")["key"]
    except StoreError:
        return {}
    return key


def _check(path: Path, mark: FileMark, *, by_content: bool = False) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise StoreError(f"{path}: is missing. Run again: it is made anew.") from error
    if size != mark.size or (by_content and sha256(path) != mark.sha256):
        raise StoreError(f"{path}: is not what was written. Run again: it is made anew.")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: no readable receipt. Run again: it is made anew.") from error
    if not isinstance(data, dict):
        raise StoreError(f"{path}: no readable receipt. Run again: it is made anew.")
    return data


def _write_json(path: Path, data: Any) -> None:
    write_bytes(path, json.dumps(data, indent=1, sort_keys=True).encode())


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
