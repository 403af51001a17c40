"""How the plate's exposure and white balance stray from frame to frame, read off things that the camera keeps in view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
LEAST_STRAY_EV = 0.02  # what is less is told by nobody: the plate counts as steady
LEAST_POINTS = 12  # that two frames share
DARKEST, LIGHTEST = 0.004, 4.0  # scene-linear: grain below, clipped lights above
_ROUNDS = 8
_HUBER_EV = 0.06


@dataclass(frozen=True, slots=True)
class Stray:
    """Per frame log2 gain of each channel, (F, 3), against the shot's middle; all 0 for a steady plate. note: why."""

    stops: Floats
    note: str

    @classmethod
    def none(cls, frames: int, note: str) -> Stray:
        return cls(np.zeros((frames, 3)), note)


def follow_exposure(frames: int, rows: Sequence[tuple[int, int, Floats]]) -> Stray:
    """Solve log2 radiance(frame, point) = stops(frame) + own(point) per channel, robustly, over all frames at once.

    rows: (frame index from 0, point, (3,) scene-linear radiance). Content drops out: a pan from light to dark ground is no
    change of exposure. Points whose light itself changes count little. Frames without enough points take their
    neighbours' value. A plate that strays by less than LEAST_STRAY_EV is steady.

    Source: the model is photometric calibration's (Kim and Pollefeys, "Robust Radiometric Calibration and Vignetting
    Correction", PAMI 2008) with a linear camera.
    """
    usable = [r for r in rows if r[2].min() > DARKEST and r[2].max() < LIGHTEST]
    if not usable:
        return Stray.none(frames, "steady: no point of middling light is followed")
    frame = np.array([r[0] for r in usable])
    _, point = np.unique([r[1] for r in usable], return_inverse=True)
    logs = np.log2(np.array([r[2] for r in usable]))
    seen = np.bincount(point)
    keep = seen[point] >= 2
    frame, point, logs = frame[keep], point[keep], logs[keep]
    counts = np.bincount(frame, minlength=frames)
    if (counts >= LEAST_POINTS).sum() < 2:
        return Stray.none(frames, f"steady: {int(counts.max(initial=0))} points are followed, need {LEAST_POINTS}")
    stops = _solved(frame, point, logs, frames)
    known = np.flatnonzero(counts >= LEAST_POINTS)
    filled = np.stack([np.interp(np.arange(frames), known, stops[known, c]) for c in range(3)], axis=1)
    filled -= np.median(filled, axis=0)
    most = float(np.abs(filled).max())
    if most < LEAST_STRAY_EV:
        return Stray.none(frames, f"steady: strays by {most:.3f} stops at most")
    return Stray(filled, f"followed: strays by {most:.2f} stops at most")


def _solved(frame: NDArray[np.intp], point: NDArray[np.intp], logs: Floats, frames: int) -> Floats:
    """Normal equations over the frames; the points are eliminated. Frames without points stay at 0."""
    points = int(point.max()) + 1
    stops = np.zeros((frames, 3))
    for c in range(3):
        value, weight = logs[:, c], np.ones(len(logs))
        for _ in range(_ROUNDS):
            per_point = np.bincount(point, weight, points)
            per_frame = np.bincount(frame, weight, frames)
            shares = np.zeros((frames, points))
            np.add.at(shares, (frame, point), weight)
            over = shares / np.maximum(per_point, 1e-12)
            matrix = np.diag(per_frame) - over @ shares.T
            wanted = np.bincount(frame, weight * value, frames) - over @ np.bincount(point, weight * value, points)
            found = np.linalg.lstsq(matrix + 1e-9 * np.eye(frames), wanted, rcond=None)[0]
            own = np.bincount(point, weight * (value - found[frame]), points) / np.maximum(per_point, 1e-12)
            rest = np.abs(value - found[frame] - own[point])
            weight = np.minimum(1, _HUBER_EV / np.maximum(rest, 1e-9))
        stops[:, c] = found
    return stops
