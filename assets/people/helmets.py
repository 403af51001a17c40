"""What heads wear: helmets with cheek pieces and crests, caps, hair and beards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.people.bodies import Body
from assets.people.characters import Part
from assets.people.cutting import Shapes, cut_shapes
from assets.people.kit import Maker, Piece, grid, hull_radius, rigid, shell

Array = NDArray[np.float64]

_COLUMNS = 64


@dataclass(frozen=True, eq=False)
class Head:
    """A head measured: heights of crown, brow, eyes, nose and chin in rest; its middle; radii of its hull by height."""

    crown: float
    brow: float
    eyes: float
    nose: float
    chin: float
    ear: Array
    centre_z: float
    levels: Array
    radii: Array  # (levels, columns), of the hull around (0, centre_z)

    def radius(self, y: Array, columns: NDArray[np.int64]) -> Array:
        place = np.interp(y, self.levels, np.arange(len(self.levels)))
        low = np.clip(place.astype(int), 0, len(self.levels) - 2)
        share = place - low
        return self.radii[low, columns] * (1 - share) + self.radii[low + 1, columns] * share


_ANGLES = np.linspace(-np.pi, np.pi, _COLUMNS, endpoint=False)  # 0 is the front, pi/2 the left


def measure(body: Body) -> Head:
    points = body.vertices[body.of_bones("head", "jaw")]
    joints = body.rest_joints
    eyes, nose = float(joints[14:16, 1].mean()), float(joints[0, 1])
    centre_z = float(joints[16, 2]) + 0.012
    # Ears stand out of the hull: leave them outside the measure, helmets press them flat.
    ears = (
        (np.abs(points[:, 0]) > 0.066) & (np.abs(points[:, 2] - joints[16, 2]) < 0.045) & (points[:, 1] < eyes + 0.03)
    )
    skull = points[~ears][:, [0, 2]] - np.array([0.0, centre_z])
    heights = points[~ears][:, 1]
    chin, crown = float(heights.min()), float(heights.max())
    levels = np.linspace(chin, crown, 24)
    radii = np.stack([hull_radius(skull[np.abs(heights - level) < 0.018], _ANGLES) for level in levels])
    return Head(crown, eyes + 0.036, eyes, nose, chin, joints[16:18], centre_z, levels, radii)


def bowl(
    body: Body,
    head: Head,
    rim: Callable[[Array], Array],
    *,
    gap_m: float = 0.016,
    peak_m: float = 0.0,
    flare: Callable[[Array, Array], Array] | None = None,
    open_at: Shapes | None = None,
    part: Part = Part.HELMET,
) -> Piece:
    """A helmet's bowl: a dome above the brow, then down to the height `rim(angles)`.

    peak_m: how far the crown is drawn up. flare(angles, down): metres outwards below the brow, down 0..1.
    open_at: of points in rest, the openings (eyes, mouth). Carried by the head.
    """
    dome_rows, lower_rows = 10, 14
    columns = np.arange(_COLUMNS)
    brow = head.radius(np.full(_COLUMNS, head.brow), columns) + gap_m
    top = head.crown + gap_m + peak_m
    rows = []
    for t in np.linspace(np.pi / 2 * 0.985, 0.0, dome_rows):
        sharp = 1.0 + 0.6 * peak_m / 0.05 * (t / (np.pi / 2)) ** 2 if peak_m else 1.0
        rows.append((brow * np.cos(t) ** (0.9 * sharp), head.brow + (top - head.brow) * np.full(_COLUMNS, np.sin(t))))
    low = np.minimum(rim(_ANGLES), head.brow - 1e-3)
    for down in np.linspace(0, 1, lower_rows)[1:]:
        y = head.brow + (low - head.brow) * down
        radius = np.maximum(
            head.radius(y, columns) + gap_m, brow * (1 - 0.10 * (head.brow - y) / (head.brow - head.chin))
        )
        rows.append((radius + (flare(_ANGLES, np.full(_COLUMNS, down)) if flare else 0.0), y))
    radii, heights = np.stack([r for r, _ in rows]), np.stack([y for _, y in rows])
    vertices = np.stack([radii * np.sin(_ANGLES), heights, head.centre_z + radii * np.cos(_ANGLES)], axis=-1).reshape(
        -1, 3
    )
    triangles = grid(len(rows), _COLUMNS, closed=True)
    area = np.linalg.norm(
        np.cross(
            vertices[triangles[:, 1]] - vertices[triangles[:, 0]], vertices[triangles[:, 2]] - vertices[triangles[:, 0]]
        ),
        axis=1,
    )
    triangles = triangles[area > 1e-8]
    if open_at is not None:
        vertices, triangles, gone = cut_shapes(vertices, triangles, open_at)
        triangles = triangles[~gone]
    piece = rigid(body, "head", vertices, triangles, part)
    corners = body.vertices[body.triangles]
    above = body.of_bones("head")[body.triangles] & (corners[..., 1] > head.brow + 0.012)
    return Piece(piece.vertices, piece.triangles, piece.parts, piece.weights, np.asarray(above.all(axis=1)))


def _crest(body: Body, head: Head, height_m: float, start: float, end: float, raise_m: float = 0.012) -> Piece:
    """A brush of horsehair over the dome, from angle `start` in front to `end` behind (radians from straight up)."""
    arc = np.linspace(start, end, 26)
    front = float(head.radius(np.array([head.brow]), np.array([_COLUMNS // 2]))[0]) + 0.016
    back = float(head.radius(np.array([head.brow]), np.array([0]))[0]) + 0.016
    tall = head.crown + 0.016 - head.brow
    reach = np.where(arc < 0, front, back)
    base = np.stack([np.zeros_like(arc), head.brow + tall * np.cos(arc), head.centre_z - reach * np.sin(arc)], axis=1)
    outward = np.stack([np.zeros_like(arc), np.cos(arc) / tall, -np.sin(arc) / reach], axis=1)
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    share = np.linspace(0, 1, len(arc))
    length = height_m * np.sin(np.pi * np.clip(share * 0.86 + 0.14, 0, 1)) ** 0.45
    rows = []
    for x, lift in ((-0.012, raise_m), (-0.021, 0.7), (-0.010, 1.0), (0.010, 1.0), (0.021, 0.7), (0.012, raise_m)):
        rise = np.full_like(length, lift) if lift == raise_m else lift * length
        rows.append(base + outward * rise[:, None] + np.array([x, 0, 0]))
    vertices = np.stack(rows, axis=0).reshape(-1, 3)
    return rigid(body, "head", vertices, grid(len(rows), len(arc), closed=False), Part.CREST)


def _legion(body: Body) -> list[Piece]:
    head = measure(body)
    jaw = head.chin + 0.03

    def rim(angle: Array) -> Array:
        a = np.abs(angle)
        cheek = (a > 0.62) & (a < 1.35)
        neck = a > 2.0
        return np.where(cheek, jaw + 0.05 * np.abs(a - 0.85), np.where(neck, head.nose - 0.045, head.brow - 0.004))

    def flare(angle: Array, down: Array) -> Array:
        behind = np.clip((np.abs(angle) - 2.0) / 0.5, 0, 1)
        return behind * 0.045 * np.clip(down - 0.5, 0, 1) * 2 + 0.004 * down

    bare = bowl(body, head, rim, flare=flare, gap_m=0.017)
    brow = _band(body, head, head.brow, 0.020, 0.010, Part.HELMET)
    return [bare, brow]


def _band(body: Body, head: Head, height: float, out_m: float, half_m: float, part: Part) -> Piece:
    """A reinforcing ring round the bowl."""
    columns = np.arange(_COLUMNS)
    base = head.radius(np.full(_COLUMNS, height), columns)
    rows = []
    for y, more in ((half_m, 0.012), (half_m * 0.6, out_m + 0.006), (-half_m * 0.6, out_m + 0.006), (-half_m, 0.012)):
        radius = base + more
        rows.append(
            np.stack(
                [radius * np.sin(_ANGLES), np.full(_COLUMNS, height + y), head.centre_z + radius * np.cos(_ANGLES)], 1
            )
        )
    return rigid(body, "head", np.concatenate(rows), grid(len(rows), _COLUMNS, closed=True), part)


def _greek(body: Body, *, crest_m: float = 0.085) -> list[Piece]:
    head = measure(body)

    def rim(angle: Array) -> Array:
        a = np.abs(angle)
        front = head.chin + 0.012
        behind = head.nose - 0.035
        return np.where(a < 1.2, front, np.where(a > 2.0, behind, front + (behind - front) * (a - 1.2) / 0.8))

    def openings(at: Array) -> list[list[Array]]:
        x, y, z = at[:, 0], at[:, 1], at[:, 2] - head.centre_z
        side, out = np.abs(np.arctan2(x, z)), np.hypot(x, z)
        beyond, before = lambda angle: (side - angle) * out, lambda angle: (angle - side) * out
        below = head.eyes - 0.012 - y
        return [
            [head.eyes + 0.017 - y, y - head.eyes + 0.020, beyond(0.13), before(0.78)],
            [below, before(0.32), beyond(0.13)],
            [below, before(0.32), head.nose - 0.012 - y],
        ]

    return [
        bowl(body, head, rim, open_at=openings, gap_m=0.018, peak_m=0.015),
        _crest(body, head, crest_m, -0.95, 1.75),
    ]


def _crested(body: Body, *, crest_m: float = 0.115) -> list[Piece]:
    head = measure(body)
    return [*_legion(body), _crest(body, head, crest_m, -1.05, 1.9)]


def _cap(body: Body, *, peak_m: float = 0.05) -> list[Piece]:
    head = measure(body)

    def rim(angle: Array) -> Array:
        return np.where(np.abs(angle) > 1.2, head.eyes + 0.004, head.brow - 0.006)

    return [bowl(body, head, rim, gap_m=0.014, peak_m=peak_m)]


def _scalp(body: Body, head: Head) -> Array:
    x, y, z = body.vertices.T
    line = np.interp(z, [head.ear[0, 2] - 0.06, head.ear[0, 2] - 0.01, head.ear[0, 2] + 0.05, head.ear[0, 2] + 0.11],
                     [head.nose - 0.01, head.nose + 0.012, head.brow + 0.01, head.crown - 0.052])  # fmt: skip
    ears = np.hypot(y - head.ear[0, 1] + 0.002, z - head.ear[0, 2] - 0.004) - 0.034
    inside = np.where(np.abs(x) > 0.058, np.minimum(y - line, ears), y - line)
    return np.where(body.of_bones("head", "neck02", "neck03"), inside, -0.05)


def _hair(body: Body) -> list[Piece]:
    head = measure(body)
    thick = 0.012 + 0.010 * np.clip((body.vertices[:, 1] - head.eyes) / 0.1, 0, 1)
    return [shell(body, _scalp(body, head), thick, Part.HAIR, smooth=6, hide=False)]


def _long_hair(body: Body) -> list[Piece]:
    """Hair drawn back into a knot."""
    from assets.people.arms import ball

    head = measure(body)
    back = float(head.radius(np.array([head.eyes]), np.array([0]))[0])
    vertices, triangles = ball(np.array([0.0, head.eyes - 0.005, head.centre_z - back - 0.022]), (0.042, 0.045, 0.036))
    return [*_hair(body), rigid(body, "head", vertices, triangles, Part.HAIR)]


def _beard(body: Body) -> list[Piece]:
    head = measure(body)
    x, y, z = body.vertices.T
    mouth = head.nose - 0.033
    side = np.interp(np.abs(x), [0.0, 0.03, 0.07], [mouth - 0.012, mouth + 0.004, head.nose + 0.005]) - y
    lip = np.minimum(np.minimum(0.032 - np.abs(x), head.nose - 0.008 - y), y - mouth - 0.008)
    inside = np.minimum(np.maximum(side, lip), z - head.ear[0, 2] - 0.004)
    mask = np.where(body.of_bones("head") & (body.normals[:, 2] > -0.6), inside, -0.02)
    thick = 0.006 + 0.016 * np.clip((mouth - y) / 0.05, 0, 1) * np.clip((z - head.ear[0, 2]) / 0.08, 0, 1)
    return [shell(body, mask, thick, Part.HAIR, smooth=2, hide=False)]


KIT: dict[str, Maker] = {
    "helmet_legion": _legion,
    "helmet_crested": _crested,
    "helmet_greek": _greek,
    "helmet_cap": _cap,
    "hair": _hair,
    "long_hair": _long_hair,
    "beard": _beard,
}
