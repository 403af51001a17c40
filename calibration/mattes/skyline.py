"""What of the plate is not sky: a soft matte along ridges, leaves, twigs and spears, and its colour without the sky's."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.mattes.band import alpha_in_band, disc
from pipeline.kernels.matting import BACK, FRONT, UNKNOWN

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]
_TOE = 0.02  # linear light below which differences are noise
_EDGE_PX = 4  # at a width of 960: how far the depth's skyline may be off
_REACH_PX = 40  # ... how far from it gaps in leaves are looked for
_WIDE_PX = 20  # ... as wide may be what stands alone before the sky: twigs, spears, leaves
_NEAR_PX = 12  # ... sigma within which the sky's colour is taken from
_LIKE, _UNLIKE = 0.25, 0.5  # of the sky's light, by which a gap in leaves differs from it at most, and leaves at least
_AMONG = 0.35  # of what is around a gap are leaves
_DARK, _DIM = 0.4, 0.1  # stops under the sky beside: surely a thing; perhaps one, beside such
_JOINED_PX = 7  # ... a gap that a twig is followed across
_AS_DARK_PX = 40  # ... around which no sky is as dark as a thing


def sky_trimap(picture: Floats, sky: Bools, people: Floats) -> tuple[Bytes, Floats]:
    """(H, W) uint8, FRONT what is surely not sky, BACK what surely is; and (H, W, 3) the sky's own colour everywhere.

    picture: (H, W, 3) scene-linear without grain; sky: (H, W), as the depth has it, its edge some pixels off and blind for
    what is thin; people: (H, W) matte of who surely stands before it.
    """
    scale = picture.shape[1] / 960
    edge = max(2, round(_EDGE_PX * scale))
    deep = cv2.erode(sky.astype(np.uint8), disc(edge)) > 0
    things = _joined(_things(picture, deep, scale) & sky, ~sky, max(2, round(_JOINED_PX * scale)))
    about = cv2.dilate(things.astype(np.uint8), disc(max(1, round(1.5 * scale)))) > 0
    behind = sky_colour(picture, deep & ~about, scale)
    apart = np.abs(picture - behind).max(axis=2) / (behind.mean(axis=2) + _TOE)
    trimap = np.full(sky.shape, UNKNOWN, np.uint8)
    trimap[deep & ~about] = BACK
    trimap[(cv2.dilate(sky.astype(np.uint8), disc(edge)) == 0) & ~_gaps(apart, sky, scale)] = FRONT
    trimap[(people > 0) & (trimap == BACK)] = UNKNOWN
    trimap[people >= 1] = FRONT
    return trimap, behind


def sky_colour(picture: Floats, deep: Bools, scale: float) -> Floats:
    """(H, W, 3): the sky's own colour where it is seen, and carried on behind what stands before it."""
    total, weight = np.zeros_like(picture), np.zeros(deep.shape, np.float32)
    share, light = deep.astype(np.float32), picture * deep[..., None]
    for sigma, trust in ((_NEAR_PX / 3, 1.0), (_NEAR_PX, 1e-2), (4 * _NEAR_PX, 1e-4), (20 * _NEAR_PX, 1e-7)):
        size = max(1.0, sigma * scale)
        step = max(1, int(size / 3))  # a blur as wide needs no full size
        small = deep.shape[1] // step + 1, deep.shape[0] // step + 1
        there, seen = (cv2.resize(a, small, interpolation=cv2.INTER_AREA) for a in (share, light))
        there, seen = (cv2.GaussianBlur(a, (0, 0), size / step) for a in (there, seen))
        full = deep.shape[1], deep.shape[0]
        there, seen = (cv2.resize(a, full, interpolation=cv2.INTER_LINEAR) for a in (there, seen))
        total += np.float32(trust) * seen
        weight += np.float32(trust) * there
    return np.asarray(total / np.maximum(weight, 1e-12)[..., None], np.float32)


def _things(picture: Floats, deep: Bools, scale: float) -> Bools:
    """What is darker than the sky on both its sides, and not wide: leaves, twigs, spears; a closing fills it.

    Streaks between clouds are a little darker too: what is so counts only close to what is much darker. The blue between two
    banks of cloud may be much darker, but there is sky as dark around it, and no thing is that.
    """
    grey = np.log2(np.maximum(picture.mean(axis=2), 0) + _TOE).astype(np.float32)
    lack = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, disc(max(3, round(_WIDE_PX * scale / 2)))) - grey
    near = cv2.dilate((lack > _DARK).astype(np.uint8), disc(max(2, round(_NEAR_PX * scale / 2)))) > 0
    some = np.asarray(near & (lack > _DIM), np.bool_)
    aside = cv2.dilate(some.astype(np.uint8), disc(max(1, round(3 * scale)))) > 0  # its edges are half as dark
    window = 2 * max(4, round(_AS_DARK_PX * scale)) + 1
    darkest = cv2.erode(np.where(deep & ~aside, grey, np.float32(99)), np.ones((window, window), np.uint8))
    return np.asarray(some & (grey < darkest - _DIM), np.bool_)


def _joined(some: Bools, to: Bools, gap: int) -> Bools:
    """Of `some` the parts that reach `to` across gaps no wider than `gap`."""
    near = cv2.dilate(some.astype(np.uint8), disc(gap))
    _, labels = cv2.connectedComponents(near | to.astype(np.uint8), connectivity=8)
    kept = np.unique(labels[to])
    return some & np.isin(labels, kept[kept > 0])


def _gaps(apart: Floats, sky: Bools, scale: float) -> Bools:
    """Pixels like the sky among others that are not, near the sky: it shines through leaves there.

    A far ridge that takes the sky's colour is like it over and over: it is no gap.
    """
    like = (apart < _LIKE) & ~sky
    reach = cv2.dilate(sky.astype(np.uint8), disc(max(4, round(_REACH_PX * scale)))) > 0
    window = 2 * max(2, round(6 * scale)) + 1
    unlike = cv2.blur((apart > _UNLIKE).astype(np.float32), (window, window))
    found = like & reach & (unlike > _AMONG)
    return np.asarray(cv2.dilate(found.astype(np.uint8), disc(max(1, round(2 * scale)))) > 0, np.bool_)


def not_sky(picture: Floats, sky: Bools, people: Floats) -> tuple[Floats, Floats]:
    """(H, W) float32 alpha of all that is not sky, and (H, W, 3) the sky's colour behind it; arguments as sky_trimap's."""
    trimap, behind = sky_trimap(picture, sky, people)
    alpha = np.ones(sky.shape, np.float32)
    if not (trimap == BACK).any():
        return alpha, behind
    rows = np.flatnonzero((trimap != FRONT).any(axis=1))
    window = slice(0, int(rows[-1]) + 2)
    alpha[window] = alpha_in_band(
        np.ascontiguousarray(picture[window]),
        np.ascontiguousarray(trimap[window]),
        np.ascontiguousarray(behind[window]),
    )
    return np.maximum(alpha, people), behind
