"""Closed solids of stone: the boxes, tapered drums, battered walls and wedges of which set pieces are built.

Local axes in metres: y up, the piece faces +z, x to the right of who looks at it. Faces are wound counter-clockwise
seen from outside. Every solid is closed by itself (its area vectors add up to nothing), so solids may overlap freely.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from assets.providers.request import SetPart

Array = npt.NDArray[np.float64]
Point = Array  # (3,)


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles of a set piece. vertices (V, 3) float32 metres, triangles (T, 3) int32, normals (T, 3) float32 unit,
    outwards, parts (T,) int32 (SetPart), solids (T,) int32: which closed solid a triangle belongs to.
    corner_normals (T, 3, 3) float32 of curved surfaces, None: flat faces."""

    vertices: npt.NDArray[np.float32]
    triangles: npt.NDArray[np.int32]
    normals: npt.NDArray[np.float32]
    parts: npt.NDArray[np.int32]
    solids: npt.NDArray[np.int32]
    corner_normals: npt.NDArray[np.float32] | None = None


class Mason:
    """Lays solids one after the other; `mesh()` hands over what was built."""

    def __init__(self) -> None:
        self._corners: list[Array] = []  # (n, 3, 3) each
        self._parts: list[int] = []
        self._solids: list[int] = []
        self._count = 0

    def box(self, low: Sequence[float], high: Sequence[float], part: int, turn_rad: float = 0.0) -> None:
        """A box; turn_rad turns it about the vertical through the plan's origin, as a heading does."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        plan = np.array([[x0, z0], [x0, z1], [x1, z1], [x1, z0]])
        self.prism(turned(plan, turn_rad), y0, y1, part, part)

    def prism(self, plan: Array, y0: float, y1: float, part: int, top: int, top_plan: Array | None = None) -> None:
        """Upright solid over `plan` (P, 2) of x, z; with `top_plan` its walls lean from the one to the other."""
        plan, upper = _anticlockwise(plan, plan if top_plan is None else top_plan)
        below = [np.array([x, y0, z]) for x, z in plan]
        above = [np.array([x, y1, z]) for x, z in upper]
        self._count += 1
        for i in range(len(plan)):
            j = (i + 1) % len(plan)
            self._quad(below[i], below[j], above[j], above[i], part)
        for i in range(1, len(plan) - 1):
            self._triangle(above[0], above[i], above[i + 1], top)
            self._triangle(below[0], below[i + 1], below[i], part)

    def cone(self, centre: Array, radius: float, y0: float, y1: float, sides: int, part: int) -> None:
        """A pointed roof."""
        plan, _ = _anticlockwise(ring(centre, radius, sides), ring(centre, radius, sides))
        tip = np.array([centre[0], y1, centre[1]])
        eaves = [np.array([x, y0, z]) for x, z in plan]
        self._count += 1
        for i in range(sides):
            self._triangle(eaves[i], eaves[(i + 1) % sides], tip, part)
        for i in range(1, sides - 1):
            self._triangle(eaves[0], eaves[i + 1], eaves[i], part)

    def skin(self, rings: Array, part: int | npt.NDArray[np.int32], ends: tuple[int, int] | None = None) -> None:
        """A solid over closed rings of corners (K, P, 3), one after the other; a ring may shrink to a line or a point.

        part: of the sides, one or (K - 1, P); ends: of the caps, which are laid around the rings' middles.
        """
        self._count += 1
        sides = np.broadcast_to(np.asarray(part, np.int32), (len(rings) - 1, rings.shape[1])).ravel()
        first, last = ends or (int(sides[0]), int(sides[-1]))
        a, d = rings[:-1].reshape(-1, 3), rings[1:].reshape(-1, 3)
        following = np.roll(rings, -1, axis=1)
        b, c = following[:-1].reshape(-1, 3), following[1:].reshape(-1, 3)
        middles = [np.broadcast_to(rings[i].mean(axis=0), rings[i].shape) for i in (0, -1)]
        corners = np.concatenate([
            np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1),
            np.stack([middles[0], following[0], rings[0]], axis=1),
            np.stack([middles[1], rings[-1], following[-1]], axis=1),
        ])  # fmt: skip
        inside = corners - corners.reshape(-1, 3).mean(axis=0)
        if (inside[:, 0] * np.cross(inside[:, 1], inside[:, 2])).sum() < 0:
            corners = corners[:, ::-1]
        self._corners.append(corners)
        caps = np.repeat([first, last], rings.shape[1])
        self._parts.extend(np.concatenate([sides, sides, caps]).tolist())
        self._solids.extend([self._count] * len(corners))

    def rod(self, a: Array, b: Array, radius: float, part: int, sides: int = 4) -> None:
        """A straight pole or rope from a to b (3,)."""
        along = (b - a) / np.linalg.norm(b - a)
        across = np.cross(along, [0.0, 0.0, 1.0] if abs(along[2]) < 0.9 else [1.0, 0.0, 0.0])
        across /= np.linalg.norm(across)
        turns = 2 * np.pi * np.arange(sides) / sides
        round_ = radius * (np.cos(turns)[:, None] * across + np.sin(turns)[:, None] * np.cross(along, across))
        self.skin(np.stack([a + round_, b + round_]), part)

    def hexahedron(self, corners: Array, part: int, top: int, hole: Hole | None = None) -> None:
        """Eight corners (2, 2, 2, 3): [bottom, top][left, right seen from outside][outer face, inner face].

        With `hole`, its outer face has a recess: an arrow slit, a gate.
        """
        (lo, li), (ro, ri) = corners[0]
        (tlo, tli), (tro, tri) = corners[1]
        self._count += 1
        self._quad(tlo, tro, tri, tli, top)
        self._quad(lo, li, ri, ro, part)
        self._quad(ri, li, tli, tri, part)
        self._quad(li, lo, tlo, tli, part)
        self._quad(ro, ri, tri, tro, part)
        if hole is None:
            self._quad(lo, ro, tro, tlo, part)
        else:
            self._holed((lo, ro, tro, tlo), (li + ri - lo - ro) / 2, hole, part)

    def _holed(self, face: tuple[Point, Point, Point, Point], through: Point, hole: Hole, part: int) -> None:
        """A face (bottom left, bottom right, top right, top left) with a recess `through * hole.depth` deep."""
        a, b, c, d = face

        def at(u: float, v: float, deep: float = 0.0) -> Point:
            return np.asarray((1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * d + u * c) + deep * through)

        us, low, deep = hole.us, hole.sill, hole.depth
        for u0, u1 in ((0.0, us[0]), (us[-1], 1.0)):
            self._quad(at(u0, 0), at(u1, 0), at(u1, 1), at(u0, 1), part)
        for u0, u1 in pairwise(us):
            h0, h1 = hole.head(u0), hole.head(u1)
            self._quad(at(u0, 0), at(u1, 0), at(u1, low), at(u0, low), part)
            self._quad(at(u0, h0), at(u1, h1), at(u1, 1), at(u0, 1), part)
            self._quad(at(u0, low), at(u1, low), at(u1, low, deep), at(u0, low, deep), part)
            self._quad(at(u1, h1), at(u0, h0), at(u0, h0, deep), at(u1, h1, deep), part)
            self._quad(at(u0, low, deep), at(u1, low, deep), at(u1, h1, deep), at(u0, h0, deep), hole.back)
        first, last = us[0], us[-1]
        head_first, head_last = hole.head(first), hole.head(last)
        self._quad(at(first, low, deep), at(first, head_first, deep), at(first, head_first), at(first, low), part)
        self._quad(at(last, low), at(last, head_last), at(last, head_last, deep), at(last, low, deep), part)

    def mesh(self) -> Mesh:
        """What was built; triangles without area (a recess without sill has some) are left out."""
        corners = np.concatenate(self._corners)
        areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        sizes = np.linalg.norm(areas, axis=1)
        real = sizes > 1e-9
        corners, normals = corners[real], areas[real] / sizes[real, None]
        return Mesh(
            vertices=np.ascontiguousarray(corners.reshape(-1, 3), np.float32),
            triangles=np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3),
            normals=normals.astype(np.float32),
            parts=np.array(self._parts, np.int32)[real],
            solids=np.array(self._solids, np.int32)[real],
        )

    def _triangle(self, a: Point, b: Point, c: Point, part: int) -> None:
        self._corners.append(np.array([[a, b, c]]))
        self._parts.append(int(part))
        self._solids.append(self._count)

    def _quad(self, a: Point, b: Point, c: Point, d: Point, part: int) -> None:
        self._triangle(a, b, c, part)
        self._triangle(a, c, d, part)


@dataclass(frozen=True, slots=True)
class Hole:
    """A recess in a face. us: where its strips begin and end, 0..1 across the face; sill and head(u): its lower and
    upper edge, 0..1 up the face; depth: as a share of the solid's thickness; back: what closes it."""

    us: tuple[float, ...]
    sill: float
    head: Callable[[float], float]
    depth: float
    back: int = SetPart.WOOD


def slit(width: float, sill: float, head: float, at: float = 0.5) -> Hole:
    """An arrow slit; sizes as shares of the face."""
    return Hole((at - width / 2, at + width / 2), sill, lambda _: head, 0.25)


def arch(width: float, spring: float, head: float, depth: float, strips: int = 8) -> Hole:
    """A round-headed gate in the middle of the face."""
    turns = np.linspace(-math.pi / 2, math.pi / 2, strips + 1)
    us = tuple(float(0.5 + width / 2 * math.sin(turn)) for turn in turns)

    def edge(u: float) -> float:
        return spring + (head - spring) * math.sqrt(max(0.0, 1 - ((u - 0.5) / (width / 2)) ** 2))

    return Hole(us, 0.0, edge, depth)


def ring(centre: npt.ArrayLike, radius: float, sides: int, first_rad: float = 0.0) -> Array:
    """(sides, 2) corners of a regular polygon in plan whose flats, not corners, are `radius` away from the centre."""
    turns = first_rad + 2 * np.pi * (np.arange(sides) + 0.5) / sides
    out = radius / math.cos(math.pi / sides)
    return np.asarray(np.array(centre) + out * np.stack([np.sin(turns), np.cos(turns)], axis=1))


def turned(plan: Array, turn_rad: float) -> Array:
    """Points (P, 2) of x, z turned as a heading turns: +z goes towards +x."""
    s, c = math.sin(turn_rad), math.cos(turn_rad)
    return np.stack([c * plan[:, 0] + s * plan[:, 1], c * plan[:, 1] - s * plan[:, 0]], axis=1)


def _anticlockwise(plan: Array, upper: Array) -> tuple[Array, Array]:
    """Order corners so that upright faces built on them look outwards: x, z turning from +z to +x."""
    (ax, az), (bx, bz) = plan.T, np.roll(plan, -1, axis=0).T
    return (plan, upper) if (az * bx - ax * bz).sum() > 0 else (plan[::-1], upper[::-1])
