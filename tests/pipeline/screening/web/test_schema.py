"""Schemathesis asks every endpoint what nobody would: never a 5xx. Thousands of cases behind `slow`."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.screening.people.roles import Role
from tests.pipeline.screening.served import served


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with served(tmp_path_factory.mktemp("show") / "show.toml") as running:
        yield running


def ask(studio, cases: int, role: Role) -> int:
    """Ask each operation so often; how many were asked in all."""
    schema = schemathesis.openapi.from_dict(studio.app.openapi())
    asked, browser = 0, studio.client(role)
    csrf = browser.headers["X-CSRF"]
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in ("/logout", "/login", "/account/password") or operation.path.startswith("/join"):
            continue  # argon2 on each, or the end of the session

        @settings(
            max_examples=cases,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), data=st.none())
        def run(case, data):
            nonlocal asked
            asked += 1
            kwargs = case.as_transport_kwargs(base_url="http://127.0.0.1")
            headers = {k: v for k, v in kwargs.pop("headers", {}).items()}
            kwargs.pop("cookies", None)
            answer = browser.request(**kwargs, headers={**headers, "X-CSRF": csrf, "Host": "127.0.0.1"})
            assert answer.status_code < 500, (case.method, case.path, answer.text)

        run()
    return asked


def test_no_endpoint_fails_on_what_it_is_asked(studio):
    assert ask(studio, 8, Role.ADMIN) > 60


@pytest.mark.slow
def test_thousands_of_questions(studio):
    assert ask(studio, 400, Role.ADMIN) + ask(studio, 100, Role.SUPERVISOR) > 3000
