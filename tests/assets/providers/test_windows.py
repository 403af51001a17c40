"""Long requests in windows: what is asked, how it is joined, and that joins do not flicker."""

import itertools
import tracemalloc
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from assets.providers.base import UNWATCHED, Capabilities
from assets.providers.request import Guides, Identity, Request, Result
from assets.providers.windows import generate_in_windows, in_windows, joined, spans
from pipeline.errors import ProviderError

ABLE = Capabilities(guides=frozenset({"coverage", "init", "mask"}), needed=frozenset(), video=True, most_frames=16)
BLIND = replace(ABLE, guides=frozenset({"coverage"}))


def request_of(frames, **changes):
    """A ramp that is another one on every frame."""
    coverage = np.linspace(0.2, 1, frames, dtype=np.float32)[:, None, None] * np.ones((1, 4, 6), np.float32)
    return Request(
        **{"guides": Guides(coverage=coverage), "identity": Identity("hero", ()), "metres_per_px": 0.02} | changes
    )


@dataclass
class Moody:
    """A model of video that paints each window with a gain of its mood; shown frames to keep, it keeps their gain."""

    capabilities: Capabilities
    moods: np.random.Generator = field(default_factory=lambda: np.random.default_rng(3))
    asked: list = field(default_factory=list)
    name: str = "moody"
    licence: str = "ours"
    model_digest: str = "m1"

    def generate(self, requests, watch=UNWATCHED):
        for request in requests:
            self.capabilities.check(self.name, request)
        self.asked += requests
        return [self.paint(request) for request in requests]

    def paint(self, request):
        takes = []
        for _ in range(request.count):
            gain, guides = self.moods.uniform(0.7, 1.3), request.guides
            painted = np.repeat(guides.coverage[..., None], 4, axis=-1).astype(np.float32)
            if guides.mask is not None and (guides.mask == 0).any():
                keep = guides.mask == 0
                gain = (guides.init[keep] / painted[keep]).mean()
                painted = np.where(keep[..., None], guides.init, gain * painted)
            else:
                painted = gain * painted
            takes.append(painted)
        return Result(np.stack(takes), request.digest(), self.model_digest, self.licence, 0.5, {"provider": self.name})


def flicker(request, result):
    """Largest change of gain from one frame to the next; the truth is the coverage itself."""
    gain = result.takes[0].mean(axis=(1, 2, 3)) / request.guides.coverage.mean(axis=(1, 2))
    return np.abs(np.diff(gain)).max()


@pytest.mark.parametrize(
    ("frames", "most", "overlap"), [(48, 16, 4), (17, 16, 8), (100, 81, 8), (31, 16, 1), (20, 10, 0)]
)
def test_windows_cover_every_frame_share_enough_and_are_equally_long(frames, most, overlap):
    found = spans(frames, most, overlap)

    assert found[0][0] == 0
    assert found[-1][1] == frames
    assert {stop - start for start, stop in found} == {most}
    assert all(a[1] - b[0] >= overlap and b[0] > a[0] for a, b in itertools.pairwise(found))


def test_a_request_that_fits_is_asked_as_it_is():
    request, model = request_of(16), Moody(ABLE)

    generate_in_windows(model, request)

    assert model.asked == [request]


@pytest.mark.parametrize(("able", "frames"), [(ABLE, 60), (BLIND, 60), (ABLE, 29), (BLIND, 29), (BLIND, 17)])
@pytest.mark.parametrize("count", [1, 2])
def test_frames_that_wait_on_disk_are_those_of_memory(tmp_path, able, frames, count):
    request = request_of(frames, count=count)

    held = generate_in_windows(Moody(able), request)
    waited = generate_in_windows(Moody(able), request, folder=tmp_path, at_once=3)

    assert np.array_equal(waited.takes, held.takes)
    assert (waited.request_digest, waited.metadata) == (held.request_digest, held.metadata)


@pytest.mark.parametrize("able", [ABLE, BLIND, replace(BLIND, most_frames=9999, frames_apart=True)])
def test_memory_does_not_grow_with_the_frames(tmp_path, able, monkeypatch):
    monkeypatch.setattr("assets.providers.windows._APART_PX", 16 * 64 * 64)
    peaks = []
    for frames in (80, 320):
        coverage = np.ones((frames, 64, 64), np.float32)
        request = request_of(frames, guides=Guides(coverage=coverage))
        model = Moody(able)
        model.asked = Forgetful()
        tracemalloc.start()
        result = generate_in_windows(model, request, folder=tmp_path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert result.takes.shape == (1, frames, 64, 64, 4)

    assert peaks[1] < 1.1 * peaks[0]


class Forgetful(list):
    """Keeps no request alive."""

    def __iadd__(self, requests):
        return self


def test_frames_that_are_painted_apart_are_the_same_in_parts(tmp_path, monkeypatch):
    """The last part is shorter, and no frame is painted twice."""
    able = replace(BLIND, most_frames=9999, frames_apart=True)
    request, asked = request_of(20), []

    class Steady(Moody):
        def paint(self, request):
            asked.append(request.frames)
            takes = np.repeat(request.guides.coverage[None, ..., None], 4, axis=-1) / np.float32(3)
            return Result(takes, request.digest(), self.model_digest, self.licence, 0, {"seed": str(request.seed)})

    whole = generate_in_windows(Steady(able), request)
    monkeypatch.setattr("assets.providers.windows._APART_PX", 8 * 4 * 6)
    parted = generate_in_windows(Steady(able), request, folder=tmp_path)

    assert asked == [20, 8, 8, 4]
    assert np.array_equal(parted.takes, whole.takes)
    assert (parted.request_digest, parted.metadata) == (whole.request_digest, whole.metadata)


def test_windows_are_handed_over_together(tmp_path):
    asked = []

    class Counting(Moody):
        def generate(self, requests, watch=UNWATCHED):
            asked.append(len(requests))
            return super().generate(requests, watch)

    generate_in_windows(Counting(BLIND), request_of(60), folder=tmp_path, at_once=2)

    assert asked == [2, 2, 1]


def test_windows_without_a_way_forward_are_refused():
    with pytest.raises(ProviderError, match="windows of 8 frames cannot share 8"):
        in_windows(request_of(20), 8, 8)


def test_equal_requests_are_cut_into_equal_windows():
    """Their digests are the keys of what was paid for."""
    first, second = (in_windows(request_of(40), 16, 4) for _ in range(2))

    assert [window.digest() for window in first] == [window.digest() for window in second]
    assert len({window.digest() for window in first}) == len(first)


def test_windows_of_a_steady_model_join_to_what_it_would_have_painted_at_once():
    request = request_of(40, count=2)
    steady = [
        Result(np.repeat(w.guides.coverage[None, ..., None], 4, -1).repeat(2, 0), w.digest(), "m", "l")
        for w in in_windows(request, 16, 4)
    ]

    result = joined(request, steady, 16, 4)

    assert np.allclose(result.takes, request.guides.coverage[None, ..., None], atol=1e-6)
    assert result.request_digest == request.digest()


def test_fading_takes_most_of_a_models_moods_away():
    """Each window with a gain of its own: with four shared frames a jump is spread over five steps, a third at most each."""
    request = request_of(60)

    hard = joined(request, Moody(BLIND).generate(in_windows(request, 16, 0)), 16, 0)
    faded = generate_in_windows(Moody(BLIND), request)

    assert flicker(request, hard) > 0.1
    assert flicker(request, faded) < 0.36 * flicker(request, hard)


def test_a_model_that_is_shown_what_is_made_goes_on_from_it():
    request, model = request_of(60), Moody(ABLE)

    result = generate_in_windows(model, request)

    assert flicker(request, result) < 1e-4
    assert all((window.guides.mask[:4] == 0).all() for window in model.asked[1:])
    assert np.array_equal(model.asked[1].guides.init[:4], result.takes[0, 12:16])


def test_each_take_goes_on_from_its_own_frames():
    request, model = request_of(40, count=2, seed=7), Moody(ABLE)

    result = generate_in_windows(model, request)

    assert result.takes.shape == (2, 40, 4, 6, 4)
    assert abs(result.takes[0].mean() - result.takes[1].mean()) > 0.01
    assert {window.seed for window in model.asked} == {7, 8}


def test_what_init_and_mask_were_asked_stays_asked():
    init, mask = np.ones((20, 4, 6, 4), np.float32), np.ones((20, 4, 6), np.float32)
    mask[18] = 0
    guides = Guides(coverage=np.ones((20, 4, 6), np.float32), init=init, mask=mask)
    model = Moody(ABLE)

    generate_in_windows(model, request_of(20, guides=guides))

    later = model.asked[1].guides
    assert (later.mask[14] == 0).all()
    assert (later.mask[15] == 1).all()
    assert (later.init[15] == 1).all()


def test_cost_and_windows_are_told():
    request = request_of(40)

    result = generate_in_windows(Moody(BLIND), request)

    assert result.cost_usd == 0.5 * len(in_windows(request, 16, 4))
    assert in_windows(request, 16, 4)[1].digest() in result.metadata["windows"]


def test_windows_of_two_models_are_refused():
    request = request_of(20)
    one, two = (result for result in Moody(BLIND).generate(in_windows(request, 16, 4)))

    with pytest.raises(ProviderError, match="painted by 2 models"):
        joined(request, [one, replace(two, model_digest="m2")], 16, 4)
