"""How long the desk waits, and how evenly calls leave."""

from __future__ import annotations

import pytest

from assets.providers.asking.ledger import Ledger
from assets.providers.asking.pacing import Clock, backoff_s, wait
from assets.providers.base import UNWATCHED, Watch
from pipeline.errors import ProviderCancelled
from pipeline.provider_sections import Conduct
from tests.assets.providers.contract_service import QuickClock


class Chance(QuickClock):
    def __init__(self, chance):
        super().__init__()
        self.drawn = chance

    def chance(self):
        return self.drawn


def test_each_wait_may_be_twice_as_long_up_to_the_longest():
    conduct = Conduct(wait_s=1, most_wait_s=10)

    assert [backoff_s(conduct, retry, Chance(1.0)) for retry in range(6)] == [1, 2, 4, 8, 10, 10]


def test_a_wait_is_anywhere_between_nothing_and_that():
    assert backoff_s(Conduct(wait_s=1), 3, Chance(0.0)) == 0
    assert backoff_s(Conduct(wait_s=1), 3, Chance(0.25)) == 2
    assert len({backoff_s(Conduct(wait_s=1), 3, Clock()) for _ in range(20)}) > 10


def test_what_the_provider_asks_for_is_waited_in_full_up_to_the_longest():
    conduct = Conduct(wait_s=1, most_wait_s=30)

    assert backoff_s(conduct, 0, Chance(0.0), retry_after_s=7) == 7
    assert backoff_s(conduct, 0, Chance(1.0), retry_after_s=7) == 8
    assert backoff_s(conduct, 0, Chance(0.0), retry_after_s=3600) == 30


def test_a_wait_ends_when_the_asker_has_had_enough():
    clock = QuickClock()

    with pytest.raises(ProviderCancelled):
        wait(3600, "house", Watch(cancelled=lambda: clock.time_s > 5), clock)

    assert 5 < clock.time_s < 6


def test_a_clock_that_is_set_back_makes_nobody_wait_for_hours():
    class SetBack(QuickClock):
        def sleep(self, seconds):
            super().sleep(seconds - 3600 if len(self.slept) == 2 else seconds)

    clock = SetBack()
    told = iter([False] * 40 + [True] * 10)

    with pytest.raises(ProviderCancelled):
        wait(2, "house", Watch(cancelled=lambda: next(told)), clock)

    assert max(clock.slept) <= 0.2


def test_calls_leave_evenly_over_all_who_share_the_show(tmp_path):
    clock = QuickClock()
    workers, left = [Ledger(tmp_path, clock) for _ in range(3)], []

    while len(left) < 9:
        for worker in workers:
            pause = worker.take_turn("house", per_minute=30)
            if pause:
                wait(pause, "house", UNWATCHED, clock)
            else:
                left.append(clock.now())

    assert left == pytest.approx([2.0 * i for i in range(9)], abs=1e-6)


def test_turns_are_not_saved_up(tmp_path):
    clock = QuickClock()
    ledger = Ledger(tmp_path, clock)
    clock.time_s = 3600

    assert ledger.take_turn("house", 60) == 0
    assert ledger.take_turn("house", 60) == pytest.approx(1)
    assert ledger.take_turn("other", 60) == 0
