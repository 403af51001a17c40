"""Types of what routes take: limits that databases and disks have too, so that a strange value is a 422, never a 500."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

MOST = 2**31 - 1  # PostgreSQL's integer


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("holds a NUL character")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("is no text (half a character)") from error
    return text


def _seen(text: str) -> str:
    """What a name holds must be seen: a line's end forges a line of a log, a character without width another's name."""
    if not _storable(text).isprintable():
        raise ValueError("holds a character that cannot be seen")
    return text


Number = Annotated[int, Field(ge=1, le=MOST)]  # an id or a version
Frame = Annotated[int, Field(ge=0, le=MOST)]
ShotName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"), AfterValidator(_storable)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80), AfterValidator(_seen)]
Words = Annotated[str, StringConstraints(max_length=10_000), AfterValidator(_storable)]  # a note's text
Secret = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_storable)]  # a password, a token
