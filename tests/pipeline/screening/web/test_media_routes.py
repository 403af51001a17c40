"""Pictures and movies over HTTP: ranges, what the browser has already, HEAD, and addresses that would lead elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.io import exr
from pipeline.screening.media import desk
from pipeline.screening.people.roles import Role
from tests.pipeline.screening import ministudio
from tests.pipeline.screening.served import served

SHOT = "bp_010_0010"
PLACE = f"/media/{SHOT}/v001"


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with served(ministudio.make_show(tmp_path_factory.mktemp("show") / "mini")) as running:
        # A finished movie, as the proxies' maker leaves it; what is in it does not matter here.
        desk = running.app.state.media
        file = desk.proxies.file(desk.footage(SHOT, 1), "comp")
        file.parent.mkdir(parents=True)
        file.write_bytes(bytes(range(256)) * 40)
        yield running, file.name


@pytest.mark.parametrize(
    ("asked", "status", "told", "size"),
    [
        ("bytes=0-99", 206, "bytes 0-99/10240", 100),
        ("bytes=10000-", 206, "bytes 10000-10239/10240", 240),
        ("bytes=-10", 206, "bytes 10230-10239/10240", 10),
        ("bytes=20000-", 416, "*/10240", None),
    ],
)
def test_a_movie_is_served_by_ranges(studio, asked, status, told, size):
    server, name = studio
    answer = server.client(Role.CLIENT).get(f"{PLACE}/{name}", headers={"Range": asked})

    assert (answer.status_code, told in answer.headers["content-range"]) == (status, True)
    if size is not None:
        assert len(answer.content) == size
        start = int(answer.headers["content-range"].split()[1].split("-")[0])
        assert answer.content[0] == start % 256


@pytest.mark.parametrize("name", ["thumbnail.jpg", "comp/1003.png?width=32", "movie"])
def test_what_the_browser_has_is_not_sent_again(studio, name):
    server, movie = studio
    browser, path = server.client(Role.CLIENT), f"{PLACE}/{movie if name == 'movie' else name}"
    first = browser.get(path)
    head = browser.head(path)

    assert (first.status_code, head.status_code, head.content) == (200, 200, b"")
    assert head.headers["etag"] == first.headers["etag"]
    assert head.headers["content-length"] == first.headers["content-length"]
    for held in (first.headers["etag"], f'"other", W/{first.headers["etag"]}'):
        again = browser.get(path, headers={"If-None-Match": held})
        assert (again.status_code, again.content) == (304, b"")
    assert browser.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_thumbnail_is_remembered_for_a_moment_and_made_anew_of_another_frame(tmp_path, monkeypatch):
    with served(ministudio.make_show(tmp_path / "mini")) as server:
        browser, guest = server.client(Role.CLIENT), server.client(Role.GUEST, ((SHOT, 2),))
        first = browser.get(f"{PLACE}/thumbnail.jpg")
        for frame in range(ministudio.FIRST, ministudio.LAST + 1):
            place = tmp_path / "mini" / SHOT / "delivery" / f"{SHOT}_v001" / "exr"
            exr.write(place / f"{SHOT}_comp_v001.{frame}.exr", dict.fromkeys("RGB", np.zeros((36, 64), np.float32)))
        again = browser.get(f"{PLACE}/thumbnail.jpg")
        monkeypatch.setattr(desk, "LOOK_AGAIN_S", 0.0)
        anew = browser.get(f"{PLACE}/thumbnail.jpg")

        assert again.content == first.content
        assert anew.content != first.content
        assert anew.headers["etag"] != first.headers["etag"]
        assert guest.get(f"{PLACE}/thumbnail.jpg").status_code == 403


def test_a_still_of_another_frame_or_exposure_is_another(studio):
    browser = studio[0].client(Role.CLIENT)
    asked = ("1003.png?width=32", "1004.png?width=32", "1003.png?width=32&exposure=1")
    assert len({browser.get(f"{PLACE}/comp/{each}").headers["etag"] for each in asked}) == 3


@pytest.mark.parametrize(
    "path",
    [
        "..%2F..%2Fshow.toml",
        "%2e%2e/report.json",
        "comp.0.mp4",
        "..%5C..%5Cshow.toml",
        "report.json",
        "comp%2F..%2F1003/1.png",
        "..%2Fcomp/1003.png",
    ],
)
def test_an_address_leads_to_nothing_but_media(studio, path):
    assert studio[0].client(Role.ADMIN).get(f"{PLACE}/{path}").status_code in (404, 422)
    assert studio[0].client(Role.ADMIN).get(f"/static/..%2F{path}").status_code == 404
