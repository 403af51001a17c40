"""Noise of luma and chroma that follows texture, laid over a moving picture, is found as it was made."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from benchmarks.grain_codec import GAMMA, through_x264
from benchmarks.grain_plates import fine
from calibration.look.coding import luma_chroma, power_coding
from calibration.look.grain import measure_grain
from calibration.look.graincells import effects, span
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.grain import Grain, active, add_grain, gain, sigma_of
from pipeline.kernels.graintexture import CELL, activity
from tests.calibration.look.test_grain import PAIRS, kernel
from tests.scenes import Scene

CODING = power_coding(2.4, np.eye(3))
LUMA, CHROMA = 0.006, (0.002, 0.0015)  # deviations, in codes
LAW = np.array([[0.1, 0.5, 4.0], [0.5, 1.0, 4.0], [1, 1, 1]], np.float32)


def codecs(luma=LUMA, chroma=CHROMA, law=LAW):
    spread = np.linalg.inv(luma_chroma()) * np.array([luma, *chroma])
    length = np.sqrt((spread**2).sum(axis=1))
    levels = np.interp(np.linspace(0, 1, 24), CODING.codes, CODING.linear)
    sigmas = length[:, None] * CODING.slope(levels)
    coarse = kernel([0.4, 0.8, 1, 0.8, 0.4])
    return Grain(
        np.tile(levels, (3, 1)).astype(np.float32),
        sigmas.astype(np.float32),
        np.stack([kernel([0, 0.4, 1, 0.4, 0]), coarse, coarse]),
        (spread / length[:, None]).astype(np.float32),
        patchiness=np.float32([0.35, 16]),
        texture=law,
    )


def shot(truth):
    """Pairs of a moving picture with this grain, so far apart that patches have passed."""
    scene = Scene(width=640, height=360, frames=9, grain=0)
    made = []
    for k, pair in enumerate(PAIRS):
        noisy = []
        for n, frame in enumerate(pair):
            clean = scene.picture(frame)
            out = np.empty_like(clean)
            add_grain(clean, clean, np.zeros(clean.shape[:2], np.float32), truth, 7, 100 * k + n, out)
            noisy.append(out.astype(np.float16).astype(np.float32))
        made.append(tuple(noisy))
    return made, scene.picture(PAIRS[0][0])


@pytest.fixture(scope="module")
def measured():
    pairs, clean = shot(codecs())
    return measure_grain(pairs, coding=CODING).grain, measure_grain(pairs).grain, clean


def sizes_of(grain, clean):
    even = replace(grain, patchiness=np.float32([1e-3, 16]), flecks=np.zeros(2, np.float32))
    return sigma_of(clean, grain, gain(even, 1, 1, clean))


def test_luma_is_as_much_stronger_on_texture_as_it_is(measured):
    found, blind, clean = measured
    truth, seen = codecs(), active(codecs(), activity(clean))
    calm, rough = seen < np.quantile(seen, 0.3), seen > np.quantile(seen, 0.8)
    sizes = {
        name: [sizes_of(g, clean)[2::4, 2::4][part[:90, :160]].mean(axis=0) for part in (calm, rough)]
        for name, g in (("found", found), ("blind", blind), ("truth", truth))
    }

    rise = {name: rough_size[1] / calm_size[1] for name, (calm_size, rough_size) in sizes.items()}

    assert rise["found"] == pytest.approx(rise["truth"], rel=0.25)
    assert abs(np.log(rise["found"] / rise["truth"])) < abs(np.log(rise["blind"] / rise["truth"])) / 2
    inner = found.texture[2][3:-2]
    assert np.ptp(np.log(inner)) < np.ptp(np.log(found.rise[3:-2])) / 2  # chroma does not follow


def test_sizes_and_kinds_of_noise_are_found(measured):
    found, _, clean = measured

    ratio = sizes_of(found, clean) / sizes_of(codecs(), clean)

    assert np.median(ratio) == pytest.approx(1, abs=0.15)
    mine, wanted = (luma_chroma() @ (g.mix * g.sigmas[:, 12:13]) for g in (found, codecs()))
    parts, told = (np.abs(np.diagonal(m)) / abs(m[0, 0]) for m in (mine, wanted))
    np.testing.assert_allclose(parts, told, rtol=0.6)
    sharp = [np.abs(g.kernels[0]).max() for g in (found, codecs())]
    assert sharp[0] == pytest.approx(sharp[1], rel=0.2)


def test_luma_that_is_coarse_where_it_is_smooth_and_fine_on_texture_is_told_apart_and_its_light():
    """A fourth source, as codecs leave it: what they change in the smooth is wide, on texture it is fine."""
    plain, wide = codecs(), kernel([0.5, 1, 1.5, 1, 0.5])
    wide = cv2.GaussianBlur(np.pad(wide, 1), (0, 0), 1.5)
    spread = plain.mix[:, :1] / np.float32(np.sqrt(2))
    law = np.array([[0.1, 0.5, 1.5, 4.0], [0.1, 0.4, 2.0, 4.0], [1, 1, 1, 1], [1.4, 1.4, 0.5, 0.2]], np.float32)
    light = np.array([[0.02, 0.1, 0.5], [1.5, 1.0, 0.7]], np.float32)
    kernels = np.concatenate([np.pad(plain.kernels, ((0, 0), (1, 1), (1, 1))), [wide / np.sqrt((wide**2).sum())]])
    truth = replace(
        plain,
        kernels=kernels,
        mix=np.concatenate([spread, plain.mix[:, 1:], spread], axis=1),
        white_share=np.zeros(4, np.float32),
        texture=law,
        light=light,
    )
    pairs, clean = shot(truth)

    found = measure_grain(pairs, coding=CODING).grain

    def far(taps):
        return float((taps[:, 2:] * taps[:, :-2]).sum())

    wanted = [far(truth.kernels[k]) for k in (0, 3)]
    told = [far(found.kernels[k]) for k in (0, 3)]
    assert told[1] - told[0] > (wanted[1] - wanted[0]) / 2
    seen = active(truth, activity(clean))
    sky, calm, more = np.quantile(seen, [0.12, 0.4, 0.8])
    for part in ((seen > sky) & (seen < calm), seen > more):
        ratio = (sizes_of(found, clean) / sizes_of(truth, clean))[2::4, 2::4][part[:90, :160]]
        assert np.median(ratio[:, 1]) == pytest.approx(1, abs=0.25)
    dark, bright = (np.exp(np.interp(np.log(v), np.log(found.light[0]), np.log(found.light[1]))) for v in (0.03, 0.3))
    assert 1.2 < dark / bright < 2.4  # 1.7


def test_texture_keeps_much_of_its_noise_where_a_codec_froze_all_that_is_smooth():
    clean = Scene(width=640, height=360, frames=9, grain=0).picture(PAIRS[0][0])
    half, more, most = np.quantile(active(codecs(), activity(clean)), [0.5, 0.6, 0.95])
    frozen = codecs(law=np.array([[half, more, most], [1e-3, 1.0, 4.0], [1, 1, 1]], np.float32))
    pairs, _ = shot(frozen)

    found = measure_grain(pairs, coding=CODING).grain

    seen = active(frozen, activity(clean))
    rough = seen > np.quantile(seen, 0.8)
    ratio = (sizes_of(found, clean) / sizes_of(frozen, clean))[2::4, 2::4][rough[:90, :160]]
    assert 0.4 < np.median(ratio[:, 1]) < 1.3  # too little still, but a fifth without care


def test_noise_that_texture_does_not_decide_stays_the_cameras():
    flat = codecs(law=np.array([[0.1, 4.0], [1.0, 1.2], [1, 1]], np.float32))
    pairs, _ = shot(flat)

    found = measure_grain(pairs, coding=CODING).grain
    blind = measure_grain(pairs).grain

    np.testing.assert_array_equal(found.sigmas, blind.sigmas)
    np.testing.assert_array_equal(found.kernels, blind.kernels)
    assert np.ptp(found.texture[1][2:-2]) < 0.4  # the ends are few kinds of picture
    np.testing.assert_array_equal(found.texture[1], found.texture[2])


@pytest.mark.parametrize("last", [0.01, 3.2, 50.0])
def test_edges_that_do_not_fit_do_not_decide_whose_noise_it_is(last):
    sizes = np.append(np.geomspace(0.3, 3.0, 15), last)

    assert span(sizes) == pytest.approx(9, rel=0.15)


def test_a_table_of_products_is_taken_apart_where_parts_of_it_are_unknown():
    rows, columns = np.array([0.5, 1.0, 2.0, 3.0]), np.array([0.8, 1.0, 1.3])
    table = np.outer(rows, columns)
    table[0, 2] = table[3, 0] = np.nan

    weights = np.array([[4.0, 4, 1], [4, 4, 4], [4, 2, 4], [1, 4, 4]])

    found = effects(table, weights)

    assert found[0][:, None] * found[1] == pytest.approx(np.outer(rows, columns), rel=1e-3)
    known = np.where(np.isnan(table), 0, weights).sum(axis=0)
    assert (known * np.log(found[1])).sum() == pytest.approx(0, abs=1e-6)


def test_activity_tells_h264s_noise_on_what_is_smooth_between_textures():
    """Whose noise is known: a law over the activity of a whole frame gives smooth pixels in rough surroundings their size."""
    shots = [fine().shot(frame) for frame in range(1001, 1007)]
    decoded = through_x264([noisy for _, noisy, *_ in shots], 23)
    clean = [_codes(picture) for picture, *_ in shots]
    noise, after = (_codes(decoded[k]) - clean[k] for k in (4, 5))
    changing = (noise - after) - cv2.GaussianBlur(noise - after, (0, 0), 1.5)
    cells = activity(shots[4][0])
    slope = np.maximum(cells[..., 1], 1e-3) ** (1 - 1 / GAMMA)
    seen = cv2.resize(cells[..., 0] / slope, None, fx=CELL, fy=CELL, interpolation=cv2.INTER_LINEAR)
    kind = np.searchsorted(np.quantile(seen, np.linspace(0, 1, 25)[1:-1]), seen)
    law = np.array([(changing[kind == k] ** 2).mean() for k in range(24)])
    detail = (clean[4] - cv2.GaussianBlur(clean[4], (0, 0), 1.4)) ** 2
    around, own = (np.sqrt(cv2.GaussianBlur(detail, (0, 0), sigma)) for sigma in (4, 1))
    smooth = (around > np.median(around)) & (own < around / 4)

    told, true = law[kind][smooth].mean(), (changing[smooth] ** 2).mean()

    assert smooth.sum() > 5000
    assert np.sqrt(told / true) == pytest.approx(1, abs=0.12)  # 1.29 if cells' neighbours count


def _codes(picture):
    return np.clip(picture, 0, 1) ** np.float32(1 / GAMMA) @ LUMINANCE
