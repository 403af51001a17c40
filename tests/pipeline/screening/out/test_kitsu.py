"""Kitsu, held against a server on this machine that answers as its API does and keeps what it was asked."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from pipeline.errors import ConfigError, ReviewRefused
from pipeline.review_sections import Kitsu
from pipeline.screening.out.kitsu import Pushed, push

THERE = {  # what the studio has, by path: each answers only to the right question
    "/api/data/projects": ({"name": "small"}, {"id": "p1", "name": "small"}),
    "/api/data/sequences": ({"project_id": "p1", "name": "bp_010"}, {"id": "q1"}),
    "/api/data/shots/all": ({"sequence_id": "q1", "name": "bp_010_0010"}, {"id": "s1"}),
    "/api/data/task-types": ({"name": "Compositing"}, {"id": "k1"}),
    "/api/data/tasks": ({"task_type_id": "k1", "entity_id": "s1", "name": "main"}, {"id": "t1"}),
    "/api/data/task-status": ({"short_name": "done"}, {"id": "st-done"}),
}
PASSWORD = {"KITSU_PASSWORD": "right"}


@contextmanager
def studio():
    """A Kitsu; yields its address and the list of (method, path, authorization, body)."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.heard(b"")
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            wanted, found = THERE.get(parts.path, ({}, {}))
            self.answer(200, [found] if query == wanted else [])

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.heard(body)
            if self.path == "/api/auth/login":
                right = json.loads(body)["password"] == "right"
                return self.answer(
                    200 if right else 400, {"access_token": "T", "refresh_token": "R"} if right else {"login": False}
                )
            if self.headers.get("Authorization") != "Bearer T":
                return self.answer(401, {"message": "no"})
            answers = {
                "/api/actions/tasks/t1/comment": {"id": "c1"},
                "/api/actions/tasks/t1/comments/c1/add-preview": {"id": "v1"},
                "/api/pictures/preview-files/v1": {"id": "v1"},
            }
            self.answer(200 if self.path in answers else 404, answers.get(self.path, {}))

        def heard(self, body: bytes) -> None:
            asked.append((self.command, self.path, self.headers.get("Authorization", ""), body))

        def answer(self, status: int, content) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *args) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/api", asked
    finally:
        server.shutdown()
        server.server_close()


def test_a_decision_arrives_with_status_words_and_movie(tmp_path):
    movie = tmp_path / "bp_010_0010_comp_v003.mp4"
    movie.write_bytes(b"a movie's bytes")
    with studio() as (url, asked):
        kitsu = Kitsu(url, "small", "ada@studio.example")
        done = push(kitsu, "bp_010_0010", "bp_010", "approved", "Good.", movie, PASSWORD)

    assert done == Pushed("c1", "v1")
    posts = {path: body for method, path, _, body in asked if method == "POST"}
    assert list(posts) == [
        "/api/auth/login",
        "/api/actions/tasks/t1/comment",
        "/api/actions/tasks/t1/comments/c1/add-preview",
        "/api/pictures/preview-files/v1",
    ]
    assert json.loads(posts["/api/auth/login"])["email"] == "ada@studio.example"
    comment = json.loads(posts["/api/actions/tasks/t1/comment"])
    assert (comment["task_status_id"], comment["comment"]) == ("st-done", "Good.")
    upload = posts["/api/pictures/preview-files/v1"]
    assert b"a movie's bytes" in upload
    assert b'filename="bp_010_0010_comp_v003.mp4"' in upload
    assert {who for _, path, who, _ in asked if "auth/login" not in path} == {"Bearer T"}
    assert asked[-1][1] == "/api/auth/logout"


def test_words_alone_need_no_movie():
    with studio() as (url, asked):
        assert push(Kitsu(url, "small", "a@b"), "bp_010_0010", "bp_010", "approved", "", None, PASSWORD) == Pushed("c1")

    assert not [path for _, path, _, _ in asked if "preview" in path]


@pytest.mark.parametrize(
    ("changes", "shot", "status", "line"),
    [
        ({"project": "other"}, "bp_010_0010", "approved", "no project 'other'"),
        ({}, "bp_010_0099", "approved", "no shot 'bp_010_0099'"),
        ({"task_type": "Roto"}, "bp_010_0010", "approved", "no task type 'Roto'"),
        ({}, "bp_010_0010", "pending", "no status 'wfa'"),
        ({"statuses": {"approved": "ok"}}, "bp_010_0010", "approved", "no status 'ok'"),
    ],
)
def test_what_kitsu_does_not_have_is_named_and_nothing_is_written(changes, shot, status, line):
    with studio() as (url, asked):
        kitsu = Kitsu(**{"url": url, "project": "small", "email": "a@b", **changes})
        with pytest.raises(ReviewRefused, match=line):
            push(kitsu, shot, "bp_010", status, "", None, PASSWORD)

    assert [path for method, path, _, _ in asked if method == "POST"] == ["/api/auth/login"]


def test_a_wrong_password_is_said_and_not_shown():
    with studio() as (url, _), pytest.raises(ReviewRefused, match="is not let in") as refused:
        push(Kitsu(url, "small", "a@b"), "s", "q", "approved", "", None, {"KITSU_PASSWORD": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_no_password_and_no_server_are_said():
    with pytest.raises(ReviewRefused, match="Set KITSU_PASSWORD"):
        push(Kitsu("https://k.example/api", "small", "a@b"), "s", "q", "approved", "", None, {})
    with studio() as (url, _):
        pass
    with pytest.raises(ReviewRefused, match="ConnectionError"):
        push(Kitsu(url, "small", "a@b"), "s", "q", "approved", "", None, PASSWORD)


def test_a_password_does_not_travel_in_the_clear():
    with pytest.raises(ConfigError, match="must begin with https"):
        Kitsu("http://kitsu.studio.example/api", "small", "a@b")
    with pytest.raises(ConfigError, match="'aproved' is none of"):
        Kitsu("https://k.example/api", "small", "a@b", statuses={"aproved": "done"})
