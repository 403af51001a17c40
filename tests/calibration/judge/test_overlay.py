"""What is drawn over a plate, held against OpenCV's projection: cones, grid, tracks and their inks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration import cameras
from calibration.judge.cones import Cones, draw_cones, place_cones
from calibration.judge.eye import Eye
from calibration.judge.groundgrid import draw_grid, mesh_m
from calibration.judge.overlay import OUT_INK, Artist, Told, ink_of
from calibration.judge.taken import EXPLAINED, LEFT_OUT, Followed
from tests.calibration.judge.judging import LENS, dolly, filmed, nothing_followed

SOLVE = filmed(dolly(24), 0.1)
WORDS = Told("shot  camera", "1001", "error 0.1 px")


def opencv_px(points: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """Pixels (N, 2), centres at .5, by another's projection."""
    matrix = np.array([[LENS.focal_x_px, 0, LENS.centre_x_px], [0, LENS.focal_y_px, LENS.centre_y_px], [0, 0, 1]])
    bends = np.array([LENS.k1, 0, 0, 0])
    turn = cv2.Rodrigues(pose[:3, :3])[0]
    return cv2.projectPoints(np.asarray(points, float), turn, pose[:3, 3], matrix, bends)[0][:, 0]


def test_cones_stand_where_the_ground_is_on_every_frame():
    cones = place_cones(SOLVE)
    away = cones.distances_m

    assert len(cones.feet) == 3
    assert np.abs(cones.feet[:, 1]).max() < 0.15 * 1.7
    assert away[0] < away[1] < away[2]
    for row in (0, 12, 23):
        eye = Eye.of(SOLVE, row, 960, 540)
        one = Cones(cones.feet[1:2], away[1:2], cones.height_m)
        picture = np.zeros((540, 960, 3), np.uint8)
        draw_cones(picture, eye, one)
        drawn = np.argwhere(picture.max(axis=2) > 60)[:, ::-1] + 0.5
        top = opencv_px(one.feet + np.array([0, one.height_m, 0]), SOLVE.poses[row])[0]
        foot = opencv_px(one.feet, SOLVE.poses[row])[0]
        assert drawn[drawn[:, 1].argmin()] == pytest.approx(top, abs=1.6)
        assert drawn[:, 0].mean() == pytest.approx(foot[0], abs=2.0)
        assert (
            foot[1] < drawn[:, 1].max() < foot[1] + 0.2 * (foot[1] - top[1])
        )  # the foot's ring reaches below its middle


def test_cones_are_as_large_as_the_shot_and_stand_on_the_plane_where_no_point_lies_low():
    high = np.array([cameras.look_at((0.5 * t, 60.0, 0.0), (0.5 * t, 0.0, -80.0)) for t in range(8)])
    seen = filmed(high, 0.1)
    seen.points[:] = 0.0, 30.0, -60.0

    cones = place_cones(seen)

    assert cones.height_m == pytest.approx(18)
    assert np.abs(cones.feet[:, 1]).max() < 1e-9


def test_a_camera_that_sees_no_ground_has_no_cones():
    up = np.array([cameras.look_at((0.1 * t, 1.7, 0.0), (0.1 * t, 9.0, -10.0)) for t in range(8)])
    seen = filmed(up, 0.1)
    seen.points[:] = 0.0, 30.0, -60.0

    artist = Artist.of(seen, nothing_followed())

    assert "no ground seen" in artist.legend


def test_grid_lines_bend_with_the_lens():
    """Along the coarse line z = -10 the ink lies where OpenCV sees it, and not where a straight lens would."""
    picture = np.zeros((540, 960, 3), np.uint8)
    pose = SOLVE.poses[0]
    draw_grid(picture, Eye.of(SOLVE, 0, 960, 540), 1.0)
    ink = picture.max(axis=2).astype(int)

    line = np.column_stack([np.linspace(-4.9, 4.9, 60), np.zeros(60), np.full(60, -10.0)])
    bent = opencv_px(line, pose)
    straight = cv2.projectPoints(
        line, cv2.Rodrigues(pose[:3, :3])[0], pose[:3, 3], np.array([[900.0, 0, 480], [0, 900, 270], [0, 0, 1]]), None
    )[0][:, 0]
    inside = ((bent > 2) & (bent < (958, 538))).all(axis=1)
    x, y = np.floor(bent[inside]).astype(int).T
    off_x, off_y = np.floor(straight[inside]).astype(int).T
    far = np.linalg.norm(bent - straight, axis=1)[inside] > 5

    assert inside.sum() > 40
    assert np.mean([ink[b - 1 : b + 2, a].max() > 40 for a, b in zip(x, y, strict=True)]) > 0.97
    assert np.mean([ink[b, a] > 40 for a, b in zip(off_x[far], off_y[far], strict=True)]) < 0.5


def test_the_mesh_follows_the_cameras_height():
    assert [mesh_m(h) for h in (0.15, 1.7, 2.5, 30.0, 250.0)] == pytest.approx([0.1, 1, 1, 10, 100])


def test_inks_run_from_green_by_yellow_to_red():
    assert ink_of(0.0) == ink_of(0.5) == (90, 220, 112)
    assert ink_of(1.0) == (238, 214, 70)
    assert ink_of(2.0) == ink_of(50.0) == (246, 66, 58)


def test_left_out_tracks_are_crosses_and_an_alarm_is_red():
    rows = np.zeros(2, np.int64)
    pixels = np.array([[200.0, 100.0], [700.0, 100.0]])
    tracks = Followed(rows, pixels, np.array([0.1, 9.0]), np.array([EXPLAINED, LEFT_OUT], np.int8), np.arange(2))
    artist = Artist(SOLVE, tracks, Cones(np.zeros((0, 3)), np.zeros(0), 1.8), 1.0)
    plate = np.full((540, 960, 3), 40, np.uint8)

    quiet = artist.draw(plate, 0, WORDS)
    alarmed = artist.draw(plate, 0, Told("shot  camera", "1001", "error 3 px", "the pose jumps"))

    green = quiet[100, 200].astype(int)
    assert green[1] > green[0] + 80
    assert np.abs(quiet[98:102, 698:702].astype(int) - OUT_INK).sum(axis=2).min() < 40
    red = [(band[..., 0].astype(int) - band[..., 1] > 80).sum() for band in (quiet[540:562], alarmed[540:562])]
    assert red[0] == 0
    assert red[1] > 100
