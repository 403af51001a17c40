"""Notes of a version out of the database, and its footage, as the documents take them."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.config import Shot
from pipeline.screening.media.footage import footage
from pipeline.screening.out.remarks import Remark, read_drawing
from pipeline.screening.out.timeline import Footage
from pipeline.screening.records import GuestLink, Note, User


def remarks_of(session: Session, shot: str, version: int) -> list[Remark]:
    """Notes with their answers, by frame, then by time."""
    rows = session.execute(
        select(Note, User.name, GuestLink.label)
        .outerjoin(User, User.id == Note.author_id)
        .outerjoin(GuestLink, GuestLink.id == Note.guest_id)
        .where(Note.shot == shot, Note.version == version)
        .order_by(Note.frame, Note.id)
    ).all()
    answers: dict[int, list[Remark]] = {}
    for note, user, guest in rows:
        if note.reply_to is not None:
            answers.setdefault(note.reply_to, []).append(_remark(note, user, guest, ()))
    return [
        _remark(note, user, guest, tuple(answers.get(note.id, ())))
        for note, user, guest in rows
        if note.reply_to is None
    ]


def footage_of(shot: Shot, folder: Path) -> Footage:
    """The delivered frames of a version as a clip. Raises StoreError when its report cannot be read."""
    found = footage(folder, shot.build)
    return Footage(found.shot, found.version, found.frames, found.rate, found.comp.folder, found.comp.name)


def author_of(user: str | None, guest: str | None) -> str:
    """A note's author as people read it."""
    return user if user is not None else f"guest: {guest}" if guest is not None else "nobody"


def _remark(note: Note, user: str | None, guest: str | None, answers: tuple[Remark, ...]) -> Remark:
    return Remark(
        note.shot,
        note.version,
        note.frame,
        author_of(user, guest),
        note.text,
        note.created,
        note.frame_out,
        read_drawing(note.drawing),
        note.resolved_at,
        answers,
        note.id,
    )
