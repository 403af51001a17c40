"""The show's and the shot's page: what is shown, to whom, and what filters it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from pipeline.io import exr
from pipeline.screening.decisions.subject import subject_of
from pipeline.screening.people.roles import Role
from pipeline.screening.records import ChangeRequest, Decision, Note
from tests.pipeline.screening import ministudio
from tests.pipeline.screening.served import served

SHOTS = ("bp_010_0010", "bp_010_0020", "bp_020_0010")


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    show = ministudio.make_show(tmp_path_factory.mktemp("show") / "mini", SHOTS, versions=2)
    with served(show) as running:
        yield running


def folder(studio, shot, version):
    return studio.services.settings.show.parent / shot / "delivery" / f"{shot}_v{version:03d}"


def shots_in(page):
    return re.findall(r'<a href="/shots/([^"]+)">', page)


def test_the_show_lists_its_shots_by_sequence(studio):
    page = studio.client(Role.CLIENT).get("/").text
    assert shots_in(page) == list(SHOTS)
    assert re.findall(r"<h2>(\S+)", page) == ["bp_010", "bp_020"]
    assert page.count('src="/media/') == page.count('loading="lazy"') == 3
    assert "/media/bp_010_0010/v002/thumbnail.jpg" in page


def test_search_and_status_work_without_script(studio):
    browser = studio.client(Role.ARTIST)
    assert shots_in(browser.get("/?q=010_ pending 0020").text) == ["bp_010_0020"]
    assert shots_in(browser.get("/?q=approved").text) == []
    assert shots_in(browser.get("/?status=pending").text) == list(SHOTS)
    assert browser.get("/?sort=colour").status_code == 422


def test_nobody_sees_nothing_and_a_guest_the_playlist(studio):
    assert studio.client(None).get("/").status_code == 401
    guest = studio.client(Role.GUEST, (("bp_010_0020", 1),))
    page = guest.get("/").text
    assert shots_in(page) == ["bp_010_0020"]
    assert "v002" not in page
    own = guest.get("/shots/bp_010_0020")
    assert own.status_code == 200
    assert "v002" not in own.text
    assert guest.get("/shots/bp_010_0020?version=2").status_code == 403
    assert guest.get("/shots/bp_010_0010").status_code == 403
    assert guest.get("/api/shots/bp_010_0020/live").status_code == 403


def test_an_approval_shows_and_is_void_when_a_pixel_changes(studio):
    place = folder(studio, "bp_020_0010", 2)
    subject = subject_of(place)
    row = Decision(shot="bp_020_0010", version=2, kind="approve", digest=subject.digest, detail=subject.plain())
    row.by_id = studio.ids[Role.SUPERVISOR]
    studio.services.database.write(lambda session: session.add(row))
    browser = studio.client(Role.SUPERVISOR)
    assert shots_in(browser.get("/?status=approved").text) == ["bp_020_0010"]
    page = browser.get("/shots/bp_020_0010").text
    assert subject.digest[:12] in page
    file = place / "exr" / "bp_020_0010_comp_v002.1003.exr"
    pixels = ministudio.picture(1003, 2)
    pixels[3, 5, 1] += np.float32(0.5)
    exr.write(file, {c: pixels[..., i] for i, c in enumerate("RGB")})
    assert "void: frame 1003 changed" in browser.get("/shots/bp_020_0010?version=2").text
    assert "void: frame 1003 changed" in browser.get("/").text


def test_a_shot_has_its_figures_checks_and_notes_with_links_to_frames(studio):
    note = Note(shot="bp_010_0010", version=2, frame=1004, text="<b>dust</b>", author_id=studio.ids[Role.CLIENT])
    studio.services.database.write(lambda session: session.add(note))
    browser = studio.client(Role.ARTIST)
    page = browser.get("/shots/bp_010_0010").text
    assert "play?version=2&amp;frame=1004" in page
    assert "&lt;b&gt;dust" in page
    assert '✕ stands out</span>: <a href="/shots/bp_010_0010/play?version=2&amp;frame=1005">1005</a>' in page
    assert "at most 1 px" in page
    assert page.count("<svg") == 4
    assert "style=" not in page
    assert browser.get("/shots/bp_010_0010?version=9").status_code == 404
    assert browser.get("/shots/bp_999_0010").status_code == 404


def test_a_report_that_makes_no_sense_still_leaves_a_page(studio):
    ministudio.deliver(folder(studio, "bp_010_0010", 3).parent, "bp_010_0010", 3, pixels=False)
    studio.app.state.shows._looked = -10.0
    report = folder(studio, "bp_010_0010", 3) / "report.json"
    for text in ("{", "[]", '{"shot": 3, "checks": {"a": 1}, "comp": {"frames": {"1": 2}}, "camera": []}'):
        report.write_text(text)
        assert studio.client(Role.ARTIST).get("/shots/bp_010_0010?version=3").status_code == 200


def test_takes_are_shown_by_their_contact_sheet_and_nothing_else_is_served(studio):
    place = studio.services.settings.show.parent / "build/bp_020_0010/takes/builtin/keep"
    place.mkdir(parents=True)
    take = {"name": "t01", "provider": "builtin", "seed": 1}
    (place / "takes.json").write_text(json.dumps({"name": "keep", "kind": "piece", "takes": [take]}))
    (place / "contact_sheet.png").write_bytes(b"\x89PNG")
    (place / "secret.png").write_bytes(b"no")
    browser, sheets = studio.client(Role.ARTIST), "/shots/bp_020_0010/takes/piece"

    assert f'src="{sheets}/builtin/keep.png"' in browser.get("/shots/bp_020_0010").text
    assert browser.get(f"{sheets}/builtin/keep.png").content == b"\x89PNG"
    for other in ("builtin/none.png", "keep/secret.png", "..%2Fbuiltin/keep.png"):
        assert browser.get(f"{sheets}/{other}").status_code == 404


def test_what_was_asked_for_is_told_with_the_artists_command(studio):
    def ask(session):
        by = studio.ids[Role.SUPERVISOR]
        session.add(ChangeRequest(shot=SHOTS[1], lever="crowd.seed", value=7, was=1, text="<b>other</b>", by_id=by))

    studio.services.database.write(ask)
    shown = {role: studio.client(role).get(f"/shots/{SHOTS[1]}").text for role in (Role.ARTIST, Role.SUPERVISOR)}

    for page in shown.values():
        assert "crowd.seed" in page
        assert "&lt;b&gt;other" in page
        assert "battleplate apply 1 SHOW.toml" in page
    assert ['id="ask"' in shown[role] for role in (Role.ARTIST, Role.SUPERVISOR)] == [False, True]


def test_a_fault_of_the_server_is_a_page_that_tells_nothing_of_it(studio, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("pipeline.screening.web.routes.shot.remarks_of", broken)
    answer = studio.client(Role.ARTIST).get(f"/shots/{SHOTS[0]}", headers={"Accept": "text/html"})

    assert answer.status_code == 500
    assert "Something broke here" in answer.text
    assert "secret" not in answer.text
    assert "default-src 'self'" in answer.headers["content-security-policy"]
