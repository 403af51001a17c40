"""How the delivered versions of a show stand, and their notes: what pages need, in few queries."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline.screening.decisions.life import Made, Standing
from pipeline.screening.decisions.release import stands
from pipeline.screening.records import ChangeRequest, GuestLink, Note, User
from pipeline.screening.shows import Version


@dataclass(frozen=True, slots=True)
class Remark:
    """A note as a page shows it."""

    frame: int
    by: str
    text: str
    created: datetime
    drawn: bool
    resolved: bool


def standing_of(version: Version, made: dict[tuple[str, int], list[Made]]) -> Standing:
    """How a version stands; the files of an approved one are looked at, so that a void approval shows."""
    return stands(version.folder, made.get((version.shot, version.number), []))


def open_notes(session: Session) -> dict[tuple[str, int], int]:
    """How many notes wait for an answer, by shot and version."""
    asked = select(Note.shot, Note.version, func.count()).where(Note.resolved_at.is_(None), Note.reply_to.is_(None))
    return {(shot, version): count for shot, version, count in session.execute(asked.group_by(Note.shot, Note.version))}


def remarks_of(session: Session, version: Version) -> list[Remark]:
    """The notes on a version by frame, without replies."""
    asked = (
        select(Note, User.name, GuestLink.label)
        .outerjoin(User, User.id == Note.author_id)
        .outerjoin(GuestLink, GuestLink.id == Note.guest_id)
        .where(Note.shot == version.shot, Note.version == version.number, Note.reply_to.is_(None))
        .order_by(Note.frame, Note.id)
    )
    return [
        Remark(n.frame, user or guest or "", n.text, n.created, bool(n.drawing), n.resolved_at is not None)
        for n, user, guest in session.execute(asked)
    ]


def requests_of(session: Session, shot: str) -> list[tuple[ChangeRequest, str]]:
    """What was asked of a shot, the last first, with who asked."""
    asked = select(ChangeRequest, User.name).join(User, User.id == ChangeRequest.by_id)
    rows = session.execute(asked.where(ChangeRequest.shot == shot).order_by(ChangeRequest.id.desc()))
    return [(request, name) for request, name in rows]
