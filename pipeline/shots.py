"""The shots of a show: every shot file that has its show.toml above it."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pipeline.config import Shot, find_show, load_shot
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
    """Every file that could be a shot file of the show: what lies near enough below it and is not hidden."""
    found: list[Path] = []
    for depth in range(DEPTH + 1):
        for file in sorted(show.parent.glob("*/" * depth + "*.toml")):
            hidden = any(part.startswith(".") for part in file.relative_to(show.parent).parts)
            if file != show and not hidden:
                found.append(file)
    return found


def shot_in(file: Path, show: Path) -> Shot | None:
    """The shot of a file; None when it is no shot file of this show. Raises ConfigError when the shot is wrong."""
    return load_shot(file) if "shot" in _read(file) and find_show(file) == show.resolve() else None


def delivered(shot: Shot) -> list[Path]:
    """report.json of every delivery of a shot, by version."""
    place = shot.file.resolve().parent / shot.sections[DeliveryBrief].folder
    return sorted(place.glob(f"{shot.info.name}_v[0-9][0-9][0-9]*/report.json"))


def _read(file: Path) -> dict[str, object]:
    """A TOML file; nothing of one that cannot be read: it is no shot file then."""
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
