"""How a ComfyUI job is followed to its end, and what its end means."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from assets.providers.base import Watch
from assets.providers.comfy.server import Job, Server
from assets.providers.http import Http
from assets.providers.http_answers import printable
from pipeline.errors import ProviderBusy, ProviderDown, ProviderNonsense, ProviderRefused, ProviderUnsure

_MODERATED = re.compile(r"nsfw|moderat|content.?(policy|filter)|safety|prohibited|sensitive content", re.IGNORECASE)
_NO_ROOM = re.compile(r"out ?of ?memory", re.IGNORECASE)
_LISTEN_S = 0.2  # how often somebody who waits looks whether he was called off
_LOOK_S = 2.0  # how often a job is looked up, however silent the server is


@dataclass(eq=False)
class Told:
    """How far a call has come."""

    name: str
    watch: Watch
    total: int
    classes: Mapping[str, str]  # node to its class, for notes
    done: int = 0

    def say(self, note: str, pictures: int = 0) -> None:
        self.done += pictures
        self.watch.progress(self.done, self.total, note)


@contextmanager
def queued() -> Iterator[None]:
    """Around what is asked once a job is queued: it may be done by now, whatever becomes of the asking."""
    try:
        yield
    except (ProviderDown, ProviderBusy) as error:
        raise ProviderUnsure(f"{error} Its job is queued: ask again to take it up.") from error
    except ProviderRefused as error:
        raise ProviderNonsense(f"{error} Its job is queued: look at it in ComfyUI.") from error


class Events:
    """What the server says while it works. When its socket cannot be had or is lost, nothing is heard and all is looked up."""

    def __init__(self, http: Http, client: str) -> None:
        import httpx2
        from websockets.exceptions import WebSocketException
        from websockets.sync.client import connect

        url = httpx2.URL(http.url)
        port = url.port or (443 if url.scheme == "https" else 80)
        self.failures = (OSError, EOFError, WebSocketException, ValueError)
        self.socket: Any = None
        with suppress(*self.failures):
            self.socket = connect(
                f"ws{http.url.removeprefix('http')}/ws?clientId={client}",
                address=(url.host, port),  # and by that no redirect to another host is followed
                proxy=None,
                compression=None,
                open_timeout=min(http.limits.connect_s, http.limits.whole_s),
                close_timeout=1,
                max_size=2**24,
                max_queue=1024,  # a client that does not read would hold up the server's other clients
                legacy=True,
            )

    def __enter__(self) -> Events:
        return self

    def __exit__(self, *_: object) -> None:
        if self.socket is not None:
            with suppress(*self.failures):
                self.socket.close()

    def next(self, most_s: float) -> tuple[str, dict[str, Any]]:
        """The next event as (type, data), waited for at most so long; ("", {}) when none came that can be read."""
        if self.socket is None:
            time.sleep(most_s)
            return "", {}
        try:
            message = self.socket.recv(timeout=most_s)
        except TimeoutError:
            return "", {}
        except self.failures:
            self.__exit__()
            self.socket = None
            return "", {}
        with suppress(ValueError, RecursionError, TypeError, KeyError):
            told = json.loads(message) if isinstance(message, str) else {}  # bytes are previews
            if isinstance(told["data"], dict):
                return str(told["type"]), told["data"]
        return "", {}


def ended(server: Server, events: Events, job: Job, told: Told, timeout_s: float) -> Job:
    """Wait for a job's end: its events tell of it, and what is not heard is looked up.

    Raises ProviderUnsure when it takes longer than timeout_s or the server has forgotten it, ProviderCancelled.
    """
    began, pause_s = time.monotonic(), 0.05
    while not (entry := _looked_up(server, job, pause_s >= _LOOK_S)):
        if time.monotonic() - began > timeout_s:
            raise ProviderUnsure(
                f"{told.name}: job {job.id} has not ended after {timeout_s:g} s and goes on. "
                "Ask again to take it up, or raise timeout_s."
            )
        pause_s = min(pause_s * 2, _LOOK_S, timeout_s)
        if _heard_the_end(events, job, pause_s, told):
            pause_s = 0.02  # the history follows within milliseconds
    return Job(job.id, entry)


def _looked_up(server: Server, job: Job, thoroughly: bool) -> dict[str, Any]:
    """The history's entry, empty as long as it has not ended; thoroughly: look whether the server knows it at all."""
    with queued():
        if not thoroughly:
            return server.ended(job.id)
        if found := server.find(job.id):
            return found.entry
        raise ProviderDown(f"{server.http.name}: the server has forgotten job {job.id}: it was restarted, or cleared.")


def _heard_the_end(events: Events, job: Job, most_s: float, told: Told) -> bool:
    """Pass on what the server says, for a while; true as soon as it says that the job has ended."""
    until = time.monotonic() + most_s
    while (left_s := until - time.monotonic()) > 0:
        told.watch.check(told.name)
        kind, data = events.next(min(left_s, _LISTEN_S))
        if data.get("prompt_id", job.id) != job.id:
            continue
        if kind in ("execution_success", "execution_error", "execution_interrupted"):
            return True
        if kind == "executing" and "prompt_id" in data and data.get("node") is None:
            return True
        node = told.classes.get(str(data.get("node")), "")
        if kind == "progress" and node:
            told.say(printable(f"{node} {data.get('value')}/{data.get('max')}"))
        elif kind == "executing" and node:
            told.say(node)
    return False


def check_outcome(where: str, job: Job) -> None:
    """Raises what a job's end means when it is not success.

    ProviderBusy: no room on its device. ProviderRefused: content rules, a node that raises (it would again), somebody
    interrupted it.
    """
    status = job.entry.get("status")
    status = status if isinstance(status, dict) else {}
    said = status.get("messages")
    messages = {
        str(m[0]): m[1] for m in (said if isinstance(said, list) else []) if isinstance(m, list) and len(m) == 2
    }
    if "execution_interrupted" in messages:
        raise ProviderRefused(f"{where}: somebody interrupted the job on the server. Run again when it is free.")
    told = messages.get("execution_error")
    if isinstance(told, dict):
        _raise(where, told)
    if status.get("status_str", "success") != "success":
        raise ProviderRefused(f"{where}: the job failed and does not say why. Look at the server's log.")


def pictures_of(where: str, job: Job, output: str) -> list[Any]:
    """The pictures that the output node names. Raises ProviderRefused when it is empty and says why, else ProviderNonsense."""
    outputs = job.entry.get("outputs")
    told = outputs.get(output) if isinstance(outputs, dict) else None
    told = told if isinstance(told, dict) else {}
    pictures = told.get("images")
    if isinstance(pictures, list) and pictures:
        return pictures
    if _MODERATED.search(words := json.dumps(told)):
        raise ProviderRefused(f"{where}: no picture, for its content: {printable(words)}. Change the prompt.")
    raise ProviderNonsense(
        f"{where}: node {output} gives no picture. End the workflow with SaveImage; films are not read."
    )


def _raise(where: str, told: dict[str, Any]) -> NoReturn:
    kind, message = str(told.get("exception_type", "")), str(told.get("exception_message", ""))
    said = printable(f"node {told.get('node_id')} ({told.get('node_type')}): {kind}: {message}")
    if _NO_ROOM.search(f"{kind} {message}"):
        raise ProviderBusy(f"{where}: no room on its device: {said}. Ask for smaller pictures, or free it.")
    if _MODERATED.search(f"{kind} {message}"):
        raise ProviderRefused(f"{where}: refused for its content: {said}. Change the prompt.")
    raise ProviderRefused(f"{where}: the workflow fails: {said}. Run it in ComfyUI and mend it.")
