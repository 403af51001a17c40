"""How much stronger a codec's grain is on texture than on what is smooth, from the blocks of a plate that has patches.

Where two frames differ in texture, a part may be picture that did not fit: so the middle block of its kind tells, not the mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.look.grainblocks import Array, Blocks
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.graintexture import CELL, FAINT

Curve = NDArray[np.float64]
BINS, MIN_CELLS = 8, 100
LEAST, MOST = 0.7, 1.5  # gains: known plates have up to 2, but more may be picture, and is seen where it is wrong


def texture_law(blocks: Blocks, sigma: Array, spread: Curve, quiet: NDArray[np.intp]) -> NDArray[np.float32]:
    """The profile's texture (2, K): activities and gains, 1 where the `quiet` blocks are; (2, 0) with too few blocks.

    blocks: in the camera's channels. sigma: (N, B, B, 3) what the profile gives at each pixel. spread: (3, 3) ACEScg from
    camera.
    """
    size = (_cells(blocks.rest / sigma) ** 2).mean(axis=(2, 3, 4))
    seen = activity_of(_cells(blocks.smooth) @ (LUMINANCE @ spread).astype(np.float32))
    whole = float(np.median(size[quiet]))
    size, seen = size.ravel(), seen.ravel()
    count = min(BINS, len(seen) // MIN_CELLS)
    if count < 2:
        return np.zeros((2, 0), np.float32)
    parts = np.array_split(np.argsort(seen), count)
    at = np.array([np.median(seen[part]) for part in parts])
    gain = np.sqrt([np.median(size[part]) / whole for part in parts])
    told = np.diff(at, prepend=0) > 0
    return np.stack([at[told], np.clip(gain[told], LEAST, MOST)]).astype(np.float32)


def activity_of(luma: Array) -> Array:
    """What pipeline.kernels.graintexture.activity finds in cells (..., C, C) of blurred luminance, (...,)."""
    side = luma.shape[-1]
    y, x = (v.ravel() for v in np.mgrid[:side, :side])
    plane, _ = np.linalg.qr(np.stack([np.ones(side * side), y, x], axis=1))
    flat = luma.reshape(*luma.shape[:-2], -1)
    rest = flat - (flat @ plane) @ plane.T
    return np.asarray(np.sqrt((rest**2).mean(axis=-1)) / (np.abs(flat.mean(axis=-1)) + FAINT), np.float32)


def _cells(blocks: Array) -> Array:
    """(N, B, B, 3) in cells of the kernel's size, (N, cells, C, C, 3); smaller blocks whole."""
    side = min(blocks.shape[1], CELL)
    parts = blocks.shape[1] // side
    cut = blocks[:, : parts * side, : parts * side].reshape(-1, parts, side, parts, side, 3)
    return np.asarray(cut.transpose(0, 1, 3, 2, 4, 5).reshape(len(blocks), parts * parts, side, side, 3))
