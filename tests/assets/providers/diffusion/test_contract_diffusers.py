"""The contract of all providers, kept by a tiny Stable Diffusion in a local folder with a real safety checker."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import ClassVar

import pytest
import torch

from assets.providers.diffusion.folder import Folder
from pipeline.provider_sections import Conduct, ProviderEntry
from tests.assets.providers.contract import ProviderContract
from tests.assets.providers.contract_service import FAULTS
from tests.assets.providers.diffusion import tinymodels


class Noting(Folder):
    """The real provider; it notes which takes it really painted. Planned, its checker objects or its memory runs out."""

    done: list[str]
    planned: list[str]

    def take(self, request, take, watch, so_far):
        mood = self.planned.pop(0) if self.planned else "ok"
        self._model().base.safety_checker.concept_embeds_weights.fill_(-2 if mood == "refused" else 1)
        hooked = (
            self._model().base.unet.register_forward_pre_hook(_out_of_memory) if mood == "broken" else nullcontext()
        )
        with hooked:
            painted = super().take(request, take, watch, so_far)
        self.done.append(str(request.seed + take))
        return painted


def _out_of_memory(*_):
    raise torch.OutOfMemoryError("tried to allocate 20 GiB")


@dataclass
class LocalFolder:
    entry: ProviderEntry
    provider: Noting
    moods: frozenset[str] = frozenset({"ok", "refused", "broken"})
    done: list[str] = field(default_factory=list)

    def plan(self, *moods: str) -> None:
        self.provider.planned[:] = moods

    def opening(self, entry: ProviderEntry) -> Noting:
        return self.provider


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    settings = tinymodels.stable_diffusion(tmp_path_factory.mktemp("sd"), checker=True)
    return Noting.open(settings, "studio-sd")


class TestDiffusersFolder(ProviderContract):
    size_px = (24, 32)
    steps = 1
    never: ClassVar = dict.fromkeys(FAULTS - {"refused", "broken"}, "it paints in this process: nothing is on a wire")

    @pytest.fixture(autouse=True)
    def one_thread(self):
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(before)

    @pytest.fixture
    def service(self, provider):
        service = LocalFolder(
            ProviderEntry("studio-sd", provider.settings, Conduct(wait_s=0.01, timeout_s=60)), provider
        )
        object.__setattr__(provider, "done", service.done)
        object.__setattr__(provider, "planned", [])
        return service
