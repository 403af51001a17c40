"""Alpha in the band: against a dense solve of the published system, and by sampled pairs of known mixes."""

import numba
import numpy as np
import pytest

from pipeline.kernels import matting, sampling
from pipeline.kernels.matting import BACK, FRONT, UNKNOWN

TOE, SMOOTH = 0.02, 1e-4


def mixed(size=(13, 16), seed=2, noise=0.0005):
    """A picture of two smooth colours, its alpha and a trimap that leaves the ramp between them open."""
    random = np.random.default_rng(seed)
    x = np.arange(size[1], dtype=np.float32)
    alpha = np.broadcast_to(np.clip((x - 5) / 6, 0, 1), size) + 0.03 * random.standard_normal(size)
    alpha = np.where(x < 5, 0, np.where(x > 11, 1, np.clip(alpha, 0, 1))).astype(np.float32)
    front, back = np.float32([0.5, 0.3, 0.2]), np.float32([0.1, 0.4, 0.12])
    picture = alpha[..., None] * front + (1 - alpha[..., None]) * back
    picture += noise * random.standard_normal(picture.shape)
    trimap = np.broadcast_to(np.where(x < 4, BACK, np.where(x > 12, FRONT, UNKNOWN)), size).astype(np.uint8)
    return picture.astype(np.float32), alpha, np.ascontiguousarray(trimap)


def dense(picture, trimap, rough, trust):
    """The same system with a matrix, window by window as published."""
    height, width = trimap.shape
    matrix = np.zeros((height * width, height * width))
    for y in range(1, height - 1):
        for x in range(1, width - 1):
            at = np.array([(y + j) * width + x + i for j in (-1, 0, 1) for i in (-1, 0, 1)])
            colours = picture.reshape(-1, 3)[at].astype(np.float64)
            mean = colours.mean(axis=0)
            floor = SMOOTH * (np.abs(mean).mean() + TOE) ** 2
            spread = (colours - mean).T @ (colours - mean) / 9 + floor * np.eye(3)
            share = (1 + (colours - mean) @ np.linalg.inv(spread) @ (colours - mean).T) / 9
            matrix[np.ix_(at, at)] += np.eye(9) - share
    unknown, pull = trimap.ravel() == UNKNOWN, trust.ravel()
    values = np.where(trimap.ravel() == FRONT, 1.0, 0.0)
    right = (pull * rough.ravel())[unknown] - matrix[np.ix_(unknown, ~unknown)] @ values[~unknown]
    values[unknown] = np.linalg.solve(matrix[np.ix_(unknown, unknown)] + np.diag(pull[unknown]), right)
    return np.clip(values.reshape(height, width), 0, 1)


def solved(picture, trimap, rough, trust, smooth=SMOOTH):
    return matting.fit(picture, trimap, rough, trust, toe=TOE, smooth=smooth, rounds=2000, tolerance=1e-8)


def test_the_band_solves_the_published_system():
    picture, _, trimap = mixed()
    random = np.random.default_rng(1)
    rough, trust = random.random((2, *trimap.shape)).astype(np.float32)

    found = solved(picture, trimap, rough, 0.1 * trust)

    np.testing.assert_allclose(found, dense(picture, trimap, rough, 0.1 * trust), atol=2e-5)


def test_a_ramp_of_two_colours_is_found_without_any_hint():
    picture, alpha, trimap = mixed(noise=0)
    nothing = np.zeros(trimap.shape, np.float32)

    found = solved(picture, trimap, nothing, nothing, 1e-6)

    assert np.abs(found - alpha).max() < 0.08
    assert np.abs(found - alpha).mean() < 0.012


def test_any_number_of_threads_gives_the_same_bits():
    picture, _, trimap = mixed((40, 30))
    results = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        found = sampling.sample(picture, trimap, TOE, 30)
        rough, trust = np.zeros((2, *trimap.shape), np.float32)
        rough[trimap == UNKNOWN], trust[trimap == UNKNOWN] = found.alpha, found.confidence
        results.append(matting.fit(picture, trimap, rough, trust, toe=TOE))

    assert results[0].tobytes() == results[1].tobytes()


def test_nothing_unknown_is_nothing_to_solve():
    picture, _, trimap = mixed()
    known = np.where(trimap == UNKNOWN, FRONT, trimap).astype(np.uint8)
    nothing = np.zeros(trimap.shape, np.float32)

    np.testing.assert_array_equal(matting.fit(picture, known, nothing, nothing, toe=TOE), known == FRONT)
    assert sampling.sample(picture, known, TOE, 30).alpha.size == 0


def test_sampled_pairs_tell_the_mix_and_know_when_they_do_not():
    picture, alpha, trimap = mixed()
    alike = np.full_like(picture, 0.3) + np.float32(0.002) * np.random.default_rng(1).standard_normal(
        picture.shape, np.float32
    )

    found, unsure = (sampling.sample(p, trimap, TOE, 30) for p in (picture, alike))

    assert np.abs(found.alpha - alpha[trimap == UNKNOWN]).max() < 0.08
    assert found.confidence.min() > 0.3
    assert unsure.confidence.max() < 0.05


def test_a_known_background_may_vary_from_pixel_to_pixel():
    """Stripes behind a ramp: no pair of sampled backs explains them, the known one does."""
    picture, alpha, trimap = mixed()
    back = np.float32([0.1, 0.4, 0.12]) * (1 + 0.6 * (np.arange(13)[:, None, None] % 2)).astype(np.float32)
    back = np.ascontiguousarray(np.broadcast_to(back, picture.shape), np.float32)
    striped = alpha[..., None] * np.float32([0.5, 0.3, 0.2]) + (1 - alpha[..., None]) * back

    found = sampling.sample(np.ascontiguousarray(striped, np.float32), trimap, TOE, 30, back)

    np.testing.assert_allclose(found.alpha, alpha[trimap == UNKNOWN], atol=0.01)


def test_steps_to_the_nearest_are_counted_straight_and_diagonally():
    trimap = np.where(np.random.default_rng(5).random((19, 24)) < 0.03, FRONT, BACK).astype(np.uint8)
    y, x = np.nonzero(trimap == FRONT)
    j, i = np.mgrid[0:19, 0:24]
    wanted = np.maximum(np.abs(j[..., None] - y), np.abs(i[..., None] - x)).min(axis=-1)

    np.testing.assert_array_equal(sampling._to(trimap, FRONT), wanted)
    assert (sampling._to(trimap, UNKNOWN) > 10_000).all()


@pytest.mark.parametrize("broken", ["dtype", "shape"])
def test_wrong_arrays_are_refused(broken):
    picture, _, trimap = mixed()
    rough = np.zeros((3, 3) if broken == "shape" else trimap.shape, np.float64 if broken == "dtype" else np.float32)
    with pytest.raises(ValueError, match="rough is"):
        matting.fit(picture, trimap, rough, np.zeros(trimap.shape, np.float32), toe=TOE)
