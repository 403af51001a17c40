"""Users: invited by an admin, joined by a link that works once, signed in by a password."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from pipeline.errors import ReviewRefused
from pipeline.screening.people import audit, lockout, sessions
from pipeline.screening.people.roles import Role
from pipeline.screening.people.tokens import new_token, token_hash
from pipeline.screening.records import Invite, User, now

INVITED = timedelta(days=7)


def first_link(session: Session) -> str:
    """A token by which the first admin joins, where nobody has joined yet; else empty. An older one no longer works."""
    if session.scalar(select(func.count()).select_from(User).where(User.password_hash != "")):
        return ""
    session.execute(delete(Invite).where(Invite.user_id.is_(None)))
    return _invite(session, None)


def invite(session: Session, by: str, name: str, role: Role) -> tuple[int, str]:
    """Make a user who has no password yet: id, and the token by which they choose one. Raises ReviewRefused."""
    if role is Role.GUEST:
        raise ReviewRefused("role: a guest has no account. Make a guest link.")
    user = User(name=name, role=role.value)
    try:
        with session.begin_nested():
            session.add(user)
    except IntegrityError as error:
        raise ReviewRefused(f"{name}: somebody has this name already.") from error
    audit.record(session, by, "invite", user=name, role=role.value)
    return user.id, _invite(session, user.id)


def invite_again(session: Session, by: str, user_id: int) -> str:
    """A token by which a user chooses a new password; until then the old one works. Raises ReviewRefused."""
    user = known(session, user_id)
    audit.record(session, by, "new password link", user=user.name)
    return _invite(session, user.id)


def joining(session: Session, token: str) -> tuple[bool, str]:
    """Whether a link works, and whose it is (empty: the first admin's, who chooses a name)."""
    row = _find(session, token)
    user = session.get(User, row.user_id) if row and row.user_id else None
    return row is not None, user.name if user else ""


def join(session: Session, token: str, name: str, password_hash: str) -> User:
    """Use a link, once: the user's password is set, all their sessions end. Raises ReviewRefused."""
    row = _find(session, token)
    if row is None:
        raise ReviewRefused("this link was used already, or its time is over. Ask for a new one.")
    user = session.get(User, row.user_id) if row.user_id else None
    if user is None:
        user = User(name=name, role=Role.ADMIN.value)
        session.add(user)
    user.password_hash = password_hash
    lockout.succeeded(user)
    try:
        session.flush()
    except IntegrityError as error:
        raise ReviewRefused(f"{name}: somebody has this name already.") from error
    session.execute(delete(Invite).where(Invite.user_id == row.user_id if row.user_id else Invite.user_id.is_(None)))
    sessions.end_all(session, user.id)
    audit.record(session, user.name, "join", role=user.role)
    return user


def change(session: Session, by: str, user_id: int, role: Role | None, disabled: bool | None) -> None:
    """Change a user's role, or shut them out or in. The last admin who can sign in stays. Raises ReviewRefused."""
    user = known(session, user_id)
    if role is Role.GUEST:
        raise ReviewRefused("role: a guest has no account. Make a guest link.")
    if role is not None:
        user.role = role.value
    if disabled is not None:
        user.disabled = disabled
    session.flush()
    admins = select(func.count()).select_from(User)
    admins = admins.where(User.role == Role.ADMIN.value, User.disabled.is_(False), User.password_hash != "")
    if not session.scalar(admins):
        raise ReviewRefused(f"{user.name}: is the last admin. Make another one first.")
    if user.disabled:
        sessions.end_all(session, user.id)
    audit.record(session, by, "change user", user=user.name, role=user.role, disabled=user.disabled)


def known(session: Session, user_id: int) -> User:
    """A user by id. Raises ReviewRefused when there is none."""
    user = session.get(User, user_id)
    if user is None:
        raise ReviewRefused(f"user {user_id}: there is none.")
    return user


def _invite(session: Session, user_id: int | None) -> str:
    token = new_token()
    if user_id is not None:
        session.execute(delete(Invite).where(Invite.user_id == user_id))
    session.add(Invite(id=token_hash(token), user_id=user_id, expires=now() + INVITED))
    session.flush()
    return token


def _find(session: Session, token: str) -> Invite | None:
    row = session.get(Invite, token_hash(token))
    return row if row is not None and row.expires > now() else None
