"""What of a show lies on disk: its shots, their delivered versions, the takes that were proposed."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from pipeline.config import Shot
from pipeline.errors import BattleplateError
from pipeline.screening import quality
from pipeline.screening.media.footage import Footage, footage
from pipeline.screening.quality import Figure
from pipeline.sections import DeliveryBrief
from pipeline.shots import shot_in, toml_files

LOOK_AGAIN_S = 2.0  # how long a listing of the show's folders is taken for true
_VERSION = re.compile(r"(.+)_v(\d{3,9})")


@dataclass(frozen=True, slots=True)
class Version:
    """A delivered version. folder: SHOT_vNNN; delivered: when its report was written, UTC."""

    shot: str
    number: int
    folder: Path
    delivered: datetime

    @property
    def label(self) -> str:
        return f"v{self.number:03d}"


@dataclass(frozen=True, slots=True)
class TakeOnDisk:
    """One proposal for a character or a set piece, as its takes.json tells."""

    piece: str
    kind: str  # character | piece
    name: str
    provider: str
    seed: int
    place: str  # the folder of the provider that it lies in


@dataclass(frozen=True, slots=True)
class ShotOnDisk:
    """A shot and its versions, oldest first."""

    shot: Shot
    versions: tuple[Version, ...]

    @property
    def name(self) -> str:
        return self.shot.info.name

    @property
    def sequence(self) -> str:
        return sequence_of(self.name)

    @property
    def latest(self) -> Version | None:
        return self.versions[-1] if self.versions else None

    def version(self, number: int) -> Version:
        """Raises LookupError when there is no such version."""
        for version in self.versions:
            if version.number == number:
                return version
        raise LookupError(f"{self.name} has no version {number}.")


@dataclass(frozen=True, slots=True)
class ShowOnDisk:
    """A show's shots by name. broken: why a shot file, or two, cannot be shown; one line each."""

    shots: dict[str, ShotOnDisk]
    broken: tuple[str, ...]


class Shows:
    """One show file's folders, read as seldom as they allow: a shot file again when it or the show file changed.

    Safe for threads. A shot file that is wrong does not hide the others.
    """

    def __init__(self, show: Path) -> None:
        self.show = show
        self._lock = threading.Lock()
        self._read: dict[Path, tuple[tuple[int, ...], Shot | str | None]] = {}
        self._found = ShowOnDisk({}, ())
        self._looked = float("-inf")

    def look(self) -> ShowOnDisk:
        """The show as it is, or was LOOK_AGAIN_S ago; twice that where many ask: they need not wait for the next look."""
        if (found := self._lately()) is not None:
            return found
        with self._lock:
            if time.monotonic() - self._looked >= LOOK_AGAIN_S:
                self._look_now()
            return self._found

    def known(self, name: str) -> ShotOnDisk | None:
        """A shot as it was when all were looked at; None where it would take a look to know. It waits for nothing."""
        found = self._lately()
        return found.shots.get(name) if found is not None else None

    def _lately(self) -> ShowOnDisk | None:
        age = time.monotonic() - self._looked
        if age >= 2 * LOOK_AGAIN_S:
            return None
        if age >= LOOK_AGAIN_S and self._lock.acquire(blocking=False):
            threading.Thread(target=self._look_beside, name="shows", daemon=True).start()
        return self._found

    def _look_beside(self) -> None:
        try:
            self._look_now()
        finally:
            self._lock.release()

    def _look_now(self) -> None:
        began = time.monotonic()
        self._found = self._scan()
        self._looked = began

    def shot(self, name: str) -> ShotOnDisk:
        """A shot as its file is now, however lately all were looked at. Raises LookupError when the show has none of that name."""
        found = self.look().shots.get(name)
        if found is None or self._stale(found.shot.file):
            with self._lock:
                self._looked = float("-inf")
            found = self.look().shots.get(name)
        if found is None:
            broken = self.look().broken
            raise LookupError(f"there is no shot {name[:100]!r} in this show.{' ' + broken[0] if broken else ''}")
        return found

    def footage(self, name: str, version: int) -> Footage:
        """The frames of a version. Raises LookupError for what the show does not have, StoreError for a report that cannot be read."""
        found = self.shot(name)
        brief: DeliveryBrief = found.shot.sections[DeliveryBrief]
        return footage(found.version(version).folder, found.shot.build, display=brief.display, view=brief.view)

    def _stale(self, file: Path) -> bool:
        kept = self._read.get(file)
        return kept is None or kept[0] != _changed(self.show) + _changed(file)

    def _scan(self) -> ShowOnDisk:
        above = _changed(self.show)
        kept: dict[Path, tuple[tuple[int, ...], Shot | str | None]] = {}
        for file in toml_files(self.show):
            key, known = above + _changed(file), self._read.get(file)
            kept[file] = known if known and known[0] == key else (key, self._shot(file))
        self._read = kept
        shots: dict[str, ShotOnDisk] = {}
        broken = [said for _, said in kept.values() if isinstance(said, str)]
        listed: dict[str, dict[str, list[int]]] = {}
        before = {version.folder: version for shot in self._found.shots.values() for version in shot.versions}
        for _, shot in kept.values():
            if not isinstance(shot, Shot):
                continue
            if shot.info.name in shots:
                broken.append(f"{shot.file}: another shot file is named {shot.info.name} too. Name one of them anew.")
                continue
            shots[shot.info.name] = ShotOnDisk(shot, _versions(shot, listed, before))
        return ShowOnDisk(dict(sorted(shots.items())), tuple(broken))

    def _shot(self, file: Path) -> Shot | str | None:
        try:
            return shot_in(file, self.show)
        except BattleplateError as error:
            return " ".join(str(error).split())


def sequence_of(name: str) -> str:
    """The sequence in a shot's name: "bp_010_0010" is of "bp_010"; a name of one part is its own."""
    return name.rpartition("_")[0] or name


def takes_of(shot: Shot) -> tuple[list[TakeOnDisk], list[str]]:
    """Takes that were proposed for a shot or its show, by piece; and one line for each takes.json that is damaged."""
    found, damaged = [], []
    for root in (shot.takes, shot.shared / "takes"):
        for file in sorted(root.glob("*/*/takes.json")):
            try:
                sheet = json.loads(file.read_text("utf-8"))
                found += [
                    TakeOnDisk(
                        str(sheet["name"]),
                        str(sheet["kind"]),
                        str(t["name"]),
                        str(t["provider"]),
                        int(t["seed"]),
                        file.parent.parent.name,
                    )
                    for t in sheet["takes"]
                ]
            except (OSError, ValueError, KeyError, TypeError) as error:
                damaged.append(f"{file.parent.name}: takes.json cannot be read ({type(error).__name__}).")
    return sorted(found, key=lambda take: (take.kind, take.piece)), damaged


def take_sheets(shot: Shot, kind: str) -> list[Path]:
    """Contact sheets of the takes of characters or set pieces, PROVIDER/NAME/contact_sheet.png."""
    root = {"piece": shot.takes, "character": shot.shared / "takes"}.get(kind)
    return sorted(root.glob("*/*/contact_sheet.png")) if root else []


def report_of(version: Version) -> dict[str, Any]:
    """report.json of a version; empty when it cannot be read. It is shared by all who ask: not to be changed."""
    file = version.folder / "report.json"
    return _report(file, _changed(file))


def figures_of(version: Version, to: str = "") -> tuple[Figure, ...]:
    """A version's figures per frame. to: where a frame is looked at, an address that its number is added to."""
    file = version.folder / "report.json"
    return _figures(file, _changed(file), to)


@lru_cache(maxsize=64)
def _report(file: Path, changed: tuple[int, ...]) -> dict[str, Any]:
    try:
        report = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return report if isinstance(report, dict) else {}


@lru_cache(maxsize=64)
def _figures(file: Path, changed: tuple[int, ...], to: str) -> tuple[Figure, ...]:
    return tuple(quality.figures_of(_report(file, changed), to))


def _versions(shot: Shot, listed: dict[str, dict[str, list[int]]], known: dict[Path, Version]) -> tuple[Version, ...]:
    """A shot's versions that have a report. listed: what `_numbers` found by folder; a folder is added when it is new.

    known: versions of the last look; when they were delivered is asked again of the newest alone.
    """
    place = os.path.join(os.path.realpath(shot.file.parent), shot.sections[DeliveryBrief].folder)
    if place not in listed:  # shots often share one folder: it is listed once, not once a shot
        listed[place] = _numbers(place)
    name, found = shot.info.name, []
    numbers = sorted(listed[place].get(name, ()))
    for number in numbers:
        folder = Path(place, f"{name}_v{number:03d}")
        if number != numbers[-1] and folder in known:
            found.append(known[folder])
            continue
        try:
            written = os.stat(folder / "report.json").st_mtime
        except OSError:
            continue
        found.append(Version(name, number, folder, datetime.fromtimestamp(written, UTC)))
    return tuple(found)


def _numbers(place: str) -> dict[str, list[int]]:
    """The versions that a folder holds, by shot."""
    found: dict[str, list[int]] = {}
    try:
        names = os.listdir(place)
    except OSError:
        return found
    for name in names:
        if (match := _VERSION.fullmatch(name)) and name == f"{match[1]}_v{int(match[2]):03d}":
            found.setdefault(match[1], []).append(int(match[2]))
    return found


def _changed(file: Path) -> tuple[int, ...]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_mtime_ns, found.st_size, found.st_ino)
