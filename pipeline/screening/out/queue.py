"""Calls to webhooks as a queue in the database: written with what they tell of, sent afterwards, again after a crash."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from pipeline.errors import BattleplateError
from pipeline.screening.database import Database
from pipeline.screening.out.webhooks import Outcome, after, body_of, headers_of, send, wants
from pipeline.screening.records import Webhook, WebhookCall, now

Send = Callable[[str, str, Mapping[str, str], bool], Outcome]

_HELD_S = 60  # a call that is being sent is nobody else's for so long
_PATIENCE_S = 5.0
_HOOKS = select(Webhook.id, Webhook.events).where(Webhook.disabled.is_(False))


@dataclass(frozen=True, slots=True)
class Due:
    """A call that may be sent now."""

    id: int
    tries: int
    event: str
    body: str
    url: str
    secret: str
    allow_private: bool


def enqueue(session: Session, event: str, at: datetime, data: Mapping[str, Any]) -> int:
    """Add a call for every webhook that wants the event, in the commit of what it tells of. Returns how many."""
    told = [hook.id for hook in session.execute(_HOOKS) if wants(hook.events, event)]
    if told:
        body = body_of(event, at, data)
        session.add_all(WebhookCall(webhook_id=number, event=event, body=body) for number in told)
    return len(told)


def _due(at: datetime) -> Select[WebhookCall, Webhook]:
    asked = select(WebhookCall, Webhook).join(Webhook, Webhook.id == WebhookCall.webhook_id)
    asked = asked.where(WebhookCall.state == "waiting", WebhookCall.next_try <= at, Webhook.disabled.is_(False))
    return asked.order_by(WebhookCall.next_try, WebhookCall.id).limit(1)


def take(session: Session, at: datetime) -> Due | None:
    """The call that waited longest, held back from others until it is told what became of it, or for a minute."""
    row = session.execute(_due(at).with_for_update(skip_locked=True, of=WebhookCall)).first()
    if row is None:
        return None
    call, hook = row
    call.tries, call.next_try = call.tries + 1, at + timedelta(seconds=_HELD_S)
    return Due(call.id, call.tries, call.event, call.body, hook.url, hook.secret, hook.allow_private)


def told(session: Session, due: Due, outcome: Outcome, at: datetime) -> None:
    """Write down what became of a call, and when it is tried again."""
    call = session.get(WebhookCall, due.id)
    if call is None or call.tries != due.tries:  # taken away, or somebody else's by now
        return
    result = after(due.tries, outcome, at)
    call.state, call.next_try = result.state, result.at
    call.last_error = "" if outcome.arrived else result.said


def send_due(database: Database, call: Send = send, clock: Callable[[], datetime] = now) -> int:
    """Send what is due now, one after the other. Returns how many were tried."""
    tried = 0
    with database.read() as session:  # mostly nothing is: no commit is made for that
        if session.execute(_due(clock())).first() is None:
            return tried
    while (due := database.write(lambda session: take(session, clock()))) is not None:
        at = clock()
        headers = headers_of(due.secret, due.event, due.id, int(at.timestamp()), due.body.encode("utf-8"))
        outcome = call(due.url, due.body, headers, due.allow_private)
        database.write(lambda session, due=due, outcome=outcome: told(session, due, outcome, clock()))  # type: ignore[misc]
        tried += 1
    return tried


class Postman:
    """Sends what is due in a thread of its own, from `start` until `stop`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._wake, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="review-webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """There is something new."""
        self._wake.set()

    def stop(self) -> None:
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(20)

    def _work(self) -> None:
        while not self._stopped.is_set():
            self._wake.clear()
            # The database may be away for a moment: nothing is lost.
            with suppress(BattleplateError, SQLAlchemyError, TimeoutError):
                send_due(self._database)
            self._wake.wait(_PATIENCE_S)
