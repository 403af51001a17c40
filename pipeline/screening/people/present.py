"""Who is signed in, remembered for a moment: every answer of the server asks it, and it seldom changes."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import event

from pipeline.screening.database import Database
from pipeline.screening.people import sessions
from pipeline.screening.people.roles import Person
from pipeline.screening.people.tokens import token_hash
from pipeline.screening.records import GuestLink, PlaylistItem, SessionRow, User

A_MOMENT_S = 5.0
_MOST = 4096  # persons remembered at once
_ABOUT = tuple(table.__tablename__ for table in (User, SessionRow, GuestLink, PlaylistItem))


class Present:
    """Persons by their cookie's token. What this server commits about users, sessions, links and playlists counts at
    once; what another process commits about them, and a session's end, within A_MOMENT_S. Safe for threads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept: dict[str, tuple[int, float, Person]] = {}
        self._changes, self._touched = 0, False
        event.listen(database.engine, "before_cursor_execute", self._notice)
        database.after_commit.append(self._forget)

    def remembered(self, token: str) -> Person | None:
        """Who holds a token, if that was asked a moment ago and nothing changed since."""
        kept = self._kept.get(token_hash(token))
        if kept is None or kept[0] != self._changes or time.monotonic() - kept[1] >= A_MOMENT_S:
            return None
        return kept[2]

    def ask(self, token: str) -> Person | None:
        """Who holds a token, by the database; None when it is unknown, over, or its user or link no longer counts."""
        changes, began = self._changes, time.monotonic()
        with self._database.read() as session:
            person = sessions.find(session, token)
        if person is not None:
            if len(self._kept) >= _MOST:
                self._kept = {}
            self._kept[person.session] = (changes, began, person)
        return person

    def _notice(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("SELECT") and any(table in statement for table in _ABOUT):
            self._touched = True

    def _forget(self) -> None:
        if self._touched:
            self._touched = False
            self._changes += 1
