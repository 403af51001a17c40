"""What an approval names: the pixels of one delivered version, frame by frame, and whether they are still the same."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.errors import ReviewRefused
from pipeline.io.files import sha256

_PIXELS = "exr/"  # the report's files that are the picture; movies and sheets are made of them
State = tuple[int, int, int, int] | None  # of a file: size, times of change of content and of anything, number
_FRAME = re.compile(r"\.(\d+)\.exr$")


@dataclass(frozen=True, slots=True)
class Stamp:
    """A file as it was when somebody approved it. mtime_ns: of its last change."""

    sha256: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Subject:
    """The pixels of a version. digest: over all of them; files: by the report's names, "exr/NAME.1001.exr"."""

    digest: str
    files: Mapping[str, Stamp]

    def plain(self) -> dict[str, Any]:
        """As a decision's `detail` keeps it."""
        return {"files": {name: [s.sha256, s.size, s.mtime_ns] for name, s in self.files.items()}}

    @classmethod
    def read(cls, digest: str, detail: Any) -> Subject:
        """Back from a decision; of one without files only the digest is known."""
        kept = detail.get("files", {}) if isinstance(detail, dict) else {}
        return cls(digest, {str(name): Stamp(*stamp) for name, stamp in kept.items()})


def subject_digest(report: Mapping[str, Any]) -> str:
    """SHA-256 over the names and SHA-256 of a report's EXR frames, sorted. Raises ReviewRefused when it has none."""
    frames = _frames_of(report)
    if not frames:
        raise ReviewRefused("report.json names no EXR frames: there is nothing to approve. Deliver the shot again.")
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(frames.items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def read_report(folder: Path) -> dict[str, Any]:
    """report.json of a delivered version. Raises ReviewRefused when there is none, or it cannot be understood."""
    file = folder / "report.json"
    try:
        report = json.loads(file.read_text("utf-8"))
        if isinstance(report["files"], dict):
            return dict(report)
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise ReviewRefused(f"{file}: is missing or no report of a delivery. Deliver the shot again.")


def subject_of(folder: Path) -> Subject:
    """What is approved now: every frame is read. Raises ReviewRefused when one is not what the report says of it."""
    report = read_report(folder)
    digest, stamps = subject_digest(report), {}
    for name, wanted in _frames_of(report).items():
        stamp = _stamp(folder / name)
        if stamp is None or stamp.sha256 != wanted:
            state = "is missing" if stamp is None else "changed since it was delivered"
            raise ReviewRefused(f"{folder.name}: {frame_words([name])} {state}. Deliver the shot again, then decide.")
        stamps[name] = stamp
    return Subject(digest, stamps)


def changed(folder: Path, approved: Subject, *, thorough: bool = False) -> list[str]:
    """Names of the approved files whose content is another now, or that came or went, sorted; empty: none.

    A file whose size and time of change are those of the approval is taken for the same, unless `thorough`; any other is
    read. Where the approval kept no files, all that was delivered is named when the digests differ.
    """
    try:
        digest, now = _delivered(folder)
    except ReviewRefused:
        return sorted(approved.files) or ["report.json"]
    if not approved.files:
        if now and digest == approved.digest:
            return sorted(name for name, wanted in now.items() if _sha256_of(folder / name) != wanted)
        return sorted(now) or ["report.json"]
    wrong = set(approved.files) ^ set(now)
    place = os.fspath(folder)
    for name, was in approved.files.items():
        if name not in wrong and (now[name] != was.sha256 or not _same(f"{place}/{name}", was, thorough)):
            wrong.add(name)
    return sorted(wrong)


def states(paths: Iterable[str]) -> list[State]:
    """Of files by their paths: by what a change of one shows, without reading; None: it is not there."""
    return [_state(path) for path in paths]


def digest_of(folder: Path) -> str:
    """`subject_digest` of what is delivered in a folder now. Raises ReviewRefused as that and `read_report`."""
    return _delivered(folder)[0] or subject_digest(read_report(folder))


def _delivered(folder: Path) -> tuple[str, Mapping[str, str]]:
    """The digest of a folder's report, "" without frames, and its frames; read once as long as the report stays the same."""
    try:
        found = os.stat(folder / "report.json")
    except OSError:
        read_report(folder)  # says what is wrong
        raise
    return _reported(folder, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@lru_cache(maxsize=4096)
def _reported(folder: Path, size: int, mtime_ns: int, ctime_ns: int, inode: int) -> tuple[str, Mapping[str, str]]:
    report = read_report(folder)
    frames = _frames_of(report)
    return (subject_digest(report) if frames else ""), frames


def frame_words(names: Iterable[str]) -> str:
    """ "frame 1017", "frames 1001-1003, 1017", of the names of files; a file without a number is named itself."""
    numbers, others = set(), []
    for name in names:
        match = _FRAME.search(name)
        if match:
            numbers.add(int(match[1]))
        else:
            others.append(name)
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    said = [str(first) if first == last else f"{first}-{last}" for first, last in runs]
    many = f"frame{'s' if len(numbers) > 1 else ''} {', '.join(said)}" if said else ""
    return ", ".join([many] * bool(many) + sorted(others))


def _frames_of(report: Mapping[str, Any]) -> dict[str, str]:
    frames = {str(name): str(digest) for name, digest in report["files"].items() if str(name).startswith(_PIXELS)}
    for name in frames:  # what begins with exr/ is not absolute
        if ".." in name.split("/") or (os.sep != "/" and ".." in Path(name).parts):
            raise ReviewRefused(f"report.json names {name}, which lies elsewhere. Deliver the shot again.")
    return frames


def _same(file: str, was: Stamp, thorough: bool) -> bool:
    try:
        now = os.stat(file)
    except OSError:
        return False
    if now.st_size != was.size:
        return False
    if now.st_mtime_ns == was.mtime_ns and not thorough:
        return True
    return (sha256(Path(file)) if thorough else _sha256_of(Path(file))) == was.sha256


def _state(path: str) -> State:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
        return Stamp(sha256(file), found.st_size, found.st_mtime_ns)
    except OSError:
        return None


def _sha256_of(file: Path) -> str:
    """Of a file that was perhaps read before: once for each size and time of change."""
    try:
        found = file.stat()
        return _remembered(file, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=65536)
def _remembered(file: Path, size: int, mtime_ns: int, ctime_ns: int) -> str:
    return sha256(file)
