"""The show's book of calls: one row for each request that was handed to a provider, written before it left.

A row is `reserved` (its money is set aside, nothing was sent, or what was sent came back undone), `sent` (out there), and
in the end `answered`, `failed`, `refused`, `cancelled` or `unsure` (it may have been done). billed_usd is a number exactly
when the provider did the work, or may have; of an unsure call it is what was expected, until a person settles it.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assets.providers.asking.pacing import CLOCK, Clock
from assets.providers.asking.turns import alone
from assets.providers.base import UNWATCHED
from pipeline.errors import ProviderBudget, StoreError

SCHEMA = 1
KEY_LENGTH = 64  # of a whole key
OPEN = ("reserved", "sent")
_WAIT_S = 60  # for another process's transaction; they take milliseconds
_TABLES = """
CREATE TABLE calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, provider TEXT NOT NULL, kind TEXT NOT NULL,
    model TEXT NOT NULL, request TEXT NOT NULL, shot TEXT NOT NULL, stage TEXT NOT NULL, pictures INTEGER NOT NULL,
    state TEXT NOT NULL, attempts INTEGER NOT NULL, expected_usd REAL NOT NULL, billed_usd REAL,
    began TEXT NOT NULL, ended TEXT NOT NULL, note TEXT NOT NULL);
CREATE INDEX calls_by_key ON calls (key);
CREATE TABLE pace (provider TEXT PRIMARY KEY, tokens REAL NOT NULL, at REAL NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One row. key: of the answer, and the idempotency key. request: its digest. began, ended: UTC, ISO 8601."""

    key: str
    provider: str
    kind: str
    model: str
    request: str
    shot: str = ""
    stage: str = ""
    pictures: int = 1
    state: str = "reserved"
    attempts: int = 0
    expected_usd: float = 0.0
    billed_usd: float | None = None
    began: str = ""
    ended: str = ""
    note: str = ""
    id: int = 0


_COLUMNS = tuple(f.name for f in fields(Call) if f.name != "id")


@dataclass(frozen=True)
class Ledger:
    """shared/ledger.sqlite. Every method is one short transaction, so any number of processes may share it.

    Its connection stays open while it lives: the last to close one tidies the whole file up, which takes long.
    Raises StoreError when the file cannot be read or written, or was written by a newer Battleplate.
    """

    shared: Path
    clock: Clock = CLOCK
    _books: dict[int, sqlite3.Connection] = field(default_factory=dict, repr=False, compare=False)  # by process
    _one: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def file(self) -> Path:
        return self.shared / "ledger.sqlite"

    def calls(self, provider: str = "", key: str = "") -> list[Call]:
        """All calls, in the order in which they were booked; of one provider, or with a key that begins so."""
        if not self.file.exists():
            return []
        found = "key = ?2" if len(key) == KEY_LENGTH else "substr(key, 1, length(?2)) = ?2"
        query = f"SELECT {', '.join(_COLUMNS)}, id FROM calls WHERE ?1 IN ('', provider) AND {found} ORDER BY id"
        with self._open() as book:
            rows = book.execute(query, (provider, key)).fetchall()
        return [Call(*row) for row in rows]

    def spent_usd(self, provider: str) -> float:
        """What a provider has billed, may have billed, or is about to."""
        if not self.file.exists():
            return 0.0
        with self._open() as book:
            return _spent(book, provider)

    def reserve(self, call: Call, most_usd: float | None = None, *, paid: bool = True) -> int:
        """Book a call before it leaves, and set its money aside; returns its number.

        Raises ProviderBudget when it would go beyond most_usd, or when that is spent and nobody knows the price.
        """
        with self._open() as book:
            spent = _spent(book, call.provider) if most_usd is not None else 0.0
            beyond = (
                spent + call.expected_usd > (most_usd or 0.0) + 1e-9
                if call.expected_usd
                else spent >= (most_usd or 0.0)
            )
            if most_usd is not None and beyond and (paid or call.expected_usd):
                raise ProviderBudget(
                    f"{call.provider}: {spent:.2f} of {most_usd:.2f} USD are spent, {call.expected_usd:.2f} more are "
                    f"wanted. Nothing was sent. Raise most_usd of [providers.{call.provider}] in show.toml, or ask for less."
                )
            row = {name: getattr(call, name) for name in _COLUMNS} | {"began": self._now(), "state": "reserved"}
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            return int(book.execute(f"INSERT INTO calls ({names}) VALUES ({marks})", [*row.values()]).lastrowid or 0)

    def sent(self, number: int) -> None:
        """Say, before it leaves, that a call leaves."""
        with self._open() as book:
            book.execute(
                "UPDATE calls SET state = 'sent', attempts = attempts + 1, billed_usd = NULL, ended = '' WHERE id = ?",
                (number,),
            )

    def hold(self, number: int, note: str) -> None:
        """It came back undone and will leave again: its money stays set aside."""
        with self._open() as book:
            book.execute("UPDATE calls SET state = 'reserved', note = ? WHERE id = ?", (note, number))

    def settle(self, number: int, state: str, billed_usd: float | None, note: str = "") -> None:
        """Say how a call ended. billed_usd: None when nothing was done."""
        with self._open() as book:
            book.execute(
                "UPDATE calls SET state = ?, billed_usd = ?, ended = ?, note = ? WHERE id = ?",
                (state, billed_usd, self._now(), note, number),
            )

    def take_turn(self, provider: str, per_minute: float) -> float:
        """Take the provider's next turn: 0 when it is taken, else how many seconds to wait before asking for it again.

        A token bucket that holds one token, so that calls leave evenly, over all processes of the show.
        """
        with self._open() as book:
            now = self.clock.now()
            found = book.execute("SELECT tokens, at FROM pace WHERE provider = ?", (provider,)).fetchone() or (1.0, now)
            tokens = min(1.0, found[0] + max(0.0, now - found[1]) * per_minute / 60)  # clocks may be set back
            taken = tokens > 1 - 1e-9
            book.execute("INSERT OR REPLACE INTO pace VALUES (?, ?, ?)", (provider, 0.0 if taken else tokens, now))
            return 0.0 if taken else (1 - tokens) * 60 / per_minute

    def _now(self) -> str:
        return datetime.fromtimestamp(self.clock.now(), UTC).isoformat(timespec="milliseconds")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The book within one transaction that nobody else can come between."""
        with self._one:
            book = self._connected()
            try:
                book.execute("BEGIN IMMEDIATE")
                yield book
                book.execute("COMMIT")
            except sqlite3.Error as error:
                raise _unusable(self.file, error) from error
            finally:
                if book.in_transaction:
                    book.rollback()

    def _connected(self) -> sqlite3.Connection:
        if (book := self._books.get(os.getpid())) is not None:
            return book
        try:
            self.shared.mkdir(parents=True, exist_ok=True)
            book = sqlite3.connect(self.file, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
            # SQLite waits for others everywhere but here: whoever finds the journal being changed is turned away.
            with alone((self.shared / "locks" / "ledger",), "ledger", UNWATCHED, self.clock):
                book.execute("PRAGMA journal_mode = WAL")
                book.execute("PRAGMA synchronous = FULL")  # what is booked must outlive a power cut
                _prepare(book, self.file)
        except (OSError, sqlite3.Error) as error:
            raise _unusable(self.file, error) from error
        self._books[os.getpid()] = book
        return book


def _unusable(file: Path, error: Exception) -> StoreError:
    return StoreError(f"{file}: the ledger cannot be read or written ({error}). Check the disk, or restore a copy.")


def _prepare(book: sqlite3.Connection, file: Path) -> None:
    book.execute("BEGIN IMMEDIATE")
    version = book.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA:
        raise StoreError(
            f"{file}: was written by a newer Battleplate (version {version}, this one knows {SCHEMA}). Update this one."
        )
    if version == 0:
        for statement in _TABLES.split(";\n"):
            book.execute(statement)
        book.execute(f"PRAGMA user_version = {SCHEMA}")
    book.execute("COMMIT")


def _spent(book: Any, provider: str) -> float:
    query = (
        "SELECT sum(CASE WHEN state IN ('reserved', 'sent') THEN expected_usd ELSE ifnull(billed_usd, 0) END) "
        "FROM calls WHERE provider = ?"
    )
    return float(book.execute(query, (provider,)).fetchone()[0] or 0.0)
