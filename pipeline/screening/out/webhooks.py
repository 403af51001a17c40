"""Calls to webhooks: signed, to the address that was judged, and again later when they did not arrive."""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pipeline.errors import ReviewRefused
from pipeline.screening.out.addresses import Resolve, place_of, resolved

EVENTS = ("approve", "request_changes", "withdraw", "deliver", "pick", "note", "request")
MOST_TRIES = 10
FIRST_WAIT_S, LONGEST_WAIT_S = 30, 6 * 3600
_AGAIN = frozenset({408, 425, 429, *range(500, 600)})  # what a server says that may do it later
_CONNECT_S, _ANSWER_S = 5.0, 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call. arrived: the server took it; again: it is worth another try; said: for people."""

    arrived: bool
    again: bool
    said: str


@dataclass(frozen=True, slots=True)
class Next:
    """Where a call stands after a try. state: waiting, done or failed; at: of the next try."""

    state: str
    tries: int
    at: datetime
    said: str


def body_of(event: str, at: datetime, data: Mapping[str, Any]) -> str:
    """What is sent: JSON, sorted, with what happened and when."""
    return json.dumps({"event": event, "at": at.isoformat(), **data}, sort_keys=True, ensure_ascii=False)


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over "TIMESTAMP.BODY", hex. The receiver makes the same, and refuses old timestamps."""
    return hmac.new(secret.encode("utf-8"), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def headers_of(secret: str, event: str, call: int, timestamp: int, body: bytes) -> dict[str, str]:
    """What a call says of itself; a repeated one has the same X-Battleplate-Call."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Battleplate",
        "X-Battleplate-Event": event,
        "X-Battleplate-Call": str(call),
        "X-Battleplate-Timestamp": str(timestamp),
        "X-Battleplate-Signature": f"sha256={signature(secret, timestamp, body)}",
    }


def send(
    url: str,
    body: str,
    headers: Mapping[str, str],
    allow_private: bool,
    resolve: Resolve = resolved,
    tls: ssl.SSLContext | bool = True,
) -> Outcome:
    """Call once. The name is resolved once, judged, and that very address is connected to; certificates are checked for
    the name; redirects are not followed; proxies are not asked; of the answer only its status is read.
    """
    import httpx2

    try:
        place = place_of(url, allow_private, resolve)
    except ReviewRefused as error:
        return Outcome(False, False, str(error))
    except OSError as error:
        return Outcome(False, True, f"its name cannot be resolved ({error})")
    asked = {**headers, "Host": place.host_header}
    timeout = httpx2.Timeout(_ANSWER_S, connect=_CONNECT_S)
    try:
        with (
            httpx2.Client(verify=tls, timeout=timeout, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST",
                place.url,
                content=body.encode("utf-8"),
                headers=asked,
                extensions={"sni_hostname": place.host},
            ) as answer,
        ):
            status = answer.status_code
    except httpx2.HTTPError as error:
        return Outcome(False, True, f"not reached ({type(error).__name__}: {error})"[:300])
    if 200 <= status < 300:
        return Outcome(True, False, f"{status}")
    if 300 <= status < 400:
        return Outcome(False, False, f"{status}: it redirects, which is not followed. Correct the address.")
    return Outcome(False, status in _AGAIN, f"{status}")


def after(tries: int, outcome: Outcome, now: datetime) -> Next:
    """Where a call stands after its try number `tries` (from 1): twice as long a wait each time, then given up."""
    if outcome.arrived:
        return Next("done", tries, now, outcome.said)
    if not outcome.again or tries >= MOST_TRIES:
        return Next("failed", tries, now, outcome.said)
    wait = min(FIRST_WAIT_S * 2 ** (tries - 1), LONGEST_WAIT_S)
    return Next("waiting", tries, now + timedelta(seconds=wait), outcome.said)


def wants(events: str, event: str) -> bool:
    """Whether a webhook with `events` (names, comma-separated; empty: all) is told of one."""
    named = {name.strip() for name in events.split(",") if name.strip()}
    return not named or event in named
