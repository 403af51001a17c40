"""Releases on their way: copies in hidden folders, which appear, or go when whoever made them died before writing it down."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import StoreError

NOTE = "release.json"  # written last: a copy that has it is whole
_STRANGERS_S = 24 * 3600.0  # after which another machine's copy is given up
_NAME = re.compile(r"\.(?P<version>[A-Za-z0-9].*_v\d{3,9})\.(?P<host>[^/]*)\.(?P<process>\d+)\.tmp")
_mine: set[Path] = set()
_lock = threading.Lock()


@contextmanager
def folder_for(target: Path) -> Iterator[Path]:
    """A hidden folder beside `target`, named by this machine and process; gone afterwards, unless it appeared.

    Raises StoreError when this process is at the same release already.
    """
    temporary = target.with_name(f".{target.name}.{_host()}.{os.getpid()}.tmp")
    with _lock:
        if temporary in _mine:
            raise StoreError(f"{target}: is being released at this moment. Look again when that is over.")
        _mine.add(temporary)
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        yield temporary
    except TimeoutError:  # it may have been written down all the same: the next start knows
        raise
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        with _lock:
            _mine.discard(temporary)


def appear(temporary: Path, target: Path) -> None:
    """Give a whole copy its name. Raises Late when that cannot be done now; the copy is kept."""
    try:
        temporary.rename(target)
    except OSError as error:
        raise Late(
            f"{target}: is written down, and cannot appear ({error.strerror}). The next start tries again."
        ) from error


class Late(StoreError, TimeoutError):
    """A release that is written down and whole, and not where it belongs yet."""


def settle(into: Path, delivered: Callable[[str, str], bool]) -> list[str]:
    """Finish or undo what somebody who died has left in the release folder; what was done, a line each.

    delivered: whether the release of a version ("bp_010_0010_v001") with a digest is written down. Copies of processes that
    live, or of another machine's within a day, are theirs.
    """
    said = []
    for temporary in sorted(into.glob(".*.tmp")):
        match = _NAME.fullmatch(temporary.name)
        if match is None or not temporary.is_dir() or _alive(temporary, match["host"], int(match["process"])):
            continue
        name, digest = match["version"], _digest(temporary)
        target = into / name
        if digest and delivered(name, digest) and not target.exists():
            appear(temporary, target)
            said.append(f"{name}: its release was interrupted, and is finished.")
        else:
            shutil.rmtree(temporary, ignore_errors=True)
            said.append(f"{name}: its release was interrupted, and is undone.")
    return said


def _digest(folder: Path) -> str:
    """Of the pixels in a whole copy; "" of one that is not."""
    try:
        return str(json.loads((folder / NOTE).read_text("utf-8"))["digest"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _alive(temporary: Path, host: str, process: int) -> bool:
    with _lock:
        if temporary in _mine:
            return True
    if host != _host():
        try:
            return time.time() - temporary.stat().st_mtime < _STRANGERS_S
        except OSError:
            return True
    if process == os.getpid():
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname()) or "here"
