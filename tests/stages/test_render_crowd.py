"""The crowd against the solved camera: feet where they belong, near before far, shadows at the feet."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.cameras import load_poses, to_camera
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.sections import LightFacts
from stages.render_layers import render_layers
from tests.stages.dolly import FRAMES, PER_PX, atlas_of, channels, dot, layout_of, seen_at, shot_of


@pytest.fixture
def shot(tmp_path):
    return shot_of(tmp_path)


@pytest.mark.parametrize("frame", [1001, 1003, 1004])
def test_feet_are_seen_where_the_lens_projects_them_on_every_frame(shot, tmp_path, frame):
    """The point between the feet is fixed in the world; its dot's centroid must follow the projection to 0.1 px."""
    places = np.array([[-3.0, 0, -9.0], [0.2, 0, -6.0], [3.6, 0, -10.0], [-0.8, 0, -18.0]])
    shot["layout"] = layout_of(tmp_path / "crowd", places)
    shot["atlas"] = atlas_of(tmp_path / "atlas", dot())

    alpha = channels(shot, "crowd", frame)["A"].astype(float)

    for place in places:
        x, y = seen_at(shot, place, frame)
        reach = 210 * 4 * PER_PX / -place[2] + 2
        rows, columns = (slice(max(0, int(v - reach)), int(v + reach) + 2) for v in (y, x))
        part = alpha[rows, columns]
        yy, xx = np.mgrid[rows, columns] + 0.5
        centre = np.array([(xx * part).sum(), (yy * part).sum()]) / part.sum()
        np.testing.assert_allclose(centre, (x, y), atol=0.1)


def test_near_hides_far_and_ids_name_who_is_seen(shot, tmp_path):
    shot["layout"] = layout_of(tmp_path / "crowd", [[0.0, 0, -20.0], [0.0, 0, -8.0]])

    made = channels(shot, "crowd", 1001)

    x, y = seen_at(shot, (0, 0.9, -8.0), 1001).astype(int)
    assert made["id"][y, x] == 100_002
    pose = load_poses(shot["track"])[0]
    assert made["Z"][y, x] == pytest.approx(to_camera(np.array([[0, 0.9, -8.0]]), pose)[0, 2], abs=0.05)
    manifest = json.loads((shot["out"] / "crowd.json").read_text())
    assert manifest[str(made["id"][y, x])] == "north.00002"
    np.testing.assert_allclose([made[c][y, x] for c in "RGBA"], [0.3, 0.2, 0.1, 1], atol=2e-3)


def test_height_on_screen_is_the_sprites_height_at_its_distance(shot, tmp_path):
    shot["layout"] = layout_of(tmp_path / "crowd", [[0.0, 0, -10.0]], scale=1.04)

    alpha = channels(shot, "crowd", 1001)["A"]

    x, foot = seen_at(shot, (0, 0, -10.0), 1001)
    head = seen_at(shot, (0, 24 * PER_PX * 1.04, -10.0), 1001)[1]
    column = alpha[:, int(x)].astype(float)
    assert column.sum() == pytest.approx(foot - head, rel=0.02)


def test_motion_is_how_far_the_pixel_goes_until_the_next_frame(shot, tmp_path):
    moving = np.array([[[0.1 * i, 0, -10.0 + 0.05 * i]] for i in range(len(FRAMES))])
    shot["layout"] = layout_of(tmp_path / "crowd", moving)

    for frame in (1002, 1004):
        made, i = channels(shot, "crowd", frame), FRAMES.index(frame)
        here, there = (i, i + 1) if frame < 1004 else (i - 1, i)  # the last frame carries on as it came
        up = np.array([0, 1.0, 0])
        moved = seen_at(shot, moving[there][0] + up, 1001 + there) - seen_at(shot, moving[here][0] + up, 1001 + here)
        x, y = seen_at(shot, moving[i][0] + up, frame).astype(int)
        found = [made["motion.x"][y, x], made["motion.y"][y, x]]
        np.testing.assert_allclose(found, moved, atol=0.05)


def test_removing_one_agent_changes_no_pixel_outside_its_own(shot, tmp_path):
    places = np.array([[-2.5, 0, -10.0], [2.5, 0, -10.0]])
    both = channels(shot, "crowd", 1001, layout=layout_of(tmp_path / "two", places))
    one = channels(shot, "crowd", 1001, layout=layout_of(tmp_path / "one", places[:1]))

    gone = both["id"] == 100_002
    untouched = ~cv2.dilate(gone.astype(np.uint8), np.ones((5, 5))).astype(bool)
    for name in ("R", "A", "Z", "id"):
        np.testing.assert_array_equal(both[name][untouched], one[name][untouched])


def test_shadow_darkens_the_ground_at_the_feet_and_away_from_the_sun_only(shot):
    made = render_layers(**{**shot, "frames": FrameRange(1001, 1001), "light": LightFacts(sun_azimuth_deg=90.0)})

    left = exr.read(made.shadow.path(1001)).channels["Y"]
    x, y = seen_at(shot, (0, 0, -12.0), 1001).astype(int)
    assert left[y, x] < 0.5
    west, east = (seen_at(shot, (side, 0, -12.0), 1001).astype(int) for side in (-1.2, 1.2))
    assert left[west[1], west[0]] < 0.6
    assert left[east[1], east[0]] == 1
    assert (left[:40] == 1).all()
    assert left.max() == 1


def test_what_hides_the_sun_and_what_darkens_the_feet_are_told_apart(shot):
    some = {**shot, "frames": FrameRange(1001, 1001), "light": LightFacts(sun_azimuth_deg=90.0)}
    both = exr.read(render_layers(**some).shadow.path(1001)).channels
    sun = exr.read(render_layers(**some | {"params": replace(shot["params"], contact=0.0)}).shadow.path(1001)).channels
    feet = exr.read(
        render_layers(**some | {"params": replace(shot["params"], sun_shadow=0.0)}).shadow.path(1001)
    ).channels

    np.testing.assert_array_equal(both["sun"], sun["Y"])
    assert (feet["sun"] == 1).all()
    np.testing.assert_allclose(both["Y"], both["sun"].astype(float) * feet["Y"], atol=1e-3)
