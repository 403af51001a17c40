"""The built-in model keeps the contract of providers; whatever goes wrong on a wire cannot go wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pytest

from assets.providers.base import UNWATCHED
from assets.providers.opening import open_provider
from pipeline.provider_sections import BUILTIN, ProviderEntry
from tests.assets.providers.contract import ProviderContract
from tests.assets.providers.contract_service import FAULTS


@dataclass
class Noted:
    """The model, with a note of what it really painted."""

    model: object
    done: list[str]

    def __getattr__(self, name):
        return getattr(self.model, name)

    def generate(self, requests, watch=UNWATCHED):
        results = self.model.generate(requests, watch)
        self.done += [str(request.seed) for request in requests]
        return results


@dataclass
class InProcess:
    model: object
    entry: ProviderEntry = BUILTIN
    moods: frozenset[str] = frozenset({"ok"})
    done: list[str] = field(default_factory=list)

    def plan(self, *moods):
        pass

    def opening(self, entry):
        return Noted(self.model, self.done)


@pytest.fixture(scope="module")
def model():
    return open_provider(BUILTIN)


class TestBuiltin(ProviderContract):
    steps = 1
    never: ClassVar = {
        **dict.fromkeys(FAULTS, "it paints in this process: nothing is on a wire"),
        "refused": "it has no content rules",
    }

    @pytest.fixture
    def service(self, model):
        return InProcess(model)
