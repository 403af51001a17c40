"""HTTP for providers: limits are kept, damage and redirects are refused, and nobody waits for ever."""

import socket

import pytest

from assets.providers.http import Limits, open_http
from pipeline.errors import (
    ProviderDown,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from tests.assets.providers.scripted import one_line, opened, says, serving, silence, trickle

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
