"""Exponentials against float64, over the range that light and air have; NaN and infinity keep their meaning."""

import numpy as np
from numba import njit

from pipeline.kernels import exponent


@njit
def _exps(values, out):
    for i in range(len(values)):
        out[i] = exponent.exp(values[i])


def test_air_thins_exponentially():
    depth = np.r_[0, np.linspace(1e-6, 30, 20001), np.inf, np.nan].astype(np.float32)
    out = np.empty(len(depth), np.float32)
    _exps(-depth, out)

    np.testing.assert_allclose(out, np.exp(-depth.astype(np.float64)), rtol=2e-6, atol=1e-30)
    assert out[0] == 1
    assert out[-2] == 0
