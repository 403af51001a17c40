"""Banners as kit: a pole in the right hand with a vexillum's cross-bar or a flag's ties, and the cloth that hangs there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from assets.arms import Hand, Solid, join, tube
from assets.banners import Banner
from assets.bodies import Body
from assets.characters import Part
from assets.cloth import Flown
from assets.kit import Piece, grid

Array = NDArray[np.float64]
Ints = NDArray[np.int32]

HELD_M = 1.05  # the hand above the butt when the pole has not slid
_TIP_M = 0.16  # the finial, over the bar
_STEP_M = 0.017  # between the cloth's vertices, so that a device's edges run clean
_BAR_OUT_M = 0.018  # the cross-bar is tied to the front of the pole


def banner(body: Body, cut: Banner | None = None) -> list[Piece]:
    """Pole and bar (rigid in the right hand, they slide as a spear does), and the cloth, which assets.cloth hangs."""
    cut = cut or Banner()
    hand = Hand(body, "R")
    at = lambda s: hand.centre + hand.shaft * s  # noqa: E731
    top = cut.pole_m - HELD_M
    bar = top - _TIP_M
    rod = tube(np.stack([at(s) for s in (-HELD_M, -HELD_M + 0.02, 0.0, bar, bar + 0.03)]),
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
    down and side of each vertex (assets.cloth.Flown)."""
    rows, columns = (max(4, round(side / _STEP_M)) + 1 for side in (cut.drop_m, cut.width_m))
    down, across = np.meshgrid(np.linspace(0, cut.drop_m, rows), np.linspace(0, cut.width_m, columns), indexing="ij")
    if cut.form == "vexillum":
        across = across - cut.width_m / 2
    flat = (tied + across[..., None] * hand.palm - down[..., None] * hand.shaft).reshape(-1, 3)
    faces = grid(rows, columns, closed=False)  # counter-clockwise from the front
    painted = _marked(cut, across, down)[faces].sum(axis=1) >= 2
    parts = np.tile(np.where(painted, Part.BANNER_MARK, Part.BANNER).astype(np.int32), 2)
    both = np.concatenate([faces, faces[:, ::-1] + rows * columns]).astype(np.int32)
    side = np.repeat([1.0, -1.0], rows * columns)
    return (np.concatenate([flat, flat]), both), parts, np.tile(across.ravel(), 2), np.tile(down.ravel(), 2), side


def _marked(cut: Banner, across: Array, down: Array) -> NDArray[np.bool_]:
    """(N,) which of the cloth's points are painted."""
    x = np.abs(across if cut.form == "vexillum" else across - cut.width_m / 2).ravel()
    y = down.ravel() - cut.drop_m / 2
    small, edge = min(cut.width_m, cut.drop_m), np.minimum(cut.width_m / 2 - x, cut.drop_m / 2 - np.abs(y))
    ring = np.hypot(x, y) / small
    devices = {
        "plain": np.zeros(x.shape, bool),
        "border": (edge > 0.03) & (edge < 0.075),
        "disc": (ring < 0.17) | ((ring > 0.26) & (ring < 0.34)),
        "cross": (x < 0.09 * small) | (np.abs(y) < 0.09 * small),
        "bars": (x > 0.18 * cut.width_m) & (x < 0.34 * cut.width_m),
        "chevron": np.abs(y + 0.08 - 0.75 * x) < 0.10 * small,
    }
    return np.asarray(devices[cut.device] | (cut.drop_m / 2 - y < cut.fringe_m))
