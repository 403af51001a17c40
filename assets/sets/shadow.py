"""What set pieces take from the ground's light: the sun's shadow, softer the longer its way, and the dark along their foot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from assets.dust.ground import Meet, ground_depth
from assets.sets.cards import Card
from assets.sets.projection import Piece
from assets.sprites.layer import Taken
from assets.sunlight.maps import LOWEST_SUN, SunMaps, seen_points
from assets.view import View

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Stand = Callable[[Array, Array], Array]  # x, z to world points (..., 3) on the ground
_MOST_PX = 1024  # longer side of the map of feet
_LEAST_M = 0.01  # of its cell
_GROUND = 128  # places along each side of the ground that may lie in the shadow
_AS_PERSON_M = 0.85  # a piece of this height has at its foot the dark that a person has, a higher one a wider one ...
_REACH = 0.5, 4.0  # ... within these


@dataclass(frozen=True, slots=True, eq=False)
class _Map:
    """Shares 0..1 over a plane. to_map: (2, 4) world to pixels; levels: (h, w) float32, each half as fine as the one before."""

    to_map: Array
    levels: tuple[Floats, ...]

    def at(self, points: Array) -> Floats:
        """(H, W) of world points (H, W, 3), 0 beyond the map and for NaN; as fine as the points lie apart."""
        where = points @ self.to_map[:, :3].T + self.to_map[:, 3]
        apart = [np.abs(np.diff(where, axis=k)).max(axis=-1) for k in (0, 1) if where.shape[k] > 1]
        finite = np.concatenate([a[np.isfinite(a)] for a in apart]) if apart else np.zeros(0)
        fine = float(np.median(finite)) if len(finite) else 1.0
        level = min(round(math.log2(max(fine, 1.0))), len(self.levels) - 1)
        x, y = np.moveaxis(np.nan_to_num(where, nan=-1e4) / 2**level - 0.5, -1, 0).astype(np.float32)
        return np.asarray(cv2.remap(self.levels[level], x, y, cv2.INTER_LINEAR), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class SetShadow:
    """The same on every frame, for sets and the sun stand still. reaches: (N, 3) world metres, around which it falls."""

    sun: SunMaps
    foot: _Map | None
    reaches: Array

    @classmethod
    def of(
        cls, pieces: Sequence[Piece], stand: Stand, sun: SunMaps, contact_m: float, cards: Sequence[Card] = ()
    ) -> SetShadow | None:
        """None without any. sun: of these pieces and cards; contact_m: how far the dark at a person's foot reaches."""
        meshes = [piece.vertices for piece in pieces] + [card.vertices for card in cards if card.shadow]
        if not meshes:
            return None
        foot = _foot_map(pieces, stand, contact_m) if pieces else None
        return cls(sun, foot, _reaches(np.concatenate(meshes).astype(np.float64), stand, sun.to_sun, contact_m))

    def take(self, view: View, meet: Meet, taken: Taken) -> None:
        """Darken `taken` where the ground is seen. meet: as ground_depth has it."""
        height, width = view.size
        pixels = view.pixels(self.reaches)
        behind = ~np.isfinite(pixels).all(axis=1)
        if behind.all():
            return
        if behind.any():  # then it comes up to the camera, past some edge of the picture
            pixels = np.array([[0.0, 0.0], [width, height]])
        left, top = (int(v) for v in np.clip(np.floor(pixels.min(axis=0)), 0, (width, height)))
        right, bottom = (int(v) for v in np.clip(np.ceil(pixels.max(axis=0)) + 1, 0, (width, height)))
        if left >= right or top >= bottom:
            return
        part = slice(top, bottom), slice(left, right)
        within = replace(view, rays=np.ascontiguousarray(view.rays[part]))
        depth = ground_depth(within, meet, np.ones(within.size, bool))
        seen = np.isfinite(depth)
        points = np.full((*within.size, 3), np.nan)
        points[seen] = seen_points(within, depth, seen)[0]
        hidden = self.sun.hidden(points, _steps(points, 1), _steps(points, 0), only=self.sun.added)
        taken.sun[part] = np.maximum(taken.sun[part], hidden)
        if self.foot is not None:
            taken.contact[part] = np.maximum(taken.contact[part], self.foot.at(points))


def _steps(points: Array, axis: int) -> Array:
    """(H, W, 3) the way from each of points (H, W, 3) to the next along an axis; of the last one, from the one before."""
    if points.shape[axis] < 2:
        return np.zeros_like(points)
    steps = np.diff(points, axis=axis)
    return np.concatenate([steps, np.take(steps, [-1], axis=axis)], axis=axis)


def _reaches(vertices: Array, stand: Stand, to_sun: Array, contact_m: float) -> Array:
    """(N, 3) world points of the ground under the pieces and where it may be dark: its rim, and some within."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    tall = float(high[1] - min(low[1], float(stand(vertices[:, 0], vertices[:, 2])[:, 1].min())))
    fall = -to_sun[[0, 2]] / to_sun[1] * tall if to_sun[1] > LOWEST_SUN else np.zeros(2)
    corners = np.stack([low[[0, 2]], high[[0, 2]], low[[0, 2]] + fall, high[[0, 2]] + fall])
    margin = max(0.1 * tall + 0.02, _foot_reach(tall, contact_m))
    (x0, z0), (x1, z1) = corners.min(axis=0) - margin, corners.max(axis=0) + margin
    ground = stand(*np.meshgrid(np.linspace(x0, x1, _GROUND), np.linspace(z0, z1, _GROUND)))
    return np.concatenate([ground[0], ground[-1], ground[:, 0], ground[:, -1], ground.reshape(-1, 3)[::7]])


def _foot_map(pieces: Sequence[Piece], stand: Stand, contact_m: float) -> _Map:
    """Over x and z: dark where a piece's surface goes into the ground, none where it hangs over it."""
    reach_m = _REACH[1] * contact_m
    plan = np.concatenate([piece.vertices[:, [0, 2]] for piece in pieces]).astype(np.float64)
    cell, low, size = _laid(plan.min(axis=0) - reach_m, plan.max(axis=0) + reach_m)
    dark = np.zeros(size, np.float32)
    for piece in pieces:
        vertices = piece.vertices.astype(np.float64)
        above = vertices[:, 1] - stand(vertices[:, 0], vertices[:, 2])[:, 1]
        lines = _crossings(vertices[:, [0, 2]], above, piece.triangles)
        if not len(lines):
            continue
        far = np.full(size, 255, np.uint8)
        drawn = np.rint(((lines - low) / cell - 0.5) * 16).astype(np.int32)
        cv2.polylines(far, list(drawn), False, 0, 1, cv2.LINE_8, 4)
        reach = _foot_reach(float(above.max()), contact_m) / cell
        near = 1 - cv2.distanceTransform(far, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) / max(reach, 1.0)
        dark = np.maximum(dark, np.clip(near, 0, 1) ** 2)
    to_map = np.array([[1 / cell, 0, 0, -low[0] / cell], [0, 0, 1 / cell, -low[1] / cell]])
    return _Map(to_map, _levels(dark.astype(np.float32)))


def _foot_reach(height_m: float, contact_m: float) -> float:
    """Metres from its foot that a piece of this height darkens."""
    return contact_m * float(np.clip(height_m / _AS_PERSON_M, *_REACH))


def _crossings(plan: Array, above: Array, triangles: npt.NDArray[Any]) -> Array:
    """(N, 2, 2) in plan: where triangles pass through the ground, whose vertices lie so far `above` it."""
    heights = above[triangles]
    lone = np.sign(heights) * np.sign(heights).sum(axis=1, keepdims=True) < 0  # the corner alone on its side
    through = lone.sum(axis=1) == 1
    corner = lone[through].argmax(axis=1)
    rows, faces = np.arange(len(corner)), triangles[through]
    ends = []
    for turn in (1, 2):
        one, other = faces[rows, corner], faces[rows, (corner + turn) % 3]
        along = (above[one] / (above[one] - above[other]))[:, None]
        ends.append(plan[one] + along * (plan[other] - plan[one]))
    return np.stack(ends, axis=1)


def _laid(low: Array, high: Array) -> tuple[float, Array, tuple[int, int]]:
    """Cell in metres, corner, and (height, width) of a map over two axes."""
    cell = max(float((high - low).max()) / _MOST_PX, _LEAST_M)
    width, height = (int(n) for n in np.ceil((high - low) / cell) + 1)
    return cell, low, (height, width)


def _levels(finest: Floats) -> tuple[Floats, ...]:
    """Each half as fine as the one before; the outermost cells are empty."""
    levels = [finest]
    while min(levels[-1].shape) >= 8:
        height, width = levels[-1].shape
        even = cv2.copyMakeBorder(levels[-1], 0, height % 2, 0, width % 2, cv2.BORDER_CONSTANT, value=0)
        levels.append(np.asarray(cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.float32))
    return tuple(levels)
