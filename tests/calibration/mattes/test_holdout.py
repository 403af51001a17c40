"""What stands before a layer hides it, with the plate's own edge, and without a fringe of what was behind."""

import numpy as np
import pytest

from calibration.mattes.holdout import past_figures, visible_share, without_spill

SETTINGS = {"tolerance_m": 0.5, "tolerance": 0.05, "doubt": 0.1}


def rock_before_sky(edge=30, depth_edge=30):
    """A dark rock left of `edge`; its depth map ends at `depth_edge`."""
    x = np.arange(64)
    plate = np.where(x[None, :, None] < edge, np.float32([0.1, 0.1, 0.08]), np.float32([0.5, 0.6, 0.9]))
    plate = np.repeat(plate, 40, 0).astype(np.float32)
    depth = np.repeat(np.where(x < depth_edge, 20, np.inf)[None], 40, 0).astype(np.float32)
    return plate, depth, np.ones_like(depth)


def test_depth_alone_without_refining():
    plate, depth, sure = rock_before_sky()
    layer = np.full_like(depth, 90)

    seen = visible_share(layer, plate, depth, sure, edge_px=0, **SETTINGS)

    assert (seen[:, :30] == 0).all()
    assert (seen[:, 30:] == 1).all()


@pytest.mark.parametrize("off", [-2, 0, 2])
def test_an_edge_that_is_off_moves_to_the_plates(off):
    plate, depth, sure = rock_before_sky(30, 30 + off)
    layer = np.full_like(depth, 90)
    truth = (np.arange(64) >= 30).astype(float)

    plate += np.random.default_rng(1).normal(0, 0.01, plate.shape).astype(np.float32)

    refined = visible_share(layer, plate, depth, sure, edge_px=3, **SETTINGS)

    assert np.abs(refined[20] - truth).sum() < 0.2  # of a pixel


def test_a_mixed_pixel_of_the_lens_is_shared():
    plate, depth, sure = rock_before_sky()
    plate[:, 30] = 0.7 * plate[:, 20] + 0.3 * plate[:, 50]

    seen = visible_share(np.full_like(depth, 90), plate, depth, sure, edge_px=3, **SETTINGS)

    assert seen[20, 30] == pytest.approx(0.3, abs=0.03)


def test_where_rock_and_ground_look_alike_the_depth_decides():
    plate, depth, sure = rock_before_sky()
    plate[:] = 0.2 + np.random.default_rng(1).normal(0, 0.05, plate.shape)
    truth = (np.arange(64) >= 30).astype(float)

    seen = visible_share(np.full_like(depth, 90), plate, depth, sure, edge_px=3, **SETTINGS)

    assert np.abs(seen - truth).mean(axis=0).sum() < 2.5


def test_a_crest_that_the_depth_doubts_ends_where_the_plate_shows_it():
    """Depth maps lose themselves below a skyline: eight rows of doubt on the crest, three rows of sky taken for it."""
    rows = np.arange(60)
    truth = np.repeat((rows < 30).astype(np.float32)[:, None], 80, 1)
    plate = truth[..., None] * np.float32([0.5, 0.6, 0.7]) + (1 - truth[..., None]) * np.float32([0.2, 0.17, 0.14])
    plate = (plate + np.random.default_rng(1).normal(0, 0.01, plate.shape)).astype(np.float32)
    depth = np.where(np.repeat(rows[:, None], 80, 1) >= 27, np.float32(110), np.float32(np.inf))
    confidence = np.where(np.repeat(rows[:, None], 80, 1) >= 38, np.float32(1), np.float32(0))

    seen = visible_share(np.full_like(depth, 160), plate, depth, confidence, edge_px=3, **SETTINGS)

    assert np.abs(seen - truth).sum(axis=0).max() < 0.5  # of a pixel


def test_far_from_any_edge_nothing_moves():
    plate, depth, sure = rock_before_sky()
    plate += np.random.default_rng(1).normal(0, 0.02, plate.shape).astype(np.float32)

    seen = visible_share(np.full_like(depth, 90), plate, depth, sure, edge_px=3, **SETTINGS)

    assert (seen[:, :20] == 0).all()
    assert (seen[:, 42:] == 1).all()


def test_the_layers_own_silhouette_is_no_edge():
    """A person before whom a rock stands is hidden up to his outline: beside him there is nothing to see anyway."""
    plate, depth, sure = rock_before_sky()
    layer = np.full_like(depth, np.inf)
    layer[10:30, 5:20] = 60

    seen = visible_share(layer, plate, depth, sure, edge_px=3, **SETTINGS)

    assert (seen[10:30, 5:20] == 0).all()


def test_no_fringe_of_the_old_sky_is_left():
    plate, _, _ = rock_before_sky()
    visible = np.repeat((np.arange(64) >= 30).astype(np.float32)[None], 40, 0)
    visible[:, 29] = 0.5
    plate[:, 29] = 0.5 * plate[:, 20] + 0.5 * plate[:, 50]  # the lens' mix of rock and sky
    ones = np.ones_like(visible)

    cleaned = without_spill(plate, ones, visible)

    np.testing.assert_allclose(cleaned[:, 29], plate[:, 20], atol=0.02)
    np.testing.assert_array_equal(cleaned[:, :29], plate[:, :29])
    np.testing.assert_array_equal(without_spill(plate, 0 * ones, visible), plate)


@pytest.mark.parametrize(("layer_m", "seen"), [(8.0, 1.0), (15.0, 1.0), (15.3, 0.0), (40.0, 0.0)])
def test_a_layer_stands_before_the_people_who_are_farther(layer_m, seen):
    """A person at 16 m: hidden by what is nearer by clearly more than 0.5 m + 2% of its distance, else hiding it."""
    matte = np.zeros((20, 30), np.float32)
    matte[5:15, 10:20] = 1
    figure = np.where(matte > 0, np.float32(16), np.float32(np.inf))

    share = past_figures(np.full_like(matte, layer_m), matte, figure, tolerance_m=0.5, tolerance=0.02)

    assert (share[matte > 0] == seen).all()
    assert (share[matte == 0] == 1).all()


def test_people_of_unknown_distance_stand_before_everything():
    matte = np.full((4, 5), 0.75, np.float32)

    share = past_figures(np.full_like(matte, 2), matte, np.full_like(matte, np.inf), tolerance_m=0.5, tolerance=0.05)

    np.testing.assert_array_equal(share, np.float32(0.25))
