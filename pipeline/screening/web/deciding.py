"""What the routes about decisions share: the show's shots, what may be said, who asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from fastapi import FastAPI, Request

from pipeline.config import Shot
from pipeline.errors import StoreError
from pipeline.screening.decisions.book import By
from pipeline.screening.decisions.levers import Vocabulary
from pipeline.screening.media.stills import Stills
from pipeline.screening.out.queue import Postman
from pipeline.screening.people.roles import Person
from pipeline.screening.shows import Shows
from pipeline.screening.web.settings import Services


@dataclass
class Deciding:
    """One for each server. postman: sends what webhooks are to hear."""

    shared: Services
    shows: Shows
    postman: Postman

    def shot(self, name: str) -> Shot:
        """A shot of the show. Raises StoreError when there is none of that name."""
        try:
            return self.shows.shot(name).shot
        except LookupError as error:
            raise StoreError(str(error.args[0])) from error

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """Loaded when it is first needed: it takes seconds."""
        return self.shared.settings.vocabulary()

    @cached_property
    def stills(self) -> Stills:
        return Stills(self.shared.settings.folder / "stills")

    def close(self) -> None:
        """End the process that makes stills, where there is one."""
        if "stills" in self.__dict__:
            self.stills.close()


def deciding_of(app: FastAPI) -> Deciding:
    """The server's own, made at its first use."""
    if not hasattr(app.state, "deciding"):
        shared: Services = app.state.services
        app.state.deciding = Deciding(shared, app.state.shows, Postman(shared.database))
    found: Deciding = app.state.deciding
    return found


def deciding(request: Request) -> Deciding:
    """The server's own, for a route."""
    return deciding_of(request.app)


def by(person: Person) -> By:
    """A signed-in user as decisions take them."""
    return By(person.id, person.name, person.role.value)
