"""The desk at which stages ask: it chooses among the show's providers, keeps answers, books calls, and hands requests over.

What happens to a call stands in session.py; how one provider is asked, in counter.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from assets.providers.asking.counter import NOBODY, Asker
from assets.providers.asking.ledger import Ledger
from assets.providers.asking.pacing import CLOCK, Clock
from assets.providers.asking.session import Session, nobody_left
from assets.providers.asking.shelf import Shelf
from assets.providers.base import UNWATCHED, Capabilities, Provider, Watch
from assets.providers.opening import open_provider
from assets.providers.request import Request, Result
from pipeline.errors import ProviderError
from pipeline.provider_sections import ProviderEntry
from pipeline.words import Words


@dataclass(frozen=True, slots=True)
class Signature:
    """Who painted, as a receipt says it; of several, their words one after the other."""

    provider: str
    model_digest: str
    licence: str

    def beside(self, *others: Mapping[str, str]) -> Signature:
        """With those who painted what was there already, by the same names."""
        names = ("provider", "model_digest", "licence")
        told = ((getattr(self, name), *(str(other[name]) for other in others)) for name in names)
        return Signature(*("; ".join(dict.fromkeys(words)) for words in told))


Opening = Callable[[ProviderEntry], Provider]


@dataclass(frozen=True, eq=False)
class Desk:
    """Where requests are handed in. shared: the show's folder, in which answers and the ledger are kept.

    Its name, model, licence and capabilities are those of the provider that is asked first; who really answered stands in
    each result's metadata: provider, passed_over (who was asked before, and why not), answer (the key of a kept one).
    share: whether what models of this machine paint is kept for the show's other shots.
    """

    entries: tuple[ProviderEntry, ...]
    shared: Path
    keep: bool = False
    asker: Asker = NOBODY
    opening: Opening = open_provider
    clock: Clock = CLOCK
    share: bool = True
    _opened: dict[str, Provider | ProviderError] = field(default_factory=dict, repr=False)
    _shelves: dict[str, Shelf] = field(default_factory=dict, repr=False)

    @property
    def provider(self) -> Provider:
        """The first that can be opened. Raises ProviderError when none can."""
        reasons: list[ProviderError] = []
        for entry in self.entries:
            try:
                return self.opened(entry)
            except ProviderError as error:
                reasons.append(error)
        raise nobody_left(reasons)

    def signature(self, painters: Iterable[str] = ()) -> Signature:
        """Who signs for pictures of these providers, by name; of nobody's: who would be asked first."""
        names = set(painters)
        signing = [self.opened(entry) for entry in self.entries if entry.name in names] or [self.provider]
        told = zip(*((each.name, each.model_digest, each.licence) for each in signing), strict=True)
        return Signature(*("; ".join(dict.fromkeys(words)) for words in told))

    def light_of(self, painter: str) -> str:
        """Whose light an entry's provider paints in, as its capabilities say."""
        return next(self.opened(entry).capabilities.light for entry in self.entries if entry.name == painter)

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.shared, self.clock)

    @cached_property
    def words(self) -> Words:
        """What the run's log is told of this desk's calls."""
        return Words.of(self.shared, self.asker.shot, self.asker.stage)

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
        return self.provider.capabilities

    @property
    def at_once(self) -> int:
        """How many requests any of its providers is handed together at most."""
        return max(entry.conduct.at_once for entry in self.entries)

    def generate(self, requests: Sequence[Request], watch: Watch = UNWATCHED) -> list[Result]:
        """Answer every request, in order.

        Before anything leaves, somebody must be able to do every request. Requests of one identity go to one provider, the
        first that can do them all; when it fails, what is not answered goes on to the next, with a note. A request that
        may have been paid for already (no answer, or one that cannot be used) or was called off goes on to nobody.
        Raises the ProviderError that says what happened, or one that names everybody with his reason.
        """
        return Session(self, requests, watch).run()

    def opened(self, entry: ProviderEntry) -> Provider:
        """The provider of an entry, opened once. Raises ProviderError, each time, when it cannot be opened."""
        if entry.name not in self._opened:
            try:
                self._opened[entry.name] = self.opening(entry)
            except ProviderError as error:
                self._opened[entry.name] = error
        found = self._opened[entry.name]
        if isinstance(found, ProviderError):
            raise found
        return found

    def shelf(self, entry: ProviderEntry) -> Shelf:
        """Where pictures of an entry's provider, of this machine, are kept for other shots."""
        if entry.name not in self._shelves:
            self._shelves[entry.name] = Shelf.of(entry, self.opened(entry), self.shared)
        return self._shelves[entry.name]


def open_desk(
    entries: tuple[ProviderEntry, ...],
    shared: Path,
    *,
    keep: bool = False,
    asker: Asker = NOBODY,
    opening: Opening = open_provider,
    clock: Clock = CLOCK,
    share: bool = True,
) -> Desk:
    """The desk at which a stage asks the show's providers, in order of preference; nothing needs closing.

    keep: keep and book the answers of every provider (takes), not only of those that are paid or leave the machine.
    asker: for whom, as the ledger says it. share: keep what models of this machine paint for other shots. Raises ProviderError when none of them can be opened.
    """
    desk = Desk(entries, shared, keep, asker, opening, clock, share)
    _ = desk.provider
    return desk
