"""Does the sensor read its rows one after the other? What a solve with one pose for each frame leaves over tells it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.cameras import to_camera
from calibration.lens import project
from calibration.solve.solved import Solve

Array = npt.NDArray[np.float64]

SURE = 6.0  # standard deviations
SEEN_PX = 0.3  # 95th percentile of what it moves, in pictures 1280 wide; less does no harm
LEAST_READOUT = 0.02  # of a frame


def rolling_shutter(solve: Solve) -> dict[str, Any]:
    """The share of a frame that reading the rows takes, its standard deviation, what it moves in pixels, and a warning or "".

    A row read later shows what moves that much farther on: residuals grow with a point's own speed and with its row's distance
    from the middle. A steady pan hides in the points and cannot tell; only changes of speed do, so it may be more.

    Source: Hedborg, Forssén, Felsberg and Ringaby, "Rolling Shutter Bundle Adjustment", CVPR 2012 (the model of the rows).
    """
    rows, which = solve.observations[:, 0].astype(int), solve.observations[:, 1].astype(int)
    residual, speed = np.zeros((len(rows), 2)), np.zeros((len(rows), 2))
    for row in np.unique(rows):
        mine = rows == row
        points = solve.points[which[mine]]
        around = [
            project(to_camera(points, solve.poses[at]), solve.lens_at(at))
            for at in (max(row - 1, 0), row, min(row + 1, len(solve.poses) - 1))
        ]
        residual[mine] = solve.observations[mine, 2:] - around[1]
        speed[mine] = (around[2] - around[0]) / max(1, min(row + 1, len(solve.poses) - 1) - max(row - 1, 0))
    late = speed * (solve.observations[:, 3:4] / solve.lens.height - 0.5)
    error = np.linalg.norm(residual, axis=1)
    good = np.isfinite(late).all(axis=1) & (error < 5 * max(float(np.nanmedian(error)), 1e-6))
    if good.sum() < 100:
        return {}
    late, residual = (_less_each_points(v[good], which[good]) for v in (late, residual))
    weight = float((late**2).sum())
    if weight < 1e-9:
        return {}
    readout = float((late * residual).sum() / weight)
    sigma = float(np.sqrt(((residual - readout * late) ** 2).mean() / weight))
    moved = abs(readout) * float(np.percentile(np.linalg.norm(late, axis=1), 95))
    seen = SEEN_PX * max(1.0, solve.lens.width / 1280)
    told = readout > max(SURE * sigma, LEAST_READOUT) and moved > seen
    warning = (
        f"rolling shutter: rows are read over {readout:.0%} of a frame or more, which moves points by {moved:.1f} px. One pose for "
        "each frame cannot follow it: correct the plate first if the comp slides."
    )
    found = {"readout": round(readout, 4), "sigma": round(sigma, 4), "moves_px": round(moved, 3)}
    return {**found, "warning": warning if told else ""}


def _less_each_points(values: Array, which: npt.NDArray[np.int_]) -> Array:
    """Values (M, 2) less their mean over each point's observations, which the point itself has taken up."""
    counts = np.maximum(np.bincount(which), 1)
    means = np.stack([np.bincount(which, values[:, axis]) / counts for axis in range(2)], axis=1)
    return np.asarray(values - means[which])
