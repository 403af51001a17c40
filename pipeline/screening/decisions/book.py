"""Decisions in the review database: read as they stand, made one at a time, told to the audit and to webhooks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.config import Shot
from pipeline.errors import ReviewRefused
from pipeline.screening.database import Database
from pipeline.screening.decisions import unfinished
from pipeline.screening.decisions.life import Made, Standing, Status, after, standing
from pipeline.screening.decisions.release import Released, allow, release, stands, version_folder
from pipeline.screening.decisions.requests import Asked, Change
from pipeline.screening.decisions.subject import subject_of
from pipeline.screening.out.queue import enqueue
from pipeline.screening.people import audit
from pipeline.screening.records import ChangeRequest, Decision, User, now

OPEN, APPLIED, DECLINED, STALE = "open", "applied", "declined", "stale"


@dataclass(frozen=True, slots=True)
class By:
    """Who decides: a user's id, name and role."""

    id: int
    name: str
    role: str


def user_named(session: Session, name: str) -> By:
    """A user of the review who may act. Raises ReviewRefused when there is none of that name."""
    user = session.scalar(select(User).where(User.name == name, User.disabled.is_(False)))
    if user is None:
        raise ReviewRefused(f"{name}: nobody of that name is on the review. Say who you are there: --by NAME.")
    return By(user.id, user.name, user.role)


def made_of(session: Session, shot: str, version: int) -> list[Made]:
    """Every decision on a version, oldest first."""
    return all_made(session, shot).get((shot, version), [])


def all_made(session: Session, shot: str = "", after: int = 0) -> dict[tuple[str, int], list[Made]]:
    """Every decision, oldest first, by shot and version; of one shot, or of all in one question. after: a decision's id."""
    asked = select(Decision, User.name, User.role).join(User, User.id == Decision.by_id).order_by(Decision.id)
    if shot:
        asked = asked.where(Decision.shot == shot)
    if after:
        asked = asked.where(Decision.id > after)
    found: dict[tuple[str, int], list[Made]] = {}
    for row, name, role in session.execute(asked):
        made = Made(row.kind, name, row.role or role, row.at, row.digest, row.text, row.detail)
        found.setdefault((row.shot, row.version), []).append(made)
    return found


def standing_of(database: Database, shot: Shot, version: int, *, thorough: bool = False) -> Standing:
    """How a delivered version stands, its pixels looked at."""
    with database.read() as session:
        made = made_of(session, shot.info.name, version)
    return stands(version_folder(shot, version), made, thorough=thorough)


def decide(database: Database, shot: Shot, version: int, kind: str, by: By, text: str = "", seen: str = "") -> Standing:
    """Approve, request changes or withdraw, and return how the version stands then.

    seen: the digest that the page showed; another one now is refused: nobody approves what they did not see. Raises
    ReviewRefused for what the table refuses, and for a version that is not there or damaged.
    """
    folder, name = version_folder(shot, version), shot.info.name
    if not (folder / "report.json").is_file():
        raise ReviewRefused(f"{name} v{version:03d}: is not delivered. Run the shot first.")
    subject = subject_of(folder) if kind == "approve" else None
    if subject is not None and seen and seen != subject.digest:
        raise ReviewRefused(f"{name} v{version:03d}: was delivered anew since you opened the page. Look at it again.")
    wrong = standing_of(database, shot, version).wrong

    def write(session: Session) -> None:
        before = standing(made_of(session, name, version), wrong)
        status = after(before, kind, by.role, f"{name} v{version:03d}")
        digest = subject.digest if subject else before.approval.digest if before.approval else ""
        detail = subject.plain() if subject else {}
        _write(session, name, version, kind, by, status, digest=digest, text=text, detail=detail)

    database.write(write)
    return standing_of(database, shot, version)


def deliver(database: Database, shot: Shot, version: int, by: By, into: Path, text: str = "") -> Released:
    """Release a version and write `deliver` down. Raises as `allow` and `release` do; then nothing is written."""
    name = shot.info.name
    settle(database, into)
    now_standing = standing_of(database, shot, version, thorough=True)
    allow(shot, version, now_standing, by.role)

    def record(done: Released) -> None:
        def write(session: Session) -> None:
            allow(shot, version, standing(made_of(session, name, version), now_standing.wrong), by.role)  # as it is now
            _write(session, name, version, "deliver", by, Status.DELIVERED, digest=done.digest, text=text)

        database.write(write)

    return release(shot, version, now_standing, into, by.name, now(), record)


def settle(database: Database, into: Path) -> list[str]:
    """Finish the releases that were written down and did not appear, undo those that were not; a line each."""

    def delivered(name: str, digest: str) -> bool:
        shot, _, version = name.rpartition("_v")
        asked = select(Decision.id).where(Decision.shot == shot, Decision.version == int(version))
        with database.read() as session:
            return session.scalar(asked.where(Decision.kind == "deliver", Decision.digest == digest)) is not None

    return unfinished.settle(into, delivered)


def ask_for(
    database: Database, shot: Shot, change: Change, by: By, text: str = "", take: tuple[int, str, str] | None = None
) -> int:
    """Keep a change that was asked for; returns its number. take: version, piece and take of a pick, which is one too."""
    name, asked = shot.info.name, change.asked

    def write(session: Session) -> int:
        row = ChangeRequest(
            shot=name, lever=asked.lever, value=asked.value, was=asked.was, text=text, by_id=by.id, at=now()
        )
        session.add(row)
        session.flush()
        if take is not None:
            version, piece, picked = take
            _write(session, name, version, "pick", by, None, text=text, piece=piece, take=picked)
        data = {"shot": name, "request": row.id, "lever": asked.lever, "value": asked.value, "was": asked.was}
        audit.record(session, by.name, "request", **data, text=text)
        enqueue(session, "request", row.at, {**data, "by": by.name, "text": text})
        return row.id

    return database.write(write)


def request_of(session: Session, number: int) -> tuple[str, Asked]:
    """An open request: its shot and what it asks for. Raises ReviewRefused when there is none, or it is closed."""
    row = session.get(ChangeRequest, number)
    if row is None:
        raise ReviewRefused(f"request {number}: there is none. The shot's page lists them.")
    if row.state not in (OPEN, STALE):
        who = f" by {row.applied_by}" if row.applied_by else ""
        raise ReviewRefused(f"request {number}: is {row.state}{who} already. Ask for it again.")
    return row.shot, Asked(row.lever, row.value, row.was)


def close_request(database: Database, number: int, state: str, who: str, text: str = "") -> None:
    """Write down what became of an open request: applied, declined or stale. Raises ReviewRefused as `request_of`."""

    def write(session: Session) -> None:
        request_of(session, number)
        row = session.get_one(ChangeRequest, number)
        row.state = state
        if state != STALE:
            row.applied_by, row.applied_at = who, now()
        audit.record(session, who, f"request {state}", shot=row.shot, request=number, lever=row.lever, text=text)

    database.write(write)


def _write(session: Session, shot: str, version: int, kind: str, by: By, status: Status | None, **said: Any) -> None:
    row = Decision(shot=shot, version=version, kind=kind, by_id=by.id, role=by.role, at=now(), **said)
    session.add(row)
    told = {key: said[key] for key in ("digest", "text", "piece", "take") if said.get(key)}
    audit.record(session, by.name, kind, shot=shot, version=version, **told)
    data = {"shot": shot, "version": version, "by": by.name, "role": by.role, **told}
    enqueue(session, kind, row.at, data | ({"status": str(status)} if status else {}))
