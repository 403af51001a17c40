"""The show on disk, shared by the routes of one server."""

from __future__ import annotations

from fastapi import HTTPException, Request

from pipeline.screening.shows import ShotOnDisk, Shows
from pipeline.screening.standings import Standings


def shows(request: Request) -> Shows:
    """The server's look at its show's folders."""
    found: Shows = request.app.state.shows
    return found


def standings(request: Request) -> Standings:
    """The server's memory of how versions stand."""
    found: Standings = request.app.state.standings
    return found


def shot_named(request: Request, name: str) -> ShotOnDisk:
    """A shot of the show; 404 when there is none of that name."""
    try:
        return shows(request).shot(name)
    except LookupError as error:
        raise HTTPException(404, str(error.args[0])) from error
