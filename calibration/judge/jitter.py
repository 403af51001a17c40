"""What of a camera's move is too fast to be a move: the rest beside a smooth way, held against how sure each pose is.

Around each frame a parabola is laid through its neighbours' poses, itself left out, and robustly, so that neither one bad pose nor a bump
beside it spoils it. What the frame lies beside that way is shake where the observations are sure of it, and jitter
where they are not: a hand-held camera is not called jittery. Sources: Savitzky and Golay, "Smoothing and Differentiation of
Data by Simplified Least Squares Procedures", Analytical Chemistry 1964 (the parabola); Cleveland, "Robust Locally Weighted
Regression and Smoothing Scatterplots", JASA 1979 (the weights).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from calibration.cameras import camera_centre
from calibration.solve.certainty import Sure

Array = npt.NDArray[np.float64]

REACH = 4  # frames to each side
ROUNDS = 7
JUMP = 6.0  # times what the shot's poses usually lie off, and are unsure: a pose that jumps


@dataclass(frozen=True, eq=False)
class Beside:
    """How far each pose lies beside the smooth way through its neighbours.

    turn_deg, shift_m: (F, 3) about and along the camera's axes (right, down, ahead). turn_sure_deg, shift_sure_m: (F, 3) one standard
    deviation by the frame's observations; shift of a camera on one spot and what is unknown, as at the ends, NaN.
    """

    turn_deg: Array
    shift_m: Array
    turn_sure_deg: Array
    shift_sure_m: Array

    @property
    def jumps(self) -> npt.NDArray[np.int64]:
        """Rows whose pose leaves the way suddenly: much further than others do, and than poses are unsure here."""
        found = np.zeros(len(self.turn_deg), bool)
        for off, sure in ((self.turn_deg, self.turn_sure_deg), (self.shift_m, self.shift_sure_m)):
            size, unsure = np.linalg.norm(off, axis=1), np.linalg.norm(sure, axis=1)
            if np.isfinite(size).any() and np.isfinite(unsure).any():
                found |= np.nan_to_num(size) > JUMP * max(float(np.nanmedian(size)), float(np.nanmedian(unsure)))
        return np.flatnonzero(found)


@dataclass(frozen=True, slots=True)
class Split:
    """Fast movement of a whole shot, one axis, robust standard deviations. fast: all of it; jitter: of that what the poses are
    unsure of; shake: what the observations show."""

    fast: float
    jitter: float
    shake: float


def beside_the_way(poses: Array, sure: list[Sure | None]) -> Beside:
    """Poses (F, 4, 4) camera_from_world in metres, and how sure each is."""
    frames = len(poses)
    turns, shifts = np.full((frames, 3), np.nan), np.full((frames, 3), np.nan)
    centres = camera_centre(poses)
    for row in range(frames):
        reach = min(
            REACH, row, frames - 1 - row
        )  # as far back as ahead: a way carried on past its end misses by the move
        if reach < 2:
            continue
        near = row + np.r_[-reach:0, 1 : reach + 1]
        turn = Rotation.from_matrix(poses[near, :3, :3] @ poses[row, :3, :3].T).as_rotvec(degrees=True)
        shift = (centres[near] - centres[row]) @ poses[row, :3, :3].T
        at = (near - row) / (REACH + 1.0)
        turns[row], shifts[row] = (-_expected(at, values) for values in (turn, shift))
    known = [None if one is None else np.sqrt(np.maximum(np.diag(one.covariance), 0.0)) for one in sure]
    nothing = np.full(3, np.nan)
    turn_sure = np.array([nothing if one is None else np.degrees(one[:3]) for one in known])
    shift_sure = np.array([nothing if one is None or len(one) < 6 else one[3:] for one in known])
    if not np.isfinite(shift_sure).any():
        shifts[:] = np.nan
    return Beside(turns, shifts, turn_sure, shift_sure)


def _expected(at: Array, values: Array) -> Array:
    """Where a robust parabola through values (N, 3) at `at` (N,) passes at 0, over what one value's scatter makes of the miss."""
    basis = np.column_stack([np.ones_like(at), at, at**2])
    near = (1 - np.minimum(np.abs(at) / 2.0, 1.0) ** 3) ** 3  # gentle: a parabola through eight needs them all
    weight = near
    for turn in range(ROUNDS):
        solution = np.linalg.lstsq(basis * weight[:, None], values * weight[:, None], rcond=None)[0]
        miss = np.linalg.norm(values - basis @ solution, axis=1)
        usual = max(float(np.median(miss)), 1e-15)
        # Least absolute misses first: one bad pose at the end of eight pulls a parabola of least squares to itself.
        sane = (
            usual / np.maximum(miss, 0.1 * usual)
            if turn < ROUNDS - 2
            else (1 - np.minimum(miss / (6 * usual), 1.0) ** 2) ** 2
        )
        weight = near * np.sqrt(sane)
    solution = np.linalg.lstsq(basis * weight[:, None], values * weight[:, None], rcond=None)[0]
    share = np.linalg.pinv(basis * weight[:, None])[0] * weight
    return np.asarray(solution[0] / np.sqrt(1.0 + float(share @ share)))


def split(off: Array, sure: Array) -> Split | None:
    """Fast movement (F, 3) and its certainty (F, 3) as one figure; None where either is unknown."""
    known = np.isfinite(off).all(axis=1) & np.isfinite(sure).all(axis=1)
    if not known.any():
        return None
    fast = float(np.sqrt(np.mean((1.4826 * np.median(np.abs(off[known]), axis=0)) ** 2)))
    unsure = float(np.sqrt(np.mean(np.median(sure[known], axis=0) ** 2)))
    return Split(fast, min(fast, unsure), float(np.sqrt(max(0.0, fast**2 - unsure**2))))
