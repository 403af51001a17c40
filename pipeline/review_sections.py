"""[review] of show.toml: what may leave the house, and where decisions are told. [consent] of a shot file is its other half."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import ConfigError

STATUSES = {"pending": "wfa", "changes requested": "retake", "approved": "done", "void": "wfa", "delivered": "done"}


@dataclass(frozen=True, slots=True)
class Kitsu:
    """[review.kitsu]: where decisions become comments. The password is never written there: its variable's name is.

    statuses: our status to Kitsu's short name, over STATUSES.
    """

    url: str  # of its API: "https://kitsu.studio.example/api"
    project: str
    email: str
    password_env: str = "KITSU_PASSWORD"
    task_type: str = "Compositing"
    statuses: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ConfigError(f"url is {self.url!r}, must begin with https://: a password is sent. Change it.")
        for status in self.statuses:
            if status not in STATUSES:
                raise ConfigError(f"statuses: {status!r} is none of {', '.join(STATUSES)}. Change it.")


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """[review]: what `battleplate release` asks for (docs/approvals.md). Nothing, unless the show says so."""

    require_approval: bool = False  # by a supervisor, of the very pixels that are released
    require_consent: bool = False  # the shot file's [consent], both of it
    release: Path = Path("release")  # where released versions lie, relative to show.toml
    kitsu: Kitsu | None = None
