"""How the delivered versions of a show stand, and their notes: what pages need, in few queries."""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.errors import BattleplateError
from pipeline.screening.database import Database
from pipeline.screening.decisions.book import all_made
from pipeline.screening.decisions.life import Made, Standing, standing
from pipeline.screening.decisions.release import stands
from pipeline.screening.decisions.subject import State, Subject, states
from pipeline.screening.records import ChangeRequest, Decision, GuestLink, Note, User
from pipeline.screening.shows import LOOK_AGAIN_S, Shows, Version

UNDECIDED = Standing()
_COUNTED = select(func.count(), func.max(Decision.id)).select_from(Decision)
_OPEN = (
    select(Note.shot, Note.version, func.count())
    .where(Note.resolved_at.is_(None), Note.reply_to.is_(None))
    .group_by(Note.shot, Note.version)
)
_REMARKS = (
    select(Note.frame, Note.text, Note.created, Note.drawing != "", Note.resolved_at, User.name, GuestLink.label)
    .outerjoin(User, User.id == Note.author_id)
    .outerjoin(GuestLink, GuestLink.id == Note.guest_id)
    .where(Note.shot == bindparam("shot"), Note.version == bindparam("version"), Note.reply_to.is_(None))
    .order_by(Note.frame, Note.id)
)
_ASKED = (
    select(ChangeRequest, User.name)
    .join(User, User.id == ChangeRequest.by_id)
    .where(ChangeRequest.shot == bindparam("shot"))
    .order_by(ChangeRequest.id.desc())
)


@dataclass(frozen=True, slots=True)
class Remark:
    """A note as a page shows it."""

    frame: int
    by: str
    text: str
    created: datetime
    drawn: bool
    resolved: bool


@dataclass(frozen=True, slots=True)
class Stood:
    """How a version stood after so many decisions, by files at `paths` in these `states`. looked: seconds, monotonic."""

    decided: int
    looked: float
    paths: tuple[str, ...]
    states: list[State]
    standing: Standing


class Standings:
    """How versions stand, remembered: decisions are only ever added, so none is read twice; whether an approved version's
    pixels are still the same is looked at anew after LOOK_AGAIN_S. Safe for threads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._made: dict[tuple[str, int], list[Made]] = {}
        self._known = (0, 0)  # how many decisions, and the last one's id
        self._stood: dict[tuple[str, int], Stood] = {}

    def made(self) -> dict[tuple[str, int], list[Made]]:
        """Every decision, oldest first, by shot and version. What is returned is not to be changed."""
        ((count, last),) = self._database.rows(_COUNTED)
        if (count, last or 0) != self._known:
            with self._lock, self._database.read() as session:
                count, last = session.execute(_COUNTED).one()
                if (count, last or 0) != self._known:
                    self._learn(session, count, last or 0)
        return self._made

    def of(self, version: Version, made: dict[tuple[str, int], list[Made]], *, now: bool = False) -> Standing:
        """How a version stands. now: its pixels are looked at now, however lately they were."""
        key = (version.shot, version.number)
        decided = made.get(key, [])
        if not decided:
            return UNDECIDED
        known, moment = self._stood.get(key), time.monotonic()
        if known is not None and known.decided == len(decided):
            if not now and moment - known.looked < LOOK_AGAIN_S:
                return known.standing
            self._stood[key] = replace(known, looked=moment)  # who asks beside us need not look too
            if known.paths and states(known.paths) == known.states:
                return known.standing
        found = _stood(version, decided, moment)
        self._stood[key] = found
        return found.standing

    def look_ahead(self, shows: Shows) -> None:
        """Look at every shot's newest version, so that whoever opens the show's page first does not wait for that."""
        with suppress(BattleplateError, SQLAlchemyError, OSError):  # is told to who asks
            made = self.made()
            for shot in shows.look().shots.values():
                if shot.latest is not None:
                    self.of(shot.latest, made)

    def _learn(self, session: Session, count: int, last: int) -> None:
        added = all_made(session, after=self._known[1])
        if sum(map(len, added.values())) != count - self._known[0]:  # one of before became visible late
            self._made, added = {}, all_made(session)
        self._made = {**self._made, **{key: [*self._made.get(key, []), *made] for key, made in added.items()}}
        self._known = (sum(map(len, self._made.values())), last)


def _stood(version: Version, decided: list[Made], moment: float) -> Stood:
    approval = standing(decided).approval
    names = Subject.read("", approval.detail).files if approval else ()
    paths = tuple(os.path.join(version.folder, name) for name in ("report.json", *names)) if names else ()
    before = states(paths)  # a file that changes while it is read shows at the next look
    return Stood(len(decided), moment, paths, before, stands(version.folder, decided))


def open_notes(session: Session) -> dict[tuple[str, int], int]:
    """How many notes wait for an answer, by shot and version."""
    return {(shot, version): count for shot, version, count in session.execute(_OPEN)}


def remarks_of(session: Session, version: Version) -> list[Remark]:
    """The notes on a version by frame, without replies."""
    rows = session.execute(_REMARKS, {"shot": version.shot, "version": version.number})
    return [
        Remark(frame, user or guest or "", text, created, bool(drawn), resolved is not None)
        for frame, text, created, drawn, resolved, user, guest in rows
    ]


def requests_of(session: Session, shot: str) -> list[tuple[ChangeRequest, str]]:
    """What was asked of a shot, the last first, with who asked."""
    return [(request, name) for request, name in session.execute(_ASKED, {"shot": shot})]
