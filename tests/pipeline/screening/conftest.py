"""A PostgreSQL for the review's tests, started when the first of them asks; skipped where it cannot be."""

from __future__ import annotations

import uuid

import pytest

from tests.pipeline.screening.postgres import make_database, postgres


@pytest.fixture(scope="session")
def postgres_server():
    running = postgres()
    try:
        address = running.__enter__()
    except RuntimeError as error:
        pytest.skip(str(error))
    yield address
    running.__exit__(None, None, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'review.db'}"
    return make_database(request.getfixturevalue("postgres_server"), uuid.uuid4().hex)
