"""Change one value of a TOML file and nothing else of it: comments, order and layout stay."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Sequence
from typing import Any

from pipeline.errors import ReviewRefused


class Named(str):
    """A step of a path that is the name of an entry of a list, or a key of people's own choice."""


_ROOM = 100  # characters of a list that are written on one line


def edited(text: str, path: Sequence[str], value: Any, where: str) -> str:
    """The file's text with `value` (plain) at `path`; None takes the key out. where: said first in errors.

    Names of tables in a list are their `name` (or `id`). A table that is not there is made. Raises ReviewRefused when the
    file has no such place, or when the new text would not hold just that change.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    before = tomllib.loads(text)
    wanted = copy.deepcopy(before)
    _put(wanted, path, value, where)
    try:
        document = tomlkit.parse(text)
        _put(document, path, value, where, new=_item)
        after = tomlkit.dumps(document)
        after.encode("utf-8")
        held = tomllib.loads(after)
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, ValueError, RecursionError) as error:
        raise ReviewRefused(f"{where}: cannot write {'.'.join(path)} ({error}). Edit the file by hand.") from error
    if held != wanted:
        raise ReviewRefused(f"{where}: {'.'.join(path)} cannot be changed alone. Edit the file by hand.")
    return after


def _put(data: Any, path: Sequence[str], value: Any, where: str, new: Any = lambda value, table: value) -> None:
    at = data
    for depth, step in enumerate(path[:-1], start=1):
        below = _below(at, step)
        an_entry = isinstance(step, Named) or (isinstance(path[depth], Named) and depth < len(path) - 1)
        if below is None and isinstance(at, dict) and not an_entry:
            at[step] = new({}, True)
            below = at[step]
        if not isinstance(below, dict | list):
            raise ReviewRefused(
                f"{where}: nothing called {step} stands in it that could be changed. Is it in show.toml? Change it there."
            )
        at = below
    if not isinstance(at, dict):
        raise ReviewRefused(f"{where}: {'.'.join(path)} is no key of a table. Edit the file by hand.")
    if value is None:
        at.pop(path[-1], None)
    else:
        at[path[-1]] = new(value, False)


def _below(at: Any, step: str) -> Any:
    if isinstance(at, dict):
        return at.get(step)
    if isinstance(at, list):
        named = [i for i in at if isinstance(i, dict) and step in (i.get("name"), str(i.get("id", "")))]
        return named[0] if len(named) == 1 else None
    return None


def _item(value: Any, table: bool) -> Any:
    """As tomlkit takes it, written in the house's way."""
    import tomlkit

    if table:
        made = tomlkit.table()
        made.trivia.indent = ""
        return made
    return tomlkit.value(_words(value)) if isinstance(value, dict | list) else tomlkit.item(value)


def _words(value: Any, room: int = _ROOM) -> str:
    """A plain value in TOML: on one line where there is room, else a list's entries one to a line."""
    import tomlkit

    if isinstance(value, dict):
        pairs = [f"{tomlkit.key(str(key)).as_string()} = {_words(entry, 10**9)}" for key, entry in value.items()]
        return f"{{ {', '.join(pairs)} }}" if pairs else "{}"
    if isinstance(value, list):
        line = f"[{', '.join(_words(entry, 10**9) for entry in value)}]"
        rows = "".join(f"    {_words(entry, 10**9)},\n" for entry in value)
        return line if len(line) <= room else f"[\n{rows}]"
    return str(tomlkit.item(value).as_string())
