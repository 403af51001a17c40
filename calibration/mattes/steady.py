"""Mattes that do not chatter: soft edges averaged with those of neighbouring frames, along people's own motion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from calibration.look.motion import dense_motion

Floats = npt.NDArray[np.float32]
_OWN_PX = 4.0  # at a width of 960: around an edge, people's motion is that of their solid parts within about this
_TOE = 0.02  # linear light below which differences are noise
_WINDOW_PX = 5  # in which alpha goes with colour
_FLAT = 0.05  # of the light: a spread of colours below which alpha does not go with them
_UNLIKE = 0.3  # difference of the pictures, as a share of their light, at which a neighbour counts 1/e
_STRAY = 0.08  # of alpha, beyond what its surroundings have, that a neighbour may add or take
_FAR = 0.3  # difference of alpha at which a neighbour counts 1/e: it shows another thing


@dataclass(frozen=True, eq=False)
class Edge:
    """One frame: picture (H, W, 3) scene-linear without grain, and its matte, alpha (H, W)."""

    picture: Floats
    alpha: Floats


def steadied(here: Edge, others: Sequence[Edge]) -> Floats:
    """(H, W) alpha of `here`, its soft edge averaged with those of `others`, frames just before and after.

    Each is laid onto `here` along the motion of the people whose edge it is. Where its picture, laid on, differs, its alpha
    is moved by as much as that difference means here (alpha is nearly linear in colour around a pixel): so hair is not
    blurred by laying it on, nothing lags, and what is averaged out is the solver's own unrest. Another thing counts
    nothing, and no neighbour leaves the range of alpha around a pixel by more than a little. Solid and empty pixels keep
    their bits.
    """
    alpha = here.alpha
    soft = (alpha > 0) & (alpha < 1)
    if not others or not soft.any():
        return alpha
    square = np.ones((3, 3), np.uint8)
    low, high = cv2.erode(alpha, square)[soft] - _STRAY, cv2.dilate(alpha, square)[soft] + _STRAY
    light = here.picture.mean(axis=2)[soft] + _TOE
    slope = _slope(here, soft, light)
    total, weights = alpha[soft].copy(), np.ones(len(light), np.float32)
    for other in others:
        motion = _of_people(dense_motion(here.picture, other.picture), alpha)
        apart = here.picture - _laid_on(other.picture, motion)
        there = _laid_on(other.alpha, motion)[soft] + (slope * apart[soft]).sum(axis=1)
        unlike = np.abs(cv2.blur(apart, (3, 3)))[soft].max(axis=1) / light
        weight = np.exp(-((unlike / _UNLIKE) ** 2) - ((there - alpha[soft]) / _FAR) ** 2)
        total += weight * np.clip(there, low, high)
        weights += weight
    out = alpha.copy()
    out[soft] = np.clip(total / weights, 0, 1)
    return out


def _slope(here: Edge, soft: npt.NDArray[np.bool_], light: Floats) -> Floats:
    """(N, 3) by how much alpha rises with each channel around the pixels of `soft`."""
    picture, alpha = here.picture, here.alpha

    def mean(image: Floats) -> Floats:
        return np.asarray(cv2.blur(image, (_WINDOW_PX, _WINDOW_PX)), np.float32)

    pairs = (picture[..., :, None] * picture[..., None, :]).reshape(*alpha.shape, 9)
    centre, level = mean(picture)[soft], mean(alpha)[soft]
    spread = mean(pairs)[soft].reshape(-1, 3, 3) - centre[:, :, None] * centre[:, None, :]
    shared = mean(picture * alpha[..., None])[soft] - centre * level[:, None]
    floor = (_FLAT * light)[:, None, None] ** 2 * np.eye(3, dtype=np.float32)
    return np.asarray(np.linalg.solve(spread + floor, shared[..., None])[..., 0], np.float32)


def _of_people(motion: Floats, alpha: Floats) -> Floats:
    """Motion (H, W, 2) in which edges go with what is solid beside them: in a mixed pixel it may be the background's."""
    sigma = max(1.0, _OWN_PX * alpha.shape[1] / 960)
    weight = alpha**2 + np.float32(1e-3)
    near = cv2.GaussianBlur(motion * weight[..., None], (0, 0), sigma)
    return np.asarray(near / cv2.GaussianBlur(weight, (0, 0), sigma)[..., None], np.float32)


def _laid_on(image: Floats, motion: Floats) -> Floats:
    height, width, _ = motion.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return np.asarray(
        cv2.remap(image, x + motion[..., 0], y + motion[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )
