"""HTTP for providers: what goes well, what a server says of itself, and which urls are asked at all."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from assets.providers.http import Limits, is_loopback, open_http
from assets.providers.http_answers import first_line, printable, retry_after_s
from pipeline.errors import (
    ProviderBusy,
    ProviderDown,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from tests.assets.providers.scripted import one_line, opened, says, serving

# ---------------------------------------------------------------- what goes well


def test_json_is_read_and_words_of_any_script_arrive():
    with serving(says(body='{"said": "ünïcode 兵馬俑"}'.encode())) as server:
        told = opened(server).post("/prompt", {"words": "軍隊 im Nebel"}).json()

    assert told == {"said": "ünïcode 兵馬俑"}
    assert json.loads(server.heard[0][1]) == {"words": "軍隊 im Nebel"}


def test_a_file_is_sent_as_a_form():
    with serving(says()) as server:
        opened(server).post("/upload", {"type": "input"}, {"image": ("a.png", b"\x89PNG\r\n\0", "image/png")})

    head, body = server.heard[0]
    assert "multipart/form-data" in head
    assert b'filename="a.png"' in body
    assert b"\x89PNG\r\n\0" in body
    assert b"input" in body


def test_what_is_asked_is_escaped():
    with serving(says()) as server:
        opened(server).get("/view", {"filename": "a b&c=d/..#.png"})

    assert server.heard[0][0].startswith("GET /view?filename=a+b%26c%3Dd%2F..%23.png HTTP/1.1")


def test_a_path_of_the_url_is_kept():
    with serving(says()) as server:
        open_http("painter", server.url + "/behind/a/door/").get("/queue")

    assert server.heard[0][0].startswith("GET /behind/a/door/queue ")


def test_cookies_are_not_kept():
    with serving(says(set_cookie="who=you; Path=/")) as server:
        http = opened(server)
        http.get("/")
        http.get("/")

    assert "cookie" not in server.heard[1][0].lower()


def test_proxies_of_the_environment_are_not_asked_for_this_machine(monkeypatch):
    with serving(says()) as server, serving(says(500)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)

        opened(server).get("/")

    assert len(server.heard) == 1
    assert not proxy.heard


# ---------------------------------------------------------------- what a server says


def test_too_often_says_how_long_to_wait():
    with serving(says(429, b"slow down", retry_after=7)) as server, pytest.raises(ProviderBusy) as busy:
        opened(server).post("/prompt", {})

    assert busy.value.retry_after_s == 7
    assert one_line(busy)


def test_a_server_that_names_a_time_to_come_back_is_busy():
    with serving(says(503, b"", retry_after=3)) as server, pytest.raises(ProviderBusy) as busy:
        opened(server).get("/")

    assert busy.value.retry_after_s == 3


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("12", 12), (" 3 ", 3), ("", 0), ("soon", 0), ("-5", 0), ("inf", 0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_retry_after_is_read_or_is_zero(header, seconds):
    assert retry_after_s(header) == seconds


def test_retry_after_may_be_a_date():
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)

    assert 3500 < retry_after_s(later) <= 3600


@pytest.mark.parametrize(
    ("status", "posted", "got"),
    [
        (500, ProviderDown, ProviderDown),
        (503, ProviderDown, ProviderDown),
        (502, ProviderUnsure, ProviderDown),
        (504, ProviderUnsure, ProviderDown),
        (400, ProviderRefused, ProviderRefused),
        (403, ProviderRefused, ProviderRefused),
        (418, ProviderRefused, ProviderRefused),
    ],
)
def test_each_status_says_what_happened(status, posted, got):
    with serving(says(status, b"no such luck")) as server:
        with pytest.raises(posted, match=rf"{status}: no such luck") as failed:
            opened(server).post("/prompt", {})
        assert one_line(failed)
        with pytest.raises(got):
            opened(server).get("/")


def test_a_failure_that_is_accepted_comes_back():
    with serving(says(400, b'{"why": 1}')) as server:
        answer = opened(server).post("/prompt", {}, accepted=frozenset({400}))

    assert (answer.status, answer.json()) == (400, {"why": 1})


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (b"first\nsecond", "first."),
        (b'{"error": {"message": "no cloak"}}', "no cloak."),
        (b'{"message": "no helmet."}', "no helmet."),
        (b"<html><head></head><body>\n<h1>Bad gateway</h1>nginx</body></html>", "Bad gateway."),
        (b"\x1b[31mred\x07\xff", "[31mred �."),
        (b"", "it says nothing more."),
        (b"[" * 5000, "[" * 237 + "."),
    ],
)
def test_the_first_line_of_a_failure_is_fit_to_show(body, line):
    assert first_line(body) == line


def test_foreign_words_become_one_short_line():
    assert printable("a\r\nb\u2028c" + "d" * 1000) == "a b c" + "d" * 232 + "..."


@pytest.mark.parametrize("body", [b"<html>", b"[1]", b"", b"[" * 100_000, b"\xff"])
def test_what_is_no_json_object_is_nonsense(body):
    limits = Limits(answer_bytes=200_000)
    with serving(says(body=body, content_type="text/html")) as server:
        answer = opened(server, limits).get("/queue")
    with pytest.raises(ProviderNonsense, match="answers text/html, not a JSON object") as nonsense:
        answer.json()

    assert one_line(nonsense)


# ---------------------------------------------------------------- urls


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/x",
        "host:8188",
        "",
        "http://",
        "file:///etc/passwd",
        "http://h/?a=1",
        "http://h/#x",
        "http://h:99999",
    ],
)
def test_what_is_no_server_is_refused(url):
    with pytest.raises(ProviderError) as refused:
        open_http("painter", url)

    assert one_line(refused)


def test_a_url_with_a_password_is_refused_and_not_repeated():
    with pytest.raises(ProviderError, match="password or user") as refused:
        open_http("painter", "http://me:secret@host:8188")

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_this_machine_is_known(host, here):
    assert is_loopback(host) == here
