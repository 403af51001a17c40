"""What every provider must pass, whoever answers it: subclass `ProviderContract` and give it a fixture `service`.

    class TestComfy(ProviderContract):
        size_px = (64, 96)

        @pytest.fixture
        def service(self, tmp_path):
            with running_server() as server:
                yield server

As a program it is the asker that gets killed: `python -m tests.assets.providers.contract FILE`.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from assets.providers.asking.desk import Desk, open_desk
from assets.providers.asking.ledger import Ledger
from assets.providers.asking.pacing import Clock
from assets.providers.base import Capabilities, Provider, Watch
from assets.providers.opening import open_provider
from assets.providers.request import Guides, Identity, PartLook, Request
from pipeline.errors import (
    ProviderBudget,
    ProviderBusy,
    ProviderCancelled,
    ProviderDown,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from pipeline.provider_sections import ProviderEntry

ROOT = Path(__file__).parents[3]
UNUSABLE = ("truncated", "oversized", "gigapixels", "wrong_size")


class Service(Protocol):
    """One provider and whatever answers it on loopback.

    entry: with short waits: wait_s 0.01, timeout_s about 1, retries 4. done: the seed, as text, of each request that the
    service really did and would bill, in order; a request that it remembers and answers again is not done again.

    moods, those that make sense for it:
    - ok: does it and answers                             - busy: 429 with Retry-After, nothing is done
    - broken: 500, nothing is done                        - silent: does it; no answer comes within timeout_s
    - slow: does it, answers late but in time             - truncated: does it, the answer breaks off
    - oversized: does it, more bytes than can be right    - gigapixels: does it, a small picture whose header claims them
    - wrong_size: does it, a picture of another size      - refused: content rules, nothing is done
    - redirect: points to another host

    Two more may be there. `strayed`: what arrived at that other host, which must stay empty. `opening`: how the entry is
    opened, a function of a module, where it is not open_provider.
    """

    entry: ProviderEntry
    moods: frozenset[str]
    done: list[str]

    def plan(self, *moods: str) -> None:
        """What the next calls meet, in order, instead of what was planned before; then "ok" for ever."""


class QuickClock(Clock):
    """Waits at once, and notes how long it would have waited."""

    def __init__(self) -> None:
        self.time_s = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time_s

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time_s += seconds

    def chance(self) -> float:
        return 1.0


def ask(able: Capabilities, size_px: tuple[int, int], frames: int = 1, **changes: Any) -> Request:
    """A request within the capabilities: an upright block, shown by every guide that is understood."""
    (width, height), (y, x) = size_px, np.mgrid[: size_px[1], : size_px[0]]
    inside = (abs(x - width / 2) < width / 4) & (abs(y - height / 2) < height / 3)
    coverage = np.repeat(inside[None].astype(np.float32), frames, 0)
    block = coverage[..., None]
    drawn = {
        "coverage": coverage,
        "depth": coverage * 0.2,
        "normals": block * np.array([0, 0, -1], np.float32),
        "parts": (coverage * 4).astype(np.int32),
        "pose": block * np.array([1, 0.5, 0], np.float32),
        "init": np.concatenate([block * 0.3, block * 0.2, block * 0.1, block], axis=-1),
    }
    wanted = (able.guides & set(drawn)) - ({"init"} - able.needed)
    settings: dict[str, Any] = {
        "guides": Guides(**{name: drawn[name] for name in wanted}),
        "identity": Identity("walker", (PartLook(4, (0.3, 0.2, 0.1)),)),
        "metres_per_px": 0.02,
        "prompt": "a walker in a red tunic" if able.reads_prompt else "",
    }
    return Request(**{**settings, **changes})


class ProviderContract:
    """The facts. size_px, steps, frames: of the requests that are made, where a provider is particular."""

    size_px: tuple[int, int] = (48, 64)
    steps: int = 2
    frames: int = 1

    # ---------------------------------------------------------------- what a provider answers

    def test_answers_are_linear_premultiplied_pictures_of_the_asked_shape(self, service):
        provider = opened(service)
        request = self.request(provider, 1)

        (result,) = provider.generate([request])

        width, height = request.size_px
        rgb, alpha = result.takes[..., :3], result.takes[..., 3]
        assert result.takes.shape == (1, self.frames, height, width, 4)
        assert result.takes.dtype == np.float32
        assert np.isfinite(result.takes).all()
        assert alpha.min() >= 0
        assert alpha.max() <= 1
        assert not rgb[alpha == 0].any(), "premultiplied: where nothing is, nothing shines"
        assert rgb.any()
        assert result.request_digest == request.digest()
        assert result.licence == provider.licence
        assert result.model_digest == provider.model_digest

    def test_equal_requests_have_equal_answers(self, service):
        provider = opened(service)

        first, second = (provider.generate([self.request(provider, 2)])[0] for _ in range(2))

        assert np.array_equal(first.takes, second.takes)

    def test_several_requests_are_answered_in_order(self, service):
        provider = opened(service)
        requests = [self.request(provider, seed) for seed in (3, 4)]

        together = provider.generate(requests)

        assert [r.request_digest for r in together] == [r.digest() for r in requests]
        assert service.done == ["3", "4"]

    def test_what_it_cannot_do_is_refused_before_anything_leaves(self, service):
        provider = opened(service)
        able, fine = provider.capabilities, self.request(provider, 1)
        flat = {"frames": self.frames, "size_px": (able.max_side_px + able.multiple_px, able.multiple_px)}
        beyond = [ask(able, seed=1, steps=self.steps, **flat)]
        beyond += [replace(fine, steps=able.max_steps + 1)] if able.max_steps < 200 else []
        beyond += [replace(fine, count=able.most_count + 1)] if able.most_count < 64 else []
        beyond += [] if able.reads_prompt else [replace(fine, prompt="rain")]
        beyond += [] if able.reads_references else [replace(fine, references=(np.zeros((8, 8, 4), np.float32),))]

        for request in beyond:
            with pytest.raises(ProviderError) as refused:
                provider.generate([fine, request])
            assert one_line(refused.value)

        assert service.done == []

    # ---------------------------------------------------------------- kept, booked

    def test_the_second_equal_ask_comes_from_kept_answers(self, service, tmp_path):
        first = self.desk(service, tmp_path).generate([self.request(opened(service), 5)])[0]
        service.plan("broken")

        second = self.desk(service, tmp_path, retries=0).generate([self.request(opened(service), 5)])[0]

        assert np.array_equal(first.takes, second.takes)
        assert second.metadata["answer"] == first.metadata["answer"]
        assert service.done == ["5"]

    def test_the_ledger_is_what_the_service_did(self, service, tmp_path):
        seeds = (7, 6, 8)

        self.desk(service, tmp_path).generate([self.request(opened(service), seed) for seed in seeds])
        self.desk(service, tmp_path).generate([self.request(opened(service), seed) for seed in (8, 9)])

        assert service.done == ["7", "6", "8", "9"]
        self.check_ledger(service, tmp_path)

    def test_equal_requests_of_one_call_are_done_once(self, service, tmp_path):
        request = self.request(opened(service), 3)

        first, second = self.desk(service, tmp_path).generate([request, request])

        assert np.array_equal(first.takes, second.takes)
        assert service.done == ["3"]
        self.check_ledger(service, tmp_path)

    def test_a_budget_stops_before_anything_is_sent(self, service, tmp_path):
        desk = self.desk(service, tmp_path, usd_per_picture=1.0, most_usd=1.5 * self.frames)

        with pytest.raises(ProviderBudget) as stopped:
            desk.generate([self.request(opened(service), seed) for seed in (1, 2)])

        assert one_line(stopped.value)
        assert len(service.done) <= 1
        self.check_ledger(service, tmp_path)

    def test_progress_reaches_the_total(self, service, tmp_path):
        told: list[tuple[int, int]] = []
        watch = Watch(progress=lambda done, total, note: told.append((done, total)))

        self.desk(service, tmp_path).generate([self.request(opened(service), seed) for seed in (1, 2)], watch)

        assert told[-1][0] == told[-1][1] > 0
        assert all(0 <= done <= total for done, total in told)

    def test_cancelled_before_it_began_nothing_is_done(self, service, tmp_path):
        with pytest.raises(ProviderCancelled):
            self.desk(service, tmp_path).generate([self.request(opened(service), 1)], Watch(cancelled=lambda: True))

        assert service.done == []

    def test_cancelled_half_way_the_rest_is_not_done_and_the_first_is_kept(self, service, tmp_path):
        told: list[int] = []
        watch = Watch(progress=lambda done, total, note: told.append(done), cancelled=lambda: max(told, default=0) > 0)
        requests = [self.request(opened(service), seed) for seed in (1, 2, 3)]

        with pytest.raises(ProviderCancelled):
            self.desk(service, tmp_path).generate(requests, watch)
        assert service.done == ["1"]
        self.desk(service, tmp_path).generate(requests)

        assert service.done == ["1", "2", "3"]
        self.check_ledger(service, tmp_path)

    # ---------------------------------------------------------------- what goes wrong

    def test_busy_says_how_long_to_wait(self, service):
        self.need(service, "busy")
        service.plan("busy")

        with pytest.raises(ProviderBusy) as busy:
            opened(service).generate([self.request(opened(service), 1)])

        assert busy.value.retry_after_s > 0
        assert service.done == []

    @pytest.mark.parametrize("mood", ["busy", "broken"])
    def test_what_was_not_done_is_asked_again(self, service, tmp_path, mood):
        self.need(service, mood)
        clock = QuickClock()
        service.plan(mood, mood)

        self.desk(service, tmp_path, clock).generate([self.request(opened(service), 1)])

        assert clock.slept, "it waits before it asks again"
        assert service.done == ["1"]
        self.check_ledger(service, tmp_path)

    @pytest.mark.parametrize(("mood", "kind"), [("busy", ProviderBusy), ("broken", ProviderDown)])
    def test_after_its_retries_the_error_says_so(self, service, tmp_path, mood, kind):
        self.need(service, mood)
        service.plan(*[mood] * 9)

        with pytest.raises(kind) as failed:
            self.desk(service, tmp_path, retries=2).generate([self.request(opened(service), 1)])

        assert one_line(failed.value)
        assert service.done == []
        self.check_ledger(service, tmp_path)

    def test_slow_is_waited_for(self, service, tmp_path):
        self.need(service, "slow")
        service.plan("slow", "broken", "broken")

        self.desk(service, tmp_path, retries=0).generate([self.request(opened(service), 1)])

        assert service.done == ["1"]
        self.check_ledger(service, tmp_path)

    def test_an_answer_that_never_came_is_not_paid_twice(self, service, tmp_path):
        self.need(service, "silent")
        service.plan("silent")
        desk, request = self.desk(service, tmp_path), self.request(opened(service), 1)

        if not opened(service).capabilities.remembers:
            with pytest.raises(ProviderUnsure) as unsure:
                desk.generate([request])
            assert one_line(unsure.value)
        self.ask_what_is_unsure(service, tmp_path, request)

    def test_killed_between_sending_and_booking_nothing_is_paid_twice(self, service, tmp_path):
        self.need(service, "silent")
        service.plan("silent")
        request = self.request(opened(service), 1)

        self.ask_and_be_killed(service, tmp_path, request)

        assert service.done == ["1"]
        self.ask_what_is_unsure(service, tmp_path, request)

    @pytest.mark.parametrize("mood", UNUSABLE)
    def test_an_answer_that_cannot_be_used_is_an_error_and_is_booked(self, service, tmp_path, mood):
        self.need(service, mood)
        service.plan(mood, mood)
        request = self.request(opened(service), 1)

        with pytest.raises(ProviderNonsense) as nonsense:
            self.desk(service, tmp_path).generate([request])
        assert one_line(nonsense.value)
        assert service.done == ["1"]
        self.check_ledger(service, tmp_path)
        service.plan()
        self.desk(service, tmp_path).generate([request])

        assert service.done == ["1"] if opened(service).capabilities.remembers else ["1", "1"]
        self.check_ledger(service, tmp_path)

    def test_what_is_refused_is_not_asked_again(self, service, tmp_path):
        self.need(service, "refused")
        service.plan("refused")

        with pytest.raises(ProviderRefused) as refused:
            self.desk(service, tmp_path).generate([self.request(opened(service), 1)])

        assert one_line(refused.value)
        assert service.done == []
        self.check_ledger(service, tmp_path)

    def test_a_redirect_to_another_host_is_not_followed(self, service, tmp_path):
        self.need(service, "redirect")
        service.plan("redirect", "redirect")

        with pytest.raises((ProviderRefused, ProviderNonsense)) as refused:
            self.desk(service, tmp_path).generate([self.request(opened(service), 1)])

        assert one_line(refused.value)
        assert getattr(service, "strayed", []) == []
        self.check_ledger(service, tmp_path)

    # ---------------------------------------------------------------- tools

    def request(self, provider: Provider, seed: int, **changes: Any) -> Request:
        """The contract's request, told from others by its seed."""
        return ask(provider.capabilities, self.size_px, self.frames, seed=seed, steps=self.steps, **changes)

    def desk(self, service: Service, shared: Path, clock: Clock | None = None, **conduct: Any) -> Desk:
        """The desk before this provider alone; it keeps whatever is answered, and waits in no time."""
        entry = replace(service.entry, conduct=replace(service.entry.conduct, **conduct))
        return open_desk((entry,), shared, keep=True, opening=opening_of(service), clock=clock or QuickClock())

    def need(self, service: Service, mood: str) -> None:
        if mood not in service.moods:
            pytest.skip(f"{service.entry.name} is never {mood}")

    def check_ledger(self, service: Service, shared: Path) -> None:
        """What the ledger says was billed is what the service did, in number and order; nothing is left open."""
        calls = Ledger(shared).calls()
        seeds = {self.request(opened(service), seed).digest(): str(seed) for seed in range(10)}
        assert [seeds[call.request] for call in calls if call.billed_usd is not None] == service.done
        assert not [call for call in calls if call.state in ("reserved", "sent")]

    def ask_what_is_unsure(self, service: Service, shared: Path, request: Request) -> None:
        """A request that may have been billed is done again only where that costs nothing."""
        able = opened(service).capabilities
        if able.remembers or not able.paid:
            self.desk(service, shared).generate([request])
        else:
            with pytest.raises(ProviderUnsure, match="providers settle") as unsure:
                self.desk(service, shared).generate([request])
            assert one_line(unsure.value)
        assert service.done == (["1"] if able.remembers or able.paid else ["1", "1"])
        self.check_ledger(service, shared)

    def ask_and_be_killed(self, service: Service, shared: Path, request: Request) -> None:
        """Another process asks; once the service has done it, and before any answer, that process is killed."""
        file = shared / "asker.pickle"
        file.write_bytes(pickle.dumps((service.entry, shared, request, opening_of(service))))
        command = [sys.executable, "-m", "tests.assets.providers.contract", str(file)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, start_new_session=True)
        try:
            while not service.done and child.poll() is None:
                time.sleep(0.002)  # until it happened, however long that takes
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
        _, said = child.communicate()
        assert child.returncode == -signal.SIGKILL, said.decode()


def opening_of(service: Service) -> Any:
    return getattr(service, "opening", open_provider)


def opened(service: Service) -> Provider:
    return opening_of(service)(service.entry)


def one_line(error: ProviderError) -> bool:
    return "\n" not in str(error) and str(error).rstrip().endswith((".", ")"))


def main(file: Path) -> None:
    """Ask at the desk, and be killed meanwhile."""
    entry, shared, request, opening = pickle.loads(file.read_bytes())
    patient = replace(entry, conduct=replace(entry.conduct, timeout_s=60.0, retries=0))
    open_desk((patient,), shared, keep=True, opening=opening).generate([request])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
