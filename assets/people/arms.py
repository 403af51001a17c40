"""What hands and backs carry: shields, spears, swords, bows, quivers. Built in rest, in the hand that will hold them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.people.bodies import Body
from assets.people.characters import Part
from assets.people.cutting import Shapes, cut_shapes
from assets.people.kit import Maker, Piece, grid, rigid
from assets.people.skeleton import basis, hand_axes

Array = NDArray[np.float64]
Ints = NDArray[np.int32]
Solid = tuple[Array, Ints]


# ---------------------------------------------------------------- solids


def tube(
    points: Array, radii: Array | float, *, sides: int = 10, flat: Array | None = None, thin: float = 1.0
) -> Solid:
    """A round rod along `points` (N, 3); `flat` and `thin`: squeezed by `thin` along that direction. Ends are closed."""
    points = np.asarray(points, float)
    radii = np.broadcast_to(np.asarray(radii, float), len(points))
    way = np.gradient(points, axis=0)
    hint = np.array([0.31, 0.23, 0.92]) if flat is None else flat
    turns = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    rings = []
    for point, direction, radius in zip(points, way, radii, strict=True):
        frame = basis(direction, hint)
        rings.append(
            point + radius * (np.outer(np.cos(turns) * thin, frame[:, 1]) + np.outer(np.sin(turns), frame[:, 2]))
        )
    caps = [np.repeat(points[:1], sides, 0), *rings, np.repeat(points[-1:], sides, 0)]
    # Rings run against the lattice's order, so the surface faces outward.
    return np.concatenate([ring[::-1] for ring in caps]), grid(len(caps), sides, closed=True)


def ball(centre: Array, radii: tuple[float, float, float], *, rows: int = 9, columns: int = 16) -> Solid:
    """An ellipsoid."""
    up, around = np.meshgrid(
        np.linspace(np.pi / 2, -np.pi / 2, rows), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij"
    )
    unit = np.stack([np.cos(up) * np.sin(around), np.sin(up), np.cos(up) * np.cos(around)], -1).reshape(-1, 3)
    return centre + unit * np.array(radii), grid(rows, columns, closed=True)


def join(body: Body, bone: str, solids: list[tuple[Solid, int | Ints]], slides: Array | None = None) -> Piece:
    """Several solids on one bone as one piece."""
    vertices, triangles, parts, count = [], [], [], 0
    for (points, faces), part in solids:
        vertices.append(points)
        triangles.append(faces + count)
        parts.append(np.broadcast_to(np.asarray(part, np.int32), len(faces)))
        count += len(points)
    return rigid(body, bone, np.concatenate(vertices), np.concatenate(triangles), np.concatenate(parts), slides)


class Hand:
    """A hand in rest: centre of its grip, the way to the knuckles, along a held shaft, and out of the palm."""

    def __init__(self, body: Body, side: str) -> None:
        skeleton = body.skeleton
        self.bone = f"wrist.{side}"
        self.wrist = skeleton.head(self.bone)
        self.knuckles, self.shaft = hand_axes(skeleton, side)
        self.palm = np.cross(self.knuckles, self.shaft) * (1.0 if side == "L" else -1.0)
        joints = np.mean([skeleton.head(f"finger{n}-1.{side}") for n in (2, 3, 4, 5)], axis=0)
        self.centre = self.wrist + 0.86 * (joints - self.wrist) + 0.026 * self.palm


# ---------------------------------------------------------------- weapons


def _spear(body: Body, *, length_m: float = 2.35) -> list[Piece]:
    """Held 1.0 m above its butt when it has not slid."""
    hand = Hand(body, "R")
    more = length_m - 2.35  # of the part above the hand
    at = lambda s: hand.centre + hand.shaft * (s + more if s > 0.9 else s)  # noqa: E731
    rod = tube(
        np.stack([at(s) for s in (-0.96, -0.91, 0.0, 1.0, 1.12)]), np.array([0.008, 0.0135, 0.0145, 0.0125, 0.011])
    )
    socket = tube(np.stack([at(s) for s in (1.02, 1.10, 1.16)]), np.array([0.016, 0.014, 0.010]))
    head = tube(np.stack([at(s) for s in (1.13, 1.18, 1.24, 1.30, 1.35)]), np.array([0.012, 0.033, 0.030, 0.018, 0.001]),
                sides=8, flat=hand.palm, thin=0.22)  # fmt: skip
    butt = tube(np.stack([at(s) for s in (-1.0, -0.9)]), np.array([0.007, 0.016]))
    return [
        join(
            body,
            hand.bone,
            [(rod, Part.SHAFT), (socket, Part.BLADE), (head, Part.BLADE), (butt, Part.BLADE)],
            hand.shaft,
        )
    ]


def _sword_solids(base: Array, along: Array, flat: Array, length: float = 0.56) -> list[tuple[Solid, int | Ints]]:
    across = np.cross(along, flat)
    at = lambda s: base + along * s  # noqa: E731
    blade = tube(np.stack([at(s) for s in (0.07, 0.10, length * 0.6, length - 0.04, length + 0.07)]),
                 np.array([0.024, 0.026, 0.024, 0.026, 0.001]), sides=8, flat=flat, thin=0.2)  # fmt: skip
    guard = tube(np.stack([at(0.065) - across * 0.045, at(0.065) + across * 0.045]), 0.014, sides=8)
    grip = tube(np.stack([at(-0.06), at(0.06)]), 0.014, sides=8)
    return [(blade, Part.BLADE), (guard, Part.HILT), (grip, Part.HILT), (ball(at(-0.075), (0.024,) * 3), Part.HILT)]


def _sword(body: Body, *, length_m: float = 0.56) -> list[Piece]:
    hand = Hand(body, "R")
    return [join(body, hand.bone, _sword_solids(hand.centre, hand.shaft, hand.palm, length_m))]


def _sheath(body: Body) -> list[Piece]:
    """A sword worn at the right hip."""
    waist = body.skeleton.head("spine04")
    x = float(body.vertices[np.abs(body.vertices[:, 1] - waist[1]) < 0.03][:, 0].min())
    x = max(x, -0.24) - 0.055
    top = np.array([x, waist[1] - 0.01, 0.05])
    down = np.array([-0.10, -1.0, -0.16]) / np.linalg.norm([-0.10, -1.0, -0.16])
    flat = np.array([1.0, 0.0, 0.0])
    case = tube(np.stack([top + down * s for s in (0.0, 0.05, 0.3, 0.5, 0.57)]), np.array([0.034, 0.035, 0.033, 0.03, 0.008]),
                sides=10, flat=flat, thin=0.4)  # fmt: skip
    hilt = tube(np.stack([top - down * s for s in (0.0, 0.02, 0.12)]), np.array([0.03, 0.015, 0.014]), sides=8)
    return [
        join(body, "root", [(case, Part.BELT), (hilt, Part.HILT), (ball(top - down * 0.13, (0.025,) * 3), Part.HILT)])
    ]


def _bow(body: Body, *, span_m: float = 1.32) -> list[Piece]:
    hand = Hand(body, "L")
    share = np.linspace(-1, 1, 21)
    curve = (
        hand.centre
        + np.outer(share * (span_m / 2), hand.shaft)
        - np.outer(0.17 * share**2 - 0.05 * share**4, hand.knuckles)
    )
    limbs = tube(curve, 0.017 - 0.010 * np.abs(share), sides=8)
    string = tube(np.stack([curve[0], (curve[0] + curve[-1]) / 2, curve[-1]]), 0.0035, sides=5)
    return [join(body, hand.bone, [(limbs, Part.BOW), (string, Part.HAIR)])]


def _quiver(body: Body, *, longer_m: float = 0.0) -> list[Piece]:
    spine = body.skeleton.head("spine02")
    behind = float(body.vertices[body.of_bones("spine02", "spine01")][:, 2].min()) - 0.065
    low, high = np.array([0.13, spine[1] - 0.20, behind]), np.array([-0.13, spine[1] + 0.27, behind - 0.01])
    way = (high - low) / np.linalg.norm(high - low)
    low = low - way * longer_m
    case = tube(
        np.stack([low, low + way * 0.01, high - way * 0.02, high]), np.array([0.035, 0.05, 0.058, 0.058]), sides=12
    )
    solids: list[tuple[Solid, int | Ints]] = [(case, Part.QUIVER)]
    side = np.cross(way, [0, 0, 1.0])
    for x, z, more in (
        (-0.025, 0.02, 0.17),
        (0.02, 0.025, 0.20),
        (0.0, -0.02, 0.16),
        (0.03, -0.015, 0.19),
        (-0.03, -0.01, 0.2),
    ):
        foot = high + side * x + np.array([0, 0, z])
        solids.append((tube(np.stack([foot - way * 0.05, foot + way * more]), 0.005, sides=5), Part.SHAFT))
        vane = tube(np.stack([foot + way * s for s in (more - 0.09, more - 0.05, more)]), np.array([0.004, 0.018, 0.016]),
                    sides=6, flat=side, thin=0.3)  # fmt: skip
        solids.append((vane, Part.CREST))
    return [join(body, "spine02", solids)]


# ---------------------------------------------------------------- shields


def _shield(body: Body, centre: Array, frame: Array, points: Array, faces: Ints, marks: Shapes, rim: Array,
            boss: tuple[float, float]) -> list[Piece]:  # fmt: skip
    """points: (N, 3) of the face in the shield's frame (x left, y up, z out); rim: (M, 3) closed line round it.

    frame: columns are those three axes in the body's rest space. marks: what is painted on the face. boss: (radius, height).
    """
    place = lambda p: centre + p @ frame.T  # noqa: E731
    back = points - np.array([0.0, 0.0, 0.014])
    front, front_faces, marked = cut_shapes(points, faces, marks)
    front_parts = np.where(marked, Part.SHIELD_MARK, Part.SHIELD).astype(np.int32)
    dome = ball(np.array([0.0, 0.0, float(points[:, 2].max()) - 0.012]), (boss[0], boss[0], boss[1]))
    trim = tube(np.concatenate([rim, rim[:1]]), 0.013, sides=6)
    solids: list[tuple[Solid, int | Ints]] = [
        ((place(front), front_faces), front_parts),
        ((place(back), faces[:, ::-1].copy()), int(Part.SHAFT)),
        ((place(dome[0]), dome[1]), int(Part.SHIELD_TRIM)),
        ((place(trim[0]), trim[1]), int(Part.SHIELD_TRIM)),
    ]
    return [join(body, "wrist.L", solids)]


def _tall(body: Body, *, height_m: float = 1.06, width_m: float = 0.66) -> list[Piece]:
    """A curved oblong, gripped behind the boss."""
    hand = Hand(body, "L")
    frame = np.stack([-hand.shaft, -hand.palm, hand.knuckles], axis=1)
    rows, columns, half, wide, bow = 61, 45, height_m / 2, width_m / 2, 0.85
    y, a = np.meshgrid(np.linspace(half, -half, rows), np.linspace(-bow, bow, columns), indexing="ij")
    radius = wide / bow * 1.08
    face = lambda y, a: np.stack([radius * np.sin(a), y, radius * (np.cos(a) - 1.0)], -1)  # noqa: E731
    points = face(y, a).reshape(-1, 3)
    faces = grid(rows, columns, closed=False)
    t = np.linspace(-1, 1, 24)
    edge = [face(half * np.ones(24), bow * t), face(half * -t, bow * np.ones(24)), face(-half * np.ones(24), -bow * t),
            face(half * t, -bow * np.ones(24))]  # fmt: skip
    rim = np.concatenate([line[:-1] for line in edge])
    return _shield(
        body, hand.centre + hand.knuckles * 0.10 + hand.palm * 0.04, frame, points, faces,
        lambda at: _wings(at, half, wide), rim, (0.095, 0.06),
    )  # fmt: skip


def _wings(at: Array, half: float, wide: float) -> list[list[Array]]:
    """A ring about the boss, an upright, rays to the corners and a border, as assets.people.cutting wants them.

    at: (N, 3) in the shield's frame; half, wide: half its height and width, metres. Lines bend at x = 0 and y = 0.
    """
    x, y, ring = np.abs(at[:, 0]), np.abs(at[:, 1]), np.hypot(at[:, 0], at[:, 1])
    ray = y - (0.18 + 0.72 * x / wide) * half
    within = [0.93 * wide - x, 0.955 * half - y]
    return [
        [ring - 0.135, 0.165 - ring],
        [0.07 * wide - x, 0.86 * half - y],
        [ray + 0.045 * half, 0.045 * half - ray, 0.8 * wide - x],
        [x - 0.86 * wide, *within],
        [y - 0.915 * half, *within],
    ]


def _round(body: Body, *, across_m: float = 0.86) -> list[Piece]:
    """A dished round shield, on the forearm."""
    hand = Hand(body, "L")
    out = -hand.palm
    frame = np.stack([-hand.knuckles, hand.shaft, out], axis=1)
    rings, columns, radius = 25, 96, across_m / 2
    r, a = np.meshgrid(
        np.linspace(0.002, 1.0, rings), np.linspace(0, 2 * np.pi, columns, endpoint=False), indexing="ij"
    )
    rise = 0.105 * (1 - np.clip(r / 0.88, 0, 1) ** 2.2)
    points = np.stack([-radius * r * np.sin(a), radius * r * np.cos(a), rise], -1).reshape(-1, 3)
    faces = grid(rings, columns, closed=True)
    turns = np.linspace(0, 2 * np.pi, 64, endpoint=False)
    rim = np.stack([radius * np.sin(turns), radius * np.cos(turns), np.zeros(64)], -1)
    return _shield(
        body, hand.wrist - hand.knuckles * 0.10 + out * 0.05, frame, points, faces,
        lambda at: _sun(at, radius), rim, (0.07, 0.045),
    )  # fmt: skip


def _sun(at: Array, radius: float) -> list[list[Array]]:
    """Eight pointed rays within a band, as assets.people.cutting wants them. at: (N, 3) in the shield's frame, metres.

    Lines bend at every sixteenth of a turn.
    """
    out, angle = np.hypot(at[:, 0], at[:, 1]), np.arctan2(at[:, 0], at[:, 1])
    rays = np.abs(((angle * 8 / np.pi) % 2) - 1)
    return [
        [out - 0.76 * radius, 0.86 * radius - out],
        [0.62 * radius - out, (rays - 0.25 - 1.1 * out / radius) * out * np.pi / 8],
    ]


KIT: dict[str, Maker] = {
    "spear": _spear,
    "sword": _sword,
    "sheath": _sheath,
    "bow": _bow,
    "quiver": _quiver,
    "shield_tall": _tall,
    "shield_round": _round,
}
