"""What an HTTP server says, read with care: JSON or not, how long to wait, and its words fit for one line of ours."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.errors import ProviderNonsense

READ_OF_AN_ERROR = 64 * 1024  # bytes of an answer that only explains a failure
_SHOWN_CHARACTERS = 240


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said. where: who was asked what, for messages. headers: names in lower case."""

    where: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The JSON object that came. Raises ProviderNonsense when it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            kind = printable(self.headers.get("content-type", "something without a type"))
            raise ProviderNonsense(
                f"{self.where} answers {kind}, not a JSON object. Check the url and what serves there."
            )
        return found


def retry_after_s(header: str) -> float:
    """Seconds that a Retry-After header asks for, as a number or as a date; 0 when it asks nothing. RFC 9110, 10.2.3."""
    if re.fullmatch(r"\d{1,9}", header.strip()):
        return float(header)
    with suppress(ValueError, TypeError, IndexError):
        return max(0.0, parsedate_to_datetime(header).timestamp() - time.time())
    return 0.0


def printable(text: str) -> str:
    """Foreign text fit for one line of a message: no control characters, not long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _SHOWN_CHARACTERS else line[: _SHOWN_CHARACTERS - 3] + "..."


def first_line(body: bytes) -> str:
    """What a server says of a failure: the message in its JSON, or its first line of text without tags; ends in a stop."""
    text = body[:READ_OF_AN_ERROR].decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        found = json.loads(text)
        for key in ("error", "message", "Message", "detail"):
            found = found.get(key, found) if isinstance(found, dict) else found
        text = found if isinstance(found, str) else text
    lines = [shown for line in re.sub(r"<[^>]*>", "\n", text).splitlines() if (shown := printable(line))]
    return f"{lines[0].rstrip('.')}." if lines else "it says nothing more."


def said(error: Exception) -> str:
    return printable(str(error)) or type(error).__name__
