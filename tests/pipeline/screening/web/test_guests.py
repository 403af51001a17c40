"""A guest on every route: what lies in the playlist is shown, and of everything else nothing, not even that it exists."""

from __future__ import annotations

import pytest

from pipeline.screening.people.roles import Role
from pipeline.screening.records import Note
from pipeline.screening.web.access import action_of
from tests.pipeline.screening import ministudio
from tests.pipeline.screening.served import served

OWN, OTHER = "bp_010_0010", "bp_020_0010"
# Routes that guests reach without their version in the path, which must look for themselves.
THEMSELVES = {"/", "/shots/{shot}", "/shots/{shot}/play", "/api/notes", "/api/me", "/logout"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    show = ministudio.make_show(tmp_path_factory.mktemp("show") / "mini", (OWN, OTHER), versions=2, pixels=False)
    with served(show) as running:
        by = running.ids[Role.CLIENT]
        told = [(OWN, 1, "mine"), (OWN, 2, "secret later"), (OTHER, 1, "secret elsewhere")]
        notes = [Note(shot=s, version=v, frame=1003, text=text, author_id=by) for s, v, text in told]
        running.services.database.write(lambda session: session.add_all(notes))
        yield running


def test_the_routes_that_must_look_for_themselves_are_these(studio):
    assert {r.path for r in studio.app.state.routes if action_of(r).guests} == THEMSELVES


@pytest.mark.parametrize(
    ("path", "holds"),
    [
        ("/", OWN),
        (f"/shots/{OWN}", "mine"),
        (f"/shots/{OWN}?version=1", "mine"),
        (f"/shots/{OWN}/play", "player"),
        (f"/api/notes?shot={OWN}", "mine"),
        (f"/api/notes?shot={OWN}&version=1", "mine"),
    ],
)
def test_a_guest_sees_the_playlist_and_nothing_beside_it(studio, path, holds):
    answer = studio.client(Role.GUEST, ((OWN, 1),)).get(path, headers={"Accept": "text/html"})

    assert answer.status_code == 200
    assert holds in answer.text
    for hidden in ("secret", OTHER, "v002", "/live.js"):
        assert hidden not in answer.text


def test_every_other_route_is_open_for_the_version_of_the_playlist_alone(studio, monkeypatch):
    guest = studio.client(Role.GUEST, ((OWN, 1),))
    file = studio.services.settings.show
    monkeypatch.setattr(studio.app.state.media.stills, "thumbnail", lambda footage: file)  # who may, not what
    filled = {"view": "none", "frame": "1001", "form": "csv", "name": "none.0.mp4", "note": "1", "number": "1"}
    filled |= {"kind": "piece", "place": "builtin", "piece": "keep", "user_id": "1", "link_id": "1", "token": "x"}
    reached = set()
    for route in studio.app.state.routes:
        guard = action_of(route)
        if guard.action == "open" or guard.guests:
            continue
        for method in route.methods:

            def ask(shot, version, path=route.path, method=method):
                return guest.request(method, path.format(**filled, shot=shot, version=version)).status_code

            assert ask(OTHER, 1) == 403, route.path
            if ask(OWN, 1) != 403:
                reached.add(f"{method} {route.path}")
                assert {ask(OWN, 2), ask(OWN, "01x"), ask(OWN, "%31%30")} == {403}
    assert {each.split()[0] for each in reached} == {"GET", "HEAD"}
    assert all("{version}" in each for each in reached)
    assert len(reached) > 6


@pytest.mark.parametrize(("shot", "version"), [(OTHER, 1), (OWN, 2)])
def test_a_guest_writes_on_the_playlist_alone(studio, shot, version):
    guest = studio.client(Role.GUEST, ((OWN, 1),))
    note = {"shot": shot, "version": version, "frame": 1003, "text": "x"}
    assert guest.post("/api/notes", json=note).status_code == 403
    assert guest.post("/api/notes", json={**note, "shot": OWN, "version": 1, "reply_to": 3}).status_code == 409
