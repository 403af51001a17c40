"""Degrained frames are nearer to the truth, keep their edges, and never mix two things that move apart."""

import cv2
import numpy as np
import pytest

from calibration.look.degrain import degrain
from calibration.look.shrink import BLOCK, OPPONENT, cosine_noise
from calibration.look.stabilise import stabiliser
from pipeline.kernels.grain import noise
from tests.calibration.look.test_grain import grained, known
from tests.scenes import Scene

POINT, SOFT = [0, 0, 1, 0, 0], [1, 4, 6, 4, 1]


def stops(picture):
    return np.log2(np.maximum(picture, 0) + 0.02)


def miss(picture, truth, where=...):
    return float(np.sqrt(np.mean((stops(picture) - stops(truth))[where] ** 2)))


def moving(weights, frames):
    truth, scene = known(weights), Scene(width=320, height=180, frames=9, grain=0)
    clean = [scene.picture(f) for f in frames]
    return truth, clean[0], [grained(c, truth, f) for c, f in zip(clean, frames, strict=True)]


@pytest.mark.parametrize(("weights", "alone_db", "together_db"), [(POINT, 5.0, 8.5), (SOFT, 1.5, 4.5)])
def test_a_degrained_frame_is_nearer_to_the_truth(weights, alone_db, together_db):
    truth, clean, (frame, *neighbours) = moving(weights, (1004, 1002, 1003, 1005, 1006))

    alone, together = degrain(frame, truth), degrain(frame, truth, neighbours)

    before = miss(frame, clean)
    assert 20 * np.log10(before / miss(alone, clean)) > alone_db
    assert 20 * np.log10(before / miss(together, clean)) > together_db


def test_edges_stay_as_sharp_as_they_are():
    truth, clean, (frame, *neighbours) = moving(POINT, (1004, 1003, 1005))
    across = np.abs(np.diff(stops(clean).mean(axis=2), axis=1))
    edges = across > np.quantile(across, 0.98)

    found = np.diff(stops(degrain(frame, truth, neighbours)).mean(axis=2), axis=1)

    wanted = np.diff(stops(clean).mean(axis=2), axis=1)[edges]
    assert (found[edges] @ wanted) / (wanted @ wanted) == pytest.approx(1, abs=0.05)
    blurred = np.diff(cv2.GaussianBlur(stops(clean).mean(axis=2), (0, 0), 1.0), axis=1)[edges]
    assert (blurred @ wanted) / (wanted @ wanted) < 0.8  # the test sees a blur


def test_what_only_a_neighbour_shows_is_not_taken_over():
    truth, clean, (frame, other) = moving(POINT, (1004, 1005))
    other = other.copy()
    other[60:120, 100:200] = [0.6, 0.1, 0.1]
    hidden = np.s_[70:110, 110:190]

    found = degrain(frame, truth, [other])

    assert miss(found, clean, hidden) < 0.7 * miss(frame, clean, hidden)


def test_levels_stay_where_they_are():
    truth = known(POINT)
    for level in (0.0, 0.01, 0.3, 1.5):
        clean = np.full((96, 96, 3), level, np.float32)
        found = degrain(grained(clean, truth, 3), truth)
        assert np.abs(found.mean(axis=(0, 1)) - level).max() < 0.0006 + 0.004 * level


def test_nan_stays_where_it_was():
    truth, _, (frame,) = moving(POINT, (1004,))
    frame[50, 60, 1] = np.nan

    found = degrain(frame, truth)

    assert np.isnan(found[50, 60, 1])
    assert np.isnan(found).sum() == 1


def test_a_stabilised_picture_has_unit_noise_and_comes_back():
    truth, ramp = known(POINT), np.repeat(np.linspace(0.02, 1.5, 256, dtype=np.float32)[None, :, None], 256, 0)
    picture = grained(ramp.repeat(3, 2), truth, 5)
    flat = stabiliser(truth, picture)

    made = flat(picture)

    smooth = flat(ramp.repeat(3, 2))
    assert (made - smooth).std(axis=0) == pytest.approx(1, abs=0.25)
    assert (made - smooth)[:, 64:].std(axis=(0, 1)) == pytest.approx(1, abs=0.03)
    assert flat.back(made) == pytest.approx(picture, abs=2e-5)


@pytest.mark.parametrize("weights", [POINT, SOFT])
def test_the_noise_of_cosines_is_that_of_synthesised_grain(weights):
    truth = known(weights)
    basis = np.stack([cv2.dct(row[:, None])[:, 0] for row in np.eye(BLOCK, dtype=np.float32)], axis=1)
    blocks = (noise(512, 512, truth, 1, 1) @ OPPONENT.T).reshape(64, BLOCK, 64, BLOCK, 3)

    cosines = np.einsum("uy,nymxc,vx->nmuvc", basis, blocks, basis)

    measured, told = np.moveaxis((cosines**2).mean(axis=(0, 1)), -1, 0), cosine_noise(truth)
    strong = told > 0.02
    assert measured[strong] / told[strong] == pytest.approx(1, abs=0.12)
