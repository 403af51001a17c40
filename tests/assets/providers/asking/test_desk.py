"""The desk: who is asked, who stands in, what is kept, what is never paid twice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assets.providers.asking import answers
from assets.providers.asking.counter import Asker
from assets.providers.asking.desk import open_desk
from assets.providers.asking.ledger import Ledger
from assets.providers.base import UNWATCHED, Watch
from assets.providers.request import Guides, Result
from pipeline.errors import (
    ProviderBusy,
    ProviderCancelled,
    ProviderDown,
    ProviderError,
    ProviderNonsense,
    ProviderRefused,
    ProviderUnsure,
)
from pipeline.provider_sections import BUILTIN, Conduct
from tests.assets.providers.asking.desks import ABLE, CLOSED, desk_of, request_of, told
from tests.assets.providers.contract_service import QuickClock, ask

# ---------------------------------------------------------------- who is asked


def test_who_cannot_be_opened_is_passed_over_and_it_is_said(services, tmp_path):
    house = services(name="house")

    (result,) = desk_of(tmp_path, CLOSED, house.entry).generate([request_of()])

    assert result.metadata["provider"] == "house"
    assert result.metadata["passed_over"] == "closed: cannot be opened. Use another."


def test_when_nobody_can_be_opened_everyone_is_named():
    with pytest.raises(ProviderError, match=r"no provider is left: closed: cannot be opened.*; closed: cannot"):
        desk_of(Path("nowhere"), CLOSED, CLOSED)


def test_who_is_down_hands_on_what_is_not_answered_of_every_identity(services, tmp_path):
    first, second, notes = services(name="first"), services(name="second"), []
    first.plan("ok", *["broken"] * 9)
    requests = [request_of(1, "a"), request_of(2, "a"), request_of(3, "b")]

    results = desk_of(tmp_path, first.entry, second.entry).generate(requests, told(notes))

    assert [r.metadata["provider"] for r in results] == ["first", "second", "second"]
    assert [r.request_digest for r in results] == [r.digest() for r in requests]
    assert (first.done, second.done) == (["1"], ["2", "3"])
    assert "a goes on to second: first: failed on its side (500)." in notes
    assert any(note.startswith("first: failed on its side (500). Asked again in 0 s.") for note in notes)
    assert "passed_over" not in results[0].metadata


def test_a_refused_identity_goes_on_whole_and_others_stay(services, tmp_path):
    first, second = services(name="first"), services(name="second")
    first.plan("refused")
    requests = [request_of(1, "a"), request_of(2, "b"), request_of(3, "a")]
    desk = desk_of(tmp_path, first.entry, second.entry)

    results = desk.generate(requests)

    assert desk.signature(r.metadata["provider"] for r in results).provider == "first; second"
    assert [r.metadata["provider"] for r in results] == ["second", "first", "second"]
    assert (first.done, second.done) == (["2"], ["1", "3"])


def test_a_refusal_with_nobody_behind_is_the_error(services, tmp_path):
    first = services(name="first")
    first.plan("refused")

    with pytest.raises(ProviderRefused, match="first: refused"):
        desk_of(tmp_path, first.entry).generate([request_of()])


def test_an_identity_goes_to_the_first_who_can_do_all_of_it(services, tmp_path):
    small, large = services(name="small"), services(name="large")
    entry = replace(small.entry, settings=replace(small.entry.settings, slots={**small.entry.settings.slots, "max_side_px": "64"}))  # fmt: skip
    wide = ask(ABLE, (96, 64), seed=2, identity=request_of(name="a").identity)

    results = desk_of(tmp_path, entry, large.entry).generate([request_of(1, "a"), wide, request_of(3, "b")])

    assert [r.metadata["provider"] for r in results] == ["large", "large", "small"]


def test_a_guide_that_is_not_read_is_left_out_and_the_answer_is_to_what_was_asked(services, tmp_path):
    """A crowd brings all its guides; a workflow of depth alone paints it all the same. What was left out did not leave."""
    service = services()
    plain = request_of()
    guides = plain.guides.given()
    rich = replace(plain, guides=Guides(**guides, normals=np.zeros((*plain.guides.shape, 3), np.float32)))
    desk = desk_of(tmp_path, service.entry)

    [answer] = desk.generate([rich])
    [same] = desk.generate([plain])

    assert answer.request_digest == rich.digest()
    np.testing.assert_array_equal(answer.takes, same.takes)
    assert len(service.done) == 1


def test_what_nobody_can_do_stops_before_anything_leaves(services, tmp_path):
    first, second = services(name="first"), services(name="second")

    with pytest.raises(ProviderError, match=r"no provider is left: first: 600 x 64 px.*; second: 600 x 64 px"):
        desk_of(tmp_path, first.entry, second.entry).generate([request_of(1, "a"), ask(ABLE, (600, 64))])

    assert first.calls + second.calls == 0


def test_a_spent_budget_hands_on(services, tmp_path):
    dear = services(name="dear", conduct=Conduct(usd_per_picture=1, most_usd=2))
    cheap = services(name="cheap")

    results = desk_of(tmp_path, dear.entry, cheap.entry).generate([request_of(seed) for seed in (1, 2, 3)])

    assert [r.metadata["provider"] for r in results] == ["dear", "dear", "cheap"]
    assert [r.cost_usd for r in results] == [1, 1, 0]


@pytest.mark.parametrize(("mood", "kind"), [("silent", ProviderUnsure), ("wrong_size", ProviderNonsense)])
def test_what_may_be_paid_already_goes_on_to_nobody(services, tmp_path, mood, kind):
    first, second = services(name="first", remembers=False), services(name="second")
    first.plan(mood)

    with pytest.raises(kind):
        desk_of(tmp_path, first.entry, second.entry).generate([request_of()])

    assert second.calls == 0


def test_what_was_called_off_goes_on_to_nobody(services, tmp_path):
    first, second = services(name="first"), services(name="second")

    with pytest.raises(ProviderCancelled):
        desk_of(tmp_path, first.entry, second.entry).generate([request_of()], Watch(cancelled=lambda: True))

    assert first.calls + second.calls == 0


def test_nobody_waits_longer_than_he_wants(services, tmp_path):
    """Called off while it waits before a retry; nothing was done, so nothing is owed."""
    service, clock = services(), QuickClock()
    service.plan(*["busy"] * 9)

    with pytest.raises(ProviderCancelled):
        desk_of(tmp_path, service.entry, clock=clock).generate(
            [request_of()], Watch(cancelled=lambda: clock.time_s > 1)
        )

    (call,) = Ledger(tmp_path).calls()
    assert (call.state, call.billed_usd, call.attempts) == ("cancelled", None, 1)
    assert clock.time_s < 2


# ---------------------------------------------------------------- straight through


class Local:
    """Free, on this machine; notes how it was called."""

    name, licence, model_digest, capabilities = "local", "ours", "0", ABLE

    def __init__(self, change=lambda result: result, fails=()):
        self.calls, self.change, self.fails = [], change, list(fails)

    def generate(self, requests, watch=UNWATCHED):
        self.calls.append(len(requests))
        if self.fails:
            raise self.fails.pop(0)
        takes = np.full((1, 1, 64, 48, 4), 0.5, np.float32)
        return [self.change(Result(takes, r.digest(), self.model_digest, self.licence)) for r in requests]


def local_desk(shared, local, **settings):
    return open_desk((BUILTIN,), shared, opening=lambda entry: local, clock=QuickClock(), **settings)


def test_free_and_local_requests_go_through_together_and_are_not_booked(tmp_path):
    local = Local()

    results = local_desk(tmp_path, local).generate([request_of(seed) for seed in range(5)])

    assert local.calls == [5]
    assert results[0].metadata == {"provider": "builtin"}
    assert [each.name for each in tmp_path.iterdir()] == ["painted"]


def test_takes_of_a_local_provider_are_kept_and_booked_when_wanted(tmp_path):
    local, request = Local(), request_of()

    for _ in range(2):
        (result,) = local_desk(tmp_path, local, keep=True, asker=Asker("sh010", "generate_crowd")).generate([request])

    (call,) = Ledger(tmp_path).calls()
    assert local.calls == [1]
    assert (call.shot, call.stage, call.kind, call.billed_usd) == ("sh010", "generate_crowd", "builtin", 0)
    assert answers.explain(tmp_path, result.metadata["answer"])["calls"] == [call.id]


def test_a_free_provider_that_is_busy_is_asked_again(tmp_path):
    local = Local(fails=[ProviderBusy("no room.", 3), ProviderDown("gone.")])

    local_desk(tmp_path, local).generate([request_of()])

    assert local.calls == [1, 1, 1]


@pytest.mark.parametrize(
    "change",
    [
        lambda takes: takes[:, :, :-1],
        lambda takes: takes[..., :3],
        lambda takes: takes.astype(np.float64),
        lambda takes: takes * np.nan,
        lambda takes: takes * 3,
        lambda takes: takes - 1,
    ],
)
def test_what_is_no_answer_is_nonsense(tmp_path, change):
    local = Local(change=lambda result: replace(result, takes=change(result.takes)))

    with pytest.raises(ProviderNonsense):
        local_desk(tmp_path, local).generate([request_of()])


def test_an_answer_to_another_request_is_nonsense(tmp_path):
    local = Local(change=lambda result: replace(result, request_digest="0" * 64))

    with pytest.raises(ProviderNonsense, match="another request"):
        local_desk(tmp_path, local, keep=True).generate([request_of()])
