"""Plain data (TOML, JSON) to frozen dataclasses and back, strictly: every error carries the path to its field."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import re
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.errors import BattleplateError, ConfigError

PathReader = Callable[[str], Path]
FieldTest = Callable[["dataclasses.Field[Any]"], bool]
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")  # of shots and providers: they become names of files


def build(kind: Any, value: Any, where: str, path: PathReader = Path) -> Any:
    """Make a `kind` (dataclass, tuple, dict, Path, union or plain type) of plain `value`.

    where: said first in errors, "shot.toml [crowd] zones[2].count". path: turns the text of a Path field into a Path.
    Raises ConfigError for an unknown or missing key and for a value of another type; nothing is coerced but int to float.
    """
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(kind, value, where, path)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None:
            return None
        kinds = [a for a in arguments if a is not type(None)]
        shape = _shape(value)  # a name, a table, or a list
        fitting = [a for a in kinds if type(value) is a] or [a for a in kinds if _kind_shape(a) == shape]
        return build((fitting or kinds)[0], value, where, path)
    if origin is tuple:
        return _build_tuple(arguments, value, where, path)
    if origin is dict:
        _need(isinstance(value, dict), where, "a table", value)
        return {str(k): build(arguments[1], v, f"{where}.{k}", path) for k, v in value.items()}
    if kind is Path:
        _need(isinstance(value, str) and value != "", where, "a path in quotes", value)
        return path(value)
    if kind is float:
        _need(isinstance(value, int | float) and not isinstance(value, bool), where, "a number", value)
        return float(value)
    _need(
        type(value) is kind, where, {int: "a whole number", str: "text in quotes", bool: "true or false"}[kind], value
    )
    return value


def plain(value: Any, path: Callable[[Path], str] = str, keep: FieldTest = lambda field: True) -> Any:
    """Turn a dataclass tree into dicts, lists and plain values; `path` writes a Path as text.

    keep: which fields of dataclasses are written.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name), path, keep) for f in dataclasses.fields(value) if keep(f)}
    if isinstance(value, dict):
        return {str(k): plain(v, path, keep) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v, path, keep) for v in value]
    if isinstance(value, Path):
        return path(value)
    return value


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build_dataclass(kind: Any, value: Any, where: str, path: PathReader) -> Any:
    _need(isinstance(value, dict), where, "a table", value)
    hints = _hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    for key in value:
        if key not in fields:
            close = difflib.get_close_matches(key, fields, n=1)
            hint = f"Did you mean {close[0]!r}?" if close else f"Known keys: {', '.join(fields) or 'none'}."
            raise ConfigError(f"{where}: unknown key {key!r}. {hint}")
    missing = [
        n
        for n, f in fields.items()
        if n not in value and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ConfigError(f"{where}: {missing[0]!r} is missing. Add it: it has no default.")
    made = {name: build(hints[name], entry, f"{where}.{name}", path) for name, entry in value.items()}
    try:
        return kind(**made)
    except BattleplateError as error:
        raise type(error)(f"{where}: {error}") from error
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from error


def _build_tuple(arguments: tuple[Any, ...], value: Any, where: str, path: PathReader) -> tuple[Any, ...]:
    _need(isinstance(value, list | tuple), where, "a list in [ ]", value)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(build(arguments[0], v, f"{where}[{i}]", path) for i, v in enumerate(value))
    _need(len(value) == len(arguments), where, f"a list of {len(arguments)} values", value)
    return tuple(build(a, v, f"{where}[{i}]", path) for i, (a, v) in enumerate(zip(arguments, value, strict=True)))


def _shape(value: Any) -> type:
    return dict if isinstance(value, dict) else tuple if isinstance(value, list | tuple) else str


def _kind_shape(kind: Any) -> type:
    """Which shape of plain value a type is written as."""
    origin = typing.get_origin(kind)
    return dict if dataclasses.is_dataclass(kind) or origin is dict else tuple if origin is tuple else str


def _need(holds: bool, where: str, wanted: str, value: Any) -> None:
    if not holds:
        raise ConfigError(f"{where}: expected {wanted}, found {value!r}.")


def closest(word: str, known: list[str]) -> str:
    """For the end of an error: which known word was perhaps meant, or all of them."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"Known: {', '.join(known)}."
