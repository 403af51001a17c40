"""Sign in and out: by password, by an invitation, by a guest's link."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.errors import ReviewForbidden, ReviewRefused
from pipeline.screening.people import accounts, audit, guests, lockout, sessions
from pipeline.screening.people.passwords import hash_password, is_right
from pipeline.screening.people.tokens import token_hash
from pipeline.screening.records import User, now
from pipeline.screening.web.access import OPEN, Person, cookie_name, may
from pipeline.screening.web.fields import Name, Secret
from pipeline.screening.web.pages import page
from pipeline.screening.web.settings import services

router = APIRouter(tags=["session"])
_WRONG = "Name or password is wrong, or the name is locked for a while after too many tries."


class Me(BaseModel):
    """Who is signed in, and what a write must bring in its X-CSRF header."""

    name: str
    role: str
    csrf: str


@router.get("/login", dependencies=[may(OPEN)])
def login_page(request: Request, next: Secret = "/") -> HTMLResponse:
    return page(request, "login.html", None, next=_inside(next), wrong="", name="")


@router.post("/login", dependencies=[may(OPEN)])
def login(
    request: Request,
    name: Annotated[Name, Form()],
    password: Annotated[Secret, Form()],
    next: Annotated[Secret, Form()] = "/",
) -> Response:
    """Sign in by name and password; as wrong for a name that nobody has as for a wrong password."""
    shared, address = services(request), request.client.host if request.client else ""
    if not shared.addresses.allows(address):
        return page(request, "login.html", None, 429, next=_inside(next), wrong=_WRONG, name=name)
    with shared.database.read() as session:
        user = session.scalar(select(User).where(User.name == name))
    usable = user is not None and not user.disabled and not lockout.is_locked(user, now())
    right = is_right(password, user.password_hash if user is not None and usable else "")
    old = request.cookies.get(cookie_name(shared), "")
    token = shared.database.write(lambda session: _tried(session, name, right, old)) if user is not None else ""
    if not token:
        shared.addresses.failed(address)
        return page(request, "login.html", None, 401, next=_inside(next), wrong=_WRONG, name=name)
    return _signed_in(request, token, _inside(next))


@router.post("/logout")
def logout(request: Request, person: Annotated[Person, may("self", guests=True)]) -> Response:
    services(request).database.write(lambda session: sessions.end(session, person.session))
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(cookie_name(services(request)), path="/")
    return answer


@router.get("/api/me")
def me(person: Annotated[Person, may("self", guests=True)]) -> Me:
    return Me(name=person.name, role=person.role.value, csrf=person.csrf)


@router.get("/account")
def account_page(request: Request, person: Annotated[Person, may("account")]) -> HTMLResponse:
    """One's own name, and a form for another password."""
    return page(request, "account.html", person, wrong="")


@router.post("/account/password")
def change_password(
    request: Request,
    person: Annotated[Person, may("account")],
    password: Annotated[Secret, Form()],
    new: Annotated[Secret, Form()],
) -> Response:
    """A new password for oneself; every other session of this person ends. Wrong tries count as those at the login do."""
    shared = services(request)

    def refused(line: str, status: int) -> Response:
        return page(request, "account.html", person, status, wrong=line)

    with shared.database.read() as session:
        user = accounts.known(session, person.id)
    usable = not lockout.is_locked(user, now())
    if not is_right(password, user.password_hash if usable else ""):
        shared.database.write(lambda session: _wrong_again(session, person.id))
        return refused("The present password is wrong, or the name is locked for a while after too many tries.", 403)
    try:
        hashed = hash_password(new, person.name)
    except ReviewRefused as error:
        return refused(str(error), 422)

    def write(session: Session) -> str:
        user = accounts.known(session, person.id)
        if lockout.is_locked(user, now()):
            raise ReviewForbidden("the name is locked for a while after too many tries.")
        user.password_hash = hashed
        lockout.succeeded(user)
        sessions.end_all(session, user.id)
        audit.record(session, person.who, "change password")
        return sessions.begin(session, user)

    return _signed_in(request, shared.database.write(write), "/")


@router.get("/join/{token}", dependencies=[may(OPEN)])
def join_page(request: Request, token: Secret) -> HTMLResponse:
    with services(request).database.read() as session:
        works, name = accounts.joining(session, token)
    if not works:
        raise ReviewRefused("this link was used already, or its time is over. Ask for a new one.")
    return page(request, "join.html", None, name=name, wrong="")


@router.post("/join/{token}", dependencies=[may(OPEN)])
def join(
    request: Request, token: Secret, password: Annotated[Secret, Form()], name: Annotated[Name, Form()] = "admin"
) -> Response:
    """Choose a password by an invitation; it works once."""
    shared = services(request)
    with shared.database.read() as session:
        works, invited = accounts.joining(session, token)
    if not works:
        raise ReviewRefused("this link was used already, or its time is over. Ask for a new one.")
    try:
        hashed = hash_password(password, invited or name)
    except ReviewRefused as error:
        return page(request, "join.html", None, 422, name=invited, wrong=str(error))
    joined = shared.database.write(lambda session: sessions.begin(session, accounts.join(session, token, name, hashed)))
    return _signed_in(request, joined, "/")


@router.get("/guest/{token}", dependencies=[may(OPEN)])
def guest_page(request: Request, token: Secret) -> HTMLResponse:
    """A page with one button: programs that look into links in mails must not begin a session."""
    with services(request).database.read() as session:
        link = guests.by_token(session, token)
    return page(request, "guest.html", None, label=link.label)


@router.post("/guest/{token}", dependencies=[may(OPEN)])
def guest(request: Request, token: Secret) -> Response:
    def write(session: Session) -> str:
        link = guests.by_token(session, token)
        audit.record(session, f"guest {link.id}: {link.label}", "guest came in")
        return sessions.begin(session, None, link)

    return _signed_in(request, services(request).database.write(write), "/")


def _tried(session: Session, name: str, right: bool, old: str) -> str:
    """Count a try, in the order of the commits: a right password does not pass a lock that came between."""
    user = session.scalar(select(User).where(User.name == name))
    if user is None or user.disabled or lockout.is_locked(user, now()):
        return ""
    if not right:
        _wrong_again(session, user.id)
        return ""
    lockout.succeeded(user)
    audit.record(session, user.name, "sign in")
    sessions.end(session, token_hash(old))  # the browser's session of before, whosever it was
    return sessions.begin(session, user)


def _wrong_again(session: Session, user_id: int) -> None:
    user = accounts.known(session, user_id)
    if not lockout.is_locked(user, now()):
        lockout.failed(user, now())
        audit.record(session, user.name, "wrong password", failures=user.failures)


def _signed_in(request: Request, token: str, where: str) -> Response:
    shared = services(request)
    answer = RedirectResponse(where, 303)
    answer.set_cookie(
        cookie_name(shared),
        token,
        max_age=int(sessions.LASTS.total_seconds()),
        path="/",
        httponly=True,
        secure=shared.settings.secure,
        samesite="lax",  # strict would sign out whoever follows a link in a mail
    )
    return answer


def _inside(where: str) -> str:
    """A page of this server, never another's address."""
    try:
        parts = urlsplit(where)
    except ValueError:
        return "/"
    inside = where.startswith("/") and not parts.scheme and not parts.netloc and "\\" not in where
    return where if inside and where.isprintable() and where.isascii() else "/"
