"""A ridge with bushes, twigs and a spear before a sky, with the true share that each pixel shows of them."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
HEIGHT, WIDTH, FINE = 180, 320, 8


def alpha() -> Floats:
    """(H, W) what is not sky, exact to a 64th, as a lens softens it."""
    rng = np.random.default_rng(5)
    big = np.zeros((HEIGHT * FINE, WIDTH * FINE), np.uint8)
    x = np.arange(WIDTH * FINE)
    ridge = FINE * (120 + 8 * np.sin(x / 310) + 4 * np.sin(x / 97 + 1) + 2.5 * np.sin(x / 31))
    big[np.arange(HEIGHT * FINE)[:, None] > ridge] = 255
    for middle in (60, 150, 250):  # crowns of leaves, the sky through them
        for _ in range(130):
            place = rng.normal((middle, 104), (11, 8), 2) * FINE
            cv2.circle(big, (int(place[0]), int(place[1])), int(rng.uniform(1.0, 2.6) * FINE), 255, -1)
    for middle in (100, 200):  # bare twigs, half a pixel wide
        for _ in range(14):
            end = (middle + rng.uniform(-16, 16), rng.uniform(70, 95))
            points = np.array([(middle, 122), ((middle + end[0]) / 2 + 2, 104), end]) * FINE
            cv2.polylines(big, [points.astype(np.int32)], False, 255, int(rng.uniform(3, 7)))
        cv2.line(big, (middle * FINE, 130 * FINE), (middle * FINE, 92 * FINE), 255, 2 * FINE)
    cv2.line(big, (290 * FINE, 125 * FINE), (296 * FINE, 60 * FINE), 255, FINE)  # a spear
    small = cv2.resize(big, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 0.5), np.float32)


def front() -> Floats:
    """(H, W, 3) the colour of ridge, leaves and wood."""
    rng = np.random.default_rng(6)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (HEIGHT, WIDTH, 3)).astype(np.float32), (0, 0), 1.2)
    ground, leaf = np.float32([0.22, 0.17, 0.11]), np.float32([0.05, 0.07, 0.03])
    high = np.clip((116 - np.arange(HEIGHT)) / 6, 0, 1)[:, None, None].astype(np.float32)
    return np.asarray((ground * (1 - high) + leaf * high) * (1 + 0.5 * texture), np.float32)


def bright_sky() -> Floats:
    """(H, W, 3) of the plate: pale, with soft clouds."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    cloud = 0.12 * np.sin(x / 41 + y / 23) * np.sin(y / 11) + 0.05 * np.sin(x / 17)
    pale = 1 - 0.35 * (1 - y / 120).clip(0, 1)
    return np.asarray(np.dstack([0.75 * pale, 0.85 * pale, 0.95 + 0 * pale]) * (1 + cloud)[..., None], np.float32)


def dusk_sky() -> Floats:
    """(H, W, 3) another one: dark above, red at the horizon."""
    y, _ = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    low = (y / 125).clip(0, 1) ** 2
    return np.asarray(np.dstack([0.06 + 0.5 * low, 0.07 + 0.18 * low, 0.14 + 0.1 * low]), np.float32)


def over(sky: Floats, share: Floats) -> Floats:
    return share[..., None] * front() + (1 - share[..., None]) * sky


def delta_e(a: Floats, b: Floats) -> Floats:
    """(H, W) CIE 1976 difference of scene-linear pictures, through OpenCV's sRGB to Lab; 1 is just seen."""
    lab = []
    for linear in (a, b):
        v = np.clip(linear, 0, 1)
        coded = np.where(v <= 0.0031308, 12.92 * v, 1.055 * v ** (1 / 2.4) - 0.055).astype(np.float32)
        lab.append(cv2.cvtColor(coded, cv2.COLOR_RGB2LAB))
    return np.asarray(np.sqrt(((lab[0] - lab[1]) ** 2).sum(axis=2)), np.float32)
