"""Flicker read along known motion: of a layer that only moves, of one that changes, of noise, and at its edges."""

import numpy as np
import pytest

from assets.flicker import flicker
from assets.view import Buffers

HEIGHT, WIDTH = 60, 80


def texture(x, y):
    """Smooth brightness of a surface at its own places."""
    return 0.3 + 0.1 * np.sin(x / 2.1) * np.cos(y / 1.7) + 0.05 * np.sin((x + y) / 1.3)


def layer(moved=(0.0, 0.0), motion=(0.0, 0.0), gain=1.0, noise=0.0, seed=1):
    """A textured rectangle that has moved; motion: until the next frame."""
    buffers = Buffers.empty(HEIGHT, WIDTH)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(float)
    x, y = x - moved[0], y - moved[1]
    inside = (x > 10) & (x < 60) & (y > 10) & (y < 50)
    value = gain * texture(x, y) + noise * np.random.default_rng(seed).standard_normal(x.shape)
    buffers.rgba[inside] = np.stack([value, value, value, np.ones_like(value)], axis=-1)[inside]
    buffers.ids[inside], buffers.depth[inside] = 7, 12.0
    buffers.motion[:] = motion
    return buffers


@pytest.mark.parametrize("motion", [(0.0, 0.0), (3.0, -2.0), (1.37, 0.61), (-4.5, 2.25)])
def test_what_only_moves_does_not_flicker(motion):
    found = flicker(layer(motion=motion), layer(moved=motion))

    assert found.mean < 0.004
    assert found.most < 0.02
    assert found.followed > 0.8


def test_a_motion_that_is_not_told_is_seen():
    """The figure measures: without the motion the same pictures flicker."""
    assert flicker(layer(), layer(moved=(1.37, 0.61))).mean > 0.1


@pytest.mark.parametrize("gain", [1.05, 0.95])
def test_a_gain_reads_as_itself(gain):
    motion = (1.37, 0.61)

    found = flicker(layer(motion=motion), layer(moved=motion, gain=gain))

    assert found.mean == pytest.approx(abs(np.log(gain)), rel=0.06)
    assert found.whole == pytest.approx(np.log(gain), rel=0.06)


def test_noise_reads_as_the_mean_of_its_differences():
    """Two frames of sigma s differ by a normal deviate of s sqrt(2), whose mean size is 2 s / sqrt(pi)."""
    sigma = 0.01

    found = flicker(layer(noise=sigma, seed=1), layer(noise=sigma, seed=2))

    expected = 2 * sigma / np.sqrt(np.pi) * np.mean(1 / (texture(*np.mgrid[10:60, 10:50]) + 0.005))
    assert found.mean == pytest.approx(expected, rel=0.05)
    assert abs(found.whole) < 0.01


def covered(buffers, left, right, **other):
    """Something else of another brightness stands before part of the layer."""
    buffers.rgba[20:40, left:right] = 0.02, 0.02, 0.02, 1
    for name, value in other.items():
        getattr(buffers, name)[20:40, left:right] = value
    return buffers


@pytest.mark.parametrize("other", [{"ids": 9}, {"depth": 8.0}])
def test_what_is_hidden_or_uncovered_does_not_count(other):
    """Another person, or the same one's arm, passes before it: both are told, by id and by distance."""
    before, after = covered(layer(), 20, 30, **other), covered(layer(), 30, 40, **other)
    before.motion[20:40, 20:30] = 10, 0

    found = flicker(before, after)

    assert found.most < 0.01
    assert found.followed < 1


def test_soft_edges_do_not_count():
    before, after = layer(), layer()
    after.rgba[10:50, 11:14] *= 0.5

    assert flicker(before, after).most < 0.01


def test_what_leaves_the_picture_is_not_followed():
    assert flicker(layer(motion=(70.0, 0.0)), layer(moved=(70.0, 0.0))) is None


def test_an_empty_layer_has_no_figure():
    assert flicker(Buffers.empty(8, 8), Buffers.empty(8, 8)) is None
