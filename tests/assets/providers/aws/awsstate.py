"""What the loopback Amazon knows and did, and how its services answer, or fail as the mood has it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any


@dataclass(eq=False)
class AwsServer:
    """What the server knows and did. done: seeds of work done, in order. bodies: of what was asked, parsed. paths: of every call.

    strayed: what arrived at the host that redirects point to. objects: (bucket, key) to bytes. spoiled: mood of the next
    delivery of an object. late: how often a job is still in progress when it is looked at.
    """

    moods: deque[str] = field(default_factory=deque)
    done: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    strayed: list[str] = field(default_factory=list)
    objects: dict[tuple[str, str], bytes] = field(default_factory=dict)
    movies: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)  # made when they are fetched
    spoiled: dict[tuple[str, str], str] = field(default_factory=dict)
    delivered: set[tuple[str, str]] = field(default_factory=set)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)  # seed to why its job fails
    extra: dict[str, Any] = field(default_factory=dict)  # said in SageMaker's answers
    looks: deque[str] = field(default_factory=deque)  # moods of those who look after a job, or read a bucket
    meet: threading.Barrier | None = None  # where those who find no object wait for each other, once
    late: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    lock: threading.RLock = field(default_factory=threading.RLock)
    url: str = ""
    elsewhere: str = ""

    def plan(self, *moods: str) -> None:
        with self.lock:
            self.moods.clear()
            self.moods.extend(moods)

    def reset(self) -> None:
        """As new, for the next test; whoever still waits for an answer is let go."""
        self.released.set()
        self.released = threading.Event()
        with self.lock:
            for kept in (self.moods, self.done, self.bodies, self.paths, self.strayed, self.objects, self.movies, self.spoiled, self.delivered, self.jobs, self.failures, self.extra, self.looks):  # fmt: skip
                kept.clear()
            self.late, self.meet = 0, None

    def next_mood(self) -> str:
        with self.lock:
            return self.moods.popleft() if self.moods else "ok"


class Error(Exception):
    """An answer that is an error of the service."""

    def __init__(
        self, status: int, code: str, message: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.headers = status, code, headers or {}
        self.told = {"message": message, "Message": message, **more}


def reply(handler: Any, status: int, body: bytes, headers: dict[str, str], mood: str = "ok") -> None:
    """Send it whole, or as the mood has it."""
    handler.send_response(status)
    size = 5_000_000_000 if mood == "oversized" else len(body)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(size), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(body[: len(body) // 2] if mood == "truncated" else body)
    handler.close_connection = handler.close_connection or mood in ("truncated", "oversized")


def before(server: AwsServer, mood: str, refused: tuple[int, str]) -> None:
    """What is said instead of doing anything."""
    if mood.startswith("error "):  # "error 424 ModelErrorException what it says"
        _, status, code, message = mood.split(" ", 3)
        raise Error(int(status), code, message)
    if mood == "busy":
        raise Error(429, "ThrottlingException", "Too many requests, please wait.", {"Retry-After": "7"})
    if mood == "broken":
        raise Error(500, "InternalServerException", "The system encountered an unexpected error.")
    if mood == "redirect":
        raise Error(307, "TemporaryRedirect", "Go there.", {"Location": f"{server.elsewhere}/there"})
    if mood == "refused":
        raise Error(*refused, "This request has been blocked by our content filters.")


def after(server: AwsServer, handler: Any, mood: str) -> bool:
    """Waits, if the mood has it; says whether an answer is sent."""
    released = server.released
    if mood == "slow":
        released.wait(0.3)
    if mood == "silent":
        released.wait(60)
        handler.close_connection = True
    return mood != "silent"


def place_of(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
