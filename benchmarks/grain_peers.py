"""What others do, measured blind from the same frames: a store of the plate's own grain, and a film codec's model."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from calibration.look.degrain import degrain
from pipeline.kernels.grain import Grain

Array = NDArray[np.float32]
Made = Callable[[Array, int], Array]  # clean ACEScg (H, W, 3) and a frame number to noise
BLOCK, LAG, BINS = 48, 3, 16


def difference(frames: list[Array], grain: Grain) -> tuple[Array, Array]:
    """The middle frame degrained and what that took, both (H, W, 3): our own degrain, kinder than the peers' usual one."""
    middle = len(frames) // 2
    clean = degrain(frames[middle], grain, frames[:middle] + frames[middle + 1 :])
    return clean, frames[middle] - clean


def luminance_law(clean: Array, noise: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Levels (3, BINS) and the spread of the noise there."""
    levels, sigmas = np.empty((3, BINS)), np.empty((3, BINS))
    for c in range(3):
        edges = np.quantile(clean[..., c], np.linspace(0, 1, BINS + 1))
        place = np.clip(np.searchsorted(edges, clean[..., c]) - 1, 0, BINS - 1)
        for k in range(BINS):
            levels[c, k] = np.median(clean[..., c][place == k])
            sigmas[c, k] = noise[..., c][place == k].std()
    return np.maximum.accumulate(levels + 1e-9 * np.arange(BINS), axis=1), sigmas


def sized(clean: Array, law: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Array:
    return np.stack([np.interp(clean[..., c], law[0][c], law[1][c]) for c in range(3)], axis=2).astype(np.float32)


def scattered(clean: Array, noise: Array) -> Made:
    """DasGrain's way (F. Rebmann, Nuke gizmo): the plate's own difference, normalised by level, scattered, and sized again."""
    law = luminance_law(clean, noise)
    store = noise / sized(clean, law)
    height, width, _ = store.shape

    def made(picture: Array, frame: int) -> Array:
        random, out = np.random.default_rng(frame), np.empty_like(picture)
        for y in range(0, picture.shape[0], BLOCK):
            for x in range(0, picture.shape[1], BLOCK):
                part = out[y : y + BLOCK, x : x + BLOCK]
                top, left = random.integers(height - BLOCK), random.integers(width - BLOCK)
                part[:] = store[top : top + part.shape[0], left : left + part.shape[1]]
        return out * sized(picture, law)

    return made


def autoregressive(clean: Array, noise: Array) -> Made:
    """AV1's film grain: a causal filter of lag 3 per channel, fitted on the difference; spread by level; scattered blocks.

    Source: Norkin and Birkbeck, "Film grain synthesis for AV1 video codec", DCC 2018. In linear light, channels apart.
    """
    law = luminance_law(clean, noise)
    unit = noise / sized(clean, law)
    side = 256
    templates = np.empty((side, side, 3), np.float32)
    random = np.random.default_rng(5)
    past = [(dy, dx) for dy in range(-LAG, 1) for dx in range(-LAG, LAG + 1) if (dy, dx) < (0, 0)]
    height, width, _ = unit.shape
    for c in range(3):
        cut = unit[..., c].astype(np.float64)
        target = cut[LAG:, LAG : width - LAG].ravel()
        table = np.stack([cut[LAG + dy : height + dy, LAG + dx : width - LAG + dx].ravel() for dy, dx in past], axis=1)
        normal, right = table.T @ table, table.T @ target
        weights = np.linalg.solve(normal + 1e-6 * np.trace(normal) * np.eye(len(past)), right)
        made = random.standard_normal((side + 40, side + 40))
        for y in range(LAG, made.shape[0]):
            for x in range(LAG, made.shape[1] - LAG):
                rows = made[y - LAG : y, x - LAG : x + LAG + 1].ravel()
                made[y, x] += weights[: len(rows)] @ rows + weights[len(rows) :] @ made[y, x - LAG : x]
        inner = made[20 : 20 + side, 20 : 20 + side]
        templates[..., c] = inner / inner.std()
    return lambda picture, frame: sized(picture, law) * _tiled(templates, picture.shape[:2], frame)


def _tiled(template: Array, size: tuple[int, int], frame: int) -> Array:
    random, out, block = np.random.default_rng(frame), np.empty((*size, 3), np.float32), 32
    for y in range(0, size[0], block):
        for x in range(0, size[1], block):
            part = out[y : y + block, x : x + block]
            top, left = random.integers(template.shape[0] - block), random.integers(template.shape[1] - block)
            part[:] = template[top : top + part.shape[0], left : left + part.shape[1]]
    return out
