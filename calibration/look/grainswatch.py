"""A picture to judge a grain profile by: the plate's flattest places above, the same made of our grain below."""

from __future__ import annotations

import cv2
import numpy as np

from calibration.look.grainblocks import Array
from pipeline.kernels.grain import Grain, add_grain

SIDE_PX = 48
PLACES = 6
ZOOM = 5
CONTRAST = 3.0  # of what lies above the smooth picture, so that grain can be judged on any screen


def swatch(picture: Array, grain: Grain) -> Array:
    """Picture (2 * SIDE + gap, PLACES * SIDE, 3) times ZOOM, float32 scene-linear.

    Above the plate, below its smoothed self with our grain; dark places on the left.
    """
    smooth = np.asarray(cv2.GaussianBlur(picture, (0, 0), 3.0), np.float32)
    made = np.empty_like(smooth)
    add_grain(smooth, smooth, np.zeros(smooth.shape[:2], np.float32), grain, seed=1, frame=0, out=made)
    cuts = [(slice(y, y + SIDE_PX), slice(x, x + SIDE_PX)) for y, x in _flattest(picture, smooth)]
    shown = [smooth + np.float32(CONTRAST) * (p - smooth) for p in (picture, made)]
    rows = [np.concatenate([np.kron(p[cut], np.ones((ZOOM, ZOOM, 1), np.float32)) for cut in cuts], 1) for p in shown]
    gap = np.zeros((8, rows[0].shape[1], 3), np.float32)
    return np.concatenate([rows[0], gap, rows[1]])


def greys(levels: tuple[float, ...], grain: Grain) -> Array:
    """Picture (2 * SIDE, levels * 2 * SIDE, 3) float32 scene-linear: even greys with the grain, as it is, at 200%."""
    flat = np.repeat(np.array(levels, np.float32), SIDE_PX)[None, :, None]
    smooth = np.ascontiguousarray(np.broadcast_to(flat, (SIDE_PX, flat.shape[1], 3)))
    made = np.empty_like(smooth)
    add_grain(smooth, smooth, np.zeros(smooth.shape[:2], np.float32), grain, seed=1, frame=0, out=made)
    return np.asarray(np.kron(made, np.ones((2, 2, 1), np.float32)), np.float32)


def _flattest(picture: Array, smooth: Array) -> list[tuple[int, int]]:
    """Corners (y, x) of flat windows, one per step of brightness, dark to light."""
    height, width, _ = smooth.shape
    windows = []
    for y in range(0, height - SIDE_PX + 1, SIDE_PX // 2):
        for x in range(0, width - SIDE_PX + 1, SIDE_PX // 2):
            cut = (slice(y, y + SIDE_PX), slice(x, x + SIDE_PX))
            rough = float(np.std(picture[cut] - smooth[cut])) / (float(smooth[cut].mean()) + 1e-3)
            windows.append((float(smooth[cut].mean()), rough, y, x))
    windows.sort()
    groups = [g for g in np.array_split(np.array(windows), PLACES) if len(g)]
    best = [g[np.argmin(g[:, 1])] for g in groups]
    return [(int(b[2]), int(b[3])) for b in best]
