"""Every role at every endpoint, from the server's own routes: a new endpoint without a row here fails."""

from __future__ import annotations

import pytest
from fastapi import APIRouter

from pipeline.screening.people.roles import Role
from pipeline.screening.web.access import SAFE, action_of, check_declared
from tests.pipeline.screening.served import served

A, S, C, X, G = Role.ARTIST, Role.SUPERVISOR, Role.CLIENT, Role.ADMIN, Role.GUEST
EVERYONE, USERS = {None, A, S, C, X, G}, {A, S, C, X}
# endpoint: who may. Written out on purpose, not derived from the code that it tests.
TABLE: dict[str, set[Role | None]] = {
    "GET /login": EVERYONE,
    "POST /login": EVERYONE,
    "GET /join/{token}": EVERYONE,
    "POST /join/{token}": EVERYONE,
    "GET /guest/{token}": EVERYONE,
    "POST /guest/{token}": EVERYONE,
    "POST /logout": USERS | {G},
    "GET /api/me": USERS | {G},
    "POST /account/password": USERS,
    "GET /account": USERS,
    "GET /people": {S, X},
    "GET /api/users": {X},
    "POST /api/users": {X},
    "POST /api/users/{user_id}": {X},
    "POST /api/users/{user_id}/link": {X},
    "GET /api/playlists": {S, X},
    "POST /api/playlists": {S, X},
    "GET /api/guests": {S, X},
    "POST /api/guests": {S, X},
    "POST /api/guests/{link_id}/revoke": {S, X},
    "GET /api/audit": {X},
    "GET /api/audit/check": {X},
    # a guest of another playlist: sees none of these
    "GET /": USERS | {G},
    "GET /shots/{shot}": USERS,
    "GET /shots/{shot}/play": USERS,
    "GET /shots/{shot}/takes/{kind}/{place}/{piece}.png": USERS,
    "GET /api/shots/{shot}/live": USERS,
    "GET /api/shots/{shot}/versions/{version}/media": USERS,
    "GET /api/shots/{shot}/versions/{version}/proxy/{view}": USERS,
    "GET /api/shots/{shot}/versions/{version}/light/{view}/{frame}": USERS,
    "GET /media/{shot}/rendering/{frame}.jpg": USERS,
    "GET /media/{shot}/v{version}/thumbnail.jpg": USERS,
    "GET /media/{shot}/v{version}/{name}": USERS,
    "GET /media/{shot}/v{version}/{view}/{frame}.{form}": USERS,
    "GET /api/shots/{shot}/versions/{version}/standing": USERS,
    "POST /api/shots/{shot}/versions/{version}/approve": {S, C, X},
    "POST /api/shots/{shot}/versions/{version}/request_changes": {S, C, X},
    "POST /api/shots/{shot}/versions/{version}/withdraw": {S, C, X},
    "POST /api/shots/{shot}/versions/{version}/deliver": {A, S, X},
    "POST /api/shots/{shot}/versions/{version}/kitsu": {A, S, X},
    "GET /api/shots/{shot}/versions/{version}/notes.{form}": USERS,
    "GET /api/notes": USERS | {G},
    "POST /api/notes": USERS | {G},
    "POST /api/notes/{note}/resolve": USERS,
    "GET /api/webhooks": {X},
    "POST /api/webhooks": {X},
    "POST /api/webhooks/{number}/disable": {X},
    "GET /api/webhooks/calls": {X},
    "GET /api/shots/{shot}/levers": USERS,
    "GET /api/shots/{shot}/requests": USERS,
    "POST /api/shots/{shot}/requests": {S, X},
    "POST /api/shots/{shot}/picks": {S, X},
    "POST /api/requests/{number}/decline": {S, X},
}
FILLED = {
    "token": "none",
    "user_id": "999",
    "link_id": "999",
    "shot": "bp_010_0010",
    "version": "1",
    "note": "999",
    "number": "999",
}
FILLED |= {"view": "comp", "frame": "1001", "form": "csv", "name": "comp.mp4"}
FILLED |= {"kind": "piece", "place": "builtin", "piece": "keep"}


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with served(tmp_path_factory.mktemp("show") / "show.toml") as running:
        yield running


def test_every_endpoint_has_its_row(studio):
    assert {f"{method} {r.path}" for r in studio.app.state.routes for method in r.methods - {"HEAD"}} == set(TABLE)


@pytest.mark.parametrize("role", [None, *Role], ids=lambda role: role.value if role else "nobody")
@pytest.mark.parametrize("endpoint", TABLE)
def test_a_role_at_an_endpoint(studio, role, endpoint):
    method, path = endpoint.split()
    browser = studio.client(role, (("other", 1),))

    answer = browser.request(method, path.format(**FILLED), follow_redirects=False)

    let_in = answer.status_code not in (401, 403) or (endpoint == "POST /login" and answer.status_code == 401)
    assert let_in == (role in TABLE[endpoint])
    assert answer.status_code < 500


@pytest.mark.parametrize("endpoint", [e for e, who in TABLE.items() if e.startswith("POST") and None not in who])
def test_a_write_without_its_csrf_token_is_refused(studio, endpoint):
    browser = studio.client(X)
    del browser.headers["X-CSRF"]

    assert browser.post(endpoint.split()[1].format(**FILLED), json={}).status_code == 403


def test_a_route_without_declared_access_stops_the_server():
    router = APIRouter()
    router.add_api_route("/open", lambda: "for everyone")

    with pytest.raises(TypeError, match="declares no access"):
        check_declared(router)


def test_reading_routes_are_those_that_ask_for_no_token(studio):
    assert all(action_of(r) is not None for r in studio.app.state.routes)
    assert {"GET", "HEAD", "OPTIONS"} == set(SAFE)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_foreign_names_and_pages_are_turned_away(studio, headers, status):
    assert studio.client(X).post("/logout", headers=headers).status_code == status
