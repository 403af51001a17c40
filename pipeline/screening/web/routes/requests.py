"""Levers, change requests and picks: what people ask an artist to change in the shot file."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints
from sqlalchemy import select

from pipeline.errors import ReviewRefused
from pipeline.screening.decisions import book, requests
from pipeline.screening.decisions.levers import levers_of
from pipeline.screening.people.roles import Person
from pipeline.screening.records import ChangeRequest, User
from pipeline.screening.web.access import may
from pipeline.screening.web.deciding import by, deciding
from pipeline.screening.web.fields import Name, Number, ShotName, Words
from pipeline.screening.web.settings import services

router = APIRouter(tags=["requests"])
LARGEST_VALUE = 20_000  # characters of JSON: a polygon of hundreds of corners
Path = Annotated[Words, StringConstraints(max_length=300)]


class Shown(BaseModel):
    """A lever. kind: whole number, number, text, yes or no, list, table. words: all that may be said; []: anything."""

    path: str
    kind: str
    value: Any
    least: float | None
    most: float | None
    words: list[str]
    optional: bool


class Wanted(BaseModel):
    """A change that is asked for. value: null takes the key out."""

    lever: Path
    value: Any
    text: Words = ""


class Picked(BaseModel):
    """A take that is picked for a character or a set piece."""

    version: Number
    piece: Name
    take: Annotated[str, StringConstraints(pattern=r"^(t[0-9]{2})?$")]
    text: Words = ""


class Asked(BaseModel):
    """A change request as it is read. command: what the artist runs."""

    id: int
    lever: str
    value: Any
    was: Any
    text: str
    by: str
    at: datetime
    state: str
    applied_by: str | None
    applied_at: datetime | None
    command: str


@router.get("/api/shots/{shot}/levers")
def levers(request: Request, shot: ShotName, person: Annotated[Person, may("look")]) -> list[Shown]:
    """Everything of the shot's crowd, set, light and grades that may be asked for, with its limits."""
    desk = deciding(request)
    found = levers_of(desk.shot(shot), desk.vocabulary)
    return [
        Shown(
            path=each.path,
            kind=each.kind,
            value=each.value,
            least=each.least,
            most=each.most,
            words=list(each.words),
            optional=each.optional,
        )
        for each in found
    ]


@router.get("/api/shots/{shot}/requests")
def asked_for(request: Request, shot: ShotName, person: Annotated[Person, may("look")]) -> list[Asked]:
    """What was asked of a shot, the last first."""
    rows = select(ChangeRequest, User.name).join(User, User.id == ChangeRequest.by_id)
    with services(request).database.read() as session:
        found = session.execute(rows.where(ChangeRequest.shot == shot).order_by(ChangeRequest.id.desc())).all()
    return [_shown(request, row, name) for row, name in found]


@router.post("/api/shots/{shot}/requests", status_code=201)
def ask(request: Request, shot: ShotName, wanted: Wanted, person: Annotated[Person, may("request")]) -> Asked:
    """Ask for a change. It is proved on the shot first: what would stop a run is the answer."""
    desk = deciding(request)
    _check_size(wanted.value)
    found = desk.shot(shot)
    change = requests.ask(found, wanted.lever, wanted.value, desk.vocabulary)
    number = book.ask_for(desk.shared.database, found, change, by(person), wanted.text)
    desk.postman.wake()
    return _one(request, number)


@router.post("/api/shots/{shot}/picks", status_code=201)
def pick(request: Request, shot: ShotName, picked: Picked, person: Annotated[Person, may("pick")]) -> Asked:
    """Pick a take: a request to the artist for the shot file's picks. An empty take lets a pick go."""
    desk = deciding(request)
    found = desk.shot(shot)
    change = requests.pick(found, picked.piece, picked.take, desk.vocabulary)
    take = (picked.version, picked.piece, picked.take)
    number = book.ask_for(desk.shared.database, found, change, by(person), picked.text, take)
    desk.postman.wake()
    return _one(request, number)


@router.post("/api/requests/{number}/decline")
def decline(request: Request, number: Number, person: Annotated[Person, may("request")], text: Words = "") -> Asked:
    """Close a request without changing anything."""
    book.close_request(services(request).database, number, book.DECLINED, person.name, text)
    return _one(request, number)


def _check_size(value: Any) -> None:
    try:
        size = len(json.dumps(value))
    except (ValueError, RecursionError) as error:
        raise ReviewRefused("value: cannot be read. Write it simpler.") from error
    if size > LARGEST_VALUE:
        raise ReviewRefused(f"value: has {size} characters, at most {LARGEST_VALUE} are taken. Edit the file instead.")


def _one(request: Request, number: int) -> Asked:
    with services(request).database.read() as session:
        row = session.get_one(ChangeRequest, number)
        return _shown(request, row, session.get_one(User, row.by_id).name)


def _shown(request: Request, row: ChangeRequest, name: str) -> Asked:
    return Asked(
        id=row.id,
        lever=row.lever,
        value=row.value,
        was=row.was,
        text=row.text,
        by=name,
        at=row.at,
        state=row.state,
        applied_by=row.applied_by,
        applied_at=row.applied_at,
        command=f"battleplate apply {row.id} {services(request).settings.show.name}",
    )
