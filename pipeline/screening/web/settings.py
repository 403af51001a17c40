"""What a review server is started with, and what its routes share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

from pipeline.screening.database import Database
from pipeline.screening.decisions.levers import Vocabulary
from pipeline.screening.people.audit import Seal
from pipeline.screening.people.lockout import Addresses
from pipeline.screening.people.present import Present

T = TypeVar("T")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server is started.

    show: the show.toml. database: its address; empty: `review/review.db` beside the show file. seal: the folder of the
    audit's checkpoint and key; None: `review/seal` beside the show file. hosts: names by which browsers may call the
    server (a page of somebody else's must not reach it by a name of its own). secure: it is reached by HTTPS alone.
    vocabulary: what may be said of crowd and set, for change requests; asked once, when it is needed.
    """

    show: Path
    database: str = ""
    seal: Path | None = None
    hosts: tuple[str, ...] = LOOPBACK
    secure: bool = False
    vocabulary: Callable[[], Vocabulary] = Vocabulary

    @property
    def folder(self) -> Path:
        """Where the server keeps what is the show's own and cannot be made again."""
        return self.show.resolve().parent / "review"

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.folder / 'review.db'}"

    @property
    def seal_folder(self) -> Path:
        return self.seal or self.folder / "seal"


@dataclass(frozen=True, slots=True)
class Services:
    """What every route shares; `services(request)` gets it."""

    settings: Settings
    database: Database
    seal: Seal
    present: Present
    addresses: Addresses = field(default_factory=Addresses)

    async def asked(self, work: Callable[[], T]) -> T:
        """What `work` finds, which asks nothing but the database: here where that is a file beside the server, which
        answers sooner than another thread would begin to ask it; else in a thread.
        """
        return work() if self.database.local else await run_in_threadpool(work)


def services(request: Request) -> Services:
    """The server's shared parts."""
    found: Services = request.app.state.services
    return found
