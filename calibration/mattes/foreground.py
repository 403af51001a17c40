"""The colour of what stands in front, without what shines through its edge."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.kernels import foreground

Floats = npt.NDArray[np.float32]
_SMALLEST_PX = 4
_COARSE_ROUNDS, _FINE_ROUNDS = 16, 6
_FINE_PX = 96  # sides from which on few rounds do: the level below came near


def separate(picture: Floats, alpha: Floats, back: Floats | None = None) -> tuple[Floats, Floats]:
    """(front, back), each (H, W, 3) float32 scene-linear, that mix by `alpha` (H, W) to the picture (H, W, 3).

    Solved from coarse to fine; at full size only where alpha is neither 0 nor 1. back: the background where it is known.
    Where alpha is 0 the front is that of the nearest edge, where it is 1 so is the back.
    """
    height, width = alpha.shape
    sides = [min(height, width)]
    while sides[-1] > 2 * _SMALLEST_PX:
        sides.append((sides[-1] + 1) // 2)
    front = behind = None
    for side in reversed(sides):
        share = side / min(height, width)
        size = (max(round(width * share), 1), max(round(height * share), 1))
        whole = size == (width, height)
        small, mix = (picture, alpha) if whole else (_small(picture, size), _small(alpha, size))
        known = None if back is None else (back if whole else _small(back, size))
        front = _start(small, mix) if front is None else _large(front, size)
        behind = (
            known.copy() if known is not None else _start(small, 1 - mix) if behind is None else _large(behind, size)
        )
        solid, empty = mix >= 1, mix <= 0
        where = ~(solid | empty) if whole else np.ones(mix.shape, np.bool_)
        front[solid] = small[solid]
        if known is None:
            behind[empty] = small[empty]
        rounds = _COARSE_ROUNDS if side < _FINE_PX else _FINE_ROUNDS
        foreground.relax(small, mix, where, front, behind, rounds, known is not None)
    assert front is not None
    assert behind is not None
    return front, behind


def _start(picture: Floats, share: Floats) -> Floats:
    """The mean colour by share: where the coarsest level begins."""
    weight = float(share.sum())
    mean = (picture * share[..., None]).sum(axis=(0, 1)) / max(weight, 1e-6)
    return np.ascontiguousarray(np.broadcast_to(mean, picture.shape), np.float32)


def _small(image: Floats, size: tuple[int, int]) -> Floats:
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def _large(image: Floats, size: tuple[int, int]) -> Floats:
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_LINEAR), np.float32)
