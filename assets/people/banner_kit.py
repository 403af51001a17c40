"""Banners as kit: a pole in the right hand with a vexillum's cross-bar or a flag's ties, and the cloth that hangs there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assets.people.arms import Hand, Solid, join, tube
from assets.people.banners import Banner
from assets.people.bodies import Body
from assets.people.characters import Part
from assets.people.cloth import Flown
from assets.people.cutting import cut_along
from assets.people.kit import Piece, grid

Array = NDArray[np.float64]
Ints = NDArray[np.int32]

HELD_M = 1.05  # the hand above the butt when the pole has not slid
_TIP_M = 0.16  # the finial, over the bar
_STEP_M = 0.02  # between the cloth's vertices
_BAR_OUT_M = 0.018  # the cross-bar is tied to the front of the pole


def banner(body: Body, cut: Banner | None = None) -> list[Piece]:
    """Pole and bar (rigid in the right hand, they slide as a spear does), and the cloth, which assets.people.cloth hangs."""
    cut = cut or Banner()
    hand = Hand(body, "R")
    at = lambda s: hand.centre + hand.shaft * s  # noqa: E731
    top = cut.pole_m - HELD_M
    bar = top - _TIP_M
    rod = tube(np.stack([at(s) for s in (-HELD_M + 0.04, -HELD_M + 0.08, 0.0, bar, bar + 0.03)]),
               np.array([0.009, 0.0145, 0.0155, 0.0135, 0.012]))  # fmt: skip
    tip = tube(np.stack([at(bar + s) for s in (0.02, 0.05, 0.085, 0.12, _TIP_M)]),
               np.array([0.014, 0.022, 0.034, 0.024, 0.001]), sides=8, flat=hand.knuckles, thin=0.25)  # fmt: skip
    butt = tube(np.stack([at(-HELD_M), at(-HELD_M + 0.09)]), np.array([0.008, 0.0165]))
    solids: list[tuple[Solid, int | Ints]] = [(rod, Part.SHAFT), (tip, Part.BLADE), (butt, Part.BLADE)]
    middle = at(bar) + hand.knuckles * _BAR_OUT_M
    if cut.form == "vexillum":
        half = cut.width_m / 2 + 0.025
        cross = tube(np.stack([middle - hand.palm * half, middle, middle + hand.palm * half]), 0.0105, sides=8)
        solids.append((cross, Part.SHAFT))
    # Points of the pole that tell, once posed, where the cloth is tied and which way pole and bar run.
    foot, head = np.arange(10, 20), np.arange(40, 50)
    left = right = head
    count = sum(len(solid[0][0]) for solid in solids)
    if cut.form == "vexillum":
        right, left = count - len(cross[0]) + np.arange(8, 16), count - len(cross[0]) + np.arange(24, 32)
    sheets, parts, across, down, side = _cloth(hand, cut, middle if cut.form == "vexillum" else at(bar))
    flown = Flown(cut.form, count + np.arange(len(side)), across, down, side, cut.width_m, cut.drop_m,
                  foot, head, left, right)  # fmt: skip
    return [replace(join(body, hand.bone, [*solids, (sheets, parts)], hand.shaft), flown=flown)]


def _cloth(hand: Hand, cut: Banner, tied: Array) -> tuple[Solid, Ints, Array, Array, Array]:
    """Two sheets back to back, hanging flat from the bar or standing straight out of the pole, and their parts; across,
    down and side of each vertex (assets.people.cloth.Flown)."""
    rows, columns = (max(4, round(side / _STEP_M)) + 1 for side in (cut.drop_m, cut.width_m))
    down, across = np.meshgrid(np.linspace(0, cut.drop_m, rows), np.linspace(0, cut.width_m, columns), indexing="ij")
    left = -cut.width_m / 2 if cut.form == "vexillum" else 0.0
    points = np.stack([across.ravel() + left, down.ravel()], axis=1)
    faces = grid(rows, columns, closed=False)  # counter-clockwise from the front
    points, faces, painted = cut_along(points, faces, _device(cut, points[:, 0] - left - cut.width_m / 2, points[:, 1]))
    parts = np.tile(np.where(painted, Part.BANNER_MARK, Part.BANNER).astype(np.int32), 2)
    flat = tied + points[:, :1] * hand.palm - points[:, 1:] * hand.shaft
    both = np.concatenate([faces, faces[:, ::-1] + len(points)]).astype(np.int32)
    across, down = np.tile(points, (2, 1)).T
    return (np.concatenate([flat, flat]), both), parts, across, down, np.repeat([1.0, -1.0], len(points))


def _device(cut: Banner, x: Array, down: Array) -> Array:
    """(N,) how far inside what is painted each point of the cloth lies, about metres. x: from its middle; down: its top."""
    x, y = np.abs(x), down - cut.drop_m / 2
    small, edge = min(cut.width_m, cut.drop_m), np.minimum(cut.width_m / 2 - x, cut.drop_m / 2 - np.abs(y))
    radius = np.hypot(x, y)
    devices = {
        "plain": np.full(x.shape, -1.0),
        "border": np.minimum(edge - 0.03, 0.075 - edge),
        "disc": np.maximum(0.17 * small - radius, np.minimum(radius - 0.26 * small, 0.34 * small - radius)),
        "cross": 0.09 * small - np.minimum(x, np.abs(y)),
        "bars": np.minimum(x - 0.18 * cut.width_m, 0.34 * cut.width_m - x),
        "chevron": 0.10 * small - np.abs(y + 0.08 - 0.75 * x),
    }
    fringe = cut.fringe_m - (cut.drop_m / 2 - y) if cut.fringe_m else np.full(x.shape, -1.0)
    return np.maximum(devices[cut.device], fringe)
