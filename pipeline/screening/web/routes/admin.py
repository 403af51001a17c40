"""People and guests: who may come in, and as what; what was done."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline.screening.people import accounts, guests, lockout
from pipeline.screening.people.roles import Person, Role
from pipeline.screening.records import AuditEntry, GuestLink, Playlist, PlaylistItem, SessionRow, User, now
from pipeline.screening.web.access import may
from pipeline.screening.web.fields import MOST, Name, Number, ShotName
from pipeline.screening.web.pages import page
from pipeline.screening.web.settings import services

router = APIRouter(tags=["people"])
MANY = 500  # versions in a playlist, entries of the audit in one answer


class Asked(BaseModel):
    """What a route takes: nothing that it does not know."""

    model_config = ConfigDict(extra="forbid", strict=False)


class NewUser(Asked):
    name: Name
    role: Role


class Change(Asked):
    role: Role | None = None
    disabled: bool | None = None


class Item(Asked):
    shot: ShotName
    version: Number


class NewPlaylist(Asked):
    name: Name
    items: Annotated[list[Item], Field(min_length=1, max_length=MANY)]


class NewGuest(Asked):
    playlist_id: Number
    label: Name
    days: Annotated[int, Field(ge=1, le=90)] = 7
    commenting: bool = False


class Linked(BaseModel):
    """What was made, and its link, which is shown this once."""

    id: int
    link: str


class Listed(BaseModel):
    """A user. state: active, invited, locked or disabled."""

    id: int
    name: str
    role: Role
    state: str
    created: datetime
    sessions: int


class ListedPlaylist(BaseModel):
    id: int
    name: str
    items: list[Item]


class ListedGuest(BaseModel):
    """A guest link. state: open, expired or revoked."""

    id: int
    label: str
    playlist: str
    commenting: bool
    expires: datetime
    state: str


class Entry(BaseModel):
    seq: int
    at: datetime
    who: str
    what: str
    detail: dict[str, object]
    hash: str


class Whole(BaseModel):
    """What a check of the audit found. fault: empty when it is whole."""

    entries: int
    sealed: int
    fault: str


@router.get("/people")
def people_page(request: Request, person: Annotated[Person, may("guests")]) -> HTMLResponse:
    """Users (for admins), playlists and guest links."""
    with services(request).database.read() as session:
        return page(
            request,
            "people.html",
            person,
            users=_users(session) if person.may("people") else [],
            playlists=_playlists(session),
            guest_links=_guests(session),
            audit=_entries(session, 0, 30, newest=True) if person.may("audit") else [],
            roles=[role.value for role in Role if role is not Role.GUEST],
            today=now(),
        )


@router.get("/api/users")
def users(request: Request, person: Annotated[Person, may("people")]) -> list[Listed]:
    with services(request).database.read() as session:
        return _users(session)


@router.post("/api/users", status_code=201)
def invite(request: Request, asked: NewUser, person: Annotated[Person, may("people")]) -> Linked:
    made, token = services(request).database.write(lambda s: accounts.invite(s, person.who, asked.name, asked.role))
    return Linked(id=made, link=_address(request, f"join/{token}"))


@router.post("/api/users/{user_id}")
def change(request: Request, user_id: Number, asked: Change, person: Annotated[Person, may("people")]) -> Listed:
    def write(session: Session) -> Listed:
        accounts.change(session, person.who, user_id, asked.role, asked.disabled)
        return next(user for user in _users(session) if user.id == user_id)

    return services(request).database.write(write)


@router.post("/api/users/{user_id}/link")
def new_link(request: Request, user_id: Number, person: Annotated[Person, may("people")]) -> Linked:
    """A link by which somebody who forgot their password chooses another."""
    token = services(request).database.write(lambda s: accounts.invite_again(s, person.who, user_id))
    return Linked(id=user_id, link=_address(request, f"join/{token}"))


@router.get("/api/playlists")
def playlists(request: Request, person: Annotated[Person, may("guests")]) -> list[ListedPlaylist]:
    with services(request).database.read() as session:
        return _playlists(session)


@router.post("/api/playlists", status_code=201)
def make_playlist(request: Request, asked: NewPlaylist, person: Annotated[Person, may("guests")]) -> ListedPlaylist:
    items = [(item.shot, item.version) for item in asked.items]
    made = services(request).database.write(lambda s: guests.make_playlist(s, person, asked.name, items))
    return ListedPlaylist(id=made, name=asked.name, items=asked.items)


@router.get("/api/guests")
def guest_links(request: Request, person: Annotated[Person, may("guests")]) -> list[ListedGuest]:
    with services(request).database.read() as session:
        return _guests(session)


@router.post("/api/guests", status_code=201)
def make_guest(request: Request, asked: NewGuest, person: Annotated[Person, may("guests")]) -> Linked:
    made, token = services(request).database.write(
        lambda s: guests.make_link(s, person, asked.playlist_id, asked.label, asked.days, asked.commenting)
    )
    return Linked(id=made, link=_address(request, f"guest/{token}"))


@router.post("/api/guests/{link_id}/revoke", status_code=204)
def revoke(request: Request, link_id: Number, person: Annotated[Person, may("guests")]) -> None:
    services(request).database.write(lambda s: guests.revoke(s, person, link_id))


@router.get("/api/audit")
def audit_entries(
    request: Request,
    person: Annotated[Person, may("audit")],
    after: Annotated[int, Query(ge=0, le=MOST)] = 0,
    count: Annotated[int, Query(ge=1, le=MANY)] = 100,
) -> list[Entry]:
    """What was done, oldest first, from the entry after `after`."""
    with services(request).database.read() as session:
        return _entries(session, after, count, newest=False)


@router.get("/api/audit/check")
def audit_check(request: Request, person: Annotated[Person, may("audit")]) -> Whole:
    """Read the whole chain and hold it against its signed end."""
    found = services(request).seal.verify()
    return Whole(entries=found.entries, sealed=found.sealed, fault=found.fault)


def _address(request: Request, path: str) -> str:
    scheme = "https" if services(request).settings.secure else "http"
    return f"{scheme}://{request.headers['host']}/{path}"


def _users(session: Session) -> list[Listed]:
    alive = select(SessionRow.user_id, func.count().label("n")).where(SessionRow.expires > now())
    counted = alive.group_by(SessionRow.user_id).subquery()
    rows = session.execute(
        select(User, counted.c.n).outerjoin(counted, counted.c.user_id == User.id).order_by(func.lower(User.name))
    )
    return [
        Listed(id=u.id, name=u.name, role=Role(u.role), state=_state(u), created=u.created, sessions=n or 0)
        for u, n in rows
    ]


def _state(user: User) -> str:
    if user.disabled:
        return "disabled"
    if lockout.is_locked(user, now()):
        return "locked"
    return "active" if user.password_hash else "invited"


def _playlists(session: Session) -> list[ListedPlaylist]:
    items: dict[int, list[Item]] = {}
    for row in session.scalars(select(PlaylistItem).order_by(PlaylistItem.playlist_id, PlaylistItem.position)):
        items.setdefault(row.playlist_id, []).append(Item(shot=row.shot, version=row.version))
    rows = session.scalars(select(Playlist).order_by(Playlist.id.desc()))
    return [ListedPlaylist(id=row.id, name=row.name, items=items.get(row.id, [])) for row in rows]


def _guests(session: Session) -> list[ListedGuest]:
    rows = session.execute(
        select(GuestLink, Playlist.name)
        .join(Playlist, Playlist.id == GuestLink.playlist_id)
        .order_by(GuestLink.id.desc())
    )
    return [
        ListedGuest(
            id=link.id,
            label=link.label,
            playlist=name,
            commenting=link.commenting,
            expires=link.expires,
            state="revoked" if link.revoked else "expired" if link.expires <= now() else "open",
        )
        for link, name in rows
    ]


def _entries(session: Session, after: int, count: int, newest: bool) -> list[Entry]:
    order = AuditEntry.seq.desc() if newest else AuditEntry.seq
    rows = session.scalars(select(AuditEntry).where(AuditEntry.seq > after).order_by(order).limit(count))
    return [Entry(seq=e.seq, at=e.at, who=e.who, what=e.what, detail=e.detail, hash=e.hash) for e in rows]
