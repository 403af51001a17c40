"""One provider as the desk asks it: answers kept, calls booked before they leave, patience with what may be asked again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from assets.providers.asking import answers
from assets.providers.asking.ledger import OPEN, Call, Ledger
from assets.providers.asking.pacing import Clock, backoff_s, wait
from assets.providers.asking.turns import alone, if_free
from assets.providers.base import Provider, Watch
from assets.providers.request import Request, Result
from pipeline.errors import (
    ProviderBudget,
    ProviderBusy,
    ProviderCancelled,
    ProviderDown,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
    StoreError,
)
from pipeline.provider_sections import KINDS, ProviderEntry
from pipeline.words import Words

Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Asker:
    """For whom it is asked, as the ledger and the kept answer say it."""

    shot: str = ""
    stage: str = ""

    @classmethod
    def of(cls, out: Path) -> Asker:
        """The stage that writes into `out`, build/SHOT/STAGE/FINGERPRINT."""
        return cls(out.parent.parent.name, out.parent.name)


NOBODY = Asker()


@dataclass(frozen=True, eq=False)
class Counter:
    """Where one provider is asked, one request at a time. words: what the run's log is told."""

    entry: ProviderEntry
    provider: Provider
    ledger: Ledger
    asker: Asker
    clock: Clock
    words: Words = Words()  # noqa: RUF009 (frozen)

    @property
    def shared(self) -> Path:
        return self.ledger.shared

    def answer(self, request: Request, watch: Watch, note: Note) -> Result:
        """The kept answer, or a new one, kept before it is given. note: told in a line what a person should know.

        Raises ProviderError.
        """
        name = self.entry.name
        key = answers.key_of(name, self.provider.model_digest, request.digest())
        watch.check(name)
        with alone((lock_of(self.shared, key),), name, watch, self.clock):
            kept = self._kept(key, note)
            if kept is not None:
                self.words.made(name, 0, ready=request.count * request.frames)
                return kept
            number, owed = self._book(key, request)
            result = self._ask(number, key, request, watch, note, owed)
            result = replace(
                result,
                cost_usd=result.cost_usd or self._expected_usd(request),
                metadata={**result.metadata, "provider": name, "answer": key},
            )
            # Kept first: a crash between the two finds the answer again and settles its call.
            answers.keep(self.shared, key, request, result, self._origin(key))
            self.ledger.settle(number, "answered", result.cost_usd)
            self.words.made(name, request.count * request.frames, usd=result.cost_usd)
            return result

    def _kept(self, key: str, note: Note) -> Result | None:
        if not answers.is_kept(self.shared, key):
            return None
        try:
            result = answers.load(self.shared, key)
        except StoreError as error:
            aside = answers.set_aside(self.shared, key)
            note(f"{self.entry.name}: a kept answer is damaged and asked for again; it lies in {aside} ({error})")
            return None
        for call in self.ledger.calls(self.entry.name, key):
            if call.state in OPEN:
                self.ledger.settle(call.id, "answered", result.cost_usd, "settled from the kept answer")
        return result

    def _book(self, key: str, request: Request) -> tuple[int, bool]:
        """The call's number in the ledger, and whether an earlier attempt may have been done already."""
        able = self.provider.capabilities
        earlier = self.ledger.calls(self.entry.name, key)
        last = settled_if_lost(self.ledger, earlier[-1]) if earlier else None
        if last and able.remembers and last.state != "answered" and last.billed_usd is not None:
            return last.id, True  # with the same key: what was done then is fetched, not done again
        if last and last.state == "unsure" and able.paid and not self.entry.conduct.ask_again_when_unsure:
            raise ProviderUnsure(
                f"{self.entry.name}: this was asked on {last.began[:16]} UTC, no answer came, and it may have been billed "
                f"({last.expected_usd:.2f} USD expected). Look at the service's bill, then say so: battleplate providers "
                f"settle show.toml {key[:12]} --billed USD (or --not-billed); or set ask_again_when_unsure = true."
            )
        call = Call(
            key,
            self.entry.name,
            kind_of(self.entry),
            self.provider.model_digest,
            request.digest(),
            self.asker.shot,
            self.asker.stage,
            pictures=request.count * request.frames,
            expected_usd=self._expected_usd(request),
        )
        return self._reserved(call), False

    def _reserved(self, call: Call) -> int:
        most = self.entry.conduct.most_usd
        try:
            return self.ledger.reserve(call, most, paid=self.provider.capabilities.paid)
        except ProviderBudget:
            settle_lost(self.shared, self.ledger, self.entry.name, but=call.key)
            return self.ledger.reserve(call, most, paid=self.provider.capabilities.paid)

    def _ask(self, number: int, key: str, request: Request, watch: Watch, note: Note, owed: bool) -> Result:
        """Ask until it is answered or asking again is no use. owed: an earlier attempt may have been done and billed."""
        retry = 0
        while True:
            try:
                return self._ask_once(number, key, request, watch)
            except ProviderError as error:
                failure = error
            owed = owed or isinstance(failure, ProviderUnsure | ProviderNonsense) or (
                isinstance(failure, ProviderCancelled) and self.provider.capabilities.paid
            )  # fmt: skip
            state, billed = _outcome(failure, owed), self._expected_usd(request) if owed else None
            pause = self._pause_s(failure, retry)
            if pause is None or owed:
                self.ledger.settle(number, state, billed, str(failure))
            else:
                self.ledger.hold(number, str(failure))
            if pause is None:
                raise failure
            note(f"{failure} Asked again in {pause:.0f} s.")
            self.words.remark(f"{failure} Asked again.")
            try:
                wait(pause, self.entry.name, watch, self.clock)
            except ProviderCancelled:
                self.ledger.settle(number, state if owed else "cancelled", billed, str(failure))
                raise
            retry += 1

    def _ask_once(self, number: int, key: str, request: Request, watch: Watch) -> Result:
        conduct, name = self.entry.conduct, self.entry.name
        places = tuple(self.shared / "locks" / f"{name}.{i}" for i in range(conduct.at_once))
        with alone(places, name, watch, self.clock):
            while conduct.per_minute and (left := self.ledger.take_turn(name, conduct.per_minute)):
                wait(left, name, watch, self.clock)
            watch.check(name)
            self.ledger.sent(number)
            answered = self.provider.generate([request], replace(watch, keys=(key,)))
        (result,) = checked(name, [request], answered)
        if result.request_digest != request.digest():
            raise ProviderNonsense(f"{name}: answered another request than was asked. Ask its maker.")
        return result

    def _pause_s(self, failure: ProviderError, retry: int) -> float | None:
        """How long to wait before asking again; None: it is not asked again."""
        conduct, remembers = self.entry.conduct, self.provider.capabilities.remembers
        if isinstance(failure, ProviderNonsense):
            return backoff_s(conduct, 0, self.clock) if remembers and retry == 0 else None
        may = isinstance(failure, ProviderBusy | ProviderDown) or (isinstance(failure, ProviderUnsure) and remembers)
        if not may or retry >= conduct.retries:
            return None
        return backoff_s(conduct, retry, self.clock, getattr(failure, "retry_after_s", 0.0))

    def _expected_usd(self, request: Request) -> float:
        return self.entry.conduct.usd_per_picture * request.count * request.frames

    def _origin(self, key: str) -> answers.Origin:
        entry, asker, calls = self.entry, self.asker, self.ledger.calls(self.entry.name, key)
        numbers = tuple(call.id for call in calls)
        return answers.Origin(
            entry.name, kind_of(entry), entry.settings, numbers, calls[-1].began, asker.shot, asker.stage
        )


def checked(provider: str, requests: list[Request], answered: list[Result]) -> list[Result]:
    """What a provider answered, if it is what was asked. Raises ProviderNonsense."""
    if len(answered) != len(requests):
        raise ProviderNonsense(f"{provider}: answered {len(answered)} of {len(requests)} requests. Ask its maker.")
    for request, result in zip(requests, answered, strict=True):
        takes, (width, height) = result.takes, request.size_px
        wanted = (request.count, request.frames, height, width, 4)
        if takes.shape != wanted or takes.dtype != np.float32:
            raise ProviderNonsense(
                f"{provider}: answered {takes.shape} {takes.dtype}, must be {wanted} float32. Ask its maker."
            )
        alpha = takes[..., 3]
        if not np.isfinite(takes).all() or alpha.min() < 0 or alpha.max() > 1:
            raise ProviderNonsense(
                f"{provider}: answered NaN, infinity, or alpha outside 0 to 1. Ask again with another seed."
            )
    return answered


def kind_of(entry: ProviderEntry) -> str:
    """The kind of an entry, as show.toml names it."""
    return next(kind for kind, settings in KINDS.items() if isinstance(entry.settings, settings))


def lock_of(shared: Path, key: str) -> Path:
    """Held by whoever asks for this answer."""
    return shared / "locks" / key


def settle_lost(shared: Path, ledger: Ledger, provider: str = "", but: str = "") -> None:
    """Settle the calls whose process died: what was never sent was not done, what was sent is unsure."""
    for call in ledger.calls(provider):
        if call.state in OPEN and call.key != but:
            with if_free(lock_of(shared, call.key)) as nobody:
                if nobody:
                    settled_if_lost(ledger, call)


def settled_if_lost(ledger: Ledger, call: Call) -> Call:
    """The call as it stands, once nobody works at it any more (the caller holds its lock)."""
    if call.state == "reserved":
        ledger.settle(call.id, "failed", None, "its process ended before anything was sent")
    elif call.state == "sent":
        ledger.settle(call.id, "unsure", call.expected_usd, "its process ended before an answer came")
    else:
        return call
    return next(c for c in ledger.calls(call.provider, call.key) if c.id == call.id)


def _outcome(failure: ProviderError, owed: bool) -> str:
    """The ledger's word for how a call ended."""
    if isinstance(failure, ProviderNonsense):
        return "failed"
    if owed:
        return "unsure"
    if isinstance(failure, ProviderRefused):
        return "refused"
    return "cancelled" if isinstance(failure, ProviderCancelled) else "failed"
