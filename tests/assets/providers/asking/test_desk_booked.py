"""The desk: what is kept and booked, and several who ask at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from assets.providers.asking.ledger import Call, Ledger
from pipeline.errors import (
    ProviderBudget,
    ProviderDown,
    ProviderUnsure,
)
from pipeline.provider_sections import Conduct
from tests.assets.providers.asking.desks import desk_of, request_of, told

# ---------------------------------------------------------------- kept and booked


def test_a_damaged_answer_is_set_aside_and_asked_for_again(services, tmp_path):
    service, notes = services(), []
    desk = desk_of(tmp_path, service.entry)
    (before,) = desk.generate([request_of()])
    (take,) = tmp_path.glob("answers/*/*/take01.0001.exr")
    take.write_bytes(take.read_bytes()[:-1])

    (after,) = desk.generate([request_of()], told(notes))

    assert np.array_equal(before.takes, after.takes)
    assert any("is damaged and asked for again" in note for note in notes)
    assert len(list(tmp_path.glob("answers/*/damaged-1-*/take01.0001.exr"))) == 1


def test_a_call_that_was_kept_but_not_settled_is_settled_from_the_kept_answer(services, tmp_path):
    """Killed between the two."""
    service = services(conduct=Conduct(usd_per_picture=0.5))
    desk = desk_of(tmp_path, service.entry)
    desk.generate([request_of()])
    Ledger(tmp_path).sent(1)

    desk.generate([request_of()])

    (call,) = Ledger(tmp_path).calls()
    assert (call.state, call.billed_usd) == ("answered", 0.5)
    assert service.calls == 1


def test_an_unsure_call_is_asked_again_where_the_show_says_so(services, tmp_path):
    service = services(remembers=False, conduct=Conduct(timeout_s=0.3, ask_again_when_unsure=True, usd_per_picture=1))
    service.plan("silent")
    desk = desk_of(tmp_path, service.entry)
    with pytest.raises(ProviderUnsure):
        desk.generate([request_of()])

    desk.generate([request_of()])

    assert [(c.state, c.billed_usd) for c in Ledger(tmp_path).calls()] == [("unsure", 1), ("answered", 1)]
    assert service.done == ["1", "1"]


def test_an_unsure_call_that_a_person_settled_is_asked_again(services, tmp_path):
    service = services(remembers=False)
    service.plan("silent")
    desk = desk_of(tmp_path, service.entry)
    with pytest.raises(ProviderUnsure):
        desk.generate([request_of()])

    Ledger(tmp_path).settle(1, "failed", None, "settled by hand")
    desk.generate([request_of()])

    assert [c.state for c in Ledger(tmp_path).calls()] == ["failed", "answered"]


def test_money_that_a_dead_process_set_aside_comes_back(services, tmp_path):
    service = services(conduct=Conduct(usd_per_picture=1, most_usd=1))
    Ledger(tmp_path).reserve(Call("k", "wire", "comfyui", "m", "r", expected_usd=1))

    desk_of(tmp_path, service.entry).generate([request_of()])

    assert [(c.state, c.billed_usd) for c in Ledger(tmp_path).calls()] == [("failed", None), ("answered", 1)]


# ---------------------------------------------------------------- several at once


def at_the_same_time(*works):
    gate = threading.Barrier(len(works), timeout=20)

    def begin(work):
        gate.wait()
        return work()

    with ThreadPoolExecutor(len(works)) as pool:
        futures = [pool.submit(begin, work) for work in works]
        return [future.exception() or future.result() for future in futures]


def test_who_ask_for_the_same_at_the_same_time_share_one_answer(services, tmp_path):
    service = services()
    service.plan("slow")

    results = at_the_same_time(*[lambda: desk_of(tmp_path, service.entry).generate([request_of()])[0]] * 4)

    assert service.done == ["1"]
    assert len({r.metadata["answer"] for r in results}) == 1
    assert not list((tmp_path / "locks").iterdir())


def test_who_spend_at_the_same_time_cannot_overspend(services, tmp_path):
    service = services(conduct=Conduct(usd_per_picture=1, most_usd=3))

    results = at_the_same_time(
        *(lambda seed=seed: desk_of(tmp_path, service.entry).generate([request_of(seed)]) for seed in range(6))
    )

    assert sum(isinstance(r, ProviderBudget) for r in results) == 3
    assert len(service.done) == 3


def test_at_once_is_kept_by_everyone_together(services, tmp_path):
    service = services(conduct=Conduct(at_once=1))
    service.plan(*["slow"] * 4)

    at_the_same_time(
        *(lambda seed=seed: desk_of(tmp_path, service.entry).generate([request_of(seed)]) for seed in range(4))
    )

    assert service.most_at_once == 1
    assert len(service.done) == 4


def test_several_are_under_way_side_by_side_when_the_entry_says_so(services, tmp_path):
    """The service answers either of these two only once it has both."""
    service = services(conduct=Conduct(at_once=2, timeout_s=20))
    service.plan("pair", "pair")

    results = desk_of(tmp_path, service.entry).generate([request_of(1), request_of(2)])

    assert [r.request_digest for r in results] == [request_of(1).digest(), request_of(2).digest()]


def test_when_one_of_several_fails_what_was_under_way_is_kept(services, tmp_path):
    service = services(conduct=Conduct(at_once=2, retries=0, timeout_s=20))
    service.plan("slow", "broken", *["broken"] * 9)

    with pytest.raises(ProviderDown):
        desk_of(tmp_path, service.entry).generate([request_of(seed) for seed in range(6)])

    assert len(service.done) == 1
    assert sum(c.state == "answered" for c in Ledger(tmp_path).calls()) == 1
    assert service.calls <= 3
