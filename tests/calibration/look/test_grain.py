"""Grain of a known size, colour and correlation is found again: on a locked-off plate, and blind on a moving one."""

import numpy as np
import pytest

from calibration.look.grain import measure_grain
from calibration.look.graincorrelation import autocorrelation, kernel_from_autocorrelation, kernel_lags
from calibration.look.grainflat import OF_FLAT, bounded, flat_blocks, pure_flats
from pipeline.errors import CalibrationError
from pipeline.kernels.grain import Grain, noise, sigma_at
from tests.scenes import Scene

CORRELATION = np.array([[1, 0.5, 0.2], [0.5, 1, 0.4], [0.2, 0.4, 1]])
PAIRS = ((1001, 1002), (1004, 1005), (1007, 1008))


def kernel(weights):
    taps = np.outer(weights, weights)
    return (taps / np.sqrt((taps**2).sum())).astype(np.float32)


def known(weights):
    """Read noise and photon noise, another size in each channel."""
    levels = np.linspace(0, 2, 40, dtype=np.float32)
    sigma = np.sqrt(0.003**2 + 0.02**2 * levels)
    sigmas = np.stack([sigma, 0.8 * sigma, 1.3 * sigma]).astype(np.float32)
    mix = np.linalg.cholesky(CORRELATION).astype(np.float32)
    return Grain(np.tile(levels, (3, 1)), sigmas, np.tile(kernel(weights), (3, 1, 1)), mix)


def shot(truth, moving):
    scene = Scene(width=416, height=234, frames=9, grain=0)
    pairs = []
    for a, b in PAIRS:
        pictures = scene.picture(a), scene.picture(b if moving else a)
        pairs.append(tuple(grained(p, truth, f) for p, f in zip(pictures, (a, b), strict=True)))
    return pairs


def grained(clean, truth, frame):
    sigma = np.stack([sigma_at(clean[..., c], c, truth) for c in range(3)], axis=2)
    picture = clean + sigma * noise(*clean.shape[:2], truth, 7, frame)
    return picture.astype(np.float16).astype(np.float32)  # as the plate's files hold it


@pytest.mark.parametrize(
    ("weights", "moving", "limit"),
    [([0, 0, 1, 0, 0], False, 0.09), ([0, 0, 1, 0, 0], True, 0.12), ([1, 4, 6, 4, 1], True, 0.12)],
)
def test_known_grain_is_found_again(weights, moving, limit):
    truth = known(weights)

    found = measure_grain(shot(truth, moving))

    levels = np.array([0.08, 0.15, 0.3, 0.5])
    for c in range(3):
        ratio = sigma_at(levels, c, found.grain) / sigma_at(levels, c, truth)
        assert np.sqrt(np.mean((ratio - 1) ** 2)) < limit / 1.4
        assert ratio == pytest.approx(np.ones(4), abs=limit)
        assert np.abs(kernel_lags(found.grain.kernels[c]) - kernel_lags(truth.kernels[c])).max() < 0.13
    assert np.abs(found.correlation - CORRELATION).max() < 0.04


def test_frames_that_repeat_are_measured_in_flat_areas():
    truth = known([0, 0, 1, 0, 0])
    picture = np.repeat(np.linspace(0.05, 0.6, 320, dtype=np.float32)[None, :, None], 180, 0).repeat(3, 2)
    picture = grained(picture, truth, 1)

    found = measure_grain([(picture, picture)])

    levels = np.array([0.1, 0.2, 0.4])
    assert found.blocks == 0
    assert sigma_at(levels, 1, found.grain) == pytest.approx(sigma_at(levels, 1, truth), rel=0.15)


def test_a_picture_too_small_is_refused_with_advice():
    picture = Scene(width=96, height=64, frames=1).picture(1001)

    with pytest.raises(CalibrationError, match=r"usable blocks, need 72.*block_px=8"):
        measure_grain([(picture, picture)])


@pytest.mark.parametrize("weights", [[0, 0, 1, 0, 0], [0, 0.5, 1, 0.5, 0], [1, 4, 6, 4, 1]])
def test_a_kernel_is_found_from_its_correlation(weights):
    lags = kernel_lags(kernel(weights))

    again = kernel_from_autocorrelation(lags)

    np.testing.assert_allclose(kernel_lags(again), lags, atol=0.01)


def test_correlation_of_white_noise_is_a_point():
    blocks = np.random.default_rng(1).standard_normal((400, 16, 16)).astype(np.float32)

    lags = autocorrelation(blocks)

    assert lags[0, 4] == pytest.approx(1, abs=0.02)
    lags[0, 4] = 0
    assert np.abs(lags).max() < 0.02


def test_flats_that_a_codec_smoothed_bound_the_grain():
    """Grain lives beside texture and is gone where the picture is flat: what is added to flats must not be rougher."""
    truth, generator = known([0, 0, 1, 0, 0]), np.random.default_rng(1)
    ramp = np.concatenate([np.linspace(0.05, 0.2, 160), np.linspace(0.3, 0.6, 160)]).astype(np.float32)
    picture = np.tile(ramp[None, :, None], (320, 1, 3))
    grainy = grained(picture, truth, 1)
    picture += (0.001 * generator.standard_normal(picture.shape)).astype(np.float32)
    picture[:, :160] = grainy[:, :160]
    level, variance = flat_blocks(picture, 16)
    typical = float(np.quantile(pure_flats(truth.kernels, 16)[:, 1], OF_FLAT))

    levels, sigmas = bounded((truth.levels[1], truth.sigmas[1]), level[:, 1], variance[:, 1], typical)

    assert np.interp(0.1, levels, sigmas) == pytest.approx(np.interp(0.1, truth.levels[1], truth.sigmas[1]))
    assert np.interp(0.45, levels, sigmas) == pytest.approx(0.001, rel=0.15)
