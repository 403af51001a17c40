"""The life of a version: pending > changes requested > approved > delivered, and which decision is allowed when."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from pipeline.errors import ReviewRefused


class Status(StrEnum):
    """How a version stands. VOID: approved once, and its pixels are others now; it counts as not approved."""

    PENDING = "pending"
    CHANGES = "changes requested"
    APPROVED = "approved"
    VOID = "void"
    DELIVERED = "delivered"


KINDS = ("approve", "request_changes", "withdraw", "deliver", "pick")
MOVERS = ("supervisor", "admin")  # whose approval counts; a client's is written down beside it

_AGAIN = "It is approved already: nothing to do."
_FINAL = "It is delivered, and that is final. Raise the shot's version and deliver that one."
_NOTHING = "Nothing was decided that could be withdrawn."
# status and kind of decision: the status after it, or why it is refused. What is not here does not exist.
TRANSITIONS: dict[tuple[Status, str], Status | str] = {
    (Status.PENDING, "approve"): Status.APPROVED,
    (Status.PENDING, "request_changes"): Status.CHANGES,
    (Status.PENDING, "withdraw"): _NOTHING,
    (Status.PENDING, "deliver"): "It is not approved. Approve it on the review page first.",
    (Status.CHANGES, "approve"): Status.APPROVED,
    (Status.CHANGES, "request_changes"): Status.CHANGES,
    (Status.CHANGES, "withdraw"): Status.PENDING,
    (Status.CHANGES, "deliver"): "Changes were requested. Make them and have it approved, or withdraw the request.",
    (Status.APPROVED, "approve"): _AGAIN,
    (Status.APPROVED, "request_changes"): Status.CHANGES,
    (Status.APPROVED, "withdraw"): Status.PENDING,
    (Status.APPROVED, "deliver"): Status.DELIVERED,
    (Status.VOID, "approve"): Status.APPROVED,
    (Status.VOID, "request_changes"): Status.CHANGES,
    (Status.VOID, "withdraw"): Status.PENDING,
    (Status.VOID, "deliver"): "Its approval is void. Have it approved as it is now.",
    (Status.DELIVERED, "approve"): _FINAL,
    (Status.DELIVERED, "request_changes"): _FINAL,
    (Status.DELIVERED, "withdraw"): _FINAL,
    (Status.DELIVERED, "deliver"): _FINAL,
}


@dataclass(frozen=True, slots=True)
class Made:
    """One decision that was made. kind: of KINDS; role: of who made it. digest: of what (subject.py)."""

    kind: str
    by: str
    role: str
    at: datetime
    digest: str = ""
    text: str = ""
    detail: Any = None

    @property
    def counts(self) -> bool:
        """Whether it moves the status: a client's approval is the client's word, and waits for a supervisor's."""
        return self.kind != "pick" and (self.role in MOVERS or self.kind in ("request_changes", "deliver"))


@dataclass(frozen=True, slots=True)
class Standing:
    """How a version stands, and by which decisions. wrong: names of files that are others than those approved."""

    status: Status = Status.PENDING
    approval: Made | None = None  # that brought it to approved, void or delivered
    client: Made | None = None  # the client's approval of these pixels, or None
    last: Made | None = None
    wrong: tuple[str, ...] = field(default=())

    @property
    def words(self) -> str:
        """For people: "approved", "void: frame 1017 changed"."""
        if not self.wrong:
            return str(self.status)
        from pipeline.screening.decisions.subject import frame_words

        said = "void" if self.status is Status.VOID else f"{self.status}, but"
        return f"{said}: {frame_words(self.wrong)} changed"


def after(now: Standing, kind: str, role: str, where: str, *, unapproved: bool = False) -> Status:
    """The status after a decision of somebody with `role`. where: said first when it is refused, "bp_010_0010 v003".

    unapproved: the show delivers without approval; who asked for changes, or a void approval, still holds it back.
    Raises ReviewRefused, in one line, for what the table refuses.
    """
    if kind not in KINDS:
        raise ReviewRefused(f"{where}: {kind!r} is no decision. Take one of: {', '.join(KINDS)}.")
    said = kind.replace("_", " ")
    if kind == "pick":
        return now.status
    if role not in MOVERS and kind in ("approve", "withdraw"):
        if now.status is Status.DELIVERED:
            raise ReviewRefused(f"{where}: cannot {said}. {_FINAL}")
        if (now.client is not None) == (kind == "approve"):
            raise ReviewRefused(f"{where}: cannot {said}. {_AGAIN if now.client else _NOTHING}")
        return now.status
    if kind == "deliver" and unapproved and now.status is Status.PENDING:
        return Status.DELIVERED
    if kind == "withdraw" and now.client is not None and now.status is Status.PENDING:
        return Status.PENDING
    result = TRANSITIONS[now.status, kind]
    if not isinstance(result, Status):
        void = f" ({now.words})" if now.wrong else ""
        raise ReviewRefused(f"{where}: cannot {said}{void}. {result}")
    return result


_LEADS_TO = {
    "approve": Status.APPROVED,
    "request_changes": Status.CHANGES,
    "withdraw": Status.PENDING,
    "deliver": Status.DELIVERED,
}


def standing(made: Iterable[Made], wrong: Sequence[str] = ()) -> Standing:
    """How a version stands after its decisions, oldest first. wrong: what of the approved files changed since.

    Each was checked when it was made; here they only lead on, and nothing leads on from delivered.
    """
    status, approval, client, last = Status.PENDING, None, None, None
    for each in made:
        if each.kind == "pick" or status is Status.DELIVERED:
            continue
        last = each
        if each.kind in ("request_changes", "withdraw"):
            client = None
        if not each.counts:
            client = each if each.kind == "approve" else None
            continue
        status = _LEADS_TO[each.kind]
        if each.kind != "deliver":
            approval = each if each.kind == "approve" else None
    if client and approval and client.digest != approval.digest:
        client = None
    changed = tuple(wrong) if approval else ()
    if changed and status is Status.APPROVED:
        status = Status.VOID
    return Standing(status, approval, client, last, changed)


def allowed(now: Standing, role: str) -> list[str]:
    """Kinds of decision that somebody with `role` may take now, for buttons; what a role may do at all is not asked."""
    found = []
    for kind in KINDS[:-1]:
        try:
            after(now, kind, role, "")
        except ReviewRefused:
            continue
        found.append(kind)
    return found
