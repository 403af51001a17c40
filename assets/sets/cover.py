"""Ground cover scattered over a rectangle that follows the ground: rocks, scrub."""

from __future__ import annotations

import numpy as np

from assets.providers.request import SetPart
from assets.sets.masonry import Array
from assets.sets.site import Site
from pipeline.kernels.noise import fbm

DEPTH = 0.6  # of the rectangle, as a share of its width
MOST = 110  # lumps
_DENSER = ((0.8, 3), (0.45, 2), (0.0, 1))  # from that share of the largest one's size a rock's mesh is so much denser
_WORN = 0.05  # of a rock's radius, that its faces are uneven by
_LARGEST = 0  # the number of the one that is as high as was asked


def rocks(site: Site, width: float, height: float) -> None:
    """Boulders cut by planes, a few large ones among many small, each in the ground to where it is widest."""
    for number, x, z, radius in _scattered(site, width, 0.75 * height, spread=2.6):
        tall = height if number == _LARGEST else 2 * radius * (0.45 + 0.3 * site.luck(number, "flat"))
        _rock(site, number, np.array([x, z]), radius, tall, fine=radius / (0.75 * height))


def scrub(site: Site, width: float, height: float) -> None:
    """Bushes: a few leafy lumps grown together."""
    for number, x, z, radius in _scattered(site, width, 0.62 * height, spread=1.2):
        tall = height if number == _LARGEST else min(1.5 * radius, 0.96 * height)
        for part in range(3):
            turn, aside = 6.283 * (site.luck(10 * number, "lump") + 0.5 * part), 0.0 if part == 0 else 0.42 * radius
            centre = np.array([x + aside * np.sin(turn), z + aside * np.cos(turn)])
            share = 1.0 if part == 0 else 0.6 + 0.25 * site.luck(10 * number + part, "share")
            _bush(site, 10 * number + part, centre, share * (radius if part else 0.72 * radius), share * tall)


def _scattered(site: Site, width: float, largest: float, spread: float) -> list[tuple[int, float, float, float]]:
    """(number, x, z, radius): one in each cell of a grid at most, set anywhere in it; most are small."""
    depth = DEPTH * width
    cell = max(2.0 * largest, float(np.sqrt(width * depth / MOST)))
    columns, rows = max(2, round(width / cell)), max(1, round(depth / cell))
    made = []
    for number in range(columns * rows):
        column, row = number % columns, number // columns
        radius = largest * (0.12 + 0.88 * site.luck(number, "size") ** spread)
        radius = largest if number == _LARGEST else min(0.9 * radius, 0.45 * width)
        edge = column in (0, columns - 1)
        if not edge and site.luck(number, "bare") < 0.3:
            continue
        inside = (min(column, columns - 1 - column) > 0) * (site.luck(number, "x") - 0.5)
        x = width * ((column + 0.5 + inside) / columns - 0.5)
        if edge:  # the whole width is covered
            x = np.sign(x) * (width / 2 - radius - 0.06 * width * site.luck(number, "x"))
        z = -depth * (row + 0.15 + 0.7 * site.luck(number, "z")) / rows
        made.append((number, float(x), float(z), radius))
    return made


def _ball(rows: int, sides: int, turn: float) -> Array:
    """(rows, sides, 3) directions in rings, the first and the last shrunk to the poles."""
    down = np.linspace(0, np.pi, rows)[:, None]
    around = turn + 2 * np.pi * (np.arange(sides)[None] + 0.5 * (np.arange(rows)[:, None] % 2)) / sides
    parts = np.sin(down) * np.sin(around), np.cos(down) + 0 * around, np.sin(down) * np.cos(around)
    ball = np.stack(parts, axis=-1)
    ball[[0, -1], :, :] = np.array([[[0.0, 1.0, 0.0]], [[0.0, -1.0, 0.0]]])
    return ball


def _rock(site: Site, number: int, place: Array, radius: float, tall: float, fine: float) -> None:
    """fine: 0..1, how large it is among the others: edges between cuts are as straight as its mesh is dense."""
    rings = 9 * next(more for least, more in _DENSER if fine >= least)
    ball = _ball(rings, 14 * rings // 9, 6.283 * site.luck(number, "turn"))
    points = ball.copy()
    for cut in range(14):  # quarry faces: what lies outside a plane is pulled back onto it, not quite flat
        normal = np.array([site.luck(16 * number + cut, axis) - 0.5 for axis in "xyz"])
        normal /= np.linalg.norm(normal)
        beyond = np.maximum(points @ normal - 0.5 - 0.34 * site.luck(16 * number + cut, "deep"), 0)
        points -= 0.92 * beyond[..., None] * normal
    worn = fbm(ball.reshape(-1, 3), 1.3, 4, site.seed % 100_003 + number, cell=np.pi / rings)
    points *= 1 + _WORN * worn.reshape(ball.shape[:2])[..., None]
    points[..., 0] *= 0.6 + 0.4 * site.luck(number, "narrow")
    _sunk(site, points, place, radius, tall, buried=0.48, part=SetPart.ROCK)


def _bush(site: Site, number: int, place: Array, radius: float, tall: float) -> None:
    ball = _ball(7, 10, 6.283 * site.luck(number, "turn"))
    lumps = fbm(ball.reshape(-1, 3), 2.3, 3, site.seed % 100_003 + number).reshape(ball.shape[:2])
    points = ball * (1 + 0.32 * lumps[..., None])
    _sunk(site, points, place, radius, tall, buried=0.18, part=SetPart.LEAF)


def _sunk(
    site: Site, points: Array, place: Array, radius: float, tall: float, *, buried: float, part: SetPart
) -> None:  # fmt: skip
    """Lay a ball of points as wide as `radius` says, `tall` above the ground and a share of it below."""
    wide = points[..., [0, 2]] * radius / np.abs(points[..., [0, 2]]).max()
    low, high = points[..., 1].min(), points[..., 1].max()
    share = (points[..., 1] - low) / (high - low)
    y = tall * (share - buried) / (1 - buried)
    ground = site.foot(wide[..., 0] + place[0], wide[..., 1] + place[1])
    site.mason.skin(np.stack([wide[..., 0] + place[0], ground + y, wide[..., 1] + place[1]], axis=-1), part)
