"""The camera of a hero area: it stands where the plate's does and goes with the area's people, at one scale and size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from assets.near.requests import MIDDLE_M, Own, looking_at
from assets.sprites.guides import TALL_M
from assets.view import View

Array = NDArray[np.float64]
LEAST_PX = 64  # of a picture's shorter side: less is enlarged
STEP_PX = 16  # sides of pictures divide by it: models of video paint no others
_STEADY_S = 0.5  # over which whoever enters or leaves takes the camera along
_BELOW_M = 0.25  # under the feet, where a slope leads a foot
_NEAREST_M = 0.2  # who stands closer to the lens may be anywhere in the picture
_EDGE = 12  # points along each edge of the plate


@dataclass(frozen=True, slots=True, eq=False)
class Whereabouts:
    """Where an area's K people are on F frames. roots: (F, K, 3) world metres; reaches_m: (K,) of body and kit from the
    vertical through the root; scales: (K,) of body height; shown: (F, K) who is in the plate's picture."""

    roots: Array
    reaches_m: Array
    scales: Array
    shown: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Room:
    """What a picture may be. most_px: its longer side at most; step_px: divides its sides."""

    most_px: int
    step_px: int = STEP_PX


@dataclass(frozen=True, slots=True, eq=False)
class Framing:
    """cameras: (F,), all of one size and scale. plate_px: (height, width) that the picture spans in the plate, at its
    largest."""

    cameras: tuple[Own, ...]
    plate_px: tuple[float, float]

    @property
    def metres_per_px(self) -> float:
        """At the point that the cameras look at."""
        first = self.cameras[0]
        return first.depth_m / float((first.matrix @ first.rotation.T)[0, 0])


def frame_people(views: Sequence[View], people: Whereabouts, focal_px: Array, rate_hz: float, room: Room) -> Framing:
    """The cameras that see all that the plate sees of these people. focal_px: (F,) of the plate's lens.

    Each looks at the middle of those who are shown, so the people stay where they are in the picture while the plate's
    camera shakes; a metre there has one size on all frames, that of the plate's closest unless the picture is too large.
    """
    aims, low, high = [], [], []
    for view, aim, row in zip(views, _aims(people, rate_hz), range(len(views)), strict=True):
        point, up = view.to_camera(aim), view.pose[:3, 1]
        rotation = looking_at(point, up)
        depth = float(np.linalg.norm(point))
        aims.append((rotation, depth))
        here = people.shown[row]
        corners = _corners(people.roots[row, here], people.reaches_m[here], people.scales[here])
        least, most = _seen(view, rotation, depth, corners)
        low.append(least)
        high.append(most)
    nearest = float(np.max(focal_px / np.array([depth for _, depth in aims])))
    least, most = np.min(low, axis=0), np.max(high, axis=0)
    span = np.maximum(most - least, 1e-3)
    per_m = min(max(nearest, LEAST_PX / span.min()), room.most_px / span.max())
    step = math.lcm(STEP_PX, room.step_px)
    largest = max(room.most_px // step, 1) * step
    width, height = (min(max(math.ceil(round(side * per_m / step, 3)), 1) * step, largest) for side in span)
    middle = np.array([width, height]) / 2 - (least + most) / 2 * per_m
    cameras = tuple(_own(rotation, depth, per_m, middle, (height, width)) for rotation, depth in aims)
    return Framing(cameras, (float(span[1] * nearest), float(span[0] * nearest)))


def _own(rotation: Array, depth: float, per_m: float, middle: Array, size: tuple[int, int]) -> Own:
    focal = per_m * depth
    camera = np.array([[focal, 0.0, middle[0]], [0.0, focal, middle[1]], [0.0, 0.0, 1.0]])
    return Own(rotation, camera @ rotation, depth, 1.0, size)


def _aims(people: Whereabouts, rate_hz: float) -> Array:
    """(F, 3) world: the middle of those who are shown; who comes or goes counts more or less bit by bit."""
    weights = ndimage.gaussian_filter1d(people.shown.astype(np.float64), _STEADY_S * rate_hz, axis=0, mode="nearest")
    weights = np.maximum(weights, 1e-9)
    middle = np.einsum("fk,fki->fi", weights, people.roots) / weights.sum(axis=1, keepdims=True)
    return middle + np.array([0.0, MIDDLE_M, 0.0])


def _corners(roots: Array, reaches_m: Array, scales: Array) -> Array:
    """(8 K, 3) world: boxes around people with all they carry."""
    sides = np.array([(x, y, z) for x in (-1, 1) for y in (-_BELOW_M, TALL_M) for z in (-1, 1)], np.float64)
    size = np.stack([reaches_m, np.ones(len(roots)), reaches_m], axis=1) * scales[:, None]
    return (roots[:, None] + sides * size[:, None]).reshape(-1, 3)


def _seen(view: View, rotation: Array, depth: float, corners: Array) -> tuple[Array, Array]:
    """(2,) least and most x, y in metres at `depth`, of world points as far as the plate's edges; (0, 0) of none."""
    if not len(corners):
        return np.zeros(2), np.zeros(2)
    edge_low, edge_high = _spanned(_edges(view) @ rotation.T, depth)
    low, high = _spanned(view.to_camera(corners) @ rotation.T, depth)
    return np.clip(low, edge_low, edge_high), np.clip(high, edge_low, edge_high)


def _spanned(points: Array, depth: float) -> tuple[Array, Array]:
    """(2,) least and most x/z, y/z times depth; without end where a point is not ahead."""
    if (points[:, 2] < _NEAREST_M).any():
        return np.full(2, -1e3 * depth), np.full(2, 1e3 * depth)
    flat = points[:, :2] / points[:, 2:] * depth
    return flat.min(axis=0), flat.max(axis=0)


def _edges(view: View) -> Array:
    """(N, 3) rays along the plate's edges."""
    rows, columns = (np.linspace(0, side - 1, _EDGE).astype(int) for side in view.size)
    rim = [view.rays[rows, 0], view.rays[rows, -1], view.rays[0, columns], view.rays[-1, columns]]
    flat = np.concatenate(rim).astype(np.float64)
    return np.concatenate([flat, np.ones((len(flat), 1))], axis=1)
