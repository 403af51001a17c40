"""The procedural noise: the same everywhere, band-limited, and refusing what it cannot read."""

import numpy as np
import pytest

from pipeline.kernels.noise import cellular, fbm


def places(count=300, seed=1):
    return np.random.default_rng(seed).uniform(-40, 40, (count, 3))


def test_noise_is_a_function_of_place_alone():
    points = places()

    whole = fbm(points, 0.7, 5, 3)
    part = fbm(points[100:200], 0.7, 5, 3)

    assert whole[100:200].tobytes() == part.tobytes()
    assert not np.allclose(whole, fbm(points, 0.7, 5, 4))


def test_noise_has_no_mean_and_a_known_spread():
    noise = fbm(places(2500), 1.3, 4, 9)

    assert abs(noise.mean()) < 0.02
    assert 0.1 < noise.std() < 0.25
    assert np.abs(noise).max() < 1


def test_noise_is_zero_on_its_lattice_and_smooth_between():
    line = np.stack([np.linspace(3, 4, 1001), np.full(1001, 2.0)], -1)

    noise = fbm(line, 1.0, 1, 5)

    assert noise[0] == noise[-1] == 0
    assert np.abs(np.diff(noise)).max() < 0.004


def test_octaves_finer_than_the_mesh_fade_out():
    points = places()

    coarse = fbm(points, 0.5, 6, 2, cell=1.0)

    np.testing.assert_allclose(coarse * (2 - 2**-5), fbm(points, 0.5, 1, 2), atol=1e-6)  # only the first one is left
    assert not fbm(points, 0.5, 6, 2, cell=2.0).any()


def test_ridges_stay_between_zero_and_one_and_keep_their_height_when_faded():
    points = places(2500)

    sharp, faded = fbm(points, 0.5, 6, 2, ridged=True), fbm(points, 0.5, 6, 2, cell=0.8, ridged=True)

    assert sharp.min() >= 0
    assert sharp.max() <= 1
    assert abs(sharp.mean() - faded.mean()) < 0.03


def test_cellular_agrees_with_a_search_over_all_feature_points():
    points = places(200)[:, :2] * 0.1
    first, second, pick = cellular(points, 1.0, 7)
    feature = points[first < 1e-2]

    assert (first <= second).all()
    assert first.max() < 1.5
    assert ((pick >= 0) & (pick < 1)).all()
    step = np.array([[1e-3, 0]])
    np.testing.assert_allclose(cellular(points + step, 1.0, 7)[0], first, atol=1.1e-3)  # a distance changes no faster
    assert len(feature) < 5


def test_points_of_another_shape_are_refused():
    with pytest.raises(ValueError, match="points"):
        fbm(np.zeros((3, 4)), 1, 1, 1)
    with pytest.raises(ValueError, match="points"):
        cellular(np.zeros(3), 1, 1)
