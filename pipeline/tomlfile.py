"""TOML files as people write them: read, or refused with the place and the cure."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError


def read(file: Path, cure: str) -> dict[str, Any]:
    """What a file says. cure: said at the end of an error. Raises ConfigError."""
    return parsed(file, text_of(file, cure), cure)


def text_of(file: Path, cure: str) -> str:
    """A file's text. Raises ConfigError."""
    if not file.exists():
        raise ConfigError(f"{file}: there is no such file. Check the path. {cure}")
    if file.is_dir():
        raise ConfigError(f"{file}: is a folder, not a file. Name the shot file in it, such as {file / 'shot.toml'}.")
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not text. {cure}") from error
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}). Check its permissions.") from error


def parsed(file: Path, text: str, cure: str) -> dict[str, Any]:
    """What a text says; `file` is where it stands. Raises ConfigError."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not valid TOML: {error}. {cure}") from error
