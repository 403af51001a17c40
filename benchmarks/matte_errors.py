"""How far a matte is from the true one, by the four measures of the field's benchmark, over the unknown pixels.

Source: Rhemann, Rother, Wang, Gelautz, Kohli and Rott, "A perceptually motivated online benchmark for image matting",
CVPR 2009. SAD, gradient and connectivity are sums divided by 1000, as its tables print them.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
_SIGMA = 1.4  # of the gradient's Gaussian
_STEP = 0.1  # between thresholds of the connectivity
_LEAST = 0.15  # less than so much apart from the whole counts as connected


def sad(alpha: Floats, truth: Floats, unknown: Bools) -> float:
    return float(np.abs(alpha - truth)[unknown].sum() / 1000)


def mse(alpha: Floats, truth: Floats, unknown: Bools) -> float:
    return float(((alpha - truth)[unknown] ** 2).mean())


def gradient(alpha: Floats, truth: Floats, unknown: Bools) -> float:
    """Squared differences of the magnitudes of Gaussian gradients."""
    return float(((_slope(alpha) - _slope(truth))[unknown] ** 2).sum() / 1000)


def connectivity(alpha: Floats, truth: Floats, unknown: Bools) -> float:
    """Differences in how well each pixel hangs together with the largest region that both mattes hold solid."""
    last = np.full(alpha.shape, -1.0)
    thresholds = np.arange(_STEP, 1 + _STEP / 2, _STEP)
    for k, threshold in enumerate(thresholds):
        both = ((alpha >= threshold) & (truth >= threshold)).astype(np.uint8)
        count, labels, stats, _ = cv2.connectedComponentsWithStats(both, connectivity=4)
        inside = labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])) if count > 1 else np.zeros(both.shape, bool)
        last[(last == -1) & ~inside] = thresholds[k] - _STEP
    last[last == -1] = 1
    hangs = []
    for matte in (alpha, truth):
        apart = matte - last
        hangs.append(1 - apart * (apart >= _LEAST))
    return float(np.abs(hangs[0] - hangs[1])[unknown].sum() / 1000)


def _slope(image: Floats) -> Floats:
    reach = int(np.ceil(_SIGMA * np.sqrt(-2 * np.log(np.sqrt(2 * np.pi) * _SIGMA * 1e-2))))
    x = np.arange(-reach, reach + 1)
    bell = np.exp(-(x**2) / (2 * _SIGMA**2)) / (_SIGMA * np.sqrt(2 * np.pi))
    steep = -x * bell / _SIGMA**2
    norm = np.sqrt((np.outer(bell, steep) ** 2).sum())
    along, down = (cv2.sepFilter2D(image, cv2.CV_64F, a / norm, b) for a, b in ((steep, bell), (bell, steep)))
    return np.asarray(np.hypot(along, down))
