"""A shot of the show by its name, read anew when its file or the show's changes."""

from __future__ import annotations

import threading
from pathlib import Path

from pipeline.config import Shot, load_shot
from pipeline.errors import BattleplateError, StoreError
from pipeline.shots import shots_of

_State = tuple[int, int]


class Finder:
    """Shots of one show. Shots are kept while their files are as they were; a new name is looked for on disk."""

    def __init__(self, show: Path) -> None:
        self._show = show
        self._kept: dict[str, tuple[_State, _State, Shot]] = {}
        self._lock = threading.Lock()

    def shot(self, name: str) -> Shot:
        """Raises StoreError when the show has no such shot, ConfigError when its file is wrong."""
        with self._lock:
            kept = self._kept.get(name)
            if kept is None or kept[2].file.is_file() is False:
                self._look()
                kept = self._kept.get(name)
            elif kept[:2] != (self._state(kept[2].file), self._state(self._show)):
                kept = self._keep(load_shot(kept[2].file))
            if kept is None or kept[2].info.name != name:
                raise StoreError(f"{name}: the show has no shot of that name.")
            return kept[2]

    def _look(self) -> None:
        try:
            for shot in shots_of(self._show):
                self._keep(shot)
        except BattleplateError as error:
            raise StoreError(f"{self._show}: its shots cannot be read: {error}") from error

    def _keep(self, shot: Shot) -> tuple[_State, _State, Shot]:
        entry = (self._state(shot.file), self._state(self._show), shot)
        self._kept[shot.info.name] = entry
        return entry

    @staticmethod
    def _state(file: Path) -> _State:
        try:
            found = file.stat()
            return found.st_size, found.st_mtime_ns
        except OSError:
            return (0, 0)
