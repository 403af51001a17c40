"""The contract on the smallest service there can be, paid and free, with a memory and without: the desk holds what it says."""

from __future__ import annotations

import pytest

from tests.assets.providers.contract import ProviderContract
from tests.assets.providers.wire import serving


class TestRemembersAndPaid(ProviderContract):
    @pytest.fixture
    def service(self):
        with serving(remembers=True, paid=True) as service:
            yield service


class TestForgetsAndPaid(ProviderContract):
    @pytest.fixture
    def service(self):
        with serving(remembers=False, paid=True) as service:
            yield service


class TestForgetsAndFree(ProviderContract):
    @pytest.fixture
    def service(self):
        with serving(remembers=False, paid=False) as service:
            yield service
