"""How the delivered versions of a show stand, and their notes: what pages need, in few queries."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.errors import BattleplateError
from pipeline.screening.database import Database
from pipeline.screening.decisions.book import all_made
from pipeline.screening.decisions.life import Made, Standing
from pipeline.screening.decisions.release import stands
from pipeline.screening.records import ChangeRequest, Decision, GuestLink, Note, User
from pipeline.screening.shows import LOOK_AGAIN_S, Shows, Version


@dataclass(frozen=True, slots=True)
class Remark:
    """A note as a page shows it."""

    frame: int
    by: str
    text: str
    created: datetime
    drawn: bool
    resolved: bool


class Standings:
    """How versions stand, remembered: decisions are only ever added, so none is read twice; whether an approved version's
    pixels are still the same is looked at anew after LOOK_AGAIN_S. Safe for threads.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._made: dict[tuple[str, int], list[Made]] = {}
        self._known = (0, 0)  # how many decisions, and the last one's id
        self._stood: dict[tuple[str, int], tuple[int, float, Standing]] = {}

    def made(self) -> dict[tuple[str, int], list[Made]]:
        """Every decision, oldest first, by shot and version. What is returned is not to be changed."""
        with self._lock, self._database.read() as session:
            count, last = session.execute(select(func.count(), func.max(Decision.id)).select_from(Decision)).one()
            if (count, last or 0) != self._known:
                self._learn(session, count, last or 0)
            return self._made

    def of(self, version: Version, made: dict[tuple[str, int], list[Made]], *, now: bool = False) -> Standing:
        """How a version stands. now: its pixels are looked at now, however lately they were."""
        key = (version.shot, version.number)
        decided = made.get(key, [])
        if not decided:
            return Standing()
        known = self._stood.get(key)
        if known is None or now or known[0] != len(decided) or time.monotonic() - known[1] >= LOOK_AGAIN_S:
            if known is not None and known[0] == len(decided):  # who asks beside us need not look too
                self._stood[key] = (known[0], time.monotonic(), known[2])
            known = (len(decided), time.monotonic(), stands(version.folder, decided))
            self._stood[key] = known
        return known[2]

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


def open_notes(session: Session) -> dict[tuple[str, int], int]:
    """How many notes wait for an answer, by shot and version."""
    asked = select(Note.shot, Note.version, func.count()).where(Note.resolved_at.is_(None), Note.reply_to.is_(None))
    return {(shot, version): count for shot, version, count in session.execute(asked.group_by(Note.shot, Note.version))}


def remarks_of(session: Session, version: Version) -> list[Remark]:
    """The notes on a version by frame, without replies."""
    asked = (
        select(Note, User.name, GuestLink.label)
        .outerjoin(User, User.id == Note.author_id)
        .outerjoin(GuestLink, GuestLink.id == Note.guest_id)
        .where(Note.shot == version.shot, Note.version == version.number, Note.reply_to.is_(None))
        .order_by(Note.frame, Note.id)
    )
    return [
        Remark(n.frame, user or guest or "", n.text, n.created, bool(n.drawing), n.resolved_at is not None)
        for n, user, guest in session.execute(asked)
    ]


def requests_of(session: Session, shot: str) -> list[tuple[ChangeRequest, str]]:
    """What was asked of a shot, the last first, with who asked."""
    asked = select(ChangeRequest, User.name).join(User, User.id == ChangeRequest.by_id)
    rows = session.execute(asked.where(ChangeRequest.shot == shot).order_by(ChangeRequest.id.desc()))
    return [(request, name) for request, name in rows]
