"""The levers of a shot file: every value of crowd, set, light and grades that people may ask to be another."""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline import codec
from pipeline.config import SECTIONS, Shot, stage_params
from pipeline.errors import ReviewRefused
from pipeline.screening.decisions.edit import Named
from pipeline.screening.decisions.limits import fits, limits

LEVERED = ("crowd", "set", "sky", "light")  # sections of the shot file, beside the settings of stages
_CLOSED = {"provider", "layout", "layout_characters", "layout_motions", "captures", "name", "id"}  # an artist's alone
_KINDS = {int: "whole number", float: "number", str: "text", bool: "yes or no"}
_STEP = re.compile(r"\.?([a-z][a-z0-9_]*)|\[([^\[\]]+)\]")


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What the machinery does not know and a command line tells it, so that an answer comes at once and not in a run.

    stages: Params by stage whose settings are levers. words: what may be said, by "Zone.formation". fit: by section's
    type, raises what is wrong with one. check: raises what is wrong with a whole shot.
    """

    stages: Mapping[str, type] = field(default_factory=dict)
    words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fit: Mapping[type, Callable[[Any], None]] = field(default_factory=dict)
    check: Callable[[Shot], None] = lambda shot: None


NO_WORDS = Vocabulary()


@dataclass(frozen=True, slots=True)
class Lever:
    """One value that may be asked for. path: "crowd.zones[archers].count": brackets hold a name.

    kind: whole number, number, text, yes or no, list, table. value: as it counts now, plain; None: left to what builds it.
    least, most: of a number; None: no limit. words: all that may be said; empty: anything. optional: None takes it out.
    """

    path: str
    kind: str
    value: Any
    least: float | None = None
    most: float | None = None
    words: tuple[str, ...] = ()
    optional: bool = False


def levers_of(shot: Shot, vocabulary: Vocabulary = NO_WORDS) -> list[Lever]:
    """Every lever of a shot, in the order of its file's sections."""
    found: list[Lever] = []
    for name in LEVERED:
        found += _of_section(name, shot.sections[SECTIONS[name]], vocabulary)
    for stage, kind in vocabulary.stages.items():
        found += _of_section(f"stages.{stage}", stage_params(kind, shot, stage), vocabulary)
    return found


def value_of(shot: Shot, path: str, vocabulary: Vocabulary = NO_WORDS) -> Any:
    """The plain value that counts now at a lever's path; None where a table has no such key.

    Raises ReviewRefused when the shot has no such lever.
    """
    return codec.plain(_found(shot, path, vocabulary)[1])


def words_of(shot: Shot, path: str, vocabulary: Vocabulary = NO_WORDS) -> tuple[str, ...]:
    """All that may be said at a lever's path; (): anything. Raises ReviewRefused as `value_of` does."""
    return vocabulary.words.get(_found(shot, path, vocabulary)[0], ())


def _found(shot: Shot, path: str, vocabulary: Vocabulary) -> tuple[str, Any]:
    """What is at a path: "Zone.count", as the vocabulary names it ("" of an entry of a table), and its value."""
    names = steps(path)
    if names[0] == "stages" and len(names) > 2 and names[1] in vocabulary.stages:
        at: Any = stage_params(vocabulary.stages[names[1]], shot, names[1])
        rest = names[2:]
    elif names[0] in LEVERED:
        at, rest = shot.sections[SECTIONS[names[0]]], names[1:]
    else:
        raise _no_lever(shot, path)
    if not rest or _CLOSED & set(rest):
        raise _no_lever(shot, path)
    name = ""
    for step in rest:
        if dataclasses.is_dataclass(at) and step in (hints := typing.get_type_hints(type(at))):
            if _holds_a_path(hints[step]):
                raise _no_lever(shot, path)
            name, at = f"{type(at).__name__}.{step}", getattr(at, step)
        elif isinstance(at, dict):
            name, at = "", at.get(step)
        elif isinstance(at, tuple) and len(named := [each for each in at if _name(each) == step]) == 1:
            at = named[0]
        else:
            raise _no_lever(shot, path)
    if isinstance(at, tuple) and any(dataclasses.is_dataclass(each) for each in at):
        raise _no_lever(shot, path)
    return name, at


def steps(path: str) -> list[str]:
    """A path's names: "crowd.zones[archers].count" to crowd, zones, archers (Named), count. Raises ReviewRefused."""
    names: list[str] = []
    at = 0
    while at < len(path) and (match := _STEP.match(path, at)):
        names.append(match[1] or Named(match[2]))
        at = match.end()
    if at < len(path) or len(names) < 2 or path.startswith("."):
        raise ReviewRefused(f"{path!r} is no lever. Write it as crowd.zones[archers].count.")
    return names


def _no_lever(shot: Shot, path: str) -> ReviewRefused:
    return ReviewRefused(f"{shot.info.name} has no lever {path}. `GET /api/shots/{shot.info.name}/levers` lists them.")


def _name(item: Any) -> str:
    return str(getattr(item, "name", getattr(item, "id", "")))


def _of_section(path: str, section: Any, vocabulary: Vocabulary) -> Iterator[Lever]:
    hints = typing.get_type_hints(type(section))
    for each in dataclasses.fields(section):
        if each.name in _CLOSED:
            continue
        yield from _of_value(f"{path}.{each.name}", section, each.name, hints[each.name], vocabulary)


def _of_value(path: str, section: Any, name: str, hint: Any, vocabulary: Vocabulary) -> Iterator[Lever]:
    value, optional = getattr(section, name), False
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        kinds = [a for a in typing.get_args(hint) if a is not type(None)]
        optional, hint = len(kinds) < len(typing.get_args(hint)), kinds[0]
    if isinstance(value, tuple) and any(dataclasses.is_dataclass(item) for item in value):
        names = [_name(item) for item in value]
        for item in value:
            if names.count(_name(item)) == 1 and not set(_name(item)) & set("[]"):
                yield from _of_section(f"{path}[{_name(item)}]", item, vocabulary)
        return
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        yield from _of_section(path, value, vocabulary)
    if _holds_a_path(hint) or _is_list_of_sections(hint):
        return
    words = vocabulary.words.get(f"{type(section).__name__}.{name}", ())
    if hint in (int, float):
        fit = fits(section, name, vocabulary.fit.get(type(section), lambda section: None))
        starts = [start for start in ((1, 0) if value is None else (value,)) if fit(start)]
        least, most = limits(fit, starts[0], hint is int) if starts else (None, None)
        if least is None or least != most:  # what cannot move is no lever: a scale, where no file is
            yield Lever(path, _KINDS[hint], value, least, most, optional=optional)
        return
    kind = _KINDS.get(hint) or ("list" if typing.get_origin(hint) is tuple else "table")
    yield Lever(path, kind, codec.plain(value), words=words, optional=optional)
    if isinstance(value, dict):
        inner = typing.get_args(hint)[1]
        for key, entry in value.items():
            if not set(key) & set("[]"):
                yield Lever(f"{path}[{key}]", _KINDS.get(inner, "table"), codec.plain(entry), optional=True)


def _holds_a_path(hint: Any) -> bool:
    return hint is Path or any(_holds_a_path(a) for a in typing.get_args(hint))


def _is_list_of_sections(hint: Any) -> bool:
    return typing.get_origin(hint) is tuple and dataclasses.is_dataclass(typing.get_args(hint)[0])
