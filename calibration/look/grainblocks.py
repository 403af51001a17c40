"""Blocks of neighbouring frames laid on each other: what differs is grain, once their sub-pixel motion is taken out."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.look.graincorrelation import Lags, lag_covariances, lags_of
from calibration.look.motion import dense_motion
from pipeline.errors import CalibrationError
from pipeline.kernels.grain import Grain, noise

Array = NDArray[np.float32]
Curve = NDArray[np.float64]
BELOW_WHITE = 0.94  # of the brightest value: what the matrix's error leaves of a clip's sharp edge lies above


@dataclass(frozen=True, slots=True)
class Blocks:
    rest: Array  # (N, B, B, 3), noise of one frame's variance
    level: Array  # (N, 3) mean scene-linear value
    covariance: Curve  # (N, 3, 3) unbiased for white noise
    pixels: Array  # (N, B, B, 3), the first frame's

    @property
    def variance(self) -> Curve:
        return np.diagonal(self.covariance, axis1=1, axis2=2)

    def through(self, matrix: Curve) -> Blocks:
        """The same blocks in other channels: matrix (3, 3) times each pixel."""
        turn = matrix.T.astype(np.float32)
        return Blocks(self.rest @ turn, self.level @ turn, matrix @ self.covariance @ matrix.T, self.pixels @ turn)

    def below_white(self) -> Blocks:
        """Those with no pixel near the brightest of any channel, where a sensor clips."""
        peaks = self.pixels.max(axis=(1, 2))
        kept = (peaks < BELOW_WHITE * peaks.max(axis=0)).all(axis=1)
        return Blocks(self.rest[kept], self.level[kept], self.covariance[kept], self.pixels[kept])


def match_blocks(first: Array, second: Array, size: int) -> Blocks:
    """Differences of `first` to `second`, block by block, with their sub-pixel motion taken out."""
    height, width, _ = first.shape
    flow = dense_motion(first, second)
    y, x = (v.ravel() for v in np.mgrid[0 : height - size + 1 : size, 0 : width - size + 1 : size])
    inside = np.arange(size)
    rows, columns = (y[:, None] + inside)[:, :, None], (x[:, None] + inside)[:, None, :]
    move = np.rint(np.median(flow[rows, columns].reshape(len(y), -1, 2), axis=1)).astype(int)
    there_y, there_x = y + move[:, 1], x + move[:, 0]
    fits = (there_y >= 0) & (there_x >= 0) & (there_y + size <= height) & (there_x + size <= width)
    y, x, there_y, there_x = y[fits], x[fits], there_y[fits], there_x[fits]

    def cut(image: Array, top: NDArray[np.intp], left: NDArray[np.intp]) -> Array:
        return image[(top[:, None] + inside)[:, :, None], (left[:, None] + inside)[:, None, :]]

    a, b = cut(first, y, x), cut(second, there_y, there_x)
    slopes = [
        (cut(s1, y, x) + cut(s2, there_y, there_x)) / 2
        for s1, s2 in zip(_gradient(first), _gradient(second), strict=True)
    ]
    ties = ((a == b).mean(axis=(1, 2)) < 0.4).all(axis=1)  # frozen by a codec, or clipped: no noise to see there
    rest = _without_motion((a - b)[ties], [s[ties] for s in slopes]) / np.float32(np.sqrt(2))
    level = ((a + b) / 2)[ties].mean(axis=(1, 2))
    return Blocks(rest, level, _covariance(rest), a[ties])


def _covariance(rest: Array) -> Curve:
    count, size, _, _ = rest.shape
    flat = rest.reshape(count, size * size, 3).astype(np.float64)
    return np.asarray(flat.transpose(0, 2, 1) @ flat / (size * size - 3))


def _gradient(image: Array) -> tuple[Array, Array]:
    smooth = cv2.GaussianBlur(image, (0, 0), 1.5)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _without_motion(difference: Array, slopes: list[Array]) -> Array:
    """Take constant and the two slopes out of each block and channel."""
    count, size, _, _ = difference.shape
    samples = size * size
    rest = np.empty_like(difference)
    for c in range(3):
        columns = [np.ones((count, samples), np.float32), *(s[..., c].reshape(count, samples) for s in slopes)]
        for k in (1, 2):  # equal scale, or the flat blocks' tiny slopes make the system singular
            columns[k] = columns[k] / (columns[k].std(axis=1, keepdims=True) + 1e-12)
        design = np.stack(columns, axis=2).astype(np.float64)
        target = difference[..., c].reshape(count, samples, 1).astype(np.float64)
        normal = design.transpose(0, 2, 1) @ design + 1e-6 * samples * np.eye(3)
        solution = np.linalg.solve(normal, design.transpose(0, 2, 1) @ target)
        rest[..., c] = (target - design @ solution).reshape(count, size, size)
    return rest


def join_blocks(parts: list[Blocks]) -> Blocks:
    if not parts:
        raise CalibrationError("grain: no pair of frames to compare. The plate needs two neighbouring frames.")
    return Blocks(
        np.concatenate([p.rest for p in parts]),
        np.concatenate([p.level for p in parts]),
        np.concatenate([p.covariance for p in parts]),
        np.concatenate([p.pixels for p in parts]),
    )


def unit_noise(unit: Grain, side: int, frame: int) -> Array:
    """(side, side, 3) grain of unit size with this correlation, in the camera's channels."""
    return np.asarray(noise(side, side, unit, seed=11, frame=frame), np.float32)


def simulate_blocks(unit: Grain, size: int) -> tuple[Curve, Lags]:
    """Run clean blocks of unit grain through the same fit.

    Returns their variances (N, 3), ascending, and what the fit takes from the covariance at each lag.
    """
    side = size * max(16, 480 // size)
    first, second = (unit_noise(unit, side, frame) for frame in (1, 2))
    y, x = (v.ravel() for v in np.mgrid[0:side:size, 0:side:size])
    inside = np.arange(size)
    where = (y[:, None] + inside)[:, :, None], (x[:, None] + inside)[:, None, :]
    slopes = [(s1 + s2)[where] / 2 for s1, s2 in zip(_gradient(first), _gradient(second), strict=True)]
    rest = _without_motion((first - second)[where], slopes) / np.float32(np.sqrt(2))
    variance = np.diagonal(_covariance(rest), axis1=1, axis2=2)
    return np.sort(variance, axis=0), lags_of(unit) - lag_covariances(rest)
