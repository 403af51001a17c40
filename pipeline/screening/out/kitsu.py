"""A decision as a comment in Kitsu: the shot's task gets the status, the words and the movie."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ReviewRefused
from pipeline.review_sections import STATUSES, Kitsu

_CONNECT_S, _ANSWER_S = 10.0, 120.0


@dataclass(frozen=True, slots=True)
class Pushed:
    """What came of it: ids in Kitsu. preview: "" without a movie."""

    comment: str
    preview: str = ""


def push(
    kitsu: Kitsu,
    shot: str,
    sequence: str,
    status: str,
    text: str,
    movie: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Pushed:
    """Log in, find the shot by its names, comment with status, upload the movie, log out.

    Raises ReviewRefused, naming what is missing there, or what Kitsu said.
    """
    import gazu
    import requests

    password = environment.get(kitsu.password_env, "")
    if not password:
        raise ReviewRefused(f"kitsu: no password. Set {kitsu.password_env}, or name another variable (password_env).")
    failures: tuple[type[Exception], ...] = (requests.RequestException, *_said(gazu))
    with _client(gazu, kitsu.url) as client:
        try:
            gazu.log_in(kitsu.email, password, client=client)
            task, state = _found(gazu, client, kitsu, shot, sequence, status)
            comment = gazu.task.add_comment(task, state, text, client=client)
            if movie is None:
                return Pushed(str(comment["id"]))
            preview = gazu.task.add_preview(task, comment, str(movie), client=client)
            return Pushed(str(comment["id"]), str(preview["id"]))
        except gazu.exception.AuthFailedException as error:
            raise ReviewRefused(f"kitsu: {kitsu.email} is not let in ({error or 'wrong password'}).") from error
        except failures as error:
            raise ReviewRefused(f"kitsu {kitsu.url}: {type(error).__name__}: {error}"[:300]) from error


def _found(gazu: Any, client: Any, kitsu: Kitsu, shot: str, sequence: str, status: str) -> tuple[Any, Any]:
    project = _need(gazu.project.get_project_by_name(kitsu.project, client=client), "project", kitsu.project)
    part = _need(gazu.shot.get_sequence_by_name(project, sequence, client=client), "sequence", sequence)
    there = _need(gazu.shot.get_shot_by_name(part, shot, client=client), "shot", shot)
    kind = _need(gazu.task.get_task_type_by_name(kitsu.task_type, client=client), "task type", kitsu.task_type)
    task = _need(gazu.task.get_task_by_entity(there, kind, client=client), f"task of {shot}", kitsu.task_type)
    name = {**STATUSES, **kitsu.statuses}[status]
    return task, _need(gazu.task.get_task_status_by_short_name(name, client=client), "status", name)


def _need(found: Any, what: str, name: str) -> Any:
    if not found:
        raise ReviewRefused(f"kitsu: there is no {what} {name!r}. Make it there, or correct its name in show.toml.")
    return found


def _client(gazu: Any, url: str) -> Any:
    """A client of its own, for this push alone, that waits for nobody for ever."""
    import requests

    class Patient(requests.adapters.HTTPAdapter):
        def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]
            return super().send(request, **{**options, "timeout": (_CONNECT_S, _ANSWER_S)})

    client = gazu.client.create_client(url.rstrip("/"))
    client.session.trust_env = False
    for scheme in ("http://", "https://"):
        client.session.mount(scheme, Patient())
    return client


def _said(gazu: Any) -> tuple[type[Exception], ...]:
    """Every error that gazu has: they share no base of their own."""
    kinds = vars(gazu.exception).values()
    return (*(kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Exception)), ValueError, KeyError)
