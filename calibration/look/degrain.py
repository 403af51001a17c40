"""Take the grain out of a frame, for analysis only: keys, mattes and matches see the picture, not its noise."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.look.motion import dense_motion, laid_on
from calibration.look.shrink import shrink
from calibration.look.stabilise import stabiliser
from pipeline.kernels.grain import Grain

Array = NDArray[np.float32]
PATCH_PX = 7  # side of the patch that two frames are compared by
DOUBT = 0.35  # how far a patch's mean square may lie above the noise's own before a neighbour counts 1/e


def degrain(frame: Array, grain: Grain, neighbours: Sequence[Array] = ()) -> Array:
    """The frame without its grain, (H, W, 3) float32 scene-linear ACEScg.

    frame: (H, W, 3) float32. grain: its profile. neighbours: frames near it in time, best the two before and the two
    after; each is laid onto `frame` along its motion and counts where it shows the same within the noise. What noise is
    left is shrunk in space. NaN and infinities come back where they were. Never composite the result: grain that was
    shot stays in the plate.
    """
    broken = ~np.isfinite(frame)
    whole = np.where(broken, np.float32(0), frame)
    others = [np.nan_to_num(n, posinf=0, neginf=0) for n in neighbours]
    flat = stabiliser(grain, whole, *others)
    here = flat(whole)
    total, weights, squares = here.copy(), np.ones(here.shape[:2], np.float32), np.ones(here.shape[:2], np.float32)
    for other in others:
        there = laid_on(flat(other), dense_motion(whole, other))
        weight = _likeness(here, there)
        total += weight[..., None] * there
        weights += weight
        squares += weight**2
    clean = flat.back(shrink(total / weights[..., None], grain, squares / weights**2))
    clean[broken] = frame[broken]
    return clean


def _likeness(here: Array, there: Array) -> Array:
    """(H, W) from 1, where patches differ as two noises do, down to 0: not the same thing, hidden, or matched wrongly."""
    square = cv2.blur(((here - there) ** 2).mean(axis=2), (PATCH_PX, PATCH_PX)) / 2
    return np.exp(-np.maximum(square - 1, 0) / DOUBT).astype(np.float32)
