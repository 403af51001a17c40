"""Approve, request changes, withdraw, deliver, and how a version stands."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, StringConstraints

from pipeline.config import load_show
from pipeline.screening.decisions import book
from pipeline.screening.decisions.life import Made, Standing, allowed
from pipeline.screening.decisions.release import release_folder, stands, version_folder
from pipeline.screening.decisions.subject import digest_of, frame_words
from pipeline.screening.people.roles import Person
from pipeline.screening.web.access import may
from pipeline.screening.web.deciding import by, deciding
from pipeline.screening.web.fields import Number, ShotName, Words
from pipeline.screening.web.onshow import standings
from pipeline.screening.web.settings import Services

router = APIRouter(tags=["decisions"])
_PLACE = "/api/shots/{shot}/versions/{version}"
Digest = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$")]


class Decided(BaseModel):
    """One decision, as it is shown."""

    kind: str
    by: str
    role: str
    at: datetime
    text: str
    digest: str


class Stands(BaseModel):
    """How a version stands. changed: "frame 1017", of a void approval; digest: of what is delivered now; may: of decisions
    that are possible now.
    """

    shot: str
    version: int
    status: str
    words: str
    changed: str
    digest: str
    approval: Decided | None
    client: Decided | None
    decisions: list[Decided]
    may: list[str]


class Word(BaseModel):
    """What is said with a decision. digest: that the page showed; "": whatever lies there."""

    text: Words = ""
    digest: Digest = ""


class Left(BaseModel):
    """What was released."""

    folder: str
    digest: str
    files: int


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """What a release that died has left is finished or undone before anybody asks."""
    shared: Services = app.state.services
    show = shared.settings.show
    into = show.resolve().parent / load_show(show)[0].review.release
    for line in await run_in_threadpool(book.settle, shared.database, into):
        logging.getLogger(__name__).warning(line)
    yield


@router.get(_PLACE + "/standing")
async def standing(request: Request, shot: ShotName, version: Number, person: Annotated[Person, may("look")]) -> Stands:
    """How a version stands, its pixels looked at by size and time; what differs in them is read."""
    return await run_in_threadpool(_stands, request, shot, version, person)


@router.post(_PLACE + "/approve")
def approve(
    request: Request, shot: ShotName, version: Number, word: Word, person: Annotated[Person, may("approve")]
) -> Stands:
    """Approve the pixels that are delivered; every frame is read first. A client's approval is written down beside."""
    return _decide(request, shot, version, "approve", word, person)


@router.post(_PLACE + "/request_changes")
def request_changes(
    request: Request, shot: ShotName, version: Number, word: Word, person: Annotated[Person, may("request_changes")]
) -> Stands:
    return _decide(request, shot, version, "request_changes", word, person)


@router.post(_PLACE + "/withdraw")
def withdraw(
    request: Request, shot: ShotName, version: Number, word: Word, person: Annotated[Person, may("approve")]
) -> Stands:
    """Take the standing decision back; a client takes back the client's own."""
    return _decide(request, shot, version, "withdraw", word, person)


@router.post(_PLACE + "/deliver")
def deliver(
    request: Request, shot: ShotName, version: Number, word: Word, person: Annotated[Person, may("deliver")]
) -> Left:
    """Release the version, as `battleplate release` does: refused unless it is approved, where the show asks for that."""
    desk = deciding(request)
    found = desk.shot(shot)
    into = release_folder(found, desk.shared.settings.show)
    done = book.deliver(desk.shared.database, found, version, by(person), into, word.text)
    desk.postman.wake()
    return Left(folder=done.folder.name, digest=done.digest, files=done.files)


def _decide(request: Request, shot: str, version: int, kind: str, word: Word, person: Person) -> Stands:
    desk = deciding(request)
    found = desk.shot(shot)
    book.decide(desk.shared.database, found, version, kind, by(person), word.text, word.digest)
    desk.postman.wake()
    return _stands(request, shot, version, person)


def _stands(request: Request, shot: str, version: int, person: Person) -> Stands:
    desk = deciding(request)
    found = desk.shot(shot)
    folder = version_folder(found, version)
    made = standings(request).made().get((shot, version), [])
    now: Standing = stands(folder, made)
    digest = digest_of(folder)
    possible = [kind for kind in allowed(now, person.role.value) if person.may(_NEEDS[kind])]
    return Stands(
        shot=shot,
        version=version,
        status=str(now.status),
        words=now.words,
        changed=frame_words(now.wrong),
        digest=digest,
        approval=_shown(now.approval),
        client=_shown(now.client),
        decisions=[shown for each in made if (shown := _shown(each))],
        may=possible,
    )


_NEEDS = {"approve": "approve", "request_changes": "request_changes", "withdraw": "approve", "deliver": "deliver"}


def _shown(made: Made | None) -> Decided | None:
    if made is None:
        return None
    return Decided(kind=made.kind, by=made.by, role=made.role, at=made.at, text=made.text, digest=made.digest)
