"""Who may call what: every route declares an action, or the server does not start.

    @router.get("/api/shots/{shot}/{version}/notes")
    def notes(shot: ShotName, version: Number, person: Annotated[Person, may("look")]) -> ...

A guest reaches a route only where its path holds {shot} and {version} of their playlist, or where the route says
`may(ACTION, guests=True)` and then itself asks `person.sees` or `person.must_see` about everything it shows or writes.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.routing import APIRoute

from pipeline.errors import ReviewForbidden
from pipeline.screening.people.roles import ACTIONS, Person, Role
from pipeline.screening.web.settings import Services, services

__all__ = ["ACTIONS", "OPEN", "Person", "Role", "action_of", "check_declared", "csrf_header", "may"]

OPEN = "open"  # needs nobody signed in: the login, a guest's link, an invited person's first password
SAFE = ("GET", "HEAD", "OPTIONS")
csrf_header = "X-CSRF"


class SignInFirst(Exception):
    """A page was asked for without a session: the browser goes to the login."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self.where = f"/login?next={quote(where)}"


@dataclass(frozen=True)
class Guard:
    """A route's declared access, and the check of it."""

    action: str
    guests: bool = False

    async def __call__(self, request: Request) -> Person | None:
        if self.action == OPEN:
            return None
        person = await _person_of(request)
        if person is None:
            wants_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
            if wants_page and not request.url.path.startswith("/api/"):
                raise SignInFirst(request.url.path + (f"?{request.url.query}" if request.url.query else ""))
            raise HTTPException(401, "Nobody is signed in. Open /login.")
        if not person.may(self.action):
            raise ReviewForbidden(f"{person.role.value}: may not {self.action.replace('_', ' ')}.")
        if person.guest and not self.guests:
            _guest_sees(person, request)
        if request.method not in SAFE:
            await _check_csrf(person, request)
        request.state.person = person
        return person


def may(action: str, guests: bool = False) -> Any:
    """Declare who may call a route; the dependency's value is the Person (None for OPEN)."""
    if action != OPEN and action not in ACTIONS:
        raise ValueError(f"{action}: is no action. Known: {', '.join(ACTIONS)}.")
    return Depends(Guard(action, guests))


async def _person_of(request: Request) -> Person | None:
    """Who asks, by their cookie."""
    shared = services(request)
    token = request.cookies.get(cookie_name(shared))
    if not token:
        return None
    return shared.present.remembered(token) or await shared.asked(lambda: shared.present.ask(token))


def cookie_name(shared: Services) -> str:
    """The session cookie's name; __Host-: browsers take it from HTTPS only, and from no subdomain."""
    return "__Host-battleplate" if shared.settings.secure else "battleplate"


def action_of(route: APIRoute) -> Guard | None:
    """What a route declares; None when it declares nothing."""
    waiting = list(route.dependant.dependencies)
    while waiting:
        dependant = waiting.pop()
        if isinstance(dependant.call, Guard):
            return dependant.call
        waiting += dependant.dependencies
    return None


def check_declared(router: APIRouter) -> list[APIRoute]:
    """The routes of a router. Raises TypeError when one of them declares no access, or is no APIRoute."""
    routes = []
    for route in router.routes:
        if not isinstance(route, APIRoute) or action_of(route) is None:
            raise TypeError(f"{getattr(route, 'path', route)}: declares no access. Give it a may(ACTION).")
        routes.append(route)
    return routes


def _guest_sees(person: Person, request: Request) -> None:
    shot, version = (request.path_params.get(name) for name in ("shot", "version"))
    if shot is None or version is None or not str(version).isascii() or not str(version).isdecimal():
        raise ReviewForbidden("guest: this is not part of the playlist that the link was made for.")
    person.must_see(str(shot), int(version))


async def _check_csrf(person: Person, request: Request) -> None:
    given = request.headers.get(csrf_header, "")
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if not given and kind in ("application/x-www-form-urlencoded", "multipart/form-data"):
        given = str((await request.form()).get("csrf", ""))
    if not hmac.compare_digest(given.encode("utf-8", "surrogatepass"), person.csrf.encode()):
        raise ReviewForbidden("the page is too old: load it again (its CSRF token is missing or wrong).")
