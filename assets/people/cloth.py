"""How a banner's cloth hangs from its posed pole: down, swung and rippled by the pose's drape, laid on the ground.

A function of the pose alone: what a clip says of hanging cloth (Pose.drape, which also lags) swings it, so loops close and
any frame can be made by itself. There is no wind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assets.motion.rotations import unit

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

_STIFF = 0.15  # how much the cloth keeps to the pole's line against its own weight
_SWING = 1.5  # a banner swings more than a skirt
_RIPPLE = 0.55  # metres of ripple per metre of cloth and radian of drape
_FOLD_M = 0.016
_THICK_M = 0.003  # half of what lies between the two sheets
_UP = np.array([0.0, 1.0, 0.0])


@dataclass(frozen=True, eq=False)
class Flown:
    """A banner's cloth. rows: (N,) its vertices; across, down: (N,) metres along the bar (or out from the pole) and below
    it; side: (N,) +1 front, -1 back. foot, head, left, right: vertices of the pole's two ends and of the bar's."""

    form: str
    rows: Rows
    across: Array
    down: Array
    side: Array
    width_m: float
    drop_m: float
    foot: Rows
    head: Rows
    left: Rows
    right: Rows

    def moved(self, numbers: NDArray[np.integer]) -> Flown:
        """The same cloth where the vertex that was i is now numbers[i]."""
        held = {name: numbers[getattr(self, name)] for name in ("rows", "foot", "head", "left", "right")}
        return replace(self, **held)


def flown(cloth: Flown, vertices: Array, drape: tuple[float, float], ground_m: float) -> Array:
    """(N, 3) the cloth's vertices. vertices: of the whole figure, the pole posed; drape: Pose.drape; ground_m: height."""
    foot, head, left, right = (
        vertices[rows].mean(axis=0) for rows in (cloth.foot, cloth.head, cloth.left, cloth.right)
    )
    pole = unit(head - foot)
    swung = np.array([np.sin(drape[1]), 0.0, -np.sin(drape[0])])  # metres per metre of drop
    if cloth.form == "vexillum":
        tied, down, points = _from_the_bar(cloth, (left + right) / 2, unit(left - right), pole, swung, drape)
    else:
        tied, down, points = _from_the_pole(cloth, head, pole, swung, drape)
    return _landed(points, tied, down, pole, cloth, ground_m)


def _from_the_bar(
    cloth: Flown, middle: Array, bar: Array, pole: Array, swung: Array, drape: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """(where each vertex is tied (N, 3), the way down (3,), the points (N, 3))."""
    weight = -_UP + bar * bar[1]
    down = unit(weight - _STIFF * pole)
    out = np.cross(down, bar)
    t, x = cloth.down / cloth.drop_m, cloth.across / cloth.width_m
    angle = np.clip(_SWING * float(swung @ out), -1.0, 1.0) * (0.45 + 0.55 * t)
    folds = (
        _FOLD_M * t**0.8 * (np.sin(2 * np.pi * (2.5 * x + 0.15)) + 0.5 * np.sin(2 * np.pi * (4.4 * x - 0.3 + 0.3 * t)))
    )
    off = cloth.down * np.sin(angle) + folds + _ripple(t, x, cloth.drop_m, drape)
    off = np.maximum(off, _pole_ahead(cloth, pole, down, out)) + 0.012
    along = cloth.across * (1 - 0.05 * t) + 0.6 * float(swung @ bar) * cloth.down
    tied = middle + along[:, None] * bar
    hung = (cloth.down * np.cos(angle))[:, None] * down
    return tied, down, tied + hung + (off + _THICK_M * cloth.side)[:, None] * out


def _pole_ahead(cloth: Flown, pole: Array, down: Array, out: Array) -> Array:
    """(N,) how far out the pole pushes the cloth in front of it: a tent over the pole; -1 where there is none."""
    upright = float(-pole @ down)
    if upright < 0.8:
        return np.full(len(cloth.down), -1.0)
    lean = float(-pole @ out) / upright - (1 - min((upright - 0.8) / 0.1, 1.0))
    return lean * cloth.down - 0.9 * np.abs(cloth.across)


def _from_the_pole(
    cloth: Flown, head: Array, pole: Array, swung: Array, drape: tuple[float, float]
) -> tuple[Array, Array, Array]:
    """A flag without wind: it hangs back from the pole, steeply, and stands out a little more the faster it is carried."""
    trailing = np.array([-0.45, 0.0, -1.0]) + 2.0 * swung
    trailing = unit(trailing - pole * (trailing @ pole))
    steep = float(np.clip(1.02 - 1.3 * drape[0], 0.45, 1.2))
    weight = unit(-_UP - _STIFF * pole)
    t, x = cloth.down / cloth.drop_m, cloth.across / cloth.width_m
    turned = steep * (0.75 + 0.35 * x)
    way = np.cos(turned)[:, None] * trailing + np.sin(turned)[:, None] * weight
    across = np.cross(trailing, pole)
    folds = 0.055 * x**0.7 * np.sin(2 * np.pi * (1.5 * x + 0.55 * t + 0.1)) + _ripple(x, t, cloth.width_m, drape)
    tied = head - cloth.down[:, None] * pole * (1 - 0.25 * x[:, None])
    points = tied + cloth.across[:, None] * way + (folds + _THICK_M * cloth.side)[:, None] * across
    return tied, weight, points


def _ripple(t: Array, x: Array, length_m: float, drape: tuple[float, float]) -> Array:
    """Waves that run out along the cloth: its two swings, which a clip moves out of step, carry sine and cosine."""
    turn = 2 * np.pi * (1.1 * t + 0.35 * x)
    return np.asarray(_RIPPLE * length_m * t * (drape[0] * np.sin(turn) + drape[1] * np.cos(turn)))


def _landed(points: Array, tied: Array, down: Array, pole: Array, cloth: Flown, ground_m: float) -> Array:
    """What would hang into the ground lies on it, back along the pole; the front a little over the back."""
    under = ground_m + 0.006 + 0.003 * cloth.side - points[:, 1]
    if under.max() <= 0:
        return points
    back = unit(-pole * (1, 0, 1) + 1e-9)
    room = np.maximum(tied[:, 1] - ground_m, 0.0)
    excess = np.clip(under, 0.0, None) * np.clip(1.2 - room, 0.4, 1.0)
    return points + excess[:, None] * 0.9 * back + np.clip(under, 0.0, None)[:, None] * _UP
