"""Edge-aware flow and median: constant stays constant, holes fill, edges hold."""

import numpy as np
import pytest

from pipeline.kernels.smooth import flow, spread, weighted_median


def two_halves() -> tuple[np.ndarray, np.ndarray]:
    guide = np.zeros((13, 20, 3), np.float32)
    guide[:, 10:] = 0.6
    values = np.where(guide[..., 0] > 0, np.float32(5), np.float32(1))
    return values, guide


def test_flow_fills_holes_from_their_own_side_of_an_edge():
    truth, guide = two_halves()
    values, weights = truth.copy(), np.ones_like(truth)
    values[3:9, 6:14], weights[3:9, 6:14] = -99, 0

    filled = flow(values, weights, guide, 8.0, 0.02)

    np.testing.assert_allclose(filled, truth, atol=1e-3)


def test_flow_of_one_line_solves_the_stated_equations():
    """One row, three rounds: the twin is a dense solve of (1 + links) u - links * neighbours = f."""
    rng = np.random.default_rng(1)
    values, guide = rng.random((1, 9)).astype(np.float32), rng.random((1, 9, 1)).astype(np.float32)
    twin = values[0].astype(float)
    for t in range(3):
        step = 1.5 * 4.0 * 4.0 ** (2 - t) / 63
        links = step * np.exp(-np.abs(np.diff(guide[0, :, 0].astype(float))) / 0.3)
        matrix = np.eye(9) + np.diag(np.r_[links, 0] + np.r_[0, links]) - np.diag(links, 1) - np.diag(links, -1)
        twin = np.linalg.solve(matrix, twin)

    np.testing.assert_allclose(spread(values, guide, 2.0, 0.3)[0], twin, rtol=1e-5)


def test_flow_keeps_values_that_no_weight_reaches():
    values, guide = two_halves()

    assert np.array_equal(flow(values, np.zeros_like(values), guide, 4.0, 0.1), values)


def test_median_moves_a_jump_to_the_edge():
    truth, guide = two_halves()
    late = truth.copy()
    late[:, 10:12] = 1  # the near side's depth spills over the edge
    trust = np.ones_like(late)
    trust[:, 8:13] = 0

    mended = weighted_median(late, trust, guide, trust == 0, 4, 0.05)

    assert np.array_equal(mended, truth)


def test_median_leaves_other_pixels_and_refuses_misfits():
    values, guide = two_halves()
    nowhere = np.zeros(values.shape, bool)

    assert np.array_equal(weighted_median(values, values, guide, nowhere, 2, 0.1), values)
    with pytest.raises(ValueError, match="do not fit"):
        weighted_median(values, values[1:], guide, nowhere, 2, 0.1)
