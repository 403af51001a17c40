"""A camera that only turns, from tracks of directions that are known: rotations, lens, which way is up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from calibration.cameras import camera_centre, look_direction
from calibration.lens import project, zoomed
from calibration.solve import fixed
from calibration.solve.evaluate import rotation_angle_deg
from calibration.solve.keyframes import choose_keyframes
from calibration.solve.nodal import best_turning, turning
from calibration.solve.track import Tracks
from calibration.solve.turning import Turns, solve_turns, zooms_of_turning
from calibration.solve.written import USUAL_FOCAL, FocalPrior
from pipeline.types import Lens

LENS = Lens(960, 540, 900.0, 900.0, 480.0, 270.0, -0.09, 0.01)
FRAMES = 40


def turned(yaw_deg: float, pitch_deg: float) -> np.ndarray:
    """Camera from world (F, 3, 3): a pan about the world's Y (down in a level camera's axes), looking 4 degrees down."""
    t = np.linspace(-0.5, 0.5, FRAMES)
    pan = Rotation.from_rotvec(np.radians(yaw_deg * t)[:, None] * [0.0, 1.0, 0.0])
    tilt = Rotation.from_rotvec(np.radians(4 + pitch_deg * t)[:, None] * [1.0, 0.0, 0.0])
    return np.asarray((tilt * pan.inv()).as_matrix())


def seen(rotations: np.ndarray, noise_px: float = 0.1, walkers: int = 0, zoom: np.ndarray | None = None) -> Tracks:
    """Tracks of 900 directions all about, as far as each frame sees them; walkers drift through the picture.

    zoom: (F,) by which each frame's focal length is longer.
    """
    rng = np.random.default_rng(4)
    directions = rng.normal(0, 1, (900, 3)) * [1.2, 0.5, 0.6] + [0, 0, 1]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    drift = np.zeros((len(directions), 3))
    drift[:walkers] = rng.normal(0, 0.004, (walkers, 3))
    idents, pixels, starts = [], [], [0]
    for row, rotation in enumerate(rotations):
        lens = LENS if zoom is None else zoomed(LENS, float(zoom[row]))
        xy = project((directions + row * drift) @ rotation.T, lens) + rng.normal(0, noise_px, (len(directions), 2))
        inside = np.isfinite(xy).all(axis=1) & (xy > 4).all(axis=1) & (xy < (956, 536)).all(axis=1)
        idents.append(np.flatnonzero(inside).astype(np.int32))
        pixels.append(xy[inside].astype(np.float32))
        starts.append(starts[-1] + inside.sum())
    return Tracks(np.array(starts), np.concatenate(idents), np.concatenate(pixels), np.ones(FRAMES))


def prior(focal_px: float, sigma: float = 0.0) -> FocalPrior:
    return FocalPrior(np.full(FRAMES, focal_px), sigma, "[camera]", 30.0)


def solved(tracks: Tracks, known: FocalPrior | None = None) -> Turns:
    keyframes = choose_keyframes(tracks, LENS.width)
    start = best_turning(tracks, keyframes, LENS.width, LENS.height, "auto")
    return solve_turns(tracks, keyframes, LENS.width, LENS.height, start, known)


@pytest.mark.parametrize(("yaw", "pitch"), [(24.0, 0.0), (0.0, 14.0), (12.0, 6.0)])
def test_a_pan_and_a_tilt_are_the_true_ones(yaw: float, pitch: float):
    rotations = turned(yaw, pitch)

    got = solved(seen(rotations))

    assert rotation_angle_deg(got.rotations, rotations @ rotations[0].T).max() < 0.05
    assert got.focal_px == pytest.approx(900, rel=0.01)
    assert got.k1 == pytest.approx(-0.09, abs=0.02)
    assert got.focal_sigma < 0.01


def test_people_who_walk_through_a_pan_do_not_turn_it():
    rotations = turned(20.0, 2.0)

    got = solved(seen(rotations, walkers=250))

    assert rotation_angle_deg(got.rotations, rotations @ rotations[0].T).max() < 0.05
    assert got.focal_px == pytest.approx(900, rel=0.01)


@pytest.mark.parametrize(("yaw", "longer"), [(10.0, 0.6), (14.0, 1.03)])
def test_a_pan_that_zooms_is_the_true_one_on_every_frame(yaw: float, longer: float):
    rotations, zoom = turned(yaw, 2.0), longer ** np.linspace(0, 1, FRAMES)

    got = solved(seen(rotations, zoom=zoom, walkers=100))

    np.testing.assert_allclose(got.focal_px * got.zoom, 900 * zoom, rtol=0.01)
    assert rotation_angle_deg(got.rotations, rotations @ rotations[0].T).max() < 0.01 * yaw  # as the focal length


def test_the_first_guess_of_a_zoom_hangs_little_on_the_focal_length_that_is_taken():
    zoom = 1.5 ** np.linspace(0, 1, FRAMES)
    tracks = seen(turned(10.0, 1.0), zoom=zoom)

    for taken in (0.8, 1.0, 1.3):
        guess = zooms_of_turning(tracks, taken * LENS.focal_x_px, LENS.width, LENS.height)
        np.testing.assert_allclose(guess, zoom, rtol=0.03)


def test_a_zoom_from_a_spot_that_hardly_turns_is_seen_and_its_length_doubted():
    zoom = 1.5 ** np.linspace(0, 1, FRAMES)
    tracks = seen(turned(0.3, 0.1), zoom=zoom)
    keyframes = choose_keyframes(tracks, LENS.width)
    start = best_turning(tracks, keyframes, LENS.width, LENS.height, "auto")

    turns, said = fixed.pan(tracks, keyframes, LENS.width, LENS.height, start, None)

    np.testing.assert_allclose(turns.zoom, zoom, rtol=0.005)
    assert "assumed" in said["from"]


def test_a_lens_that_keeps_its_focal_length_is_not_taken_for_a_zoom():
    tracks = seen(turned(20.0, 2.0), noise_px=0.5, walkers=250)
    keyframes = choose_keyframes(tracks, LENS.width)

    assert best_turning(tracks, keyframes, LENS.width, LENS.height, "auto").zoom == 1


def test_a_written_focal_length_is_held_and_a_pan_that_shows_none_says_so():
    tracks = seen(turned(1.2, 0.2), noise_px=0.4)
    keyframes = choose_keyframes(tracks, LENS.width)
    start = turning(tracks, keyframes, LENS.width, LENS.height)

    held, said = fixed.pan(tracks, keyframes, LENS.width, LENS.height, start, prior(900.0))
    free, doubted = fixed.pan(tracks, keyframes, LENS.width, LENS.height, start, None)

    assert held.focal_px == 900.0
    assert said == {"from": "[camera], held"}
    assert free.focal_px == USUAL_FOCAL * LENS.width
    assert "assumed" in doubted["from"]


def drifting(tracks: Tracks, seed: int) -> Tracks:
    """Each track strays by itself, a twentieth of a pixel a frame: what a short pan cannot tell from a focal length."""
    walk = np.random.default_rng(seed).normal(0, 0.05, (FRAMES, int(tracks.idents.max()) + 1, 2)).cumsum(axis=0)
    rows = np.repeat(np.arange(FRAMES), np.diff(tracks.starts))
    return replace(tracks, xy=(tracks.xy + walk[rows, tracks.idents]).astype(np.float32))


def test_a_sharp_prior_mends_what_a_short_pan_gets_wrong():
    tracks = drifting(seen(turned(3.0, 0.3)), seed=5)

    free, held = solved(tracks), solved(tracks, prior(900.0, 0.005))

    assert abs(free.focal_px / 900 - 1) > 0.015
    assert held.focal_px == pytest.approx(900, rel=0.003)


def test_a_wide_prior_that_is_wrong_hardly_moves_what_a_pan_shows():
    tracks = drifting(seen(turned(12.0, 0.3)), seed=4)

    free, pulled = solved(tracks), solved(tracks, prior(990.0, 0.1))

    assert pulled.focal_px == pytest.approx(free.focal_px, rel=0.003)


def test_a_result_far_from_its_prior_is_warned_of():
    tracks = seen(turned(24.0, 0.0))
    keyframes = choose_keyframes(tracks, LENS.width)
    start = turning(tracks, keyframes, LENS.width, LENS.height)

    _, far = fixed.pan(tracks, keyframes, LENS.width, LENS.height, start, prior(990.0, 0.02))
    _, near = fixed.pan(tracks, keyframes, LENS.width, LENS.height, start, prior(910.0, 0.02))

    assert far["sigmas_apart"] > 3
    assert "30.00 mm" in far["warning"]
    assert near["warning"] == ""
    assert near["found_mm"] == pytest.approx(30.0 * 900 / 910, rel=0.01)


@pytest.mark.parametrize("per_frame", [False, True])
def test_a_prior_holds_a_zoom_that_hardly_turns(per_frame: bool):
    """Written once it is the first frame's; of each frame it holds them all. The plate shows the ratio either way."""
    zoom = 1.5 ** np.linspace(0, 1, FRAMES)
    tracks = seen(turned(1.0, 0.3), zoom=zoom)

    got = solved(tracks, FocalPrior(900 * zoom if per_frame else np.full(FRAMES, 900.0), 0.01, "[camera]"))

    np.testing.assert_allclose(got.focal_px * got.zoom, 900 * zoom, rtol=0.01)


def test_observations_fit_their_directions():
    got = solved(seen(turned(20.0, 0.0)))
    lens = Lens(960, 540, got.focal_px, got.focal_px, 480, 270, got.k1, got.k2)

    for row in (0, 17, 39):
        mine = got.observations[got.observations[:, 0] == row]
        there = project(got.directions[mine[:, 1].astype(int)] @ got.rotations[row].T, lens)
        assert len(mine) > 40
        assert np.median(np.linalg.norm(there - mine[:, 2:], axis=1)) < 0.3


def test_the_axis_of_a_pan_is_up_and_tells_how_the_camera_looks_down():
    rotations = turned(20.0, 0.0)
    solve, up_from = fixed.stand(solved(seen(rotations)), LENS, 1.8)

    assert "pan of 20 degrees" in up_from
    np.testing.assert_allclose(camera_centre(solve.poses), np.tile([0, 1.8, 0], (FRAMES, 1)), atol=1e-9)
    down = np.degrees(np.arcsin(-look_direction(solve.poses)[:, 1]))
    np.testing.assert_allclose(down, 4.0, atol=0.15)
    assert look_direction(solve.poses[0])[2] < -0.99  # the first camera looks along -Z


def test_a_tilt_shows_the_roll_and_a_still_camera_nothing():
    _, of_tilt = fixed.upright(turned(0.0, 15.0))
    up, of_nothing = fixed.upright(np.tile(np.eye(3), (9, 1, 1)))

    assert "tilt of 15 degrees" in of_tilt
    assert of_nothing.startswith("assumed")
    np.testing.assert_array_equal(up, [0, -1, 0])


def test_points_below_the_horizon_lie_on_the_ground_and_no_other():
    solve, _ = fixed.stand(solved(seen(turned(20.0, 0.0))), LENS, 1.8)
    y = solve.points[:, 1]

    on_it = np.abs(y) < 1e-6
    assert 0.3 < on_it.mean() < 0.9
    assert np.linalg.norm(solve.points[~on_it], axis=1).min() > 100


def test_a_camera_that_stands_still_has_one_pose():
    tracks = seen(np.tile(np.eye(3), (FRAMES, 1, 1)))

    turns, said = fixed.still(tracks, LENS.width, LENS.height, None)
    solve, _ = fixed.stand(turns, Lens(960, 540, turns.focal_px, turns.focal_px, 480, 270), 1.5)

    assert "assumed" in said["from"]
    assert (solve.poses == solve.poses[0]).all()
    assert np.median(solve.errors_px()) < 0.3
