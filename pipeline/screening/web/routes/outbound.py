"""Notes as files, decisions to Kitsu, webhooks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, StringConstraints
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.config import Shot
from pipeline.errors import BattleplateError, ReviewRefused
from pipeline.io.images import decode_png
from pipeline.screening.decisions import book
from pipeline.screening.decisions.release import version_folder
from pipeline.screening.media.footage import footage
from pipeline.screening.media.stills import Still
from pipeline.screening.media.views import COMP
from pipeline.screening.out.addresses import check_url, private_name
from pipeline.screening.out.gather import footage_of, remarks_of
from pipeline.screening.out.kitsu import push
from pipeline.screening.out.pdf import notes_pdf
from pipeline.screening.out.table import notes_csv
from pipeline.screening.out.timeline import notes_otio
from pipeline.screening.out.webhooks import EVENTS
from pipeline.screening.people import audit
from pipeline.screening.people.roles import Person
from pipeline.screening.people.tokens import new_token
from pipeline.screening.records import Webhook, WebhookCall, now
from pipeline.screening.web.access import may
from pipeline.screening.web.deciding import Deciding, deciding, deciding_of
from pipeline.screening.web.fields import Number, ShotName, Words
from pipeline.screening.web.settings import services

router = APIRouter(tags=["outbound"])
Form = Literal["pdf", "csv", "otio"]
TYPES = {"pdf": "application/pdf", "csv": "text/csv; charset=utf-8", "otio": "application/json"}
_STILL_PX = 1280
_SHOWN_CALLS = 200


class Hook(BaseModel):
    """An address that is told of decisions. events: of which; []: of all. Its secret is shown once, when it is made."""

    id: int
    url: str
    events: list[str]
    allow_private: bool
    disabled: bool
    secret: str = ""


class NewHook(BaseModel):
    """A webhook to be made. allow_private: it lies in the studio's own network."""

    url: Annotated[Words, StringConstraints(max_length=500)]
    events: list[Literal["approve", "request_changes", "withdraw", "deliver", "pick", "note", "request"]] = []
    allow_private: bool = False


class Call(BaseModel):
    """A call as it stands. state: waiting, done or failed."""

    id: int
    webhook: int
    event: str
    state: str
    tries: int
    next_try: datetime
    last_error: str


class Sent(BaseModel):
    """What Kitsu made of it: its ids. preview: "" without a movie."""

    comment: str
    preview: str


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Webhooks are sent while the server runs."""
    desk = deciding_of(app)
    desk.postman.start()
    yield
    await run_in_threadpool(desk.postman.stop)
    await run_in_threadpool(desk.close)


@router.get("/api/shots/{shot}/versions/{version}/notes.{form}", response_class=Response)
def document(
    request: Request, shot: ShotName, version: Number, form: Form, person: Annotated[Person, may("look")]
) -> Response:
    """The notes of a version: PDF with the annotated frames, CSV, or OTIO markers."""
    desk = deciding(request)
    found = desk.shot(shot)
    with desk.shared.database.read() as session:
        remarks = remarks_of(session, shot, version)
    title = f"{shot} v{version:03d}"
    if form == "csv":
        data = notes_csv(remarks)
    elif form == "otio":
        data = notes_otio(title, [(footage_of(found, version_folder(found, version)), remarks)])
    else:
        data = notes_pdf(f"{title} notes", remarks, _Pictures(desk, found), now())
    name = f"{shot}_v{version:03d}_notes.{form}"
    return Response(data, media_type=TYPES[form], headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.post("/api/shots/{shot}/versions/{version}/kitsu")
def to_kitsu(request: Request, shot: ShotName, version: Number, person: Annotated[Person, may("deliver")]) -> Sent:
    """Comment on the shot's task in Kitsu: how the version stands, its notes in words, its movie."""
    desk = deciding(request)
    found = desk.shot(shot)
    kitsu = found.show.review.kitsu
    if kitsu is None:
        raise ReviewRefused("kitsu: the show names none. Write [review.kitsu] into show.toml: docs/approvals.md.")
    folder = version_folder(found, version)
    now_standing = book.standing_of(desk.shared.database, found, version)
    with desk.shared.database.read() as session:
        remarks = remarks_of(session, shot, version)
    words = [f"v{version:03d} {now_standing.words}, {person.name}"]
    words += [f"{remark.frame} {remark.author}: {remark.text}" for remark in remarks if not remark.resolved]
    movie = folder / f"{shot}_comp_v{version:03d}.mp4"
    sequence = shot.rpartition("_")[0] or shot
    done = push(kitsu, shot, sequence, str(now_standing.status), "\n".join(words), movie if movie.is_file() else None)
    desk.shared.database.write(
        lambda session: audit.record(session, person.who, "kitsu", shot=shot, version=version, comment=done.comment)
    )
    return Sent(comment=done.comment, preview=done.preview)


@router.get("/api/webhooks")
def hooks(request: Request, person: Annotated[Person, may("webhooks")]) -> list[Hook]:
    with services(request).database.read() as session:
        return [_shown(row) for row in session.scalars(select(Webhook).order_by(Webhook.id))]


@router.post("/api/webhooks", status_code=201)
def add_hook(request: Request, wanted: NewHook, person: Annotated[Person, may("webhooks")]) -> Hook:
    """Make a webhook; the answer holds its secret, this once."""
    _, host, _, _ = check_url(wanted.url, wanted.allow_private)
    if not wanted.allow_private and (why := private_name(host)) is not None:
        raise ReviewRefused(
            f"{host}: is {why}, and would never be called. Allow private addresses for it, or change it."
        )

    def write(session: Session) -> Hook:
        events = ",".join(event for event in EVENTS if event in wanted.events)
        row = Webhook(url=wanted.url, secret=new_token(), events=events, allow_private=wanted.allow_private)
        session.add(row)
        session.flush()
        audit.record(session, person.who, "webhook made", webhook=row.id, url=row.url, private=row.allow_private)
        return _shown(row, row.secret)

    return services(request).database.write(write)


@router.post("/api/webhooks/{number}/disable")
def disable_hook(request: Request, number: Number, person: Annotated[Person, may("webhooks")]) -> Hook:
    """Tell it nothing more; what waits for it is given up."""

    def write(session: Session) -> Hook:
        row = session.get(Webhook, number)
        if row is None:
            raise ReviewRefused(f"webhook {number}: there is none.")
        row.disabled = True
        for call in session.scalars(
            select(WebhookCall).where(WebhookCall.webhook_id == number, WebhookCall.state == "waiting")
        ):
            call.state, call.last_error = "failed", "its webhook was disabled"
        audit.record(session, person.who, "webhook disabled", webhook=number)
        return _shown(row)

    return services(request).database.write(write)


@router.get("/api/webhooks/calls")
def calls(request: Request, person: Annotated[Person, may("webhooks")]) -> list[Call]:
    """The last calls, the last first."""
    with services(request).database.read() as session:
        rows = session.scalars(select(WebhookCall).order_by(WebhookCall.id.desc()).limit(_SHOWN_CALLS))
        return [
            Call(
                id=row.id,
                webhook=row.webhook_id,
                event=row.event,
                state=row.state,
                tries=row.tries,
                next_try=row.next_try,
                last_error=row.last_error,
            )
            for row in rows
        ]


class _Pictures:
    """Stills of the comp for a document; None where a frame cannot be shown."""

    def __init__(self, desk: Deciding, shot: Shot) -> None:
        self._desk, self._shot = desk, shot

    def __call__(self, shot: str, version: int, frame: int) -> np.ndarray[Any, Any] | None:
        try:
            frames = footage(version_folder(self._shot, version), self._shot.build)
            data = self._desk.stills.get(frames, Still(COMP, frame, width_px=_STILL_PX))
            return decode_png(data, f"{shot} {frame}")
        except (BattleplateError, ValueError):
            return None


def _shown(row: Webhook, secret: str = "") -> Hook:
    return Hook(
        id=row.id,
        url=row.url,
        events=[event for event in row.events.split(",") if event],
        allow_private=row.allow_private,
        disabled=row.disabled,
        secret=secret,
    )
