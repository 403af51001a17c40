"""Notes on frames: write, answer, resolve, list."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.errors import ReviewRefused
from pipeline.screening.out.gather import author_of
from pipeline.screening.out.queue import enqueue
from pipeline.screening.out.remarks import read_drawing
from pipeline.screening.people import audit
from pipeline.screening.people.roles import Person
from pipeline.screening.records import GuestLink, Note, User, now
from pipeline.screening.web.access import may
from pipeline.screening.web.deciding import deciding
from pipeline.screening.web.fields import Frame, Number, ShotName, Words
from pipeline.screening.web.settings import services

router = APIRouter(tags=["notes"])
LARGEST_DRAWING = 1_000_000  # characters of JSON


class Written(BaseModel):
    """A note to be kept. drawing: {"strokes": [...]}, x and y 0..1 of the picture. reply_to: the note it answers."""

    shot: ShotName
    version: Number
    frame: Frame
    frame_out: Frame | None = None
    text: Words = ""
    drawing: dict[str, Any] | None = None
    reply_to: Number | None = None


class Shown(BaseModel):
    """A note as it is read."""

    id: int
    shot: str
    version: int
    frame: int
    frame_out: int | None
    author: str
    mine: bool
    text: str
    drawing: dict[str, Any] | None
    created: datetime
    resolved: datetime | None
    reply_to: int | None


class Resolved(BaseModel):
    """Whether a note is done with."""

    resolved: bool = True


@router.get("/api/notes")
def notes(
    request: Request,
    shot: ShotName,
    person: Annotated[Person, may("look", guests=True)],
    version: Number | None = None,
    frame: Frame | None = None,
) -> list[Shown]:
    """Notes of a shot, a version or a frame, by version, frame and time. Guests see versions of their playlist."""
    person.must_see(shot, version)
    asked = _asked().where(Note.shot == shot).order_by(Note.version, Note.frame, Note.id)
    if version is not None:
        asked = asked.where(Note.version == version)
    if frame is not None:
        asked = asked.where(Note.frame == frame)
    with services(request).database.read() as session:
        rows = session.execute(asked).all()
    return [_shown(note, user, guest, person) for note, user, guest in rows if person.sees(note.shot, note.version)]


@router.post("/api/notes", status_code=201)
def write(request: Request, written: Written, person: Annotated[Person, may("note", guests=True)]) -> Shown:
    """Keep a note. It needs words or a drawing; an answer lies on the frames of what it answers."""
    person.must_see(written.shot, written.version)
    drawing = json.dumps(written.drawing) if written.drawing and written.drawing.get("strokes") else ""
    if len(drawing) > LARGEST_DRAWING:
        raise ReviewRefused("drawing: is too large. Draw less, or write two notes.")
    read_drawing(drawing)
    if not written.text.strip() and not drawing:
        raise ReviewRefused("note: has neither words nor a drawing. Add one of them.")
    if written.frame_out is not None and written.frame_out < written.frame:
        raise ReviewRefused("note: its last frame comes before its first. Swap them.")
    deciding(request).shot(written.shot)  # a note on nothing helps nobody

    def keep(session: Session) -> Shown:
        note = Note(
            **written.model_dump(exclude={"drawing"}),
            drawing=drawing,
            author_id=person.author_id,
            guest_id=person.guest_id,
            created=now(),
        )
        if written.reply_to is not None:
            answered = session.get(Note, written.reply_to)
            if answered is None or (answered.shot, answered.version) != (note.shot, note.version):
                raise ReviewRefused(f"note {written.reply_to}: is not on this version. Load the page again.")
            note.reply_to = answered.reply_to or answered.id
        session.add(note)
        session.flush()
        told = {"shot": note.shot, "version": note.version, "frame": note.frame, "note": note.id}
        audit.record(session, person.who, "note", **told)
        enqueue(session, "note", note.created, {**told, "by": person.who, "text": note.text})
        return _shown(note, None if person.guest else person.name, person.name if person.guest else None, person)

    kept = services(request).database.write(keep)
    deciding(request).postman.wake()
    return kept


@router.post("/api/notes/{note}/resolve")
def resolve(request: Request, note: Number, said: Resolved, person: Annotated[Person, may("note")]) -> Shown:
    """Say that a note is done with, or that it is not after all."""

    def keep(session: Session) -> Shown:
        found = session.get(Note, note)
        if found is None:
            raise ReviewRefused(f"note {note}: there is none. Load the page again.")
        found.resolved_at = now() if said.resolved else None
        what = "note resolved" if said.resolved else "note reopened"
        audit.record(session, person.who, what, shot=found.shot, version=found.version, note=note)
        session.flush()
        return _one(session, note, person)

    return services(request).database.write(keep)


def _asked() -> Any:
    return (
        select(Note, User.name, GuestLink.label)
        .outerjoin(User, User.id == Note.author_id)
        .outerjoin(GuestLink, GuestLink.id == Note.guest_id)
    )


def _one(session: Session, number: int, person: Person) -> Shown:
    note, user, guest = session.execute(_asked().where(Note.id == number)).one()
    return _shown(note, user, guest, person)


def _shown(note: Note, user: str | None, guest: str | None, person: Person) -> Shown:
    return Shown(
        id=note.id,
        shot=note.shot,
        version=note.version,
        frame=note.frame,
        frame_out=note.frame_out,
        author=author_of(user, guest),
        mine=(note.author_id, note.guest_id) == (person.author_id, person.guest_id),
        text=note.text,
        drawing=json.loads(note.drawing) if note.drawing else None,
        created=note.created,
        resolved=note.resolved_at,
        reply_to=note.reply_to,
    )
