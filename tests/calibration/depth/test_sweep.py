"""Depth against the analytic scene's truth."""

import numpy as np
import pytest

from calibration.depth.sweep import estimate, full_size, neighbours, points_seen
from calibration.depth.views import load_view
from tests.scenes import FIRST_BOX, WALLS, Scene, Shot, write_shot

ACTOR = FIRST_BOX + len(WALLS)


@pytest.fixture(scope="module")
def shot(tmp_path_factory) -> Shot:
    return write_shot(Scene(frames=20, actor=True), tmp_path_factory.mktemp("shot"))


@pytest.fixture(scope="module")
def found(shot):
    small = estimate(shot.plate, shot.track, 1010, 320)
    return full_size(small, shot.scene.picture(1010))


def test_confident_depth_is_within_two_percent(shot, found):
    truth = shot.scene.depth_m(1010)
    static = np.isfinite(truth) & (shot.scene.surfaces(1010) != ACTOR)
    sure = static & (found.confidence > 0.5) & ~found.sky

    error = np.abs(found.depth_m[sure] - truth[sure]) / truth[sure]

    assert sure.sum() > 0.5 * static.sum()
    assert np.median(error) < 0.02
    assert np.quantile(error, 0.9) < 0.08


def test_sky_is_found(shot, found):
    sky = np.isinf(shot.scene.depth_m(1010))

    assert (found.sky & sky).sum() / (found.sky | sky).sum() > 0.95
    assert np.all(np.isinf(found.depth_m[found.sky]))
    assert np.all(found.confidence[found.sky] == 0)


def test_the_walking_actor_is_not_trusted(shot, found):
    walking = shot.scene.surfaces(1010) == ACTOR

    assert np.mean(found.confidence[walking] > 0.5) < 0.1


def test_edges_of_near_walls_are_sharp(shot, found):
    """Within 4 pixels of the pillar at most a third is neither pillar nor background."""
    import cv2

    pillar = shot.scene.surfaces(1010) == FIRST_BOX + 1
    rim = cv2.dilate(pillar.astype(np.uint8), np.ones((9, 9))) - cv2.erode(pillar.astype(np.uint8), np.ones((3, 3)))
    truth = shot.scene.depth_m(1010)
    rim = (rim > 0) & np.isfinite(truth) & ~found.sky

    wrong = np.abs(found.depth_m[rim] - truth[rim]) / truth[rim] > 0.2

    assert wrong.mean() < 0.35


def test_neighbours_lie_on_both_sides(shot):
    view = load_view(shot.plate, shot.track, 1010, 320)
    seen = points_seen(shot.track, 1010, view.pose)

    chosen = neighbours(shot.track, 1010, seen, 320)

    assert min(chosen) < 1010 < max(chosen)
    assert 1010 not in chosen


def test_a_camera_that_stands_still_gives_little_trust(tmp_path):
    still = write_shot(Scene(frames=3, step_m=(0, 0, 0)), tmp_path)
    poses = np.load(still.track.poses)
    np.save(still.track.poses, np.repeat(poses[:1], 3, axis=0))

    depth = estimate(still.plate, still.track, 1002, 320)

    truth = still.scene.depth_m(1001)
    below = np.isfinite(truth) & (np.arange(180)[:, None] > 120)
    error = np.abs(depth.depth_m[below] - truth[below]) / truth[below]
    assert depth.confidence.max() <= 0.31
    assert np.median(error) < 0.1


def test_a_plate_smaller_than_the_search_is_not_enlarged(shot):
    view = load_view(shot.plate, shot.track, 1003, 480)

    assert view.grey.shape == (180, 320)
