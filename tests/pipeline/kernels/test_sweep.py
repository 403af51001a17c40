"""The sweep's kernels against slow twins, at the ends of their range."""

import numpy as np
import pytest

from pipeline.kernels.semiglobal import lowest, smoothest
from pipeline.kernels.sweep import WINDOW, WORST, photo_cost


def texture(height: int, width: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width), np.float32)


def shifted_pair(height: int = 15, width: int = 24, by: int = 3):
    """A neighbour half a metre to the right that sees everything `by` pixels further left: q = 0.5 at focal 12."""
    wide = texture(height, width + by)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    rays = np.stack([x, y], axis=-1) / np.float32(12)
    turns = np.diag([12, 12, 1]).astype(np.float32)[None]
    shifts = np.float32([[-12 * 0.5, 0, 0]])
    return wide[:, :width], rays, wide[None, :, by:], turns, shifts


def slow_cost(reference, picture, disparity, window):
    """ZNCC by hand, with the rim repeated, of a neighbour `disparity` whole pixels off."""
    height, width = reference.shape
    columns = np.clip(np.arange(width) - disparity, 0, picture.shape[1] - 1)
    warped = picture[:, columns]
    up, aside = window
    a, b = (np.pad(i, ((up, up), (aside, aside)), mode="edge").astype(np.float64) for i in (reference, warped))
    out = np.empty((height, width))
    for y in range(height):
        for x in range(width):
            p, q = (i[y : y + 2 * up + 1, x : x + 2 * aside + 1] for i in (a, b))
            out[y, x] = np.mean((p - p.mean()) * (q - q.mean())) / np.sqrt((p.var() + 1e-6) * (q.var() + 1e-6))
    return np.where(np.arange(width) - disparity < 0, np.nan, np.clip(1 - out, 0, 1) * WORST)


@pytest.mark.parametrize("window", [WINDOW, (1, 4)])
def test_cost_is_the_windows_correlation(window):
    reference, rays, pictures, turns, shifts = shifted_pair()
    steps = np.float32([0, 0.5, 1])

    cost = photo_cost(reference, rays, pictures, turns, shifts, np.zeros_like(reference), steps, 1e-3, window)

    for d, disparity in enumerate((0, 3, 6)):
        truth = slow_cost(reference, pictures[0], disparity, window)
        seen = np.isfinite(truth)
        assert np.abs(cost[..., d][seen] - truth[seen]).max() <= 1.01
        assert np.all(cost[..., d][~seen] == WORST // 2)


def test_the_true_depth_costs_nothing():
    reference, rays, pictures, turns, shifts = shifted_pair()

    cost = photo_cost(
        reference, rays, pictures, turns, shifts, np.full_like(reference, 0.4), np.float32([0, 0.1]), 1e-3
    )

    assert cost[2:-2, 6:-2, 1].max() <= 1
    assert cost[2:-2, 6:-2, 0].mean() > 50


def test_nothing_is_explained_by_a_flat_picture():
    reference, rays, pictures, turns, shifts = shifted_pair()

    cost = photo_cost(
        np.full_like(reference, 0.5), rays, 0 * pictures, turns, shifts, np.zeros_like(reference), np.float32([0]), 0.01
    )

    assert cost.min() == WORST


def test_misfitting_arrays_are_refused():
    reference, rays, pictures, turns, shifts = shifted_pair()

    with pytest.raises(ValueError, match="do not fit"):
        photo_cost(reference, rays, pictures, turns[:0], shifts, np.zeros_like(reference), np.float32([0]), 0.01)
    with pytest.raises(ValueError, match="three or more"):
        lowest(np.zeros((2, 2, 2), np.uint8))


def test_smoothest_outvotes_a_lone_wrong_pixel():
    cost = np.full((9, 11, 8), 200, np.uint8)
    cost[..., 3] = 20
    cost[4, 5] = 200
    cost[4, 5, 7] = 150

    index, clear = smoothest(cost, np.zeros((9, 11), np.float32))

    assert np.all(np.round(index) == 3)
    assert clear[0, 0] > clear[4, 5]


def test_smoothest_keeps_a_jump_at_an_edge():
    cost = np.full((7, 12, 16), 220, np.uint8)
    cost[:, :6, 2] = 0
    cost[:, 6:, 12] = 0
    guide = np.zeros((7, 12), np.float32)
    guide[:, 6:] = 1

    index, _ = smoothest(cost, guide)

    assert np.all(np.round(index[:, :6]) == 2)
    assert np.all(np.round(index[:, 6:]) == 12)


def test_lowest_finds_the_parabola_between_two_indices():
    d = np.arange(5)
    cost = np.uint8(10 * (d - 2.3) ** 2 + 7)[None, None]

    index, value = lowest(cost)

    assert index[0, 0] == pytest.approx(2.3, abs=0.03)
    assert value[0, 0] == 7
