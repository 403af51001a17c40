"""Notes on frames: write, answer, resolve, list."""

from __future__ import annotations

import json
from datetime import datetime
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from sqlalchemy import Select, bindparam, insert, select
from sqlalchemy.orm import Session

from pipeline.errors import ReviewRefused
from pipeline.screening.out.gather import author_of
from pipeline.screening.out.queue import enqueue
from pipeline.screening.out.remarks import read_drawing
from pipeline.screening.people import audit
from pipeline.screening.people.roles import Person
from pipeline.screening.records import GuestLink, Note, Table, User, now, values_of
from pipeline.screening.web.access import may
from pipeline.screening.web.deciding import deciding
from pipeline.screening.web.fields import Frame, Number, ShotName, Words
from pipeline.screening.web.settings import services

router = APIRouter(tags=["notes"])
LARGEST_DRAWING = 1_000_000  # characters of JSON
_NOTES, _USERS, _GUESTS = (Table.metadata.tables[each.__tablename__] for each in (Note, User, GuestLink))
_ADD = insert(_NOTES).returning(_NOTES.c.id)


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
async def notes(
    request: Request,
    shot: ShotName,
    person: Annotated[Person, may("look", guests=True)],
    version: Number | None = None,
    frame: Frame | None = None,
) -> list[Shown]:
    """Notes of a shot, a version or a frame, by version, frame and time. Guests see versions of their playlist."""
    person.must_see(shot, version)
    given = {"shot": shot, "version": version, "frame": frame}
    given = {name: value for name, value in given.items() if value is not None}
    shared = services(request)
    rows = await shared.asked(lambda: shared.database.rows(_asked(*given), **given))

    def shown() -> list[Shown]:
        return [_shown(row, row.user, row.guest, person) for row in rows if person.sees(row.shot, row.version)]

    light = sum(len(row.drawing) for row in rows) < LARGEST_DRAWING / 10
    return shown() if light else await run_in_threadpool(shown)


@router.post("/api/notes", status_code=201)
async def write(request: Request, written: Written, person: Annotated[Person, may("note", guests=True)]) -> Shown:
    """Keep a note. It needs words or a drawing; an answer lies on the frames of what it answers."""
    person.must_see(written.shot, written.version)
    drawing = await run_in_threadpool(_drawn, written.drawing) if written.drawing else ""
    if not written.text.strip() and not drawing:
        raise ReviewRefused("note: has neither words nor a drawing. Add one of them.")
    if written.frame_out is not None and written.frame_out < written.frame:
        raise ReviewRefused("note: its last frame comes before its first. Swap them.")
    desk = deciding(request)
    if desk.shows.known(written.shot) is None:  # a note on nothing helps nobody
        await run_in_threadpool(desk.shot, written.shot)

    def keep(session: Session) -> tuple[Shown, int]:
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
        note.id = session.execute(_ADD, values_of(note)).scalar_one()
        told = {"shot": note.shot, "version": note.version, "frame": note.frame, "note": note.id}
        audit.record(session, person.who, "note", **told)
        calls = enqueue(session, "note", note.created, {**told, "by": person.who, "text": note.text})
        user, guest = (None, person.name) if person.guest else (person.name, None)
        return _shown(note, user, guest, person), calls

    kept, calls = await services(request).database.written(keep)
    if calls:
        desk.postman.wake()
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


@cache
def _asked(*by: str) -> Select[Any]:
    """Notes with who wrote them, by version, frame and time. by: columns whose values are given when it is asked."""
    people = _NOTES.outerjoin(_USERS, _USERS.c.id == _NOTES.c.author_id)
    people = people.outerjoin(_GUESTS, _GUESTS.c.id == _NOTES.c.guest_id)
    asked = select(_NOTES, _USERS.c.name.label("user"), _GUESTS.c["label"].label("guest")).select_from(people)
    return asked.where(*(_NOTES.c[name] == bindparam(name) for name in by)).order_by(
        _NOTES.c.version, _NOTES.c.frame, _NOTES.c.id
    )


def _one(session: Session, number: int, person: Person) -> Shown:
    row = session.execute(_asked("id"), {"id": number}).one()
    return _shown(row, row.user, row.guest, person)


def _drawn(drawing: dict[str, Any]) -> str:
    """A drawing as it is kept, "" without a stroke. Raises ReviewRefused for what is none, or too large."""
    kept = json.dumps(drawing) if drawing.get("strokes") else ""
    if len(kept) > LARGEST_DRAWING:
        raise ReviewRefused("drawing: is too large. Draw less, or write two notes.")
    read_drawing(kept)
    return kept


def _shown(note: Any, user: str | None, guest: str | None, person: Person) -> Shown:
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
