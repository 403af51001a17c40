"""Cut a figure out of a generated picture: its alpha, and edges without a halo of the model's background.

Everything here is on display-encoded colours, 0..1: that is where models blend their edges.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from pipeline.errors import ProviderError

Floats = NDArray[np.float32]
EDGE_PX = 2  # how far inside its outline a model may have painted background
FLAT = 10 / 255  # colours that differ less are one
FLAT_SHARE = 0.75  # of the picture's rim that must be of one colour to be a background; figures may stand on the rim
_OPAQUE = 0.995
_PULL_PX, _REACH_PX = 2.0, 12
_OF_THE_EDGE = 1e-4  # weight of colours at the edge: only what has no inside (a spear) is left to them


def alpha_of(told: Floats | None, own: Floats | None, straight: Floats, *, softened: bool) -> Floats:
    """(H, W) float32 alpha of an answer (H, W, 3).

    told: the outline that the guides tell, None when a pose map is all there is; softened: it is all or nothing, so its
    stairs are smoothed inwards. own: the model's alpha. Raises ProviderError when nothing tells where the figure ends.
    """
    cut_out = own is not None and bool((own < _OPAQUE).any())
    if told is None:
        return np.asarray(own, np.float32) if own is not None and cut_out else from_background(straight)
    room = np.clip(_soft(told) if softened else told, 0, 1).astype(np.float32)
    return room * own if own is not None else room


def from_background(straight: Floats) -> Floats:
    """(H, W) alpha by the difference from a flat background that reaches the rim; what it encloses is figure too.

    Raises ProviderError when the rim is not of one colour.
    """
    rim = np.ones(straight.shape[:2], bool)
    rim[1:-1, 1:-1] = False
    background = np.median(straight[rim], axis=0).astype(np.float32)
    alike = np.abs(straight - background).max(axis=-1) < FLAT
    share = float(alike[rim].mean())
    if share < FLAT_SHARE:
        raise ProviderError(
            f"the answer has no alpha and no flat background ({share:.0%} of its rim is of one colour, {FLAT_SHARE:.0%} "
            "needed), and a pose map tells no outline. Add coverage or depth to the guides, or ask for a plain background."
        )
    regions, count = ndimage.label(alike)
    touching = np.isin(np.arange(count + 1), regions[rim & alike])
    touching[0] = False
    figure = ~touching[regions]
    band = figure & ndimage.binary_dilation(~figure, iterations=EDGE_PX)
    inside = figure & ~band
    colours = _pulled(straight, inside + np.float32(_OF_THE_EDGE) * figure)
    away = (colours - background).astype(np.float64)
    length = (away**2).sum(axis=-1)
    mixed = ((straight - background) * away).sum(axis=-1) / np.maximum(length, 1e-9)
    told = band & (length > FLAT**2)
    return np.where(told, np.clip(mixed, 0, 1), figure).astype(np.float32)


def without_halo(straight: Floats, alpha: Floats) -> Floats:
    """(H, W, 3) colours whose edges are pulled from inside the figure; inside, EDGE_PX from every edge, nothing changes."""
    window = 2 * EDGE_PX + 1
    least = ndimage.minimum_filter(alpha, size=window, mode="nearest")
    most = ndimage.maximum_filter(alpha, size=window, mode="nearest")
    inside = least / np.maximum(most, 1e-6)  # of something translucent too
    pulled = _pulled(straight, inside**4 * alpha + np.float32(_OF_THE_EDGE) * alpha**2)
    trust = np.clip(2 * inside - 1, 0, 1)[..., None]
    return np.asarray(np.where(alpha[..., None] > 0, trust * straight + (1 - trust) * pulled, straight), np.float32)


def _pulled(straight: Floats, weights: Floats) -> Floats:
    """Weighted mean of the colours around each pixel; its own where no weight reaches."""
    weights = np.asarray(weights, np.float64)
    sums = [
        ndimage.gaussian_filter(picture, _PULL_PX, mode="nearest", radius=_REACH_PX)
        for picture in (weights, *np.moveaxis(straight * weights[..., None], -1, 0))
    ]
    there = sums[0] > 1e-12
    mean = np.stack(sums[1:], axis=-1) / np.where(there, sums[0], 1)[..., None]
    return np.where(there[..., None], mean, straight).astype(np.float32)


def _soft(outline: Floats) -> Floats:
    """Stairs of an outline of 0 and 1 smoothed inwards: nothing is painted outside it."""
    mean = ndimage.uniform_filter(outline, size=3, mode="nearest")
    return np.asarray(np.clip(2 * mean - 1, 0, 1) * outline, np.float32)
