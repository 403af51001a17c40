"""Webhooks: signed, retried, and never sent where they must not go."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.errors import ReviewRefused
from pipeline.screening.out.addresses import check_url, place_of, private
from pipeline.screening.out.webhooks import MOST_TRIES, Outcome, after, body_of, headers_of, send, wants

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@contextmanager
def listening(status: int = 200, location: str = ""):
    """A server on this machine that answers everything with `status`; yields its port and what it was sent."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.path, dict(self.headers), body))
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], heard
    finally:
        server.shutdown()
        server.server_close()


def test_a_call_arrives_with_a_signature_that_its_receiver_can_check():
    body = body_of("approve", NOON, {"shot": "bp_010_0010", "version": 3, "words": "schön"})
    with listening() as (port, heard):
        outcome = send(
            f"http://studio.example:{port}/hook?a=1",
            body,
            headers_of("secret", "approve", 7, 1764417600, body.encode()),
            allow_private=True,
            resolve=lambda host, port: ["127.0.0.1"],
        )

    assert outcome == Outcome(True, False, "200")
    ((path, headers, sent),) = heard
    assert path == "/hook?a=1"
    assert headers["Host"] == f"studio.example:{port}"
    assert json.loads(sent) == {
        "event": "approve",
        "at": NOON.isoformat(),
        "shot": "bp_010_0010",
        "version": 3,
        "words": "schön",
    }
    wanted = hmac.new(b"secret", f"{headers['X-Battleplate-Timestamp']}.".encode() + sent, hashlib.sha256).hexdigest()
    assert headers["X-Battleplate-Signature"] == f"sha256={wanted}"
    assert headers["X-Battleplate-Call"] == "7"


def test_the_name_is_resolved_once_and_that_address_is_called():
    """A second answer of the resolver (DNS rebinding) is never asked for."""
    answers = iter([["127.0.0.1"], ["203.0.113.9"]])
    with listening() as (port, heard):
        assert send(f"http://x.example:{port}/", "{}", {}, True, lambda host, port: next(answers)).arrived

    assert len(heard) == 1
    assert next(answers) == ["203.0.113.9"]


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "127.9.9.9", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
     "224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "::ffff:127.0.0.1",
     "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254", "2002:7f00:1::", "2002:a00:1::",
     "ff02::1", "2001:db8::1", "192.0.2.1", "240.0.0.1", "not an address"],
)  # fmt: skip
def test_no_address_but_the_open_internets_is_called(address):
    assert private(address)
    with listening() as (port, heard):
        outcome = send(f"https://x.example:{port}/", "{}", {}, False, lambda host, port: [address])

    assert not heard
    assert not outcome.arrived
    assert not outcome.again
    assert "not called" in outcome.said


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "64:ff9b::8.8.8.8", "::ffff:8.8.8.8"]
)
def test_the_open_internet_is_called(address):
    assert private(address) is None
    assert place_of("https://x.example/", False, lambda host, port: [address]).address == address


def test_one_private_address_among_others_refuses_the_name():
    with pytest.raises(ReviewRefused, match=r"x\.example is 10\.0\.0\.1, private"):
        place_of("https://x.example/", False, lambda host, port: ["8.8.8.8", "10.0.0.1"])


def test_an_address_written_as_numbers_is_judged_like_any_other():
    """The resolver understands 2130706433, 0x7f.1 and 127.1 as this machine."""
    for host in ("2130706433", "0x7f.1", "127.1", "localhost"):
        outcome = send(f"https://{host}/", "{}", {}, False)
        assert not outcome.arrived
        assert "this machine" in outcome.said or "cannot be resolved" in outcome.said


@pytest.mark.parametrize(
    "url",
    ["http://x.example/", "ftp://x.example/", "https://", "x.example", "https://ada:secret@x.example/", "https://x.example:99999/",
     "https://x.example/a b", "https://x.example/\n", "https://[::1", "file:///etc/passwd", "https://" + "a" * 80 + ".example/"],
)  # fmt: skip
def test_what_is_no_address_for_a_webhook_is_refused(url):
    with pytest.raises(ReviewRefused) as refused:
        check_url(url, allow_private=False)
    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_redirect_is_not_followed():
    with listening() as (inner, heard), listening(307, f"http://127.0.0.1:{inner}/") as (port, asked):
        outcome = send(f"http://127.0.0.1:{port}/", "{}", {}, True)

    assert len(asked) == 1
    assert not heard
    assert outcome == Outcome(False, False, "307: it redirects, which is not followed. Correct the address.")


@pytest.mark.parametrize(("status", "again"), [(500, True), (503, True), (429, True), (404, False), (401, False)])
def test_what_a_server_may_do_later_is_tried_again(status, again):
    with listening(status) as (port, _):
        assert send(f"http://127.0.0.1:{port}/", "{}", {}, True) == Outcome(False, again, str(status))


def test_a_server_that_is_not_there_is_tried_again():
    with listening() as (port, _):
        pass

    outcome = send(f"http://127.0.0.1:{port}/", "{}", {}, True)

    assert (outcome.arrived, outcome.again) == (False, True)
    assert "not reached" in outcome.said


def test_waits_grow_and_end():
    busy, waits, now = Outcome(False, True, "503"), [], NOON
    for tries in range(1, MOST_TRIES):
        then = after(tries, busy, now)
        assert then.state == "waiting"
        waits.append((then.at - now) // timedelta(seconds=1))

    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3840, 7680]
    assert after(MOST_TRIES, busy, NOON).state == "failed"
    assert after(1, Outcome(False, False, "404"), NOON).state == "failed"
    assert after(3, Outcome(True, False, "200"), NOON).state == "done"


def test_a_webhook_hears_what_it_asked_for():
    assert wants("", "approve")
    assert wants("approve, deliver", "deliver")
    assert not wants("approve,deliver", "withdraw")
