"""Sliding blocks' cosines against SciPy's, block by block."""

import numpy as np
import pytest
from scipy.fft import dctn, idctn

from pipeline.kernels import bands
from pipeline.kernels.cosines import BLOCK, drop, weigh

STEPS, THRESHOLD = (0, 3, 6), 2.7


def planes(seed=1, size=(29, 43)):
    rng = np.random.default_rng(seed)
    picture = rng.normal(0, 1, (3, *size)).astype(np.float32)
    picture[:, :, size[1] // 2 :] += 4  # an edge, that both passes keep
    noise = rng.uniform(0.2, 2, (3, BLOCK, BLOCK)).astype(np.float32)
    return picture, rng.uniform(0.1, 1, size).astype(np.float32), noise


def twin(picture, variance, noise, pilot=None):
    total, counted = np.zeros_like(picture), np.zeros_like(picture)
    count, height, width = picture.shape
    for y in STEPS:
        for x in STEPS:
            for top in range(y, height - BLOCK + 1, BLOCK):
                for left in range(x, width - BLOCK + 1, BLOCK):
                    for c in range(count):
                        at = np.s_[c, top : top + BLOCK, left : left + BLOCK]
                        cosines = dctn(picture[at], norm="ortho")
                        floor = noise[c] * variance[at[1:]].mean()
                        if pilot is None:
                            keep = (cosines**2 > THRESHOLD**2 * floor).astype(np.float32)
                        else:
                            power = dctn(pilot[at], norm="ortho") ** 2
                            keep = power / (power + floor + 1e-9)
                        keep[0, 0] = 1
                        weight = 1 / (1e-3 + (keep**2 * floor).sum())
                        total[at] += weight * idctn(cosines * keep, norm="ortho")
                        counted[at] += weight
    return total / np.maximum(counted, 1e-12)


def test_both_passes_agree_with_scipy():
    picture, variance, noise = planes()

    dropped = drop(picture, variance, noise, STEPS, THRESHOLD)
    weighed = weigh(picture, variance, noise, STEPS, dropped)

    np.testing.assert_allclose(dropped, twin(picture, variance, noise), atol=2e-5)
    np.testing.assert_allclose(weighed, twin(picture, variance, noise, dropped), atol=2e-5)


def test_any_number_of_threads_gives_the_same_bits(monkeypatch):
    picture, variance, noise = planes(size=(93, 64))
    made = []

    for threads in (1, 3):
        monkeypatch.setattr(bands.numba, "get_num_threads", lambda threads=threads: threads)
        made.append(weigh(picture, variance, noise, STEPS, picture).tobytes())

    assert made[0] == made[1]


def test_a_broken_pixel_is_not_hidden_and_stays_among_its_blocks():
    picture, variance, noise = planes(size=(40, 40))
    picture[0, 4, 4] = np.nan

    found = drop(picture, variance, noise, STEPS, THRESHOLD)

    assert np.isnan(found[0, 4, 4])
    assert np.isfinite(found[0, 16:]).all()
    assert np.isfinite(found[1:, :32, :32]).all()


def test_a_wrong_array_is_refused_by_name():
    picture, variance, noise = planes()

    with pytest.raises(ValueError, match="variance"):
        drop(picture, variance[:-1], noise, STEPS, THRESHOLD)
    with pytest.raises(ValueError, match="pilot"):
        weigh(picture, variance, noise, STEPS, picture.astype(np.float64))
    with pytest.raises(ValueError, match="noise"):
        drop(picture, variance, noise[:, :4], STEPS, THRESHOLD)
