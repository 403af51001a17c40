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


def test_the_cookie_is_closed_to_scripts_and_to_other_sites(studio):
    _, token = studio.services.database.write(lambda s: accounts.invite(s, "admin", "cyd", Role.ARTIST))

    answer = studio.client(None).post(f"/join/{token}", data={"password": PASSWORD}, follow_redirects=False)

    assert {"HttpOnly", "SameSite=lax", "Path=/"} <= set(answer.headers["set-cookie"].split("; "))


def test_a_name_is_locked_after_five_wrong_passwords_even_for_the_right_one(studio):
    joined(studio, "dan")
    browser = studio.client(None)

    def login(password):
        fields = {"name": "dan", "password": password}
        return browser.post("/login", data=fields, follow_redirects=False).status_code

    assert login(PASSWORD) == 303
    assert [login("wrong") for _ in range(5)] == [401] * 5
    assert login(PASSWORD) == 401


def test_a_revoked_guest_link_is_out_at_once(studio):
    guest = studio.client(Role.GUEST, (("bp_010_0010", 1),))
    link = studio.client(Role.ADMIN).get("/api/guests").json()[0]["id"]
    assert guest.get("/api/me").status_code == 200

    studio.client(Role.ADMIN).post(f"/api/guests/{link}/revoke")

    assert guest.get("/api/me").status_code == 401


def test_a_login_leads_to_no_other_server(studio):
    for where in ("//evil.example", "https://evil.example", "/\\evil.example"):
        assert "evil" not in studio.client(None).get("/login", params={"next": where}).text
