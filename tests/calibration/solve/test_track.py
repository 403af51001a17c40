"""Points followed through synthetic motion: true paths, masks, movers, noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from calibration.solve.keyframes import choose_keyframes
from calibration.solve.nodal import turning
from calibration.solve.solved import check_tracks, move_of
from calibration.solve.track import TrackParams, Tracks, follow
from pipeline.errors import CalibrationError

SIZE = (240, 320)


def texture(seed: int, size: tuple[int, int] = (400, 500)) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal(size)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.0) + 2 * cv2.GaussianBlur(noise, (0, 0), 8.0)
    return np.uint8(np.clip(128 + 60 * soft / soft.std(), 0, 255))


def shifted(picture: np.ndarray, dx: float, dy: float, size: tuple[int, int] = SIZE) -> np.ndarray:
    """The picture's window at (60, 60), moved so that what it shows moves by dx, dy."""
    matrix = np.float32([[1, 0, dx - 60], [0, 1, dy - 60]])
    return cv2.warpAffine(picture, matrix, size[::-1], flags=cv2.INTER_CUBIC)


def moving(frames: int = 12, dx: float = 1.3, dy: float = -0.7) -> list[tuple[np.ndarray, None]]:
    picture = texture(1)
    return [(shifted(picture, dx * t, dy * t), None) for t in range(frames)]


def test_tracks_follow_what_moves():
    tracks = follow(moving(), TrackParams(target=150))

    _, before, after = tracks.common(0, 11)
    assert len(before) > 60
    np.testing.assert_allclose(np.median(after - before, axis=0), [11 * 1.3, -11 * 0.7], atol=0.05)
    assert np.percentile(np.linalg.norm(after - before - (14.3, -7.7), axis=1), 90) < 0.3


def test_long_tracks_stay_where_they_began_though_what_they_show_grows_and_turns():
    """The left half grows by 1.2% a frame and rolls, the right half slides: no one move of the picture tells both."""
    picture, frames, ways = texture(3), [], []
    for t in range(25):
        grown, roll = 1.012**t, 0.004 * t
        turn = grown * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        ways.append(turn)
        matrix = np.column_stack([turn, np.array([80, 120]) - turn @ [140, 180]])
        left = cv2.warpAffine(picture, matrix.astype(np.float32), SIZE[::-1], flags=cv2.INTER_CUBIC)
        whole = shifted(picture, -0.4 * t, 0.0)
        whole[:, :160] = left[:, :160]
        frames.append((whole, None))

    tracks = follow(frames, TrackParams(target=300, epipolar_px=100))

    _, before, after = tracks.common(0, 24)
    on_left = (before[:, 0] < 140) & (after[:, 0] < 140)
    true = (before[on_left] - (80.5, 120.5)) @ ways[24].T + (80.5, 120.5)
    assert on_left.sum() > 30
    assert np.median(np.linalg.norm(after[on_left] - true, axis=1)) < 0.03


def test_pixel_centres_lie_at_a_half():
    """A blob that is symmetric about the middle of pixel (160, 120) is tracked at (160.5, 120.5)."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    blob = np.uint8(60 + 150 * np.exp(-((x - 160) ** 2 + (y - 120) ** 2) / 18))

    tracks = follow([(blob, None), (blob, None)], TrackParams(target=12))

    _, _, later = tracks.common(0, 1)
    assert np.linalg.norm(later - (160.5, 120.5), axis=1).min() < 0.02


def test_nothing_is_tracked_under_a_mask():
    mask = np.full(SIZE, 255, np.uint8)
    mask[:, 160:] = 0

    tracks = follow([(picture, mask) for picture, _ in moving()], TrackParams(target=150))

    assert len(tracks.xy) > 300
    assert tracks.xy[:, 0].max() <= 161


def test_what_moves_across_the_epipolar_lines_is_dropped():
    back, front = texture(1), texture(2)
    frames = []
    for t in range(16):
        picture = shifted(back, 2.0 * t, 0)
        x = 200 - 3 * t
        picture[80:160, x : x + 60] = shifted(front, 0, 4.0 * t, (80, 60))
        frames.append((picture, None))

    tracks = follow(frames, TrackParams(target=300))

    ids, xy = tracks.at(15)
    old = ids[np.isin(ids, tracks.at(8)[0])]
    on_mover = (np.abs(xy[:, 0] - (200 - 45 + 30)) < 26) & (np.abs(xy[:, 1] - 120) < 36)
    assert len(old) > 100
    assert not np.isin(ids[on_mover], old).any()


def test_equal_pictures_give_equal_tracks():
    once, again = follow(moving(), TrackParams(target=150)), follow(moving(), TrackParams(target=150))

    assert np.array_equal(once.xy, again.xy)
    assert np.array_equal(once.idents, again.idents)


def test_points_are_spread_and_do_not_pile_up():
    tracks = follow(moving(30, 1.0, 0.5), TrackParams(target=150))

    for row in range(len(tracks)):
        cells = {(int(x) // 11, int(y) // 11) for x, y in tracks.at(row)[1] - 0.5}
        assert len(cells) == len(tracks.at(row)[0])


def refusal(frames: list[np.ndarray]) -> str:
    tracks = follow([(frame, None) for frame in frames], TrackParams(target=150))
    with pytest.raises(CalibrationError) as caught:
        check_tracks(tracks, range(1001, 1001 + len(frames)), 320)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_noise_is_refused():
    rng = np.random.default_rng(1)

    assert "noise" in refusal([rng.integers(0, 255, SIZE).astype(np.uint8) for _ in range(8)])


def test_black_is_refused():
    assert "0 points to track" in refusal([np.zeros(SIZE, np.uint8)] * 6)


def test_a_cut_is_refused_by_its_frame():
    other = texture(7)
    frames = [picture for picture, _ in moving(8)] + [shifted(other, 1.3 * t, 0) for t in range(8)]

    assert "frame 1009: a cut" in refusal(frames)


def test_a_locked_off_camera_is_told_from_grain_that_moves():
    frame = shifted(texture(1), 0, 0)
    grain = np.random.default_rng(1)
    frames = [np.uint8(np.clip(frame + grain.normal(0, 2, SIZE), 0, 255)) for _ in range(8)]
    tracks = follow([(frame, None) for frame in frames], TrackParams(target=150))

    check_tracks(tracks, range(1001, 1009), 320)
    assert move_of(tracks, 5.0, 320) == "still"


def tracks_of(paths: np.ndarray) -> Tracks:
    """Tracks (F, N, 2) that all last through every frame."""
    frames, points, _ = paths.shape
    return Tracks(
        np.arange(frames + 1) * points,
        np.tile(np.arange(points, dtype=np.int32), frames),
        paths.reshape(-1, 2).astype(np.float32),
        np.ones(frames),
    )


def test_keyframes_hold_both_ends_and_follow_the_motion():
    start = np.random.default_rng(1).uniform(0, 1000, (50, 2))
    calm_then_fast = np.concatenate([0.5 * np.arange(40), 20 + 12.0 * np.arange(40)])
    tracks = tracks_of(start + np.stack([calm_then_fast, 0 * calm_then_fast], axis=1)[:, None])

    rows = choose_keyframes(tracks, 1000)

    assert rows[0] == 0
    assert rows[-1] == 79
    assert sum(row < 40 for row in rows) <= 3
    assert sum(row >= 40 for row in rows) >= 12


def test_a_calm_plate_still_gets_keyframes():
    start = np.random.default_rng(1).uniform(0, 1000, (50, 2))

    rows = choose_keyframes(tracks_of(start + np.arange(40)[:, None, None] * [1.5, 0.0]), 1000)

    assert len(rows) >= 5


def seen_by(turn: bool, travel: bool) -> Tracks:
    rng = np.random.default_rng(3)
    points = np.stack([rng.uniform(-8, 8, 300), rng.uniform(-3, 3, 300), rng.uniform(8, 25, 300)], axis=1)
    paths = []
    for t in range(24):
        rotation, _ = cv2.Rodrigues(np.array([0.002 * t, 0.006 * t, 0.001 * t]) * turn)
        camera = (points - np.array([0.08, 0.0, 0.02]) * t * travel) @ rotation.T
        paths.append(700 * camera[:, :2] / camera[:, 2:] + (480, 270) + rng.normal(0, 0.1, (300, 2)))
    return tracks_of(np.array(paths))


def test_a_pan_is_told_from_a_move():
    keyframes = list(range(0, 24, 3))

    assert turning(seen_by(turn=True, travel=False), keyframes, 960, 540).error_px < 0.25
    assert turning(seen_by(turn=True, travel=True), keyframes, 960, 540).error_px > 1.0
