"""Grain of a known size, colour and correlation is found again: on a locked-off plate, and blind on a moving one."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.look.grain import measure_grain
from calibration.look.grainblocks import Blocks, Simulation, match_blocks, unit_noise
from calibration.look.graincamera import camera_matrix
from calibration.look.graincorrelation import (
    edge_weights,
    lag_covariances,
    lags_of,
    needed_taps,
    separate,
    unit_grain,
    white_grain,
)
from calibration.look.grainfilter import MAX_LAG, filter_from_autocorrelation, smooth_power, white_shares
from calibration.look.grainflat import OF_FLAT, bounded, flat_blocks, pure_flats
from pipeline.errors import CalibrationError
from pipeline.kernels.grain import Grain, noise, sigma_at, sigma_of
from pipeline.kernels.noiselanes import TAPS, WIDE_TAPS
from tests.scenes import Scene

CORRELATION = np.array([[1, 0.5, 0.2], [0.5, 1, 0.4], [0.2, 0.4, 1]])
PAIRS = ((1001, 1002), (1004, 1005), (1007, 1008))


def kernel(weights):
    taps = np.pad(np.outer(weights, weights), (TAPS - len(weights)) // 2)
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
    camera = clean @ truth.camera_from_acescg.T
    sigma = np.stack([sigma_at(camera[..., c], c, truth) for c in range(3)], axis=2)
    picture = clean + (sigma * noise(*clean.shape[:2], truth, 7, frame)) @ truth.acescg_from_camera.T
    return picture.astype(np.float16).astype(np.float32)  # as the plate's files hold it


@pytest.mark.parametrize(
    ("weights", "moving", "limit"),
    [([0, 0, 1, 0, 0], False, 0.09), ([0, 0, 1, 0, 0], True, 0.12), ([1, 4, 6, 4, 1], True, 0.12)],
)
def test_known_grain_is_found_again(weights, moving, limit):
    truth = known(weights)

    found = measure_grain(shot(truth, moving))

    grey = np.array([0.08, 0.15, 0.3, 0.5], np.float32)[:, None].repeat(3, 1)
    ratio = sigma_of(grey, found.grain) / sigma_of(grey, truth)
    assert np.sqrt(np.mean((ratio - 1) ** 2)) < limit / 1.4
    assert ratio == pytest.approx(np.ones((4, 3)), abs=limit)
    for c in range(3):
        assert np.abs(seen_lags(found.grain)[..., c] - seen_lags(truth)[..., c]).max() < 0.1
    assert np.abs(seen_correlation(found.grain) - CORRELATION).max() < (0.08 if moving else 0.04)


def seen_lags(grain):
    """Autocorrelation per camera channel."""
    return np.diagonal(lags_of(grain), axis1=2, axis2=3)


def seen_correlation(grain):
    """Between ACEScg channels of mid grey."""
    spread = grain.acescg_from_camera * np.array([sigma_at(0.2, c, grain) for c in range(3)])
    covariance = spread @ grain.correlation @ spread.T
    size = np.sqrt(np.diag(covariance))
    return covariance / np.outer(size, size)


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


def kernel_lags(taps):
    """The autocorrelation that white noise has after a filter, as far as it is measured."""
    return np.fft.ifft2(power_of(taps)).real[: MAX_LAG + 1][:, np.arange(-MAX_LAG, MAX_LAG + 1)]


@pytest.mark.parametrize("weights", [[0, 0, 1, 0, 0], [0, 0.5, 1, 0.5, 0], [1, 4, 6, 4, 1]])
def test_a_kernel_is_found_from_its_correlation(weights):
    lags = kernel_lags(kernel(weights))

    again, over = filter_from_autocorrelation(lags)

    made = (1 - over) * kernel_lags(again)
    made[0, MAX_LAG] += over
    np.testing.assert_allclose(made, lags, atol=0.01)


def film():
    """Layers that are bound together, then blurred, each by its own filter, and scanned with a little white noise."""
    kernels = np.stack([kernel(np.exp(-0.5 * (np.arange(-4, 5) / size) ** 2)) for size in (0.9, 0.8, 1.2)])
    ends, blend = np.tile(np.float32([0, 1]), (3, 1)), np.linalg.cholesky(CORRELATION).astype(np.float32)
    over = np.float32([0.01, 0.01, 0.02])
    return Grain(ends, np.ones((3, 2), np.float32), kernels, np.eye(3, dtype=np.float32), blend=blend, white_share=over)


def test_noise_has_the_covariances_that_are_computed():
    made = noise(768, 768, film(), 3, 1001)
    blocks = made.reshape(24, 32, 24, 32, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 32, 32, 3)

    np.testing.assert_allclose(lag_covariances(blocks), lags_of(film()), atol=0.02)
    np.testing.assert_allclose(film().correlation, lags_of(film())[0, MAX_LAG], atol=1e-6)


def test_layers_bound_before_they_blur_are_found_with_the_white_over_them():
    """No mix of blurred sources comes near: to the finest frequency, 20 dB under the rest, within half a decibel."""
    lags = lags_of(film())

    found = unit_grain(lags)

    np.testing.assert_allclose(found.blend @ found.blend.T, CORRELATION, atol=0.01)
    np.testing.assert_array_equal(found.mix, np.eye(3))
    np.testing.assert_allclose(lags_of(found), lags, atol=0.01)
    for c in range(3):
        power = [np.abs(np.fft.fft2(whole(one[..., c, c])).real) for one in (lags, lags_of(found))]
        np.testing.assert_allclose(10 * np.log10(power[1] / power[0]), 0, atol=0.5)


def test_white_over_each_layer_is_told_from_faint_filtered_noise():
    """The layers stay bound at every frequency, what lies over them is not."""
    lags = lags_of(film())
    power = np.stack([smooth_power(lags[..., c, c], TAPS) for c in range(3)])

    np.testing.assert_allclose(white_shares(lags, power), film().white_share, rtol=0.1)


def test_a_filter_too_small_for_the_grain_gives_each_band_its_power():
    """Grain that reaches 8 pixels on one side, told by lags of up to 8: bands down to -30 dB within 0.1 dB."""
    y, x = np.mgrid[-8:9, -8:9]
    wide = np.exp(-(y**2 + x**2) / 1.6) + 0.15 * np.exp(-(y**2 + x**2) / 8)
    wanted = 0.99 * power_of(wide / np.sqrt((wide**2).sum())) + 0.01
    lags = np.fft.ifft2(wanted).real[: MAX_LAG + 1][:, np.arange(-MAX_LAG, MAX_LAG + 1)]

    found, over = filter_from_autocorrelation(lags)

    made = (1 - over) * power_of(found) + over
    ring = (np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64))) * 16).astype(int)
    off = [10 * np.log10(made[ring == k].mean() / wanted[ring == k].mean()) for k in range(11)]
    np.testing.assert_allclose(off, 0, atol=0.1)


def coarse(side):
    """Layers whose grain is cut at a filter of this side, bound and scanned as film's."""
    at = np.arange(side) - side // 2
    gauss = [np.exp(-0.5 * (np.hypot(*np.meshgrid(at, at)) / size) ** 2) for size in (0.9, 2.0, 1.2)]
    kernels = np.stack([gauss[0] + 0.15 * gauss[1], gauss[0] + 0.1 * gauss[1], gauss[2]])
    kernels /= np.sqrt((kernels**2).sum(axis=(1, 2), keepdims=True))
    return replace(film(), kernels=kernels.astype(np.float32))


def test_grain_that_reaches_farther_gets_wider_filters():
    """Then each frequency has its power, which nine taps cannot give; grain that they hold keeps them."""
    lags = lags_of(coarse(WIDE_TAPS))

    found = unit_grain(lags, needed_taps((lags, lags)))

    assert found.kernels.shape == (3, WIDE_TAPS, WIDE_TAPS)
    for held in (film(), white_grain()):
        assert needed_taps((lags_of(held), lags_of(held))) == TAPS
    for c in range(3):
        power = [np.abs(np.fft.fft2(whole(one[..., c, c])).real) for one in (lags, lags_of(found))]
        np.testing.assert_allclose(10 * np.log10(power[1] / power[0]), 0, atol=0.25)


@pytest.mark.parametrize(("grain", "wanted"), [(film(), TAPS), (coarse(WIDE_TAPS), WIDE_TAPS)])
def test_scatter_of_two_measurements_is_not_taken_for_grain_that_reaches_farther(grain, wanted):
    """To each of two wide filters come nearer than small ones, to the other only where the grain needs them."""
    made = noise(1280, 1280, grain, 3, 1001).reshape(80, 16, 80, 16, 3).transpose(0, 2, 1, 3, 4).reshape(-1, 16, 16, 3)

    assert needed_taps((lag_covariances(made[::2]), lag_covariances(made[1::2]))) == wanted


def power_of(taps):
    return np.abs(np.fft.fft2(np.asarray(taps, np.float64), s=(64, 64))) ** 2


def test_motion_between_pixels_leaves_little_of_a_fine_texture():
    """Twice the pixels that were shot, moved by one of them: half a pixel."""
    fine = np.random.default_rng(1).standard_normal((520, 680)).astype(np.float32)
    fine = 0.2 * np.exp2(6 * cv2.GaussianBlur(fine, (0, 0), 3.5))
    first, second = (np.repeat(fine[::2, k : 640 + k : 2, None], 3, axis=2) for k in (8, 9))

    blocks = match_blocks(first, second, 16)

    assert (blocks.rest**2).mean() < 0.05 * ((second - first) ** 2).mean() / 2


def test_the_fit_takes_out_a_motion_of_the_picture_and_nothing_else():
    """As least squares do, in colours of which one has waves whose two slopes are the same."""
    random = np.random.default_rng(3)
    picture = random.standard_normal((40, 64, 64, 3)).astype(np.float32)
    picture = np.stack([cv2.GaussianBlur(p, (0, 0), 2) for p in picture])[:, 20:38, 20:38]
    picture[..., 2] = 0.2 + 0.1 * np.sin(np.mgrid[0:18, 0:18].sum(axis=0) / 2)
    sigma = 0.01 + 0.1 * np.abs(picture[:, 1:-1, 1:-1])
    empty = np.zeros((40, 16, 16, 3), np.float32)
    blocks = Blocks(empty, empty[:, 0, 0], np.zeros((40, 3, 3)), empty, empty, picture, np.zeros((40, 2), np.intp))

    variance, rest = Simulation(blocks, sigma, np.eye(3)).run(film(), 5)

    cut = unit_noise(film(), 7 * 16, 5).reshape(7, 16, 7, 16, 3).transpose(0, 2, 1, 3, 4)
    laid = cut.reshape(-1, 16, 16, 3)[:40] * sigma
    for n, c in ((0, 0), (17, 1), (39, 2)):
        down, across = (v[1:-1, 1:-1].ravel() for v in np.gradient(picture[n, ..., c].astype(np.float64)))
        design = np.stack([np.ones(256), across, down], axis=1)
        seen = laid[n, ..., c].ravel().astype(np.float64)
        left = seen - design @ np.linalg.lstsq(design, seen, rcond=None)[0]
        np.testing.assert_allclose(rest[n, ..., c].ravel(), left / sigma[n, ..., c].ravel(), atol=0.01)
        assert variance[n, c] == pytest.approx((left**2).sum() / 253, rel=0.01)


def test_a_ramp_of_light_is_even_and_texture_is_not():
    """Of a ramp nothing is left when the motion is taken out."""
    y, x = np.mgrid[0:128, 0:128].astype(np.float32)
    ramp, waves = 0.2 + 0.002 * x + 0.001 * y, 0.3 + 0.01 * np.sin(x) * np.sin(y)
    random = np.random.default_rng(1).standard_normal((2, 128, 128)).astype(np.float32)
    seen = [np.repeat(np.hstack([ramp, waves])[..., None], 3, axis=2) + 1e-4 * np.tile(r, 2)[..., None] for r in random]

    blocks = match_blocks(*seen, 16)

    uneven, on_ramp = blocks.unevenness(), blocks.place[:, 1] < 112
    assert uneven[on_ramp].max() < 0.05 * uneven[blocks.place[:, 1] >= 128].min()


def whole(lags):
    """All lags around (0, 0), the centre first."""
    full = np.zeros((2 * MAX_LAG + 2, 2 * MAX_LAG + 2))
    rows, columns = np.mgrid[0 : MAX_LAG + 1, -MAX_LAG : MAX_LAG + 1]
    full[-rows, -columns] = full[rows, columns] = lags
    return full


def test_coarse_grain_that_swells_with_the_light_keeps_its_spectrum():
    """Neither is its noise taken for finer where light changes within a block, nor blocks matched by their noise."""
    levels = np.tile(np.linspace(0, 2, 40, dtype=np.float32), (3, 1))
    truth = replace(film(), levels=levels, sigmas=(0.002 + 0.1 * levels).astype(np.float32))
    waves = np.sin(np.mgrid[0:480, 0:640].astype(np.float32).sum(axis=0) / 20)
    picture = np.repeat((0.2 * np.exp2(waves))[..., None], 3, axis=2)

    found = measure_grain([(grained(picture, truth, f), grained(picture, truth, f + 1)) for f in (1, 3)])

    for c in range(3):
        power = [np.abs(np.fft.fft2(whole(seen_lags(one)[..., c])).real) for one in (truth, found.grain)]
        off = 10 * np.log10(power[1] / power[0])
        assert np.sqrt(np.mean(off**2)) < 0.5


def test_correlation_of_white_noise_is_a_point():
    blocks = np.random.default_rng(1).standard_normal((400, 16, 16, 3)).astype(np.float32)

    lags = lag_covariances(blocks)

    np.testing.assert_allclose(lags[0, MAX_LAG], np.eye(3), atol=0.02)
    lags[0, MAX_LAG] = 0
    assert np.abs(lags).max() < 0.03


def test_lag_covariances_are_those_of_a_slow_twin():
    blocks = np.random.default_rng(2).standard_normal((3, 12, 12, 3)).astype(np.float32)

    lags = lag_covariances(blocks)

    for dy, dx in ((0, 0), (1, 2), (2, -3), (MAX_LAG, 1)):
        left, right = max(0, -dx), 12 - max(0, dx)
        here, there = blocks[:, : 12 - dy, left:right], blocks[:, dy:, left + dx : right + dx]
        weights = edge_weights(12)[: 12 - dy, left:right] * edge_weights(12)[dy:, left + dx : right + dx]
        slow = np.einsum("nyxc,nyxd,yx->cd", here, there, weights, dtype=np.float64) / (3 * weights.sum())
        np.testing.assert_allclose(lags[dy, dx + MAX_LAG], (slow + slow.T) / 2, atol=1e-5)


def test_luma_and_blotches_of_colour_are_told_apart():
    """Three sources with other filters, mixed: the mix comes back but for order and sign, and so do their filters."""
    mix = np.array([[0.8, 0.55, 0.2], [0.85, -0.5, 0.15], [0.75, 0.1, -0.65]])
    mix /= np.sqrt((mix**2).sum(axis=1, keepdims=True))
    kernels = np.stack([kernel([0, 0, 1, 0, 0]), kernel([0, 1, 2, 1, 0]), kernel([1, 4, 6, 4, 1])])
    lags = np.einsum("yxk,ck,dk->yxcd", np.stack([kernel_lags(k) for k in kernels], axis=-1), mix, mix)

    found, sources = separate(lags)
    model = unit_grain(lags)

    np.testing.assert_array_equal(model.blend, np.eye(3))
    np.testing.assert_allclose(lags_of(model), lags, atol=0.01)
    np.testing.assert_allclose(found @ found.T, mix @ mix.T, atol=1e-6)
    order = np.argmax(np.abs(mix.T @ np.linalg.inv(found).T), axis=1)
    assert sorted(order) == [0, 1, 2]
    for source, k in zip(order, kernels, strict=True):
        np.testing.assert_allclose(sources[..., source], kernel_lags(k), atol=0.01)


SENSOR = np.array([[1.28, -0.2, -0.08], [-0.14, 1.3, -0.16], [0.02, -0.3, 1.28]])


def blocks_of_sensor_noise(colourful):
    """Levels and covariances of 4000 blocks as a sensor with another gain per channel and a matrix gives them."""
    generator = np.random.default_rng(3)
    camera = np.exp(generator.normal(-2, 0.9, (4000, 1)) + colourful * generator.normal(0, 0.6, (4000, 3)))
    sigma = np.sqrt(2e-6 + np.array([1e-3, 4e-4, 1.5e-3]) * camera)
    made = (sigma[:, None] * generator.standard_normal((4000, 100, 3))) @ SENSOR.T
    return camera @ SENSOR.T, made.transpose(0, 2, 1) @ made / 100


def test_the_cameras_channels_are_found_in_blocks_of_many_colours():
    found = camera_matrix(*blocks_of_sensor_noise(colourful=1))

    np.testing.assert_allclose(found, SENSOR, atol=0.12)


def test_grey_or_few_blocks_tell_no_matrix():
    grey = blocks_of_sensor_noise(colourful=0)

    np.testing.assert_allclose(camera_matrix(*grey), np.eye(3), atol=0.12)
    assert (camera_matrix(*(part[:200] for part in grey)) == np.eye(3)).all()


def test_flats_that_a_codec_smoothed_bound_the_grain():
    """Grain lives beside texture and is gone where the picture is flat: what is added to flats must not be rougher."""
    truth, generator = known([0, 0, 1, 0, 0]), np.random.default_rng(1)
    ramp = np.concatenate([np.linspace(0.05, 0.2, 160), np.linspace(0.3, 0.6, 160)]).astype(np.float32)
    picture = np.tile(ramp[None, :, None], (320, 1, 3))
    grainy = grained(picture, truth, 1)
    picture += (0.001 * generator.standard_normal(picture.shape)).astype(np.float32)
    picture[:, :160] = grainy[:, :160]
    level, variance = flat_blocks(picture, 16)
    typical = float(np.quantile(pure_flats(truth, 16)[:, 1], OF_FLAT))

    levels, sigmas = bounded((truth.levels[1], truth.sigmas[1]), level[:, 1], variance[:, 1], typical)

    assert np.interp(0.1, levels, sigmas) == pytest.approx(np.interp(0.1, truth.levels[1], truth.sigmas[1]))
    assert np.interp(0.45, levels, sigmas) == pytest.approx(0.001, rel=0.15)
