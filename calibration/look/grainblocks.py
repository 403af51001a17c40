"""Blocks of neighbouring frames laid on each other: what differs is grain, once their sub-pixel motion is taken out."""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.look.motion import dense_motion
from pipeline.errors import CalibrationError
from pipeline.kernels.grain import Grain, noise

Array = NDArray[np.float32]
Curve = NDArray[np.float64]
LEVEL_BLUR = 1.5  # pixels, of the picture whose level tells each pixel's size of noise
SLOPE_BLUR = 0.7  # of the picture whose slopes are fitted: more would leave fine texture, which passes for fine grain
AROUND = 2  # blocks on each side, whose motion tells a block's: nearer ones alone follow its noise a little
TINY, PARALLEL = 1e-12, 1e-6  # length of a block's slopes, and a square of a unit length, beside which there are none
BELOW_WHITE = 0.94  # of the brightest value: what the matrix's error leaves of a clip's sharp edge lies above


@dataclass(frozen=True, slots=True)
class Blocks:
    rest: Array  # (N, B, B, 3), noise of one frame's variance
    level: Array  # (N, 3) mean scene-linear value
    covariance: Curve  # (N, 3, 3) unbiased for white noise
    pixels: Array  # (N, B, B, 3), the first frame's
    smooth: Array  # (N, B, B, 3), the mean of both frames, blurred
    sharp: Array  # (N, B + 2, B + 2, 3), the same, less blurred: a border of one pixel round each block
    place: NDArray[np.intp]  # (N, 2) row and column of its corner in the first frame

    @property
    def variance(self) -> Curve:
        return np.diagonal(self.covariance, axis1=1, axis2=2)

    def through(self, matrix: Curve) -> Blocks:
        """The same blocks in other channels: matrix (3, 3) times each pixel."""
        turn = matrix.T.astype(np.float32)
        covariance = matrix @ self.covariance @ matrix.T
        turned = {f: _turned(getattr(self, f), turn) for f in ("rest", "level", "pixels", "smooth", "sharp")}
        return Blocks(**turned, covariance=covariance, place=self.place)

    def unevenness(self) -> Curve:
        """(N, 3) variances of the picture's two slopes inside each block, added: a ramp of light has none.

        Of the mean of both frames, which is independent of how they differ.
        """
        across, down = _slopes(self.sharp)
        return np.asarray(_along(across, across) + _along(down, down), np.float64)[..., 0] / across.shape[2]

    def in_camera(self, spread: Curve) -> Blocks:
        """ACEScg blocks in the camera's channels: spread (3, 3) ACEScg from camera."""
        return self.through(np.asarray(np.linalg.inv(spread), np.float64))

    def below_white(self) -> Blocks:
        """Those with no pixel near the brightest of any channel, where a sensor clips."""
        peaks = self.pixels.max(axis=(1, 2))
        kept = (peaks < BELOW_WHITE * peaks.max(axis=0)).all(axis=1)
        return self.only(kept)

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Blocks:
        return Blocks(*(getattr(self, f.name)[chosen] for f in fields(self)))


def match_blocks(first: Array, second: Array, size: int) -> Blocks:
    """Differences of `first` to `second`, block by block, with their sub-pixel motion taken out."""
    height, width, _ = first.shape
    flow = dense_motion(first, second)
    y, x = (v.ravel() for v in np.mgrid[0 : height - size + 1 : size, 0 : width - size + 1 : size])
    inside = np.arange(size)
    move = _moves(flow, size)
    there_y, there_x = y + move[:, 1], x + move[:, 0]
    fits = (there_y >= 0) & (there_x >= 0) & (there_y + size <= height) & (there_x + size <= width)
    y, x, there_y, there_x = y[fits], x[fits], there_y[fits], there_x[fits]

    def cut(image: Array, top: NDArray[np.intp], left: NDArray[np.intp]) -> Array:
        return image[(top[:, None] + inside)[:, :, None], (left[:, None] + inside)[:, None, :]]

    a, b = cut(first, y, x), cut(second, there_y, there_x)
    ties = ((a == b).mean(axis=(1, 2)) < 0.4).all(axis=1)  # frozen by a codec, or clipped: no noise to see there
    places = (first, y[ties], x[ties]), (second, there_y[ties], there_x[ties])

    def mean(blur: float, border: int) -> Array:
        reach = np.arange(-border, size + border)
        total = np.zeros((1, 1, 1, 3), np.float32)
        for image, top, left in places:
            rows, columns = (np.clip(v[:, None] + reach, 0, n - 1) for v, n in ((top, height), (left, width)))
            total = total + cv2.GaussianBlur(image, (0, 0), blur)[rows[:, :, None], columns[:, None, :]] / 2
        return np.asarray(total, np.float32)

    sharp = mean(SLOPE_BLUR, 1)
    rest = _blocks(_without_motion(_planes((a - b)[ties]), _motions(sharp))) / np.float32(np.sqrt(2))
    level = ((a + b) / 2)[ties].mean(axis=(1, 2))
    place = np.stack([y, x], axis=1)[ties]
    return Blocks(rest, level, _covariance(rest), a[ties], mean(LEVEL_BLUR, 0), sharp, place)


def _moves(flow: Array, size: int) -> NDArray[np.intp]:
    """(N, 2) whole pixels (x, y) that blocks move, row by row: the median of those around each.

    A block's own motion is drawn to where the other frame's grain is like its own: what differs would lack coarse grain.
    """
    rows, columns = flow.shape[0] // size, flow.shape[1] // size
    cut = flow[: rows * size, : columns * size].reshape(rows, size, columns, size, 2)
    own = np.median(cut.transpose(0, 2, 1, 3, 4).reshape(rows, columns, -1, 2), axis=2)
    padded = np.pad(own, ((AROUND, AROUND), (AROUND, AROUND), (0, 0)), mode="reflect")
    across = 2 * AROUND + 1
    around = np.lib.stride_tricks.sliding_window_view(padded, (across, across), axis=(0, 1)).reshape(-1, 2, across**2)
    return np.rint(np.median(np.delete(around, across**2 // 2, axis=2), axis=2)).astype(int)


def _covariance(rest: Array) -> Curve:
    count, size, _, _ = rest.shape
    flat = rest.reshape(count, size * size, 3).astype(np.float64)
    return np.asarray(flat.transpose(0, 2, 1) @ flat / (size * size - 3))


def _planes(blocks: Array) -> Array:
    """(N, 3, B * B) of blocks (N, B, B, 3): each channel's pixels side by side."""
    count, size = blocks.shape[:2]
    return np.ascontiguousarray(np.moveaxis(blocks, 3, 1)).reshape(count, 3, size * size)


def _blocks(planes: Array) -> Array:
    size = round(np.sqrt(planes.shape[2]))
    return np.ascontiguousarray(np.moveaxis(planes.reshape(len(planes), 3, size, size), 1, 3))


def _slopes(sharp: Array) -> tuple[Array, Array]:
    """Across and down, without their means, as planes."""
    half = np.float32(0.5)
    across = _planes(sharp[:, 1:-1, 2:] - sharp[:, 1:-1, :-2]) * half
    down = _planes(sharp[:, 2:, 1:-1] - sharp[:, :-2, 1:-1]) * half
    return across - across.mean(axis=2, keepdims=True), down - down.mean(axis=2, keepdims=True)


def _motions(sharp: Array) -> tuple[Array, Array]:
    """What motion across and down puts into each block and channel, as planes: of unit length, orthogonal, without mean."""
    across, down = (np.asarray(s / (np.sqrt(_along(s, s)) + TINY), np.float32) for s in _slopes(sharp))
    rest = down - _along(down, across) * across
    return across, np.asarray(rest / np.sqrt(_along(rest, rest) + PARALLEL), np.float32)


def _along(planes: Array, direction: Array) -> Array:
    """(N, 3, 1) scalar products."""
    return np.einsum("ncs,ncs->nc", planes, direction)[..., None]


def _without_motion(planes: Array, motions: tuple[Array, Array]) -> Array:
    """Take constant and the two motions out of each block and channel."""
    rest = planes - planes.mean(axis=2, keepdims=True)
    for direction in motions:
        rest -= _along(rest, direction) * direction
    return rest


def join_blocks(parts: list[Blocks]) -> Blocks:
    if not parts:
        raise CalibrationError("grain: no pair of frames to compare. The plate needs two neighbouring frames.")
    return Blocks(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Blocks)))


def unit_noise(unit: Grain, side: int, frame: int) -> Array:
    """(side, side, 3) grain of unit size with this correlation, in the camera's channels."""
    return np.asarray(noise(side, side, unit, seed=11, frame=frame), np.float32)


class Simulation:
    """These blocks' own picture, to lay clean noise of a known kind over and run it through the same fit."""

    def __init__(self, blocks: Blocks, sigma: Array, spread: Curve) -> None:
        """blocks: in the camera's channels, as is sigma (N, B, B, 3), the size of the noise at each pixel. spread: (3, 3)
        ACEScg from camera, in which the fit was made."""
        self._sigma = _planes(sigma)
        self._spread = spread.astype(np.float32)
        self._camera = np.asarray(np.linalg.inv(self._spread), np.float32)
        self._motions = _motions(_turned(blocks.sharp, self._spread.T))

    def run(self, unit: Grain, frame: int = 1) -> tuple[Curve, Array]:
        """Variances (N, 3) that the fit leaves of the noise, and what it leaves, (N, B, B, 3), standardised.

        unit: how the noise is correlated. frame: other noise for another number.
        """
        count, samples = len(self._sigma), self._sigma.shape[2]
        size, rows = round(np.sqrt(samples)), int(np.ceil(np.sqrt(count)))
        cut = unit_noise(unit, rows * size, frame).reshape(rows, size, rows, size, 3).transpose(0, 2, 4, 1, 3)
        laid = cut.reshape(-1, 3, samples)[:count] * self._sigma
        rest = self._camera @ _without_motion(self._spread @ laid, self._motions)
        variance = _along(rest, rest)[..., 0].astype(np.float64) / (samples - 3)
        return variance, _blocks(rest / self._sigma)


def _turned(blocks: Array, turn: Array) -> Array:
    """Pixels (..., 3) times a matrix (3, 3) from the right."""
    return (blocks.reshape(-1, 3) @ turn).reshape(blocks.shape)
