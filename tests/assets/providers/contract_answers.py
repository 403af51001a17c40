"""The contract where all goes well: what a provider answers, what is kept, booked and called off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assets.providers.base import Watch
from pipeline.errors import ProviderBudget, ProviderCancelled, ProviderError
from tests.assets.providers.contract_service import ask, one_line, opened
from tests.assets.providers.contract_tools import Tools


class Answers(Tools):
    """What a provider says, and what the desk makes of it."""

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
