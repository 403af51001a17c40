"""The depth of what stands still: a frame's own map where it is sure, the surface behind where other frames tell so.

Plane sweep finds no depth for what moves between frames: around a walker its answer is arbitrary, and often near; and
beside every edge the nearer surface is a few pixels too fat. A layer must be held out there by the matte's sharp edge and
by the still things behind, not by that answer.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import to_camera
from calibration.depth.sweep import neighbours, points_seen
from calibration.depth.views import Pinholes, View, load_view, pinholes
from calibration.depth.votes import SURE_FROM
from calibration.ground.heightfield import Heightfield
from pipeline.kernels.warp import look_up
from pipeline.types import CameraTrack, Plate

Floats = npt.NDArray[np.float32]
WIDTH_PX = 480
_FARTHER = 0.8  # of the inverse depth: a surface behind lies farther by this at least
_REACH = 0.03  # of the picture's width: how far beside a doubted pixel a surface behind may come to light
_WINDOW_PX = 5  # whose colours are compared, at WIDTH_PX
_UNLIKE = 0.08  # difference of the encoded picture: an edge counts no more than that
_BETTER = 0.0007  # by this the colours must speak for the surface behind; even ground speaks for nothing


def still_depth(
    plate: Plate, track: CameraTrack, told: tuple[Floats, Floats], ground: Heightfield, frame: int
) -> tuple[Floats, Floats]:
    """Depth along camera z in metres (H, W), +inf in the sky, and confidence 0..1, at the plate's size, without walkers.

    told: the same of one frame, as its own sweep or votes (calibration.depth.votes) have it. Where it is unsure, it is held
    against the ground and against the farthest sure depth beside it: the one stands at which the neighbouring frames'
    colours are most alike (Kang, Szeliski and Chai, CVPR 2001: the better half of them, for the others may not see it).
    Only what is too near is doubted. Without parallax nothing is.
    """
    z, confidence = told
    view = load_view(plate, track, frame, WIDTH_PX)
    views = [load_view(plate, track, f, WIDTH_PX) for f in _neighbours(track, view)]
    size, small = z.shape[::-1], (view.lens.width, view.lens.height)
    own = _inverse(np.asarray(cv2.resize(z, small, interpolation=cv2.INTER_NEAREST), np.float32))
    doubted = (cv2.resize(confidence, small, interpolation=cv2.INTER_LINEAR) < SURE_FROM) & (own > 0)
    if not views or not doubted.any():
        return z, confidence
    behind = [_ground(ground, view, doubted), _beside(own, doubted)]
    near = pinholes(view, views, layers=[np.zeros((*own.shape, 1), np.float32)] * len(views))
    unlike = [np.where(q < _FARTHER * own, _unlike(view, near, q) + _BETTER, np.inf) for q in behind]
    nearest = np.where(unlike[0] <= unlike[1], *behind)
    farther = doubted & (np.minimum(*unlike) < _unlike(view, near, own))
    share = cv2.resize(farther.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
    there = 1 / np.maximum(cv2.resize(nearest, size, interpolation=cv2.INTER_NEAREST), np.float32(1e-5))
    put_back = (share > 0.5) & (confidence < SURE_FROM) & (there > z)
    return np.where(put_back, there, z).astype(np.float32), np.where(put_back, np.float32(SURE_FROM), confidence)


def _neighbours(track: CameraTrack, view: View) -> list[int]:
    return neighbours(track, view.frame, points_seen(track, view.frame, view.pose), view.lens.width)


def _inverse(z: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        return np.where(np.isfinite(z), 1 / np.maximum(z, np.float32(1e-3)), 0).astype(np.float32)


def _ground(ground: Heightfield, view: View, where: npt.NDArray[np.bool_]) -> Floats:
    """(h, w) inverse depth of the bare ground at the pixels of `where`, +inf where there is none."""
    out = np.full(where.shape, np.inf, np.float32)
    y, x = np.nonzero(where)
    met = ground.meet_ground(np.stack([x, y], axis=1) + 0.5, view.lens, view.pose)
    z = to_camera(met, view.pose)[:, 2]
    out[y, x] = np.where(np.isfinite(z) & (z > 0), 1 / np.maximum(z, 1e-3), np.inf)
    return out


def _beside(own: Floats, doubted: npt.NDArray[np.bool_]) -> Floats:
    """(h, w) the lowest inverse depth that is sure within reach of each pixel, +inf where none is. The sky is sure."""
    reach = max(1, round(_REACH * own.shape[1]))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    sure = np.where(doubted, np.float32(np.inf), own)
    return np.asarray(cv2.erode(sure, kernel, borderValue=float("inf")), np.float32)


def _unlike(view: View, near: Pinholes, inverse: Floats) -> Floats:
    """(h, w) how far the neighbours' colours at `inverse` (+inf: no answer) are from the view's, +inf where none sees it."""
    asked = np.where(np.isfinite(inverse), inverse, 0).astype(np.float32)
    values, expected = look_up(near.pictures, view.rays, near.turns, near.shifts, asked)
    apart = np.minimum(np.abs(values[..., :3] - view.picture).mean(axis=3), _UNLIKE).astype(np.float32)
    seen = np.isfinite(expected)
    window = (_WINDOW_PX, _WINDOW_PX)
    for k in range(len(apart)):
        weight = cv2.blur(seen[k].astype(np.float32), window)
        mean = cv2.blur(np.where(seen[k], apart[k], 0).astype(np.float32), window) / np.maximum(weight, 1e-3)
        apart[k] = np.where(seen[k], mean, np.inf)
    apart.sort(axis=0)
    better = apart[: (len(apart) + 1) // 2]
    count = np.isfinite(better).sum(axis=0)
    total = np.where(np.isfinite(better), better, 0).sum(axis=0)
    return np.where((count > 0) & np.isfinite(inverse), total / np.maximum(count, 1), np.inf).astype(np.float32)
