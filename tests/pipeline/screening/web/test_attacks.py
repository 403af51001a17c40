"""What somebody tries who does not mean well: each way in is closed, and closed ways look alike."""

from __future__ import annotations

import re

import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from pipeline.screening.people import accounts, passwords
from pipeline.screening.people.roles import Role
from pipeline.screening.records import Decision, User
from pipeline.screening.web.app import LARGEST_BODY
from tests.pipeline.screening import ministudio
from tests.pipeline.screening.served import served

PASSWORD = "the ridge at dawn, again"


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with served(ministudio.make_show(tmp_path_factory.mktemp("show") / "mini", pixels=False)) as running:
        yield running


@pytest.fixture(scope="module")
def cheap():
    """The real check of passwords with less memory: seconds of the suite."""
    with pytest.MonkeyPatch.context() as patch:
        hasher = PasswordHasher.from_parameters(CHEAPEST)
        patch.setattr(passwords, "_hasher", hasher)
        patch.setattr(passwords, "_nobody", hasher.hash("nobody"))
        yield


def test_a_name_that_nobody_has_costs_as_much_as_another():
    assert not passwords._hasher.check_needs_rehash(passwords._nobody)


@pytest.fixture(scope="module")
def names(studio, cheap):
    """Users with a password: one who is well, one who is locked, one who was shut out."""

    def join(session):
        hashed = passwords.hash_password(PASSWORD)
        for name in ("well", "locked", "out"):
            _, token = accounts.invite(session, "admin", name, Role.ARTIST)
            user = accounts.join(session, token, name, hashed)
            user.disabled = name == "out"

    studio.services.database.write(join)
    for _ in range(5):
        studio.client(None).post("/login", data={"name": "locked", "password": "wrong"})


def login(studio, name, password, browser=None):
    fields = {"name": name, "password": password}
    return (browser or studio.client(None)).post("/login", data=fields, follow_redirects=False)


def test_a_refused_login_does_not_tell_why(studio, names, monkeypatch):
    """Unknown, wrong, locked, shut out: one answer, and one check of a password each, so that none is quicker."""
    tried = [("nobody", PASSWORD), ("well", "wrong"), ("locked", PASSWORD), ("out", PASSWORD)]
    checked = []

    class Counting:
        def verify(self, kept, password):
            checked.append(kept)
            return hasher.verify(kept, password)

    hasher = passwords._hasher
    monkeypatch.setattr(passwords, "_hasher", Counting())

    answers = [login(studio, *each) for each in tried]

    assert {a.status_code for a in answers} == {401}
    assert len({a.text.replace(f'value="{name}"', "") for a, (name, _) in zip(answers, tried, strict=True)}) == 1
    assert len(checked) == len(tried)


def test_a_session_that_was_there_before_the_login_is_not_the_one_after(studio, names):
    """Fixation: a cookie that an attacker gave the browser is worth nothing, and what it opened before is over."""
    browser = studio.client(None)
    browser.cookies.set("battleplate", "chosen by somebody else")
    assert login(studio, "well", PASSWORD, browser).status_code == 303
    first = next(c.value for c in browser.cookies.jar if c.value != "chosen by somebody else")

    second = studio.client(None)
    second.cookies.set("battleplate", first)
    assert second.get("/api/me").status_code == 200
    assert login(studio, "well", PASSWORD, second).status_code == 303

    for old in (first, "chosen by somebody else"):
        before = studio.client(None)
        before.cookies.set("battleplate", old)
        assert before.get("/api/me").status_code == 401


def test_the_form_for_another_password_is_no_way_round_the_lockout(studio, names):
    browser = studio.client(None)
    login(studio, "well", PASSWORD, browser)
    browser.headers["X-CSRF"] = browser.get("/api/me").json()["csrf"]

    def change(present, new):
        return browser.post("/account/password", data={"password": present, "new": new}, follow_redirects=False)

    assert change(PASSWORD, "short").status_code == 422
    changed = change(PASSWORD, PASSWORD + "!")
    assert changed.status_code == 303
    browser.headers["X-CSRF"] = browser.get("/api/me").json()["csrf"]
    assert [change("wrong", PASSWORD).status_code for _ in range(5)] == [403] * 5
    assert change(PASSWORD + "!", PASSWORD).status_code == 403
    assert login(studio, "well", PASSWORD + "!").status_code == 401


def test_no_page_needs_a_script_or_a_style_of_its_own(studio):
    browser = studio.client(Role.ADMIN)
    for path in ("/", "/shots/bp_010_0010", "/shots/bp_010_0010/play", "/people", "/account", "/login"):
        answer = browser.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        assert not re.search(r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", answer.text), path


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_without_end_is_cut(studio, chunked):
    piece, count = b"x" * 500_000, LARGEST_BODY // 500_000 + 1
    sent = []

    def pieces():
        for _ in range(count):
            sent.append(len(piece))
            yield piece

    body = pieces() if chunked else piece * count
    headers = {"Content-Type": "application/json"}
    assert studio.client(Role.ADMIN).post("/api/notes", content=body, headers=headers).status_code == 413


@pytest.mark.parametrize("name", ["ada\nadmin: sign in", "ad\u200ba", "\u202eada", "a\x1b[2Jda"])
def test_a_name_that_would_forge_a_line_or_another_is_refused(studio, name):
    browser = studio.client(Role.ADMIN)
    assert browser.post("/api/users", json={"name": name, "role": "artist"}).status_code == 422
    assert login(studio, name, "wrong").status_code == 422


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/x",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://localhost:8700/",
        "https://10.1.2.3/",
    ],
)
def test_a_webhook_to_a_private_address_is_refused_when_it_is_made(studio, url):
    browser = studio.client(Role.ADMIN)
    refused = browser.post("/api/webhooks", json={"url": url})
    assert (refused.status_code, "Allow private addresses" in refused.json()["detail"]) == (409, True)
    assert browser.post("/api/webhooks", json={"url": url, "allow_private": True}).status_code == 201


def test_an_approval_keeps_the_role_it_was_made_with(studio):
    """Who becomes a supervisor later did not approve as one."""

    def made(session):
        session.add(User(id=77, name="was a client", role="supervisor"))
        session.flush()
        session.add(Decision(shot="bp_010_0010", version=1, kind="approve", by_id=77, role="client"))

    studio.services.database.write(made)

    assert studio.client(Role.ARTIST).get("/?status=approved").text.count('<li data-words="bp_') == 0
    assert studio.app.state.standings.made()["bp_010_0010", 1][-1].role == "client"
