"""The show's page: every shot by sequence, with how it stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from markupsafe import Markup

from pipeline.screening.decisions.life import Standing, Status
from pipeline.screening.shows import ShotOnDisk, Version
from pipeline.screening.standings import open_notes
from pipeline.screening.web.access import Person, may
from pipeline.screening.web.fields import Words
from pipeline.screening.web.onshow import shows, standings
from pipeline.screening.web.pages import page, part
from pipeline.screening.web.settings import services

router = APIRouter(tags=["show"])
NOT_DELIVERED = "not delivered"
STATUSES = (NOT_DELIVERED, *Status)


@dataclass(frozen=True, slots=True)
class Row:
    """A shot on the page. who: of the last decision."""

    shot: ShotOnDisk
    version: Version | None
    standing: Standing
    who: str
    notes: int

    @property
    def status(self) -> str:
        return str(self.standing.status) if self.version else NOT_DELIVERED

    @property
    def words(self) -> str:
        return self.standing.words if self.version else NOT_DELIVERED

    @property
    def when(self) -> str:
        """UTC, sortable; of the last decision, else of the delivery."""
        if self.version is None:
            return ""
        at = self.standing.last.at if self.standing.last else self.version.delivered
        return at.strftime("%Y-%m-%d %H:%M")

    def holds(self, words: str) -> bool:
        told = f"{self.shot.name} {self.words} {self.who} {self.version.label if self.version else ''}".casefold()
        return all(word in told for word in words.casefold().split())


ORDERS: dict[str, tuple[Callable[[Row], Any], bool]] = {
    "name": (lambda row: row.shot.name, False),
    "status": (lambda row: (STATUSES.index(row.status), row.shot.name), False),
    "when": (lambda row: row.when, True),
    "notes": (lambda row: row.notes, True),
}


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
    rows = []
    for shot in found.shots.values():
        version = next((v for v in reversed(shot.versions) if person.sees(shot.name, v.number)), None)
        if person.guest and version is None:
            continue
        standing = known.of(version, made) if version else Standing()
        waiting = notes.get((shot.name, version.number), 0) if version else 0
        rows.append(Row(shot, version, standing, standing.last.by if standing.last else "", waiting))
    counts = {name: sum(row.status == name for row in rows) for name in STATUSES}
    shown = [row for row in rows if row.holds(q) and status in ("", row.status)]
    key, down = ORDERS[sort]
    shown.sort(key=key, reverse=down)
    groups = [("", shown)]
    if sort == "name":
        groups = [(name, list(each)) for name, each in groupby(shown, key=lambda row: row.shot.sequence)]
    return page(
        request,
        "show.html",
        person,
        groups=groups,
        total=len(rows),
        shown=len(shown),
        counts={name: count for name, count in counts.items() if count},
        q=q,
        wanted=status,
        sort=sort,
        broken=() if person.guest else found.broken,
        drawn=_drawn,
    )


def _drawn(row: Row) -> Markup:
    """A row of the page; most are as they were when the page was last asked for."""
    return _written(
        row.shot.name, row.version.label if row.version else "", row.status, row.words, row.who, row.notes, row.when
    )


@lru_cache(maxsize=4096)
def _written(name: str, version: str, status: str, words: str, who: str, notes: int, when: str) -> Markup:
    told = {
        "name": name,
        "version": version,
        "status": status,
        "words": words,
        "who": who,
        "notes": notes,
        "when": when,
    }
    return part("show_row.html", **told)
