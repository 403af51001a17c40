"""Powers and exponentials against float64, over the range that light and air have; NaN and infinity keep their meaning."""

import numpy as np
from numba import njit

from pipeline.kernels import exponent


@njit
def _powers(values, p, out):
    for i in range(len(values)):
        out[i] = exponent.power(values[i], p)


@njit
def _exps(values, out):
    for i in range(len(values)):
        out[i] = exponent.exp(values[i])


def raised(values, p):
    out = np.empty(len(values), np.float32)
    _powers(np.asarray(values, np.float32), np.float32(p), out)
    return out


def test_power_is_exact_to_a_millionth():
    light = np.geomspace(1e-5, 1e3, 20001).astype(np.float32)
    for p in (0.45, 0.9, 1.0, 1.2, 2.2):
        wanted = light.astype(np.float64) ** float(np.float32(p))
        near = np.abs(np.log2(wanted)) < 16
        np.testing.assert_allclose(raised(light, p)[near], wanted[near], rtol=1.5e-6)
        np.testing.assert_allclose(raised(light, p), wanted, rtol=4e-6)


def test_power_leaves_what_is_not_above_black():
    made = raised([np.nan, -0.5, 0, np.inf, 3e38, 1], 2)

    np.testing.assert_array_equal(made, np.float32([np.nan, -0.5, 0, np.inf, np.inf, 1]))


def test_air_thins_exponentially():
    depth = np.r_[0, np.linspace(1e-6, 30, 20001), np.inf, np.nan].astype(np.float32)
    out = np.empty(len(depth), np.float32)
    _exps(-depth, out)

    np.testing.assert_allclose(out, np.exp(-depth.astype(np.float64)), rtol=2e-6, atol=1e-30)
    assert out[0] == 1
    assert out[-2] == 0
