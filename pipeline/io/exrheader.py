"""An EXR's parts, and what it holds from its header alone: no pixel is decoded then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.errors import FormatError
from pipeline.io.exrwrite import one_line, openexr


def parts_of(path: Path, *, header_only: bool) -> list[Any]:
    """The parts of a file as OpenEXR has them, at least one. Raises FormatError on what is no readable EXR."""
    if not path.is_file():
        raise FormatError(f"{path}: no such file. Check the path.")
    try:
        # A damaged file yields a file of 0 parts and a printed warning, not an exception.
        parts = openexr().File(str(path), separate_channels=True, header_only=header_only).parts
    except (RuntimeError, ValueError, TypeError, MemoryError) as error:
        raise FormatError(f"{path}: not a readable EXR ({one_line(error)}). Copy or render it again.") from error
    if not parts:
        raise FormatError(f"{path}: truncated or damaged ({path.stat().st_size} bytes). Copy or render it again.")
    return list(parts)


def channel_names(path: Path) -> frozenset[str]:
    """The channels of every part, named as `exr.read` names them. Raises FormatError on what is no readable EXR."""
    parts = parts_of(path, header_only=True)
    names: set[str] = set()
    for number, part in enumerate(parts):
        for channel in part.header["channels"]:
            own = number == 0 or channel.name.startswith(f"{part.name()}.")
            names.add(channel.name if own else f"{part.name()}.{channel.name}")
    return frozenset(names)
