"""The show's page: every shot by sequence, with how it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from pipeline.screening.decisions.life import Standing, Status
from pipeline.screening.shows import Version, sequence_of
from pipeline.screening.standings import UNDECIDED, open_notes
from pipeline.screening.web.access import Person, may
from pipeline.screening.web.fields import Words
from pipeline.screening.web.onshow import shows, standings
from pipeline.screening.web.pages import page, part
from pipeline.screening.web.settings import services

router = APIRouter(tags=["show"])
NOT_DELIVERED = "not delivered"
STATUSES = (NOT_DELIVERED, *Status)


@dataclass(frozen=True)
class Row:
    """A shot on the page, as `version` stands. notes: how many wait for an answer."""

    name: str
    version: Version | None
    standing: Standing
    notes: int

    @property
    def sequence(self) -> str:
        return sequence_of(self.name)

    @cached_property
    def status(self) -> str:
        return str(self.standing.status) if self.version else NOT_DELIVERED

    @cached_property
    def when(self) -> str:
        """UTC, sortable; of the last decision, else of the delivery."""
        if self.version is None:
            return ""
        at = self.standing.last.at if self.standing.last else self.version.delivered
        return at.strftime("%Y-%m-%d %H:%M")

    @cached_property
    def drawn(self) -> Markup:
        return part("show_row.html", when=self.when, status=self.status, notes=self.notes, **self._said)

    def holds(self, words: list[str]) -> bool:
        if not words:
            return True
        told = " ".join(self._said.values()).casefold()
        return all(word in told for word in words)

    @property
    def _said(self) -> dict[str, str]:
        """What is read of it. who: decided last."""
        return {
            "name": self.name,
            "words": self.standing.words if self.version else NOT_DELIVERED,
            "who": self.standing.last.by if self.standing.last else "",
            "version": self.version.label if self.version else "",
        }


class Rows:
    """Rows as they were drawn last: most are so again. Safe for threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Row] = {}

    def of(self, name: str, version: Version | None, standing: Standing, notes: int) -> Row:
        key = (name, version.number if version else 0)
        row = self._known.get(key)
        if row is None or row.standing is not standing or row.notes != notes or row.version != version:
            row = self._known[key] = Row(name, version, standing, notes)
        return row


ORDERS: dict[str, tuple[Callable[[Row], Any], bool]] = {
    "name": (lambda row: row.name, False),
    "status": (lambda row: (STATUSES.index(row.status), row.name), False),
    "when": (lambda row: row.when, True),
    "notes": (lambda row: row.notes, True),
}


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    app.state.rows = Rows()
    yield


@router.get("/")
def show_page(
    request: Request,
    person: Annotated[Person, may("look", guests=True)],
    q: Words = "",
    status: Words = "",
    sort: Annotated[Literal["name", "status", "when", "notes"], Query()] = "name",
) -> HTMLResponse:
    """Shots by sequence. q: words that all must be found; status: one of them alone."""
    found, known = shows(request).look(), standings(request)
    made = known.made()
    with services(request).database.read() as session:
        notes = open_notes(session)
    drawn: Rows = request.app.state.rows
    rows = []
    for name, shot in found.shots.items():
        version = shot.latest
        if person.guest:
            version = next((v for v in reversed(shot.versions) if person.sees(name, v.number)), None)
            if version is None:
                continue
        standing = known.of(version, made) if version else UNDECIDED
        rows.append(drawn.of(name, version, standing, notes.get((name, version.number), 0) if version else 0))
    counted, words = Counter(row.status for row in rows), q.casefold().split()
    shown = [row for row in rows if status in ("", row.status) and row.holds(words)]
    key, down = ORDERS[sort]
    shown.sort(key=key, reverse=down)
    groups = [("", shown)]
    if sort == "name":
        groups = [(name, list(each)) for name, each in groupby(shown, key=lambda row: row.sequence)]
    return page(
        request,
        "show.html",
        person,
        groups=groups,
        total=len(rows),
        shown=len(shown),
        counts={name: counted[name] for name in STATUSES if counted[name]},
        q=q,
        wanted=status,
        sort=sort,
        broken=() if person.guest else found.broken,
        drawn=_drawn,
    )


def _drawn(rows: list[Row]) -> Markup:
    return Markup("\n").join(row.drawn for row in rows)
