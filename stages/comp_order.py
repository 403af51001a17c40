"""Which stands before the other, set or crowd, pixel by pixel. No stage."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from pipeline.kernels.bounds import around, nothing
from pipeline.kernels.color import LUMINANCE
from stages.comp_inputs import LEAST_ALPHA, Placed, held_back

SET, CROWD = "set", "crowd"
_NEARER_M = 0.3  # a set piece hides who stands behind its surface by more: a figure's card has no depth of its own
_WIDTHS = 160  # how far the blurred edge of a nearer piece reaches over a farther one: a 160th of the picture's width
_RIM_PX = 2.0  # past the pixels whose depth is the nearer piece's
_HARD = 0.12  # of a share: nearer to 0 or 1 is that
_ALIKE = 0.04  # of their luminance: two pieces' colours as near to each other do not tell where one ends


@dataclass(frozen=True, slots=True)
class Order:
    """The layers, farthest first, and as they stand in the picture: the crowd without what set pieces hide of it.

    front: (H, W, 4) premultiplied, what of the set stands before somebody; None where nowhere.
    """

    placed: list[Placed]
    seen: list[Placed]
    front: np.ndarray | None

    def parted(self, lit: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """The set's layer in its lit colours (H, W, 4), as two: what is laid under the crowd and what is laid over it. Where
        nobody stands they are that layer again; where the second hides all, the first is whole."""
        if self.front is None:
            return lit, None
        where = (self.front[..., 3] > 0).nonzero()
        front, whole, own = self.front[where], lit[where], self._set.rgba[where]
        share = front[:, 3:] / np.maximum(own[:, 3:], LEAST_ALPHA)
        front[:, :3] = np.clip(front[:, :3] + share * (whole[:, :3] - own[:, :3]), 0, whole[:, :3])
        through = 1 - front[:, 3:]
        left = np.concatenate([whole[:, :3] - front[:, :3], whole[:, 3:] - front[:, 3:]], axis=1)
        behind, over = lit.copy(), np.zeros_like(lit)
        behind[where] = np.where(through > LEAST_ALPHA, left / np.maximum(through, LEAST_ALPHA), whole)
        over[where] = front
        return behind, over

    @property
    def _set(self) -> Placed:
        return next(layer for layer in self.placed if layer.name == SET)


def order_of(placed: list[Placed]) -> Order:
    """Of layers after holdouts."""
    layers = {layer.name: layer for layer in placed}
    if SET not in layers or CROWD not in layers:
        return Order(placed, placed, None)
    front = _front(layers[SET], layers[CROWD])
    if front is None:
        return Order(placed, placed, None)
    left = 1 - np.clip(front[..., 3], 0, 1)
    return Order(placed, [held_back(layer, left) if layer.name == CROWD else layer for layer in placed], front)


def _front(built: Placed, people: Placed) -> np.ndarray | None:
    """(H, W, 4) premultiplied, what of the set is nearer than people where these are; None: nothing.

    A layer's depth is that of the nearest thing in a pixel: one on the edge of a nearer piece before a farther one holds
    something of both, and is parted by their colours beside it.
    """
    reach = max(6, round(built.alpha.shape[1] / _WIDTHS))
    there = (built.rgba[..., 3] > 0) & (people.rgba[..., 3] > 0)
    window = around(there & (built.depth_m < people.depth_m - _NEARER_M), 3 * reach)
    if nothing(window):
        return None
    rgba, solid = built.rgba[window], built.rgba[window][..., 3] > 0
    wide = np.ones((4 * reach + 1, 4 * reach + 1), np.uint8)
    whose = people.depth_m[window]
    whose = np.where(np.isinf(whose), cv2.erode(whose, wide, borderValue=float("inf")), whose)  # beyond their outline
    depth, known = built.depth_m[window], solid & np.isfinite(whose)
    nearer = known & (depth < whose - _NEARER_M)
    part = rgba * nearer[..., None]
    edge = known & (_away(~nearer) <= reach) & (_away(nearer) <= _RIM_PX) & (_away(known & ~nearer) <= reach)
    edge &= _steps(depth, known, reach) > _NEARER_M
    if edge.any():
        part[edge] = _parted(rgba, nearer, known & ~nearer, edge, reach)
    out = np.zeros_like(built.rgba)
    out[window] = part * there[window][..., None]
    out[out[..., 3] < LEAST_ALPHA] = 0
    return out


def _parted(rgba: np.ndarray, nearer: np.ndarray, farther: np.ndarray, edge: np.ndarray, reach: int) -> np.ndarray:
    """(K, 4) premultiplied, what belongs to the nearer piece in the K pixels of `edge` (H, W) of a layer (H, W, 4)."""
    own = rgba[edge]
    colour = own[:, :3] / np.maximum(own[:, 3:], LEAST_ALPHA)
    front, some_front = _beside(rgba, nearer, edge, reach)
    back, some_back = _beside(rgba, farther, edge, reach)
    apart = (front - back) * np.sqrt(LUMINANCE)
    along = ((colour - back) * np.sqrt(LUMINANCE) * apart).sum(axis=1)
    light = (front + back) @ LUMINANCE / 2
    doubt = (_ALIKE * light) ** 2 + 1e-9
    narrow = cv2.erode(nearer.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(np.float32)
    guess = cv2.GaussianBlur(narrow, (0, 0), reach / 4)[edge]
    told = (apart**2).sum(axis=1)
    share = np.clip((along + doubt * guess) / (told + doubt), 0, 1)
    share = np.clip((share - _HARD) / (1 - 2 * _HARD), 0, 1)
    deep = np.clip((4 * _away(~nearer)[edge] / reach - 1) / 3, 0, 1)  # no edge is softer
    share = np.where(some_back, np.maximum(np.where(some_front, share, guess), deep), nearer[edge])[:, None]
    mixed = share * front + (1 - share) * back
    rgb = share * own[:, 3:] * np.clip(front + colour - mixed, 0, None)
    return np.concatenate([rgb, share * own[:, 3:]], axis=1)


def _beside(rgba: np.ndarray, which: np.ndarray, edge: np.ndarray, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """(K, 3) the colour of `which` (H, W) beside the K pixels of `edge` (H, W), that of its inside before its rim's; and (K,)
    whether there is any."""
    weight = np.minimum(_away(~which) / reach, 1) ** 4 * rgba[..., 3]
    scaled = rgba * (weight / np.maximum(rgba[..., 3], LEAST_ALPHA))[..., None]
    for _ in range(3):  # near a Gaussian of sigma `reach`, at the same cost for any
        scaled = cv2.blur(scaled, (2 * reach + 1, 2 * reach + 1))
    found = scaled[edge]
    return found[:, :3] / np.maximum(found[:, 3:], 1e-6), found[:, 3] > 1e-4


def _steps(depth_m: np.ndarray, known: np.ndarray, reach: int) -> np.ndarray:
    """(H, W) metres between the nearest and the farthest of what is known of depth (H, W) within reach; below 0: nothing is."""
    kernel = np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
    far, near = (np.where(known, depth_m, np.float32(nothing)) for nothing in (-1e9, 1e9))
    return np.asarray(cv2.dilate(far, kernel) - cv2.erode(near, kernel))


def _away(mask: np.ndarray) -> np.ndarray:
    """(H, W) pixels to the nearest of a mask (H, W), 0 within it."""
    return np.asarray(cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_3))
