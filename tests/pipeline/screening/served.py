"""The review server in this process, with one person of each role."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from fastapi.testclient import TestClient

from pipeline.screening.people import guests, sessions
from pipeline.screening.people.roles import Person, Role
from pipeline.screening.records import GuestLink, User
from pipeline.screening.web.app import create_app
from pipeline.screening.web.settings import Services, Settings

HOME = "http://127.0.0.1"


@dataclass(frozen=True)
class Served:
    """A running server. ids: of the user of each role, named like it."""

    app: FastAPI
    ids: dict[Role, int]

    @property
    def services(self) -> Services:
        return self.app.state.services

    def client(
        self, role: Role | None, playlist: tuple[tuple[str, int], ...] = (), commenting: bool = True
    ) -> TestClient:
        """A browser that is signed in with a role (None: nobody), and brings its CSRF token along.

        playlist: what a guest may see.
        """
        client = TestClient(self.app, base_url=HOME, raise_server_exceptions=False)
        if role is None:
            return client
        token = self.services.database.write(lambda s: sessions.begin(s, *self._whom(s, role, playlist, commenting)))
        client.cookies.set("battleplate", token)
        client.headers["X-CSRF"] = client.get("/api/me").json()["csrf"]
        return client

    def _whom(self, session, role, playlist, commenting) -> tuple[User | None, GuestLink | None]:
        if role is not Role.GUEST:
            return session.get(User, self.ids[role]), None
        admin = Person(self.ids[Role.ADMIN], "admin", Role.ADMIN, "", "")
        made = guests.make_playlist(session, admin, "guests", list(playlist))
        link, _token = guests.make_link(session, admin, made, "a guest", 1, commenting)
        return None, session.get(GuestLink, link)


@contextmanager
def served(show: Path, database: str = "") -> Iterator[Served]:
    """Serve a show file (an empty one is made where there is none)."""
    if not show.exists():
        show.parent.mkdir(parents=True, exist_ok=True)
        show.write_text('[show]\nname = "test"\n', "utf-8")
    app = create_app(Settings(show, database))
    people = [Role.ARTIST, Role.SUPERVISOR, Role.CLIENT, Role.ADMIN]

    def join(session) -> dict[Role, int]:
        users = {role: User(name=role.value, role=role.value, password_hash="none can match this") for role in people}
        session.add_all(users.values())
        session.flush()
        return {role: user.id for role, user in users.items()}

    with TestClient(app, base_url=HOME):
        yield Served(app, app.state.services.database.write(join))
