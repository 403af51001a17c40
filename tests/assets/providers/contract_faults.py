"""The contract where something goes wrong: nothing is paid twice, and the ledger is what the service did."""

from __future__ import annotations

import pytest

from pipeline.errors import (
    ProviderBusy,
    ProviderDown,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from tests.assets.providers.contract_service import FAULTS, UNUSABLE, QuickClock, one_line, opened
from tests.assets.providers.contract_tools import Tools


class Faults(Tools):
    """Every fault that a provider's service can meet; those that it cannot are named, with the reason."""

    def test_every_fault_is_met_or_cannot_happen(self, service):
        met = service.moods - {"ok"}

        assert met | set(self.never) == FAULTS
        assert not met & set(self.never)

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
