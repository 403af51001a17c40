"""Services that end with their test."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from tests.assets.providers.wire import serving


@pytest.fixture
def services():
    """Start services; all of them end with the test."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(**settings))
