"""Halves round as NumPy's float16 does, on every half and on any float; only finite values stay finite."""

import numpy as np
import pytest

from pipeline.kernels.halves import HALF_MAX, half_of, to_half, to_planes


def numpy_half(values):
    held = np.where(np.isfinite(values), np.clip(values, -HALF_MAX, HALF_MAX), values)
    return held.astype(np.float16)


def same(made, wanted):
    nan = np.isnan(wanted)
    np.testing.assert_array_equal(np.isnan(made), nan)
    np.testing.assert_array_equal(made[~nan].view(np.uint16), wanted[~nan].view(np.uint16))


def test_every_half_survives():
    every = np.arange(65536, dtype=np.uint16).view(np.float16)
    made = np.empty_like(every)

    to_half(every.astype(np.float32), made)

    same(made, every)


def test_floats_round_to_nearest_even():
    """Random bits hold overflow, denormals, infinity and NaN; between two halves lie the ties."""
    random = np.random.default_rng(1).integers(0, 2**32, 200_000, dtype=np.uint32).view(np.float32)
    finite = np.arange(0x7BFF, dtype=np.uint16)
    low, high = (h.view(np.float16).astype(np.float32) for h in (finite, finite + 1))
    ties = (low + high) / 2
    values = np.concatenate([random, ties, -ties, np.nextafter(ties, np.float32(0)), np.nextafter(ties, HALF_MAX),
                             np.float32([65504, 65519.9, 65520, 1e9, -1e9, np.inf, -np.inf, -0.0, 1e-9])])  # fmt: skip
    made = np.empty(values.shape, np.float16)

    to_half(values, made)

    same(made, numpy_half(values))


def test_the_interpreted_twin_agrees():
    values = np.float32([0.1, -0.0, 7e4, -7e4, np.inf, 2**-24, 2**-25])
    made = np.empty(values.shape, np.float16)

    to_half(values, made)

    assert made.view(np.uint16).tolist() == [int(half_of(v)) for v in values]


def test_other_types_are_refused():
    with pytest.raises(ValueError, match="wanted float32 to float16"):
        to_half(np.zeros(3, np.float32), np.zeros(3, np.float32))


def test_pixels_become_the_planes_that_each_channel_gives() -> None:
    image = np.random.default_rng(4).normal(0, 3e4, (7, 13, 4)).astype(np.float32)
    image[2, 3] = (np.inf, -np.inf, 1e6, np.nan)
    planes = np.empty((4, 7, 13), np.float16)

    to_planes(image, planes)

    for c in range(4):
        alone = np.empty((7, 13), np.float16)
        to_half(np.ascontiguousarray(image[..., c]), alone)
        np.testing.assert_array_equal(planes[c], alone)
    with pytest.raises(ValueError, match="planes"):
        to_planes(image, planes[:3])
