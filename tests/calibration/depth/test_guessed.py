"""A guess that is right but for scale, shift and a slow bend comes to metres; one that runs the other way is not used."""

import cv2
import numpy as np
import pytest

from calibration.depth.guessed import LEAST, aligned
from calibration.depth.sweep import GUESSED, estimate, figures, full_size, points_seen
from tests.scenes import FIRST_BOX, WALLS, Scene, write_shot

ACTOR = FIRST_BOX + len(WALLS)


def true_inverse(shape=(60, 100)):
    """A floor that runs away, a wall on it."""
    y = np.linspace(0.02, 0.5, shape[0], dtype=np.float32)[:, None].repeat(shape[1], axis=1)
    y[15:40, 60:80] = 0.33
    return y


def known_at(truth, count, generator, wrong=0.0):
    known = np.zeros_like(truth)
    rows, columns = generator.integers(0, truth.shape[0], count), generator.integers(0, truth.shape[1], count)
    known[rows, columns] = truth[rows, columns] * np.where(generator.random(count) < wrong, 3, 1)
    return known


def test_scale_and_shift_are_found_among_wrong_points():
    truth, generator = true_inverse(), np.random.default_rng(4)

    found = aligned(7 * truth - 0.4, known_at(truth, 200, generator, wrong=0.2), np.ones_like(truth))

    assert found is not None
    assert found.agreement > 0.75
    off = np.abs(found.inverse_depth / truth - 1)
    assert np.median(off) < 0.08  # one point in five lies, and the correction bends towards it a little
    assert (
        np.median(
            np.abs(
                aligned(7 * truth - 0.4, known_at(truth, 200, generator), np.ones_like(truth)).inverse_depth / truth - 1
            )
        )
        < 1e-3
    )


def test_a_slow_bend_is_corrected_towards_what_is_known():
    truth, generator = true_inverse(), np.random.default_rng(5)
    bend = 1 + 0.3 * np.linspace(-1, 1, truth.shape[1], dtype=np.float32)

    found = aligned(truth * bend, known_at(truth, 400, generator), np.ones_like(truth))

    assert found is not None
    left = np.abs(found.inverse_depth / truth - 1)
    assert left.mean() < 0.5 * np.abs(bend - 1).mean()


@pytest.mark.parametrize("case", ["too few", "turned around", "flat"])
def test_what_cannot_be_aligned_is_not_used(case):
    truth, generator = true_inverse(), np.random.default_rng(6)
    guess = {"turned around": -truth, "flat": np.ones_like(truth)}.get(case, truth)

    found = aligned(guess, known_at(truth, 4 if case == "too few" else 10 * LEAST, generator), np.ones_like(truth))

    assert found is None


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    return write_shot(Scene(frames=20, actor=True), tmp_path_factory.mktemp("shot"))


def told_by(shot, frame, softness_px=2.0):
    """What a good model would say: the truth at half size, softened, with scale, shift and a slow bend."""
    depth = shot.scene.depth_m(frame)
    inverse = np.where(np.isfinite(depth), 1 / np.maximum(depth, 0.1), 0).astype(np.float32)
    small = cv2.GaussianBlur(
        cv2.resize(inverse, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), (0, 0), softness_px
    )
    return (40 * small + 3) * (1 + 0.1 * np.linspace(-1, 1, small.shape[1], dtype=np.float32))


def test_a_walkers_depth_is_right_with_a_guess_and_nothing_sure_changes(shot):
    truth, walking = shot.scene.depth_m(1010), shot.scene.surfaces(1010) == ACTOR
    inner = cv2.erode(walking.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    alone = estimate(shot.plate, shot.track, 1010, 320)
    guessed = estimate(shot.plate, shot.track, 1010, 320, nearness=lambda: told_by(shot, 1010))
    off = {
        name: np.median(np.abs(full_size(found, shot.scene.picture(1010)).depth_m[inner] / truth[inner] - 1))
        for name, found in (("alone", alone), ("guessed", guessed))
    }

    assert off["guessed"] < 0.12
    assert off["guessed"] < 0.5 * off["alone"]
    sure = alone.confidence >= GUESSED
    np.testing.assert_array_equal(guessed.inverse_depth[sure], alone.inverse_depth[sure])
    assert guessed.confidence[~sure].max() <= GUESSED
    told = figures(
        full_size(guessed, shot.scene.picture(1010)), points_seen(shot.track, 1010, shot.scene.camera_from_world(1010))
    )
    assert told["guess_agreement"] > 0.7  # its soft edges and its bend cost the rest
