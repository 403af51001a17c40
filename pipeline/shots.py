"""The shots of a show: every shot file that has its show.toml above it."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from pipeline.config import Shot, find_show, load_shot, load_show
from pipeline.errors import ConfigError
from pipeline.sections import DeliveryBrief

DEPTH = 3  # folders below show.toml in which a shot file still finds it


def shots_of(show: Path) -> list[Shot]:
    """Every shot of a show.toml, by name. Raises ConfigError when one of them is wrong, or `show` is no show file."""
    if not show.is_file():
        raise ConfigError(f"{show}: there is no such file. Name the show's file, such as myshow/show.toml.")
    if "shot" in _read(show):
        raise ConfigError(f"{show}: is a shot file. Name the show's file, the show.toml above it.")
    found = [shot for file in toml_files(show) if (shot := shot_in(file, show)) is not None]
    return sorted(found, key=lambda shot: shot.info.name)


def toml_files(show: Path) -> list[Path]:
    """Every file that could be a shot file of the show: what lies near enough below it, is not hidden, and not a result."""
    found: list[Path] = []
    results, folders = _results(show), [str(show.parent)]
    for depth in range(DEPTH + 1):
        files, below = [], []
        for folder in folders:
            for entry in _entries(folder):
                if entry.name.startswith("."):
                    continue
                if entry.name.endswith(".toml"):
                    files.append(Path(entry.path))
                elif depth < DEPTH and entry.is_dir() and os.path.abspath(entry.path) != results:
                    below.append(entry.path)
        found += sorted(file for file in files if file != show)
        folders = below
    return found


def shot_in(file: Path, show: Path) -> Shot | None:
    """The shot of a file; None when it is no shot file of this show. Raises ConfigError when the shot is wrong."""
    return load_shot(file) if "shot" in _read(file) and find_show(file) == show.resolve() else None


def delivered(shot: Shot) -> list[Path]:
    """report.json of every delivery of a shot, by version."""
    place = shot.file.resolve().parent / shot.sections[DeliveryBrief].folder
    return sorted(place.glob(f"{shot.info.name}_v[0-9][0-9][0-9]*/report.json"))


def _results(show: Path) -> str:
    """The folder of what the show's runs leave: as many folders as there are shots times stages, and no shot file."""
    try:
        return os.path.abspath(show.parent / load_show(show)[0].build)
    except ConfigError:  # is told when its shots are read
        return ""


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []


def _read(file: Path) -> dict[str, object]:
    """A TOML file; nothing of one that cannot be read: it is no shot file then."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
