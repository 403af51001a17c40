"""HTTP for providers: limits are kept, redirects and damage are refused, failures are told apart."""

import json
import socket
import threading
from contextlib import contextmanager, suppress
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

FAST = Limits(whole_s=20.0, answer_bytes=10_000)


class Scripted:
    """A server that says exactly the bytes of its script, connection by connection. heard: the requests that came."""

    def __init__(self, *script):
        self.script, self.heard, self.over = list(script), [], threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listening.getsockname()[1]}"

    def serve(self):
        with suppress(OSError):
            while True:
                connection, _ = self.listening.accept()
                with connection, suppress(OSError):
                    self.heard.append(self.read(connection))
                    said = self.script.pop(0) if len(self.script) > 1 else self.script[0]
                    connection.sendall(said) if isinstance(said, bytes) else said(self, connection)

    def read(self, connection):
        data = b""
        while b"\r\n\r\n" not in data and (more := connection.recv(65536)):
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        wanted = next((int(h[15:]) for h in head.split(b"\r\n") if h.lower().startswith(b"content-length:")), 0)
        while len(body) < wanted:
            body += connection.recv(65536)
        return head.decode(), body


@contextmanager
def serving(*script):
    server = Scripted(*script)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        with suppress(OSError):
            server.listening.shutdown(socket.SHUT_RDWR)
        server.listening.close()
        thread.join()


def says(status=200, body=b"{}", **headers):
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    lines = {"content-type": "application/json", "content-length": len(body), **given}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value is not None)
    return f"HTTP/1.1 {status} X\r\n{head}\r\n".encode() + body


def silence(server, connection):
    """Says nothing more until the other side hangs up."""
    connection.recv(1)


def trickle(start):
    """One byte after the other, for ever."""

    def say(server, connection):
        connection.sendall(start)
        while not server.over.wait(0.01):
            connection.sendall(b"x")

    return say


def opened(server, limits=FAST):
    return open_http("painter", server.url, limits)


def one_line(error):
    return "\n" not in str(error.value) and str(error.value).startswith("painter: ")


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


# ---------------------------------------------------------------- what does not come


def test_a_server_that_is_not_there_is_down():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

    with pytest.raises(ProviderDown, match="cannot be reached") as down:
        open_http("painter", url).post("/prompt", {})

    assert one_line(down)


@pytest.mark.parametrize("hangs_up", [b"", b"HTTP/1.1 200 O"])
def test_no_answer_leaves_in_doubt_whether_it_was_done(hangs_up):
    with serving(hangs_up) as server:
        with pytest.raises(ProviderUnsure, match="no answer came") as unsure:
            opened(server).post("/prompt", {})
        with pytest.raises(ProviderDown):
            opened(server).get("/")
        with pytest.raises(ProviderDown):
            opened(server).post("/upload", {}, lost=ProviderDown)

    assert one_line(unsure)


@pytest.mark.parametrize(
    "say",
    [silence, trickle(b"HTTP/1.1 200 OK\r\nX-More: "), trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")],
    ids=["silence", "headers for ever", "content for ever"],
)
def test_no_server_holds_anyone_for_ever(say):
    limits = Limits(whole_s=0.3, read_s=60.0)
    with serving(say) as server:
        with pytest.raises(ProviderUnsure) as unsure:
            opened(server, limits).post("/prompt", {})
        assert one_line(unsure)
        with pytest.raises(ProviderDown):
            opened(server, limits).get("/")


def test_silence_in_the_middle_of_an_answer_ends():
    def half(server, connection):
        connection.sendall(says(body=b"{}", content_length=100))
        silence(server, connection)

    with serving(half) as server, pytest.raises(ProviderDown, match="stood still"):
        opened(server, Limits(read_s=0.2)).get("/")


# ---------------------------------------------------------------- damage


@pytest.mark.parametrize(
    "said",
    [says(body=b"{}", content_length=3), says(body=b"9\r\nhalf", content_length=None, transfer_encoding="chunked")],
    ids=["shorter than it said", "its last chunk is missing"],
)
def test_an_answer_that_breaks_off_is_nonsense(said):
    with serving(said) as server, pytest.raises(ProviderNonsense, match="broke off") as nonsense:
        opened(server).get("/view")

    assert one_line(nonsense)


@pytest.mark.parametrize(
    "said",
    [
        says(body=b"", content_length=10**15),
        says(body=b"x" * 10_001, content_length=None),
        says(body=b"2711\r\n" + b"x" * 10_001 + b"\r\n0\r\n\r\n", content_length=None, transfer_encoding="chunked"),
    ],
    ids=["by what it says", "until it hangs up", "in chunks"],
)
def test_an_answer_that_is_too_large_is_nonsense(said):
    with serving(said) as server, pytest.raises(ProviderNonsense, match="larger than 10,000 bytes") as nonsense:
        opened(server).get("/view")

    assert one_line(nonsense)


def test_a_limit_may_be_set_for_one_answer():
    with serving(says(body=b"x" * 101)) as server:
        with pytest.raises(ProviderNonsense, match="larger than 100 bytes"):
            opened(server).get("/view", most_bytes=100)
        assert len(opened(server).get("/view", most_bytes=101).body) == 101


def test_a_compressed_answer_is_not_unpacked():
    said = says(body=b"\x1f\x8b", content_encoding="gzip")
    with serving(said) as server, pytest.raises(ProviderNonsense, match="compressed"):
        opened(server).get("/view")

    assert "accept-encoding: identity" in server.heard[0][0].lower()


# ---------------------------------------------------------------- redirects


def test_a_redirect_on_the_same_server_is_followed():
    with serving(says(301, location="/new/view?a=1"), says(body=b'{"here": 1}')) as server:
        told = opened(server).get("/view").json()

    assert told == {"here": 1}
    assert server.heard[1][0].startswith("GET /new/view?a=1 ")


def test_a_redirect_to_another_host_is_not_followed():
    with serving(says()) as other, serving(says(302, location=other.url + "/view")) as server:
        with pytest.raises(ProviderRefused, match="another host or scheme") as refused:
            opened(server).get("/view")
        with pytest.raises(ProviderRefused, match="another host or scheme"):
            opened(server).post("/prompt", {})

    assert one_line(refused)
    assert not other.heard


@pytest.mark.parametrize(
    "location",
    ["https://127.0.0.1/view", "//elsewhere.example/view", "file:///etc/passwd", "http://[::1", "ftp:x"],
)
def test_a_redirect_to_another_scheme_or_to_nowhere_is_refused(location):
    with serving(says(302, location=location)) as server, pytest.raises(ProviderRefused) as refused:
        open_http("painter", server.url + "/deep").get("/view")

    assert one_line(refused)
    assert len(server.heard) == 1


def test_a_redirect_without_a_place_or_with_a_password_is_refused():
    with serving(says(302)) as server, pytest.raises(ProviderRefused, match="redirects to no url"):
        opened(server).get("/view")
    with serving(b"") as server:
        host = server.url.removeprefix("http://")
        server.script = [says(302, location=f"http://user:word@{host}/view")]
        with pytest.raises(ProviderRefused, match="another host or scheme"):
            opened(server).get("/view")


def test_redirects_in_a_ring_end():
    with serving(says(302, location="/view")) as server, pytest.raises(ProviderRefused, match="without end"):
        opened(server).get("/view")

    assert len(server.heard) == 4


def test_a_request_with_content_is_not_redirected():
    with serving(says(307, location="/elsewhere")) as server, pytest.raises(ProviderRefused, match="not follow"):
        opened(server).post("/prompt", {})

    assert len(server.heard) == 1


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
