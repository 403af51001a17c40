"""Grain that swells from place to place, as a codec leaves it, is found with its spread and width; even grain stays even."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.grain_codec import GAMMA, changing, through_x264
from benchmarks.grain_plates import fine
from calibration.look.coding import power_coding
from calibration.look.grain import measure_grain
from calibration.look.graincorrelation import white_grain
from calibration.look.grainpatches import Scatter, gains, patchiness, scatter
from pipeline.kernels.grain import add_grain, noise, sigma_of
from pipeline.kernels.grainpatches import MOST
from tests.calibration.look.test_grain import PAIRS, known
from tests.scenes import Scene

BLOCK = 16
X264 = power_coding(GAMMA, np.eye(3))


def blocks_of(grain, side=960, frame=1):
    made = noise(side, side, grain, 3, frame).reshape(side // BLOCK, BLOCK, side // BLOCK, BLOCK, 3)
    return made.transpose(0, 2, 1, 3, 4).reshape(-1, BLOCK, BLOCK, 3)


@pytest.mark.parametrize(("spread", "side"), [(0.25, 16), (0.5, 24), (0.4, 48)])
def test_patches_of_a_profile_are_found_again(spread, side):
    white = white_grain()
    patchy = replace(white, patchiness=np.float32([spread, side]))

    found = patchiness(scatter(blocks_of(patchy), blocks_of(white, frame=2)), BLOCK)

    assert found[0] == pytest.approx(spread, rel=0.2)
    assert 0.6 < found[1] / side < 1.6


def test_even_grain_has_none():
    white = white_grain()

    found = scatter(blocks_of(white), blocks_of(white, frame=2))

    assert found.spread < 0.03
    np.testing.assert_array_equal(patchiness(found, BLOCK), [0, 0])
    np.testing.assert_array_equal(patchiness(Scatter(0.05, 0.9), BLOCK), [0, 0])


def test_gains_keep_the_mean_and_have_the_spread():
    factors = gains(0.4, 3000)

    assert factors.mean() == pytest.approx(1)
    assert np.log(factors).std() / 2 == pytest.approx(0.4, rel=0.05)


def shot(truth):
    """Pairs of a moving picture with this grain, so far apart that patches have passed."""
    scene = Scene(width=640, height=360, frames=9, grain=0)

    def grained(frame, at):
        clean = scene.picture(frame)
        out = np.empty_like(clean)
        add_grain(clean, clean, np.zeros(clean.shape[:2], np.float32), truth, 7, at, out)
        return out.astype(np.float16).astype(np.float32)

    return [(grained(a, 100 * k), grained(b, 100 * k + 1)) for k, (a, b) in enumerate(PAIRS)]


def test_patchy_grain_keeps_its_mean_size_on_a_moving_plate():
    even = known([0, 0, 1, 0, 0])
    truth = replace(even, patchiness=np.float32([0.4, 24]))

    found = measure_grain(shot(truth)).grain

    grey = np.array([0.08, 0.15, 0.3, 0.5], np.float32)[:, None].repeat(3, 1)
    assert found.patchiness[0] == pytest.approx(0.4, abs=0.12)
    assert np.exp(np.log(sigma_of(grey, found) / sigma_of(grey, truth)).mean()) == pytest.approx(1, abs=0.15)
    assert measure_grain(shot(even)).grain.patchiness[0] == 0


def test_sizes_that_scatter_beyond_all_measure_give_the_widest_spread_there_is():
    spread, side = patchiness(Scatter(1.6, 0.7), 16)

    assert 0.5 < spread <= MOST
    assert side >= 4


def test_what_a_codec_leaves_is_patchy_and_of_the_size_that_changes():
    """Through H.264 much of a stock's noise is lost or stands still: what changes is known here, decoded minus clean."""
    stock, first = fine(), 1001
    shots = [stock.shot(frame) for frame in range(first, first + 14)]
    decoded = through_x264([s[1] for s in shots], crf=20)
    pairs = (3, 7, 11)

    found = measure_grain(((decoded[k], decoded[k + 1]) for k in pairs), coding=X264).grain
    undamaged = measure_grain((shots[k][1], shots[k + 1][1]) for k in pairs).grain

    real, ours, before = ([] for _ in range(3))
    for k in (5, 9):
        clean = shots[k][0], shots[k + 1][0]
        real.append(changing(tuple(decoded[k + i] - clean[i] for i in (0, 1)), clean))
        for grain, heap in ((found, ours), (replace(undamaged, patchiness=np.zeros(2, np.float32)), before)):
            heap.append(changing(tuple(added(clean[i], grain, k + i) for i in (0, 1)), clean))
    sizes = [np.sqrt((np.concatenate(heap) ** 2).mean(axis=(1, 2))) for heap in (real, ours, before)]
    assert undamaged.patchiness[0] == 0
    assert found.patchiness[0] > 0.15
    assert np.log(sizes[1]).std() == pytest.approx(np.log(sizes[0]).std(), rel=0.35)
    whole = [np.sqrt((size**2).mean()) for size in sizes]
    assert whole[1] == pytest.approx(whole[0], rel=0.25)
    assert abs(whole[1] - whole[0]) < abs(whole[2] - whole[0])


def test_a_codecs_grain_is_stronger_on_texture_and_so_is_ours():
    stock, first = fine(), 1001
    shots = [stock.shot(frame) for frame in range(first, first + 14)]
    decoded = through_x264([s[1] for s in shots], crf=23)

    found = measure_grain(((decoded[k], decoded[k + 1]) for k in (1, 3, 5, 7, 9, 11)), coding=X264).grain

    even = replace(found, texture=np.zeros((3, 0), np.float32))
    heaps = ([], [], [])
    for k in (4, 6, 8, 10, 12):
        clean = shots[k][0], shots[k + 1][0]
        heaps[0].append(changing(tuple(decoded[k + i] - clean[i] for i in (0, 1)), clean, 1))
        for grain, heap in zip((found, even), heaps[1:], strict=True):
            heap.append(changing(tuple(added(clean[i], grain, k + i) for i in (0, 1)), clean, 1))
    rises = [np.mean([rough_over_smooth(np.sqrt((h**2).mean(axis=(1, 2, 3)))) for h in heap]) for heap in heaps]
    lacks, lacked = (rises[0] / rise for rise in rises[1:])
    assert lacked > 1.2
    assert lacks == pytest.approx(1, abs=0.2)
    assert abs(np.log(lacks)) < np.log(lacked) / 2


def rough_over_smooth(sizes):
    """Of patches in the order of their picture: the last third against the first."""
    third = len(sizes) // 3
    return np.sqrt((sizes[-third:] ** 2).mean() / (sizes[:third] ** 2).mean())


def added(clean, grain, frame):
    out = np.empty_like(clean)
    add_grain(clean, clean, np.zeros(clean.shape[:2], np.float32), grain, 1, frame, out)
    return out - clean
