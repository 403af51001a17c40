"""The desk at which stages ask: it chooses among the show's providers and hands requests over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from assets.providers.base import UNWATCHED, Capabilities, Provider, Watch
from assets.providers.opening import open_provider
from assets.providers.request import Request, Result
from pipeline.provider_sections import ProviderEntry


@dataclass(frozen=True, eq=False)
class Desk:
    """Where requests are handed in. shared: the show's folder, in which answers and the ledger are kept."""

    entries: tuple[ProviderEntry, ...]
    shared: Path
    provider: Provider

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def model_digest(self) -> str:
        return self.provider.model_digest

    @property
    def licence(self) -> str:
        return self.provider.licence

    @property
    def capabilities(self) -> Capabilities:
        """Of the provider that is asked first."""
        return self.provider.capabilities

    def generate(self, requests: Sequence[Request], watch: Watch = UNWATCHED) -> list[Result]:
        """Answer every request, in order. Raises ProviderError."""
        return self.provider.generate(requests, watch)


def open_desk(entries: tuple[ProviderEntry, ...], shared: Path) -> Desk:
    """The desk at which a stage asks the show's providers, in order of preference; nothing needs closing.

    Raises ProviderError when none of them can be opened.
    """
    return Desk(entries, shared, open_provider(entries[0]))
