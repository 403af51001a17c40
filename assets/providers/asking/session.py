"""One call of the desk: who is asked for what, and who is asked next when that fails."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from assets.providers.asking.counter import Counter, checked
from assets.providers.asking.pacing import backoff_s, wait
from assets.providers.asking.shelf import Shelf, in_half
from assets.providers.base import Provider, Watch
from assets.providers.request import Request, Result
from pipeline.errors import (
    ProviderBusy,
    ProviderCancelled,
    ProviderDown,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
    StoreError,
)
from pipeline.provider_sections import ProviderEntry

if TYPE_CHECKING:
    from assets.providers.asking.desk import Desk

# After these the next provider is not asked: it may be paid for already, or nobody wants it any more.
_FINAL = (ProviderUnsure, ProviderNonsense, ProviderCancelled)
Failures = dict[int, ProviderError]  # by index of the request


@dataclass(eq=False)
class Session:
    """waiting: index of a request to the place of the entry that it waits for. passed: who could not, by identity."""

    desk: Desk
    requests: Sequence[Request]
    watch: Watch
    answered: dict[int, Result] = field(default_factory=dict)
    waiting: dict[int, int] = field(default_factory=dict)
    passed: dict[str, list[ProviderError]] = field(default_factory=dict)

    def run(self) -> list[Result]:
        """Answers in the order of the requests. Raises the ProviderError that says what happened."""
        self.waiting = dict.fromkeys(range(len(self.requests)), 0)
        for identity in dict.fromkeys(self._identity(index) for index in self.waiting):
            self._find(identity, 0)  # for all of them, before anything leaves
        while self.waiting:
            place = next(iter(self.waiting.values()))
            batch = [index for index, its in self.waiting.items() if its == place]
            failures = self._ask(self.desk.entries[place], batch)
            if failures:
                self._pass_on(failures, batch, place)
        self._note("answered")
        return [self.answered[index] for index in range(len(self.requests))]

    def _ask(self, entry: ProviderEntry, batch: list[int]) -> Failures:
        provider, desk = self.desk.opened(entry), self.desk
        able = provider.capabilities
        if able.paid or able.leaves_machine or desk.keep:
            return self._ask_booked(Counter(entry, provider, desk.ledger, desk.asker, desk.clock, desk.words), batch)
        return self._ask_straight(entry, provider, batch)

    def _ask_straight(self, entry: ProviderEntry, provider: Provider, batch: list[int]) -> Failures:
        """All together, as they are: nothing is paid, nothing leaves the machine. What was painted before is not again."""
        shelf = self.desk.shelf(entry) if self.desk.share else None
        wanted = {index: provider.capabilities.readable(self.requests[index]) for index in batch}
        for index, request in wanted.items():
            if shelf is not None and (found := self._found(shelf, request)) is not None:
                self._take(index, found)
                self.desk.words.made(entry.name, 0, ready=request.count * request.frames)
        batch = [index for index in batch if index in self.waiting]
        requests = [wanted[index] for index in batch]
        if not requests:
            return {}
        retry = 0
        while True:
            try:
                results = checked(entry.name, requests, provider.generate(requests, self._inner(entry.name)))
                break
            except ProviderError as error:
                if not isinstance(error, ProviderBusy | ProviderDown) or retry >= entry.conduct.retries:
                    return dict.fromkeys(batch, error)
                pause = backoff_s(entry.conduct, retry, self.desk.clock, getattr(error, "retry_after_s", 0.0))
                self.desk.words.remark(f"{error} Asked again.")
            wait(pause, entry.name, self.watch, self.desk.clock)
            retry += 1
        self.desk.words.made(entry.name, sum(request.count * request.frames for request in requests))
        for index, result in zip(batch, results, strict=True):
            painted = in_half(replace(result, metadata={**result.metadata, "provider": entry.name}))
            if shelf is not None:
                self._put(shelf, painted)
            self._take(index, painted)
        return {}

    def _found(self, shelf: Shelf, request: Request) -> Result | None:
        try:
            return shelf.find(request)
        except StoreError as error:
            self._note(str(error))
            return None

    def _put(self, shelf: Shelf, painted: Result) -> None:
        """A full disk or a folder that may not be written to stops nobody: it decides nothing."""
        try:
            shelf.put(painted)
        except (StoreError, OSError) as error:
            self._note(f"not kept for other shots: {error}")

    def _ask_booked(self, counter: Counter, batch: list[int]) -> Failures:
        """One by one, or as many side by side as the entry says. After a failure none is begun, and those under way end."""
        failures: Failures = {}
        stop, lock = threading.Event(), threading.Lock()
        inner = self._inner(counter.entry.name)

        def one(index: int) -> None:
            if stop.is_set():
                return
            try:
                request = counter.provider.capabilities.readable(self.requests[index])
                result = counter.answer(request, inner, self._note)
            except ProviderError as error:
                failures[index] = error
                stop.set()
                return
            except BaseException:
                stop.set()
                raise
            with lock:
                self._take(index, result)

        at_once = min(counter.entry.conduct.at_once, len(batch))
        if at_once == 1:
            for index in batch:
                one(index)
            return failures
        with ThreadPoolExecutor(at_once) as pool:
            try:
                list(pool.map(one, batch))
            except BaseException:  # Ctrl-C too: what is under way ends, and is kept
                stop.set()
                raise
        return failures

    def _take(self, index: int, result: Result) -> None:
        passed = "; ".join(str(error) for error in self.passed.get(self._identity(index), ()))
        told = {**result.metadata, "passed_over": passed} if passed else result.metadata
        digest = self.requests[index].digest()  # of what the stage asked, guides that nobody read included
        self.answered[index] = replace(result, metadata=told, request_digest=digest)
        del self.waiting[index]
        self._note("answered")

    def _pass_on(self, failures: Failures, batch: list[int], place: int) -> None:
        """Send on what is not answered; what was refused concerns its own identity, all else concerns the provider."""
        for error in failures.values():
            if isinstance(error, _FINAL):
                raise error
        concerned = failures if all(isinstance(e, ProviderRefused) for e in failures.values()) else batch
        reason = next(iter(failures.values()))
        for identity in dict.fromkeys(self._identity(index) for index in concerned if index in self.waiting):
            own = next((e for index, e in failures.items() if self._identity(index) == identity), reason)
            self.passed.setdefault(identity, []).append(own)
            self._find(identity, place + 1)
            line = f"{identity} goes on to {self.desk.entries[self._place(identity)].name}: {own}"
            self._note(line)
            self.desk.words.remark(line)

    def _find(self, identity: str, first: int) -> None:
        """Let what waits of an identity wait for the first entry, from `first`, that can do all of it."""
        mine = [index for index in self.waiting if self._identity(index) == identity]
        for place, entry in enumerate(self.desk.entries[first:], first):
            try:
                provider = self.desk.opened(entry)
                for index in mine:
                    provider.capabilities.check(entry.name, provider.capabilities.readable(self.requests[index]))
            except ProviderError as error:
                self.passed.setdefault(identity, []).append(error)
                self.desk.words.remark(f"passed over: {error}")
                continue
            self.waiting.update(dict.fromkeys(mine, place))
            return
        raise nobody_left(self.passed[identity])

    def _identity(self, index: int) -> str:
        return self.requests[index].identity.name

    def _place(self, identity: str) -> int:
        return next(place for index, place in self.waiting.items() if self._identity(index) == identity)

    def _note(self, note: str) -> None:
        self.watch.progress(len(self.answered), len(self.requests), note)

    def _inner(self, provider: str) -> Watch:
        """What a provider is watched by: its own progress becomes a note."""
        return Watch(
            progress=lambda done, total, note: self._note(f"{provider}: {done} of {total} {note}".strip()),
            cancelled=self.watch.cancelled,
        )


def nobody_left(reasons: Iterable[ProviderError]) -> ProviderError:
    """One error that names everybody with his reason; of their common kind, where they have one."""
    errors = list(reasons)
    if len(errors) == 1:
        return errors[0]
    kinds = {type(error) for error in errors}
    said = "; ".join(str(error).rstrip(".") for error in errors)
    return (kinds.pop() if len(kinds) == 1 else ProviderError)(f"no provider is left: {said}.")
