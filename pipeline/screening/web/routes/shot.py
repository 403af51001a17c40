"""A shot's page: its versions, takes, decisions, notes, and the figures of one version."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import FileResponse, HTMLResponse
from markupsafe import Markup

from pipeline.errors import BattleplateError, ReviewRefused
from pipeline.frames import FrameRange
from pipeline.screening.decisions.life import Standing, allowed
from pipeline.screening.decisions.subject import digest_of
from pipeline.screening.shows import Version, figures_of, report_of, take_sheets, takes_of
from pipeline.screening.standings import remarks_of, requests_of
from pipeline.screening.web.access import Person, may
from pipeline.screening.web.fields import Name, Number, ShotName
from pipeline.screening.web.onshow import shot_named, standings
from pipeline.screening.web.pages import page
from pipeline.screening.web.settings import services

router = APIRouter(tags=["shot"])
T = TypeVar("T")
_PLACE = "/api/shots/{shot}/versions/{version}"


@router.get("/shots/{shot}")
def shot_page(
    request: Request, shot: ShotName, person: Annotated[Person, may("look", guests=True)], version: Number | None = None
) -> HTMLResponse:
    """version: the one to show; the newest that this person may see, when none is given."""
    person.must_see(shot, version)
    found = shot_named(request, shot)
    versions = [v for v in found.versions if person.sees(shot, v.number)]
    here = next((v for v in reversed(versions) if version in (None, v.number)), None)
    if here is None and version is not None:
        raise HTTPException(404, f"{shot} has no version {version}.")
    with services(request).database.read() as session:
        remarks = remarks_of(session, here) if here else []
        asked = [] if person.guest else requests_of(session, shot)
    known = standings(request)
    made = known.made()
    history = [(v, known.of(v, made, now=v is here)) for v in reversed(versions)]
    standing = next((s for v, s in history if v is here), Standing())
    report = report_of(here) if here else {}
    takes, damaged = ([], []) if person.guest else takes_of(found.shot)
    served = {route.path for route in request.app.state.routes}
    return page(
        request,
        "shot.html",
        person,
        shot=found,
        here=here,
        history=history,
        standing=standing,
        choices=[
            k for k in allowed(standing, person.role.value) if here and _asks(person, k) and f"{_PLACE}/{k}" in served
        ],
        digest=_digest(here),
        picks=person.may("pick") and "/api/shots/{shot}/picks" in served,
        remarks=remarks,
        made=made.get((shot, here.number), []) if here else [],
        facts=_of(report.get("shot"), dict),
        checks=[c for c in _of(report.get("checks"), list) if isinstance(c, dict)],
        figures=[(f, Markup(f.svg)) for f in (figures_of(here, _player(here)) if here else ())],
        takes=takes,
        sheets=sorted({(t.piece, t.kind, t.place) for t in takes}),
        damaged=damaged,
        asked=asked,
        asks=person.may("request") and "/api/shots/{shot}/requests" in served,
        middle=_middle(report),
    )


@router.get("/shots/{shot}/takes/{kind}/{place}/{piece}.png")
def take_sheet(
    request: Request, shot: ShotName, kind: Name, place: Name, piece: Name, person: Annotated[Person, may("look")]
) -> FileResponse:
    """The contact sheet of the takes of a character or a set piece."""
    for file in take_sheets(shot_named(request, shot).shot, kind):
        if (file.parent.parent.name, file.parent.name) == (place, piece) and file.is_file():
            return FileResponse(file, media_type="image/png", headers={"Cache-Control": "private, no-cache"})
    raise HTTPException(404, f"{shot} has no contact sheet of {piece!r} by {place!r}.")


def _player(version: Version) -> str:
    """Where its frames are looked at; a frame's number is added."""
    return f"/shots/{version.shot}/play?version={version.number}&frame="


def _asks(person: Person, kind: str) -> bool:
    """Whether a role may make a kind of decision; who may approve may withdraw."""
    return person.may("approve" if kind == "withdraw" else kind)


def _digest(here: Version | None) -> str:
    """Of what this page shows; an approval that names it approves nothing else. Empty where there is nothing."""
    try:
        return digest_of(here.folder) if here else ""
    except ReviewRefused:
        return ""


def _middle(report: dict[str, Any]) -> int:
    """The frame that stands for a version; 0 where its report tells no frames."""
    try:
        frames = FrameRange.parse(str(report["shot"]["frames"]))
    except (LookupError, TypeError, BattleplateError):
        return 0
    return (frames.first + frames.last) // 2


def _of(value: Any, kind: type[T]) -> T:
    return value if isinstance(value, kind) else kind()
