"""Stretches of frames, and one request of many frames from requests of one each."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from assets.near.heroes import runs, sequence_request
from assets.providers.request import Guides, Identity, Light, Request
from pipeline.errors import AssetError


def still(value, sun=(0.0, -1.0, 0.0), **changes):
    guides = Guides.image(coverage=np.full((4, 3), value), pose=np.full((4, 3, 3), value))
    return replace(Request(guides, Identity("hero", ()), 0.02, Light(sun_direction=sun)), **changes)


@pytest.mark.parametrize(
    ("shown", "found"),
    [([0, 1, 1, 0, 1], [(1, 3), (4, 5)]), ([1, 1, 1], [(0, 3)]), ([0, 0], []), ([1], [(0, 1)])],
)
def test_each_stretch_on_which_somebody_is_seen_is_one_run(shown, found):
    assert runs(np.array(shown, bool)) == found


def test_guides_of_all_frames_are_stacked_in_order(tmp_path):
    request = sequence_request([still(0.2), still(0.5), still(0.9)], tmp_path)

    assert request.frames == 3
    assert np.allclose(request.guides.coverage[:, 0, 0], [0.2, 0.5, 0.9])
    assert request.guides.pose.shape == (3, 4, 3, 3)


def test_no_more_than_some_frames_are_held_in_memory(tmp_path):
    def large(value):
        return still(
            value, guides=Guides.image(coverage=np.full((256, 256), value), pose=np.full((256, 256, 3), value))
        )

    one = sum(guide.nbytes for guide in large(1.0).guides.given().values())
    tracemalloc.start()
    request = sequence_request((large(k / 40) for k in range(40)), tmp_path)
    digest, most = request.digest(), tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert most < 8 * one
    whole = {
        name: np.concatenate([large(k / 40).guides.given()[name] for k in range(40)]) for name in ("coverage", "pose")
    }
    assert digest == replace(request, guides=Guides(**whole)).digest()


def test_one_frame_alone_is_that_request(tmp_path):
    assert sequence_request([still(0.2)], tmp_path).digest() == still(0.2).digest()


def test_the_sun_is_the_mean_of_its_directions(tmp_path):
    request = sequence_request([still(1, (0.6, -0.8, 0.0)), still(1, (-0.6, -0.8, 0.0))], tmp_path)

    assert np.allclose(request.light.sun_direction, (0, -1, 0), atol=1e-6)


@pytest.mark.parametrize("change", [{"seed": 2}, {"metres_per_px": 0.03}, {"identity": Identity("other", ())}])
def test_stills_that_do_not_belong_together_are_refused(change, tmp_path):
    with pytest.raises(AssetError, match=f"{next(iter(change))} differ"):
        sequence_request([still(0.2), still(0.3, **change)], tmp_path)


def test_stills_of_another_size_are_refused(tmp_path):
    other = still(0.3, guides=Guides.image(coverage=np.ones((5, 3)), pose=np.ones((5, 3, 3))))

    with pytest.raises(AssetError, match="guides differ"):
        sequence_request([still(0.2), other], tmp_path)
