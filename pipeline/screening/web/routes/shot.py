"""A shot's page: its versions, takes, decisions, notes, and the figures of one version."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from pipeline.errors import ReviewRefused
from pipeline.screening.decisions.life import Standing, allowed
from pipeline.screening.decisions.subject import subject_digest
from pipeline.screening.quality import figures_of
from pipeline.screening.shows import report_of, takes_of
from pipeline.screening.standings import decisions_of, remarks_of, standing_of
from pipeline.screening.web.access import Person, may
from pipeline.screening.web.fields import Number, ShotName
from pipeline.screening.web.onshow import shot_named
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
        made = decisions_of(session, shot)
        remarks = remarks_of(session, here) if here else []
    history = [(v, standing_of(v, made)) for v in reversed(versions)]
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
        digest=_digest(report),
        picks=person.may("pick") and "/api/shots/{shot}/picks" in served,
        remarks=remarks,
        made=made.get((shot, here.number), []) if here else [],
        facts=_of(report.get("shot"), dict),
        checks=[c for c in _of(report.get("checks"), list) if isinstance(c, dict)],
        figures=[(f, Markup(f.svg)) for f in figures_of(report)],
        takes=takes,
        damaged=damaged,
    )


def _asks(person: Person, kind: str) -> bool:
    """Whether a role may make a kind of decision; who may approve may withdraw."""
    return person.may("approve" if kind == "withdraw" else kind)


def _digest(report: dict[str, Any]) -> str:
    """Of what this page shows; an approval that names it approves nothing else. Empty where there is nothing."""
    try:
        return subject_digest(report)
    except (ReviewRefused, LookupError, TypeError, AttributeError):
        return ""


def _of(value: Any, kind: type[T]) -> T:
    return value if isinstance(value, kind) else kind()
