"""A change that somebody asks for: checked as if it were made already, and made when the artist says so."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.config import Shot, load_shot, shot_of, stage_params
from pipeline.errors import ReviewRefused
from pipeline.io.files import write_bytes
from pipeline.screening.decisions.edit import edited
from pipeline.screening.decisions.levers import NO_WORDS, Vocabulary, steps, value_of, words_of
from pipeline.sections import SetBrief


class Stale(ReviewRefused):
    """The shot file says something else by now than it did when a change was asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A change request. lever: its path; value: wanted, None takes the key out; was: what counted when it was asked."""

    lever: str
    value: Any
    was: Any


@dataclass(frozen=True, slots=True)
class Change:
    """A shot file's text with a change in it, checked, and not written yet."""

    file: Path
    text: bytes
    shot: Shot
    asked: Asked


def ask(shot: Shot, lever: str, value: Any, vocabulary: Vocabulary = NO_WORDS) -> Change:
    """The change of one lever, proved on the shot in memory: what would stop the shot is said now, by the same line.

    Raises ReviewRefused for an unknown lever or a value that is there already, ConfigError or AssetError as running would.
    """
    was = value_of(shot, lever, vocabulary)
    if _same(was, value):
        raise ReviewRefused(f"{shot.info.name}: {lever} is {said(value)} already. Nothing to ask for.")
    return _changed(shot, Asked(lever, value, was), vocabulary)


def pick(shot: Shot, piece: str, take: str, vocabulary: Vocabulary = NO_WORDS) -> Change:
    """A pick as a change of the shot file: a set piece's `take`, or a character's in [crowd.picks]. Raises as `ask`."""
    of_set = any(each.name == piece for each in shot.sections[SetBrief].pieces)
    lever = f"set.pieces[{piece}].take" if of_set else f"crowd.picks[{piece}]"
    return ask(shot, lever, take, vocabulary)


def apply(file: Path, asked: Asked, vocabulary: Vocabulary = NO_WORDS, *, force: bool = False) -> Change:
    """Make a change in the shot file, all of it or nothing. force: also where the file says something else than it did.

    Raises Stale when the request is, and as `ask` does; the file is as it was then.
    """
    shot = load_shot(file)
    now = value_of(shot, asked.lever, vocabulary)
    if _same(now, asked.value):  # written already, by hand or by an apply that was stopped after it
        return Change(file, file.read_bytes(), shot, asked)
    if not _same(now, asked.was) and not force:
        raise Stale(
            f"{file}: {asked.lever} is {said(now)}, was {said(asked.was)} when {said(asked.value)} was asked for: stale. "
            "Ask again, or use --force."
        )
    change = _changed(shot, asked, vocabulary)
    write_bytes(change.file, change.text)
    return change


def said(value: Any) -> str:
    """A plain value as people read it in a line."""
    return "unset" if value is None else f"{value:g}" if isinstance(value, float) else repr(value)


def _changed(shot: Shot, asked: Asked, vocabulary: Vocabulary) -> Change:
    path, where = steps(asked.lever), str(shot.file)
    _check_words(shot, asked, vocabulary)
    try:
        before = shot.file.read_bytes()
    except OSError as error:
        raise ReviewRefused(f"{where}: cannot be read ({error.strerror}). Check its permissions.") from error
    try:
        text = edited(before.decode("utf-8"), path, _as_written(asked), where)
        made = shot_of(shot.file, tomllib.loads(text))
    except (OverflowError, RecursionError) as error:
        raise ReviewRefused(f"{where}: {asked.lever} cannot be that large. Change it.") from error
    for stage, kind in vocabulary.stages.items():
        stage_params(kind, made, stage)
    held = value_of(made, asked.lever, vocabulary)
    if asked.value is not None and not _same(held, asked.value):
        raise ReviewRefused(f"{where}: {asked.lever} would be {said(held)}, not {said(asked.value)}. Edit it by hand.")
    vocabulary.check(made)
    return Change(shot.file, text.encode("utf-8"), made, asked)


def _as_written(asked: Asked) -> Any:
    """A whole number where the file had one with a point keeps its point."""
    if isinstance(asked.was, float) and type(asked.value) is int:
        return float(asked.value)
    return asked.value


def _check_words(shot: Shot, asked: Asked, vocabulary: Vocabulary) -> None:
    words = words_of(shot, asked.lever, vocabulary)
    if words and asked.value is not None and asked.value not in words:
        raise ReviewRefused(f"{asked.lever} is {said(asked.value)}, must be one of {', '.join(words)}. Change it.")


def _same(one: Any, other: Any) -> bool:
    """Equal, and of one kind: true is not 1."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    return bool(one == other)
