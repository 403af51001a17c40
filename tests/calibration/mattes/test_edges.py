"""Edges of mattes follow the picture; figures stand where their feet are."""

import numpy as np
import pytest

from calibration.mattes.edges import figure_depth, refine


def overlap(alpha: np.ndarray, truth: np.ndarray) -> float:
    a, b = alpha > 0.5, truth > 0.5
    return float((a & b).sum() / (a | b).sum())


def test_refine_leaves_nothing_far_from_the_matte_and_keeps_the_solid_whole():
    picture = np.random.default_rng(1).random((90, 160, 3)).astype(np.float32)
    rough = np.zeros((45, 80), np.float32)
    rough[10:35, 20:60] = 1

    alpha = refine(rough, picture, 4)

    assert np.all(alpha[32:58, 52:108] == 1)
    assert np.all(alpha[:8] == 0)
    assert alpha.min() >= 0
    assert alpha.max() <= 1


def test_refine_finds_the_pictures_edge():
    picture = np.full((80, 120, 3), 0.02, np.float32)
    picture[20:60, 33:87] = 0.6
    rough = np.zeros((20, 30), np.float32)
    rough[5:15, 9:21] = 1

    alpha = refine(rough, picture, 6)

    truth = picture[..., 0] > 0.1
    assert overlap(alpha, truth.astype(np.float32)) > 0.95


def test_a_figure_stands_where_its_feet_are():
    rows = np.arange(100, dtype=np.float32)[:, None] + np.zeros((1, 60), np.float32)
    depth_m = 1000 / (rows + 1)
    alpha = np.zeros((100, 60), np.float32)
    alpha[20:70, 10:20] = 1

    far = figure_depth(alpha, depth_m, np.ones_like(depth_m))

    assert far[30, 15] == pytest.approx(1000 / 71.5, rel=0.03)
    assert np.isinf(far[30, 40])


def field(height=240, width=320):
    """Depth of level ground that rises to far away at the picture's middle."""
    rows = np.arange(height)[:, None] - height / 2
    return np.broadcast_to(np.where(rows > 1, 1000 / np.maximum(rows, 1), 1000), (height, width)).astype(np.float32)


def test_a_spear_stands_where_its_bearer_does():
    depth_m, alpha = field(), np.zeros((240, 320), np.float32)
    alpha[140:220, 100:130] = 1  # who stands at 10 m
    alpha[90:200, 140:142] = 0.4  # a shaft, held by a soft arm, and its blade before ground at 30 m and more
    alpha[80:90, 139:143] = 0.9
    alpha[170:174, 130:140] = 0.3
    alpha[150:160, 250:254] = 1  # who stands far behind, as thin, alone

    far = figure_depth(alpha, depth_m, np.ones_like(depth_m))

    bearer = far[180, 115]
    assert bearer == pytest.approx(10, rel=0.05)
    np.testing.assert_array_equal(far[80:200, 140:142], bearer)
    assert far[155, 252] == pytest.approx(1000 / 41.5, rel=0.05)
    assert np.isinf(far[20, 20])


def test_two_who_touch_softly_keep_their_own_distances():
    depth_m, alpha = field(), np.zeros((240, 320), np.float32)
    alpha[140:220, 100:130] = 1
    alpha[130:160, 140:152] = 1
    alpha[145:150, 130:140] = 0.3

    far = figure_depth(alpha, depth_m, np.ones_like(depth_m))

    assert far[180, 115] == pytest.approx(10, rel=0.05)
    assert far[140, 146] == pytest.approx(1000 / 41.5, rel=0.05)
    assert far[147, 131] == far[180, 115]
    assert far[147, 138] == far[140, 146]


def test_where_the_ground_underfoot_is_not_trusted_the_ground_beside_tells():
    depth_m, alpha, sure = field().copy(), np.zeros((240, 320), np.float32), np.ones((240, 320), np.float32)
    alpha[140:220, 100:130] = 1
    depth_m[130:235, 90:140] = 60  # what plane sweep says around who moves
    sure[130:235, 90:140] = 0.1

    far = figure_depth(alpha, depth_m, sure)

    assert far[180, 115] == pytest.approx(10, rel=0.05)
    assert figure_depth(alpha, depth_m, np.zeros_like(sure))[180, 115] == 60  # nothing else is known


def test_a_figure_that_leaves_the_picture_stands_as_far_as_what_is_beside_it():
    depth_m, alpha, sure = field().copy(), np.zeros((240, 320), np.float32), np.ones((240, 320), np.float32)
    alpha[140:, 100:130] = 1
    sure[140:, 100:130] = 0

    assert figure_depth(alpha, depth_m, sure)[180, 115] == pytest.approx(1000 / 118, rel=0.05)
