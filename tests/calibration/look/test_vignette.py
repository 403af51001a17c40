"""Dark corners are found in the scene's plate as deep as they were made, and none where there are none."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.look.color import Sample
from calibration.look.vignette import measure_vignette, vignette_gain
from tests.scenes import Scene, write_track

SCENE = Scene(width=400, height=226, frames=4, grain=0.003, step_m=(1.1, 0.01, -0.6))


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    track = write_track(SCENE, tmp_path_factory.mktemp("track"))
    samples = []
    for frame in (1001, 1002, 1003, 1004):
        z = SCENE.depth_m(frame)
        sure = np.isfinite(z).astype(np.float32)
        samples.append((frame, Sample(SCENE.picture(frame).astype(np.float32), z, sure, np.zeros_like(sure))))
    return samples, track


@pytest.mark.parametrize("terms", [(0.1, 0.0), (0.3, 0.15)])
def test_the_loss_at_the_corner_is_found(seen, terms):
    samples, track = seen
    gain = vignette_gain(SCENE.lens, *terms)[..., None]

    found = measure_vignette([(f, replace(s, rgb=s.rgb * gain)) for f, s in samples], track)

    known = measure_vignette(samples, track)
    lost = found.second + found.fourth - known.second - known.fourth
    assert lost == pytest.approx(sum(terms), abs=0.05)
    assert "lost at the corner" in found.note


def test_an_even_plate_has_no_vignette(seen):
    samples, track = seen

    found = measure_vignette(samples, track)

    assert found.second + found.fourth < 0.04


def test_without_movement_nothing_is_said(seen):
    samples, track = seen

    found = measure_vignette([samples[0], samples[0]], track)

    assert (found.second, found.fourth) == (0, 0)
    assert found.note.startswith("none: 0 points come nearer")


def test_the_gain_is_one_in_the_middle_and_least_in_the_farthest_corner():
    gain = vignette_gain(SCENE.lens, 0.2, 0.1)

    assert gain.max() == pytest.approx(1, abs=1e-4)
    assert gain.min() == pytest.approx(np.exp(-0.3), rel=0.01)
