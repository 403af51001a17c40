"""Schemathesis asks every endpoint what nobody would: never a 5xx. Thousands of cases behind `slow`."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pipeline.screening.people.roles import Role
from tests.pipeline.screening import ministudio
from tests.pipeline.screening.served import served

KNOWN = {"shot": "bp_010_0010", "version": 1, "view": "comp", "frame": 1003}


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    show = ministudio.make_show(tmp_path_factory.mktemp("show") / "mini", (KNOWN["shot"],), pixels=False)
    with served(show) as running:
        yield running


def known(asked):
    """What was made up, with the names of what there is: a question that gets past the first look."""
    return {**asked, **{name: value for name, value in KNOWN.items() if name in asked}}


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
            if asked % 2 and not case.path.endswith("/live"):  # whose answer does not end
                case.path_parameters = known(case.path_parameters or {})
                case.query = known(case.query or {})
                case.body = known(case.body) if isinstance(case.body, dict) else case.body
            kwargs = case.as_transport_kwargs(base_url="http://127.0.0.1")
            headers = {k: v for k, v in kwargs.pop("headers", {}).items()}
            kwargs.pop("cookies", None)
            answer = browser.request(**kwargs, headers={**headers, "X-CSRF": csrf, "Host": "127.0.0.1"})
            assert answer.status_code < 500, (case.method, case.path, answer.text)

        run()
    return asked


def test_no_endpoint_fails_on_what_it_is_asked(studio):
    assert ask(studio, 6, Role.ADMIN) > 60


@pytest.mark.slow
def test_thousands_of_questions(studio):
    assert ask(studio, 200, Role.ADMIN) + ask(studio, 50, Role.SUPERVISOR) > 3000
