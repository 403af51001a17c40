"""The audit: a chain of hashes over everything that was done, and its signed end in a file outside the database.

Each entry's hash covers the entry and the hash before it: a changed, removed or added entry shows at the next one. What
a chain alone cannot show is its tail cut off: so its end (number and hash) is signed and kept in a folder of its own
after every commit. A database that ends before the signed end, or has another hash there, was cut or exchanged.
It does not help against somebody who can write both that folder and the database: keep the folder elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session

from pipeline.errors import StoreError
from pipeline.screening.database import Database
from pipeline.screening.records import AuditEntry, Table, now, values_of

START = "0" * 64  # the hash before the first entry
_AUDIT = Table.metadata.tables[AuditEntry.__tablename__]
_LAST = select(_AUDIT.c.seq, _AUDIT.c.hash).order_by(_AUDIT.c.seq.desc()).limit(1)
_ADD = insert(_AUDIT)
_LOCK = 0x6261_7474  # PostgreSQL: one chain even when two servers write


def record(session: Session, who: str, what: str, **detail: Any) -> None:
    """Add to the chain, in the same commit as what was done. detail: JSON."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    last = session.execute(_LAST).one_or_none()
    seq, previous = (last.seq + 1, last.hash) if last else (1, START)
    entry = AuditEntry(seq=seq, at=now(), who=who, what=what, detail=detail, previous_hash=previous)
    entry.hash = _hash(entry)
    session.execute(_ADD, values_of(entry))


def _hash(entry: AuditEntry) -> str:
    said = [entry.previous_hash, entry.seq, entry.at.isoformat(), entry.who, entry.what, entry.detail]
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check of the audit found. fault: empty when it is whole. sealed: entries that the checkpoint vouches for."""

    entries: int
    sealed: int
    fault: str = ""


class Seal:
    """The signed end of the chain: `folder`/checkpoint.json, signed with `folder`/audit.key (HMAC-SHA256, mode 600)."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database, self.folder = database, folder
        self._lock = threading.Lock()
        self._sealed = 0
        self._key = self._open_key()

    def verify(self) -> Verdict:
        """Read the whole chain and hold it against the checkpoint."""
        kept = self._read()
        count, previous, found = 0, START, START
        with self._database.read() as session:
            for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.seq).execution_options(yield_per=1000)):
                count += 1
                if entry.seq != count:
                    return Verdict(count, 0, f"entry {count} is missing")
                if entry.previous_hash != previous or entry.hash != _hash(entry):
                    return Verdict(count, 0, f"entry {count} was changed")
                previous = entry.hash
                if kept and count == kept[0]:
                    found = previous
        if kept is None:
            return Verdict(count, 0, "its checkpoint is missing" if count else "")
        if count < kept[0]:
            return Verdict(count, kept[0], f"entries {count + 1} to {kept[0]} were cut off")
        if found != kept[1]:
            return Verdict(count, kept[0], f"entry {kept[0]} is not the one that was signed")
        return Verdict(count, kept[0])

    def check(self, accept: bool = False) -> str:
        """What a check found, in words. Raises StoreError when the audit is not whole.

        accept: go on all the same; what was found is recorded in the chain, and its end signed anew.
        """
        try:
            verdict = self.verify()
        except StoreError as error:
            if not accept:
                raise
            verdict = Verdict(0, 0, str(error))
        if not verdict.fault:
            return f"{verdict.entries} entries, whole" if verdict.entries else "begins"
        if not accept:
            raise StoreError(
                f"{self._database.name}: the audit is not whole: {verdict.fault}. Somebody changed or exchanged the "
                "database, or its seal. Find out who; then --reseal goes on and records it."
            )
        self._database.write(lambda session: record(session, "server", "resealed", fault=verdict.fault))
        return f"not whole: {verdict.fault}; recorded, and signed anew"

    def sign(self) -> None:
        """Sign the chain's end as it is now. Called after each commit; writes only when something was added."""
        with self._lock:
            last = next(iter(self._database.rows(_LAST)), None)
            if last is None or last.seq == self._sealed:
                return
            said = {"seq": last.seq, "hash": last.hash, "at": now().isoformat()}
            self._write(json.dumps({**said, "signature": self._sign(said)}))
            self._sealed = last.seq

    def _sign(self, said: dict[str, Any]) -> str:
        return hmac.new(self._key, json.dumps(said, sort_keys=True).encode("utf-8"), hashlib.sha256).hexdigest()

    def _read(self) -> tuple[int, str] | None:
        file = self.folder / "checkpoint.json"
        try:
            said = json.loads(file.read_text("utf-8"))
            signature = said.pop("signature")
            if not hmac.compare_digest(str(signature), self._sign(said)):
                raise StoreError(f"{file}: its signature is wrong: it was changed, or signed with another key.")
            return int(said["seq"]), str(said["hash"])
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StoreError(f"{file}: cannot be read. The audit's end is unknown.") from error

    def _write(self, content: str) -> None:
        file = self.folder / "checkpoint.json"
        temporary = file.with_suffix(f".{os.getpid()}.tmp")
        try:
            with temporary.open("w", encoding="utf-8") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            temporary.replace(file)
        except OSError as error:
            raise StoreError(f"{file}: cannot be written ({error.strerror}). Check space and permissions.") from error

    def _open_key(self) -> bytes:
        file = self.folder / "audit.key"
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                pass
            else:
                with os.fdopen(descriptor, "wb") as out:
                    out.write(secrets.token_bytes(32))
            if os.name == "posix" and file.stat().st_mode & 0o077:
                raise StoreError(f"{file}: others may read or write it. Run: chmod 600 {file}")
            key = file.read_bytes()
        except OSError as error:
            raise StoreError(f"{file}: cannot be opened ({error.strerror}).") from error
        if len(key) != 32:
            raise StoreError(f"{file}: has {len(key)} bytes, not 32: it is not the audit's key.")
        return key
