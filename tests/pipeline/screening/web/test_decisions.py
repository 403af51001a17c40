"""Decisions, notes, requests and what leaves, through the server, as a browser asks."""

from __future__ import annotations

import csv
import io
import json

import pytest

from pipeline.screening.out.queue import send_due
from pipeline.screening.out.webhooks import Outcome
from pipeline.screening.people.roles import Role
from pipeline.screening.records import WebhookCall
from pipeline.screening.web.deciding import deciding_of
from tests.pipeline.screening.decisions.smallshow import frame_of, write_show, write_version
from tests.pipeline.screening.served import served

PLACE = "/api/shots/bp_010_0010/versions/1"
NOTE = {"shot": "bp_010_0010", "version": 1, "frame": 1003, "text": "Too even."}
DRAWING = {"strokes": [{"colour": "#ff5a36", "width": 0.004, "points": [[0.1, 0.2], [0.3, 0.4]]}]}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    root = tmp_path_factory.mktemp("show")
    file = write_show(root, "[review]\nrequire_approval = true\n")
    with served(root / "show.toml") as server:
        yield server, file


@pytest.fixture
def fresh(tmp_path, database_url):
    """A show of its own, and its first version; on each kind of database."""
    file = write_show(tmp_path, "[review]\nrequire_approval = true\n")
    folder = write_version(file)
    with served(tmp_path / "show.toml", database_url) as server:
        yield server, file, folder


def test_the_story_of_an_approval(fresh):
    server, file, folder = fresh
    ada, client, bob = (server.client(role) for role in (Role.SUPERVISOR, Role.CLIENT, Role.ARTIST))
    begun = ada.get(f"{PLACE}/standing").json()
    assert (begun["status"], begun["may"]) == ("pending", ["approve", "request_changes"])

    assert client.post(f"{PLACE}/approve", json={}).json()["status"] == "pending"
    refused = bob.post(f"{PLACE}/deliver", json={})
    assert (refused.status_code, "It is not approved" in refused.json()["detail"]) == (409, True)
    approved = ada.post(f"{PLACE}/approve", json={"text": "Good.", "digest": begun["digest"]}).json()
    assert (approved["status"], approved["approval"]["text"]) == ("approved", "Good.")
    assert approved["client"]["role"] == "client"

    was = frame_of(folder, 1005).read_bytes()
    frame_of(folder, 1005).write_bytes(was[:-1] + b"\xff")
    now = ada.get(f"{PLACE}/standing").json()
    assert (now["status"], now["words"], now["changed"]) == ("void", "void: frame 1005 changed", "frame 1005")
    assert "void: frame 1005 changed" in bob.post(f"{PLACE}/deliver", json={}).json()["detail"]

    frame_of(folder, 1005).write_bytes(was)
    assert bob.post(f"{PLACE}/deliver", json={}).json()["files"] == 11
    assert ada.get(f"{PLACE}/standing").json()["status"] == "delivered"
    assert "final" in ada.post(f"{PLACE}/withdraw", json={}).json()["detail"]
    assert (file.parent.parent / "release/bp_010_0010_v001/release.json").is_file()


def test_nobody_approves_what_they_did_not_see(fresh):
    server, _, _ = fresh

    answer = server.client(Role.SUPERVISOR).post(f"{PLACE}/approve", json={"digest": "0" * 64})

    assert answer.status_code == 409
    assert "delivered anew" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.ARTIST, "approve", 403),
        (Role.ARTIST, "request_changes", 403),
        (Role.GUEST, "approve", 403),
        (Role.CLIENT, "deliver", 403),
        (None, "approve", 401),
    ],
)
def test_who_may_not_decide_is_told_so(house, role, path, status):
    server, _ = house

    answer = server.client(role, (("bp_010_0010", 1),)).post(f"{PLACE}/{path}", json={})

    assert answer.status_code == status


def test_a_note_is_kept_answered_and_resolved(fresh):
    server, _, _ = fresh
    ada, bob = server.client(Role.SUPERVISOR), server.client(Role.ARTIST)

    note = ada.post("/api/notes", json={**NOTE, "drawing": DRAWING}).json()
    answer = bob.post("/api/notes", json={**NOTE, "text": "Seed changed.", "reply_to": note["id"]}).json()
    done = bob.post(f"/api/notes/{note['id']}/resolve", json={}).json()

    found = ada.get("/api/notes", params={"shot": "bp_010_0010", "version": 1, "frame": 1003}).json()
    assert [each["text"] for each in found[:2]] == ["Too even.", "Seed changed."]
    assert found[0]["drawing"] == DRAWING
    assert (found[0]["mine"], found[1]["mine"], answer["reply_to"]) == (True, False, note["id"])
    assert done["resolved"]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"text": " "}, "neither words nor a drawing"),
        ({"frame_out": 1001}, "last frame comes before"),
        ({"drawing": {"strokes": [{"colour": "red"}]}}, "drawing: cannot be read"),
        ({"reply_to": 99999}, "is not on this version"),
        ({"shot": "nothing"}, "there is no shot"),
    ],
)
def test_a_note_that_makes_no_sense_is_refused(house, change, line):
    server, _ = house

    answer = server.client(Role.SUPERVISOR).post("/api/notes", json={**NOTE, **change})

    assert answer.status_code in (404, 409)
    assert line in answer.json()["detail"]


def test_a_guest_notes_on_their_playlist_alone(fresh):
    server, _, _ = fresh
    guest = server.client(Role.GUEST, (("bp_010_0010", 1),))
    mute = server.client(Role.GUEST, (("bp_010_0010", 1),), commenting=False)

    assert guest.post("/api/notes", json=NOTE).json()["author"].startswith("guest: ")
    assert guest.post("/api/notes", json={**NOTE, "version": 2}).status_code == 403
    assert guest.get("/api/notes", params={"shot": "bp_010_0010", "version": 2}).status_code == 403
    assert mute.post("/api/notes", json=NOTE).status_code == 403


def test_a_change_is_asked_for_and_refused_at_once_when_wrong(house):
    server, file = house
    ada, before = server.client(Role.SUPERVISOR), file.read_text()
    levers = {lever["path"]: lever for lever in ada.get("/api/shots/bp_010_0010/levers").json()}
    assert levers["crowd.zones[front].count"]["value"] == 60

    asked = ada.post("/api/shots/bp_010_0010/requests", json={"lever": "crowd.zones[front].count", "value": 80})
    wrong = ada.post("/api/shots/bp_010_0010/requests", json={"lever": "crowd.zones[front].count", "value": -4})

    assert (asked.status_code, asked.json()["was"], asked.json()["state"]) == (201, 60, "open")
    assert asked.json()["command"] == f"battleplate apply {asked.json()['id']} show.toml"
    assert (wrong.status_code, "must be above -1" in wrong.json()["detail"]) == (422, True)
    assert file.read_text() == before
    number = asked.json()["id"]
    assert ada.post(f"/api/requests/{number}/decline").json()["state"] == "declined"
    assert ada.post(f"/api/requests/{number}/decline").status_code == 409


def test_a_pick_is_a_request_and_a_decision(house):
    server, _ = house
    ada = server.client(Role.SUPERVISOR)

    asked = ada.post("/api/shots/bp_010_0010/picks", json={"version": 1, "piece": "legionary", "take": "t02"}).json()

    assert (asked["lever"], asked["value"]) == ("crowd.picks[legionary]", "t02")
    assert server.client(Role.ARTIST).get("/api/shots/bp_010_0010/requests").json()[0]["id"] == asked["id"]
    assert server.client(Role.ARTIST).post("/api/shots/bp_010_0010/picks", json={}).status_code == 403


def test_notes_leave_as_csv_and_pdf(house):
    server, _ = house
    ada = server.client(Role.SUPERVISOR)
    ada.post("/api/notes", json={**NOTE, "frame": 1006, "text": "=1+1"})

    rows = list(csv.DictReader(io.StringIO(ada.get(f"{PLACE}/notes.csv").content.decode("utf-8-sig"))))

    assert "'=1+1" in [row["text"] for row in rows]
    assert ada.get(f"{PLACE}/notes.pdf").content.startswith(b"%PDF")
    assert ada.get(f"{PLACE}/notes.exe").status_code == 422


def test_a_webhook_hears_of_a_decision_in_its_commit_and_again_until_it_arrives(fresh):
    server, _, _ = fresh
    deciding_of(server.app).postman.stop()  # the test is the postman
    admin, database = server.client(Role.ADMIN), server.services.database
    assert admin.post("/api/webhooks", json={"url": "http://x.example/"}).status_code == 409
    hook = admin.post("/api/webhooks", json={"url": "https://x.example/hook", "events": ["approve"]}).json()
    assert hook["secret"]
    assert admin.get("/api/webhooks").json()[0]["secret"] == ""

    server.client(Role.SUPERVISOR).post(f"{PLACE}/approve", json={"text": "Good."})
    sent: list[tuple] = []
    answers = iter([Outcome(False, True, "503"), Outcome(True, False, "200")])

    def call(*what):
        sent.append(what)
        return next(answers)

    assert send_due(database, call) == 1
    assert send_due(database, call) == 0  # not due again yet
    (waiting,) = admin.get("/api/webhooks/calls").json()
    assert (waiting["state"], waiting["tries"], waiting["last_error"]) == ("waiting", 1, "503")
    with database.read() as session:
        later = session.get(WebhookCall, waiting["id"]).next_try
    assert send_due(database, call, lambda: later) == 1

    assert admin.get("/api/webhooks/calls").json()[0]["state"] == "done"
    url, body, headers, private = sent[1]
    assert (url, private) == ("https://x.example/hook", False)
    told = json.loads(body)
    assert (told["event"], told["shot"], told["status"], told["text"]) == (
        "approve",
        "bp_010_0010",
        "approved",
        "Good.",
    )
    assert headers["X-Battleplate-Call"] == sent[0][2]["X-Battleplate-Call"]


def test_two_who_approve_at_once_are_one_approval(fresh):
    from concurrent.futures import ThreadPoolExecutor

    server, _, _ = fresh
    browsers = [server.client(Role.SUPERVISOR), server.client(Role.ADMIN)]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda browser: browser.post(f"{PLACE}/approve", json={}).status_code, browsers))

    assert sorted(answers) == [200, 409]
