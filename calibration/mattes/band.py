"""Alpha in the band between what surely stands in front and what surely does not."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.kernels import matting, sampling
from pipeline.kernels.matting import UNKNOWN

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
_TOE = 0.02  # linear light below which differences are noise
_REACH_PX = 96  # at a width of 960: how far a strand of hair may end from a head
_KNOWN, _SAMPLED = (
    0.1,
    0.003,
)  # how much sampled colours count beside the neighbourhood, with the background known or not
_LEANING, _FEWER = 1e-3, 40  # how much an alpha that is leant on counts, and the steps that lead there
_HARD = 0.01  # of alpha: nearer to 0 or 1 is that


def alpha_in_band(picture: Floats, trimap: Bytes, back: Floats | None = None, leaning: Floats | None = None) -> Floats:
    """(H, W) float32 alpha: 1 and 0 as the trimap (H, W) says, in its unknown band from the colours that mix there.

    picture: (H, W, 3) scene-linear, since light mixes linearly; display-encoded pictures give worse edges. back: (H, W, 3)
    the background where it is known at every pixel. leaning: (H, W) alpha that decides where the colours do not, from a depth
    map say; the answer is then near it, and found in fewer steps. Costs go with the band, not with the picture.
    """
    picture = np.ascontiguousarray(picture, np.float32)
    unknown = trimap == UNKNOWN
    rough, trust = np.zeros(trimap.shape, np.float32), np.zeros(trimap.shape, np.float32)
    reach = max(24, round(_REACH_PX * picture.shape[1] / 960))
    found = sampling.sample(picture, trimap, _TOE, reach, back)
    rough[unknown] = found.alpha
    trust[unknown] = np.float32(_SAMPLED if back is None else _KNOWN) * found.confidence + np.float32(1e-6)
    rounds = matting.ROUNDS
    if leaning is not None:
        rough = np.asarray((trust * rough + _LEANING * leaning) / (trust + _LEANING), np.float32)
        trust, rounds = np.asarray(trust + _LEANING, np.float32), _FEWER
    alpha = matting.fit(picture, trimap, rough, trust, toe=_TOE, rounds=rounds)
    return np.asarray(np.clip((alpha - _HARD) / (1 - 2 * _HARD), 0, 1), np.float32)


def trimap_of(matte: Floats, inside_px: int, outside_px: int) -> Bytes:
    """(H, W) uint8: unknown up to inside_px within and outside_px beyond the edge of `matte` (H, W), and where it is soft."""
    solid = cv2.erode((matte > 0.99).astype(np.uint8), disc(inside_px))
    empty = cv2.dilate((matte > 0.01).astype(np.uint8), disc(outside_px))
    return np.asarray(np.where(solid > 0, matting.FRONT, np.where(empty > 0, UNKNOWN, matting.BACK)), np.uint8)


def disc(radius: int) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)), np.uint8)
