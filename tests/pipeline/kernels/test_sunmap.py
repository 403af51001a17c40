"""Shadows from a map of depths: against straight edges, whose penumbra is known, and a slow look at every tap's cells."""

import math
import os

import numba
import numpy as np
import pytest

from pipeline.kernels.sunmap import _OFFSETS, TAPS, DepthMap, _range, add_hidden

SIZE = (61, 83) if os.environ.get("NUMBA_DISABLE_JIT") == "1" else (121, 163)
CELL_M = 0.05
DOWN = np.array([[1 / CELL_M, 0, 0, 0], [0, 0, 1 / CELL_M, 0], [0, -1.0, 0, 10.0]])  # a light overhead, 10 m up


def half_covered(height_m=8.0) -> DepthMap:
    """A sheet over the left half of the map, so high above the ground."""
    depth = np.full(SIZE, np.inf, np.float32)
    depth[:, : SIZE[1] // 2] = 10 - height_m
    return DepthMap.of(depth, DOWN, CELL_M, 0.05)


def hidden(map_, points, softness=0.1, across=(0, 0, 0), down=(0, 0, 0)):
    out = np.zeros(len(points), np.float32)
    ways = [np.broadcast_to(np.float32(way), (len(points), 3)).copy() for way in (across, down)]
    add_hidden(np.asarray(points, np.float32), *ways, map_, softness, out)
    return out


def row(y, x_m) -> np.ndarray:
    return np.column_stack([x_m, np.full(len(x_m), y), np.full(len(x_m), SIZE[0] / 2 * CELL_M)])


@pytest.mark.parametrize("way", [2.0, 8.0])
def test_an_edge_is_as_soft_as_its_way_is_long(way):
    edge = SIZE[1] // 2 * CELL_M
    sigma = 0.5 * 0.1 * way
    x = edge + np.linspace(-2, 2, 33) * sigma
    map_ = half_covered()

    found = hidden(map_, row(8 - way, x))

    true = [0.5 - 0.5 * math.erf((at - edge) / sigma / math.sqrt(2)) for at in x]
    np.testing.assert_allclose(found, true, atol=0.03)


def test_outside_of_the_penumbra_nothing_is_taken_and_inside_all_of_it():
    edge, sigma = SIZE[1] // 2 * CELL_M, 0.5 * 0.1 * 2.0
    map_ = half_covered()

    found = hidden(map_, row(6.0, [edge + 4 * sigma, edge - 5 * sigma, edge + 1e3, np.nan]))

    np.testing.assert_array_equal(found, [0, 1, 0, 0])


def test_what_stands_above_the_sheet_or_hardly_under_it_is_lit():
    map_ = half_covered()

    np.testing.assert_array_equal(hidden(map_, row(8.5, [0.5])), [0])
    np.testing.assert_array_equal(hidden(map_, row(7.97, [0.5])), [0])
    np.testing.assert_array_equal(hidden(map_, row(7.9, [0.8])), [1])


def test_a_pixel_is_the_mean_over_its_own_width():
    edge = SIZE[1] // 2 * CELL_M
    x = edge + np.linspace(-0.4, 0.4, 9)

    found = hidden(half_covered(), row(7.5, x), softness=1e-6, across=(1.0, 0, 0), down=(0, 0, 0.1))

    np.testing.assert_allclose(found, 0.5 - (x - edge), atol=0.05)


def test_each_part_of_a_pixel_is_as_deep_as_it_lies():
    """A pixel that reaches from under a sheet to above it."""
    map_ = half_covered()
    point = np.array([[0.8, 8.0, SIZE[0] / 2 * CELL_M]])

    [found] = hidden(map_, point, softness=1e-6, across=(0.2, 3.0, 0))

    assert found == pytest.approx(0.5, abs=0.05)


def test_what_two_maps_take_adds_up_in_out():
    map_, out = half_covered(), np.full(1, 0.25, np.float32)
    points, none = np.float32(row(6.0, [1.0])), np.zeros((1, 3), np.float32)

    add_hidden(points, none, none, map_, 0.1, out)

    assert out[0] == 1.25


def test_blocks_bound_the_depths_of_every_box():
    rng = np.random.default_rng(3)
    depth = rng.uniform(1, 9, SIZE).astype(np.float32)
    map_ = DepthMap.of(depth, DOWN, CELL_M, 0.05)

    for _ in range(200):
        (left, right), (top, bottom) = (
            np.sort(rng.uniform(-5, SIZE[1] + 5, 2)),
            np.sort(rng.uniform(-5, SIZE[0] + 5, 2)),
        )
        low, high = _range(left, right, top, bottom, depth.shape, map_.lows, map_.highs, map_.shapes)
        j, i = (slice(max(int(a), 0), max(math.ceil(b), 0)) for a, b in ((top, bottom), (left, right)))
        within = depth[j, i]
        if within.size:
            assert low <= within.min()
            assert high >= within.max()
        if left < 0 or top < 0 or right > SIZE[1] or bottom > SIZE[0]:
            assert high == np.inf


def test_taps_are_spread_as_a_normal_and_over_the_pixel():
    assert _OFFSETS.shape == (TAPS, 4)
    np.testing.assert_allclose(_OFFSETS.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose(_OFFSETS.std(axis=0), [1, 1, 12**-0.5, 12**-0.5], rtol=0.05)


def test_the_same_for_any_number_of_threads():
    rng = np.random.default_rng(5)
    points = rng.uniform(0, (SIZE[1] * CELL_M, 7, SIZE[0] * CELL_M), (9001, 3))
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        points = points[:400]
    map_, before = half_covered(), numba.get_num_threads()

    many = hidden(map_, points)
    try:
        numba.set_num_threads(1)
        one = hidden(map_, points)
    finally:
        numba.set_num_threads(before)

    np.testing.assert_array_equal(many, one)


def test_what_compiled_code_could_not_read_is_refused():
    map_, good = half_covered(), np.zeros((2, 3), np.float32)

    with pytest.raises(ValueError, match="across"):
        add_hidden(good, good.astype(float), good, map_, 0.1, np.zeros(2, np.float32))
    with pytest.raises(ValueError, match="out"):
        add_hidden(good, good, good, map_, 0.1, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="depth"):
        DepthMap.of(np.zeros((4, 4)), DOWN, CELL_M, 0.05)
