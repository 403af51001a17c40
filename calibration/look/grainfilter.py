"""The small filter after which white noise, with a little white noise over it, has a measured correlation in space.

Two steps. Lags say what the power is at a resolution of their reach, with scatter: the smooth power that would show so is found
first. Grain may reach farther than the filter, which then cannot have that power at each frequency: its bands can.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from pipeline.kernels.noiselanes import TAPS, WIDE_TAPS

MAX_LAG = WIDE_TAPS - 1  # beyond it no filter correlates anything
SIDE = 24  # of transforms: room for lags beyond the filter's
FLOOR = 3e-3  # of a spectrum's mean: what lies under it is not fitted
FEWER_BENDS = 3  # waves of log power along a side, at most, than a filter has taps
BENT = 1e-3  # by how much each wave counts against itself, times its number squared
BANDS = 12  # of distance from frequency 0, even ones, which overlap by half
BAND_WEIGHT = 8.0  # of all bands together, beside all single frequencies'
SHARE = 0.8  # of the faintest frequency's power, that is white noise over the filtered one, to begin with
HOLD = 10.0  # weight of the whole power, beside a lag's
STEPS, NEAR = 60, 1e-5  # of a search, and by which share of misfit or values its last step changes them
Lags = NDArray[np.float64]  # (MAX_LAG + 1, 2 MAX_LAG + 1, ...): rows 0.., columns -MAX_LAG..MAX_LAG
Matrix = NDArray[np.float64]


@lru_cache(maxsize=2)
def taper(taps: int) -> Matrix:
    """Weights of lags, 0 from `taps` pixels on: far ones are mostly the scatter of the measurement."""
    rows, columns = np.mgrid[0 : MAX_LAG + 1, -MAX_LAG : MAX_LAG + 1]
    return np.asarray(np.cos(np.pi / 2 * np.minimum(np.hypot(rows, columns) / taps, 1)) ** 2)


def spectrum(lags: Lags, taps: int = TAPS) -> Matrix:
    """Logarithm of the power, (SIDE, SIDE), smoothed by the taper."""
    full = np.zeros((SIDE, SIDE))
    rows, columns = np.mgrid[0 : MAX_LAG + 1, -MAX_LAG : MAX_LAG + 1]
    full[-rows, -columns] = full[rows, columns] = lags * taper(taps)
    return np.asarray(np.log(np.maximum(np.fft.fft2(full).real, 0) + FLOOR))


def filter_from_autocorrelation(lags: Lags, share: float | None = None, taps: int = TAPS) -> tuple[Matrix, float]:
    """Point-symmetric (taps, taps) kernel of unit energy, and the share of white noise over what it filters, whose
    spectrum comes closest to that of `lags`, (.., ..) with 1 at lag 0, in decibels.

    share: of white noise where it is known, as from white_shares; one channel alone hardly tells it from faint filtered noise.
    """
    return filter_of(smooth_power(lags, taps), share, taps)


def white_shares(lags: Lags, power: Matrix, taps: int = TAPS) -> Matrix:
    """Shares (3,) of white noise over each of three channels (.., .., 3, 3) that were bound together before filters.

    power: (3, waves) smooth_power of each channel.

    What is filtered stays as bound at every frequency; what lies over it is not: faint frequencies' coherence tells.
    """
    table = _tables(taps)
    smoothing = table.tapered @ table.lags
    seen = np.maximum(power @ smoothing.T, 0)
    first, second = np.array([0, 0, 1]), np.array([1, 2, 2])
    scale = table.weights / (np.sqrt(seen[first] * seen[second]) + FLOOR)
    wanted = (lags[..., first, second].reshape(-1, 3).T @ table.tapered.T) * scale

    def miss(shares: Matrix) -> Matrix:
        left = np.sqrt(np.maximum(power - shares[:, None], 0))
        alike = ((left[first] * left[second]) @ smoothing.T) * scale
        bound = (alike * wanted).sum(axis=1) / (alike**2).sum(axis=1)
        return np.asarray(bound[:, None] * alike - wanted).ravel()

    faintest = power.min(axis=1)
    return np.asarray(least_squares(miss, SHARE * faintest, bounds=(0, faintest), x_scale=faintest).x)


@dataclass(frozen=True)
class _Tables:
    """What is linear; waves are frequencies of a half plane, in columns or rows."""

    each: Matrix  # (waves,) how often a frequency stands in the plane, 2 or 1
    lags: Matrix  # (lags, waves) from power
    tapered: Matrix  # (waves, lags) smoothed power
    bends: Matrix  # (waves, bends) of log power
    bent: Matrix  # (bends,) their numbers squared
    bands: Matrix  # (BANDS, waves) means

    @property
    def weights(self) -> Matrix:
        return np.sqrt(self.each) / SIDE


def _waves() -> tuple[Matrix, Matrix]:
    """Frequencies (down, across) of a half plane, cycles a pixel."""
    fy, fx = np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij")
    return fy.ravel(), fx.ravel()


@lru_cache(maxsize=2)
def _response(taps: int) -> Matrix:
    """(waves, half) of the first half of a point-symmetric kernel's taps, its centre the last."""
    half = (taps * taps + 1) // 2
    y, x = (v.ravel()[:half] - taps // 2 for v in np.mgrid[0:taps, 0:taps])
    return _cosines(*_waves(), y, x) * np.where(np.arange(half) < half - 1, 2, 1)


@lru_cache(maxsize=2)
def _tables(taps: int) -> _Tables:
    fy, fx = _waves()
    each = np.where((fx == 0) | (fx == 0.5), 1.0, 2.0)  # the others' mirror images are not there
    dy, dx = (v.ravel() for v in np.mgrid[0 : MAX_LAG + 1, -MAX_LAG : MAX_LAG + 1])
    near = ((dy > 0) | (dx >= 0)) & (np.hypot(dy, dx) < taps - FEWER_BENDS + 0.5)
    away = np.hypot(fy, fx) * (BANDS - 1) / np.sqrt(0.5)
    bands = np.maximum(1 - np.abs(away - np.arange(BANDS)[:, None]), 0) * each
    return _Tables(
        each,
        _cosines(dy, dx, fy, fx) * each / SIDE**2,
        _cosines(fy, fx, dy, dx) * taper(taps).ravel() * np.where(dy > 0, 2, 1),
        _cosines(fy, fx, dy[near], dx[near]),
        (dy**2 + dx**2)[near].astype(np.float64),
        bands / bands.sum(axis=1, keepdims=True),
    )


def _cosines(y: NDArray, x: NDArray, v: NDArray, u: NDArray) -> Matrix:
    return np.asarray(np.cos(2 * np.pi * (np.multiply.outer(y, v) + np.multiply.outer(x, u))))


def smooth_power(lags: Lags, taps: int) -> Matrix:
    """(waves,), the exponential of few waves, that tapered shows what tapered `lags` show."""
    table = _tables(taps)
    smoothing = table.tapered @ table.lags
    wanted = np.log(np.maximum(table.tapered @ lags.ravel(), 0) + FLOOR)
    weights, even = table.weights, HOLD * table.each / SIDE**2

    def miss(bends: Matrix) -> Matrix:
        power = np.exp(table.bends @ bends)
        off = np.log(np.maximum(smoothing @ power, 0) + FLOOR) - wanted
        return np.concatenate([weights * off, BENT * table.bent * bends, [even @ power - HOLD]])

    def slope(bends: Matrix) -> Matrix:
        power = np.exp(table.bends @ bends)
        rises = power[:, None] * table.bends
        seen = (weights / (np.maximum(smoothing @ power, 0) + FLOOR))[:, None] * (smoothing @ rises)
        return np.concatenate([seen, np.diag(BENT * table.bent), [even @ rises]])

    first = np.linalg.lstsq(weights[:, None] * table.bends, weights * wanted, rcond=None)[0]
    found = least_squares(miss, first, jac=slope, method="lm", max_nfev=STEPS, ftol=NEAR, xtol=NEAR).x
    return np.asarray(np.exp(table.bends @ found))


def filter_of(power: Matrix, share: float | None, taps: int) -> tuple[Matrix, float]:
    """The kernel, and the share of white noise over it, whose power is nearest."""
    table, response = _tables(taps), _response(taps)
    half = response.shape[1]
    wanted, lags = np.log(np.concatenate([power, table.bands @ power]) + FLOOR), table.lags @ power
    weights = np.concatenate([table.weights, np.full(BANDS, BAND_WEIGHT / np.sqrt(BANDS))])
    held = np.where(np.arange(len(lags)) == MAX_LAG, HOLD, 1.0)
    white = SHARE * max(float(power.min()), FLOOR / 10) if share is None else share

    def made(values: Matrix) -> Matrix:
        over = values[half] ** 2 if share is None else white
        return np.asarray((response @ values[:half]) ** 2 + over)

    def miss(values: Matrix) -> Matrix:
        off = np.log(np.concatenate([made(values), table.bands @ made(values)]) + FLOOR) - wanted
        return np.concatenate([weights * off, held * (table.lags @ made(values) - lags)])

    def slope(values: Matrix) -> Matrix:
        rises = 2 * (response @ values[:half])[:, None] * response
        if share is None:
            rises = np.column_stack([rises, np.full(len(power), 2 * values[half])])
        scale = weights / (np.concatenate([made(values), table.bands @ made(values)]) + FLOOR)
        seen = np.concatenate([rises, table.bands @ rises])
        return np.concatenate([scale[:, None] * seen, held[:, None] * (table.lags @ rises)])

    root = table.lags @ np.sqrt(np.maximum(power - white, 0))  # of zero phase: a first guess
    left = MAX_LAG - taps // 2
    near = root.reshape(MAX_LAG + 1, 2 * MAX_LAG + 1)[: taps // 2 + 1, left : left + taps]
    first = near[::-1, ::-1].ravel()[:half]
    first = np.append(first, np.sqrt(white)) if share is None else first
    found = least_squares(miss, first, jac=slope, method="lm", max_nfev=STEPS, ftol=NEAR, xtol=NEAR).x
    kernel = np.concatenate([found[:half], found[: half - 1][::-1]]).reshape(taps, taps)
    energy, white = float((kernel**2).sum()), float(found[half] ** 2) if share is None else white
    return kernel / np.sqrt(energy), white / (energy + white)
