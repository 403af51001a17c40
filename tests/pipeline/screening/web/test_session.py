"""Joining, signing in and out, lockout, cookies, links: as a browser does it."""

from __future__ import annotations

import pytest

from pipeline.screening.people import accounts
from pipeline.screening.people.roles import Role
from tests.pipeline.screening.served import served

PASSWORD = "the ridge at dawn, again"


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with served(tmp_path_factory.mktemp("show") / "show.toml") as running:
        yield running


def joined(studio, name):
    _, token = studio.services.database.write(lambda s: accounts.invite(s, "admin", name, Role.ARTIST))
    browser = studio.client(None)
    answer = browser.post(f"/join/{token}", data={"password": PASSWORD}, follow_redirects=False)
    assert answer.status_code == 303
    return browser, token


def test_an_invitation_works_once_and_signs_in(studio):
    browser, token = joined(studio, "ada")

    assert browser.get("/api/me").json()["name"] == "ada"
    assert studio.client(None).post(f"/join/{token}", data={"password": PASSWORD}).status_code == 409


def test_logout_ends_the_session_on_the_server(studio):
    browser, _ = joined(studio, "ben")
    token, csrf = browser.cookies["battleplate"], browser.get("/api/me").json()["csrf"]

    browser.post("/logout", data={"csrf": csrf})

    again = studio.client(None)
    again.cookies.set("battleplate", token)
    assert again.get("/api/me").status_code == 401
