"""Who is signed in: sessions of users and of guests, each a row that its cookie's token finds."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from pipeline.screening.people.roles import Person, Role
from pipeline.screening.people.tokens import new_token, token_hash
from pipeline.screening.records import GuestLink, PlaylistItem, SessionRow, User, now

# Built once: every answer of the server asks it.
_USERS = (
    select(SessionRow.id, SessionRow.csrf, SessionRow.guest_id, SessionRow.user_id, User.name, User.role, User.disabled)
    .outerjoin(User, SessionRow.user_id == User.id)
    .where(SessionRow.id == bindparam("token"), SessionRow.expires > bindparam("now"))
)
LASTS = timedelta(hours=12)  # a working day; nothing prolongs it


def begin(session: Session, user: User | None, guest: GuestLink | None = None) -> str:
    """Sign a user or a guest in; the cookie's token. A guest's session ends with the link."""
    token, expires = new_token(), now() + LASTS
    if guest is not None:
        expires = min(expires, guest.expires)
    session.execute(delete(SessionRow).where(SessionRow.expires <= now()))
    session.add(
        SessionRow(
            id=token_hash(token),
            user_id=user.id if user else None,
            guest_id=guest.id if guest else None,
            csrf=new_token(),
            expires=expires,
        )
    )
    return token


def find(session: Session, token: str) -> Person | None:
    """Who holds this token; None when it is unknown, over, or its user or link no longer counts."""
    kept = session.execute(_USERS, {"token": token_hash(token), "now": now()}).one_or_none()
    if kept is None:
        return None
    if kept.user_id is not None:
        return None if kept.disabled else Person(kept.user_id, kept.name, Role(kept.role), kept.id, kept.csrf)
    guest = session.get(GuestLink, kept.guest_id) if kept.guest_id is not None else None
    if guest is None or guest.revoked or guest.expires <= now():
        return None
    items = session.execute(
        select(PlaylistItem.shot, PlaylistItem.version).where(PlaylistItem.playlist_id == guest.playlist_id)
    )
    playlist = frozenset((shot, version) for shot, version in items)
    return Person(guest.id, guest.label, Role.GUEST, kept.id, kept.csrf, playlist, guest.commenting)


def end(session: Session, session_id: str) -> None:
    """Sign out."""
    session.execute(delete(SessionRow).where(SessionRow.id == session_id))


def end_all(session: Session, user_id: int) -> None:
    """Sign a user out everywhere."""
    session.execute(delete(SessionRow).where(SessionRow.user_id == user_id))
