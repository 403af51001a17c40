"""The ruins: a broken tower and walls, laid stone by stone in courses, with what fell off them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assets.demo.mesh import SceneMesh, mix, smoothstep
from assets.demo.rocks import rock_albedo, turn
from assets.demo.terrain import ROCK_PALE, height_m


@lru_cache(maxsize=4)
def _box(cuts: int) -> tuple[NDArray, NDArray]:
    """The surface of the cube -1..1 as a grid, corners shared: vertices, triangles wound outward."""
    steps = np.linspace(-1, 1, cuts + 1)
    u, v = np.meshgrid(steps, steps, indexing="ij")
    a = (np.arange(cuts)[:, None] * (cuts + 1) + np.arange(cuts)[None, :]).reshape(-1, 1)
    grid = np.concatenate([a + np.array([0, cuts + 1, 1]), a + np.array([1, cuts + 1, cuts + 2])])
    points: list[NDArray] = []
    faces: list[NDArray] = []
    for axis in range(3):
        for sign in (-1.0, 1.0):
            side = np.empty((u.size, 3))
            side[:, axis], side[:, (axis + 1) % 3], side[:, (axis + 2) % 3] = sign, u.ravel(), v.ravel()
            points.append(side)
            faces.append((grid if sign > 0 else grid[:, ::-1]) + len(faces) * u.size)
    flat = np.concatenate(points)
    _, index, inverse = np.unique(np.round(flat, 6), axis=0, return_index=True, return_inverse=True)
    return flat[index], inverse.reshape(-1)[np.concatenate(faces)].astype(np.int32)


def _stone(rng: np.random.Generator, size_m: NDArray, cuts: int) -> tuple[NDArray, NDArray]:
    """A hewn, weathered block around the origin; size_m are its full edges (along, up, deep)."""
    from pipeline.kernels.noise import fbm

    cube, faces = _box(cuts)
    half = size_m / 2
    worn = min(half) * rng.uniform(0.10, 0.26)
    points = cube * half
    inner = np.clip(points, -(half - worn), half - worn)
    out = points - inner
    length = np.linalg.norm(out, axis=1, keepdims=True)
    normal = out / np.maximum(length, 1e-9)
    points = inner + normal * worn
    at = points + rng.uniform(-50, 50, 3)
    cell = size_m.max() / cuts
    rough = 0.045 * fbm(at, 3.0, 3, 61, cell=cell) + 0.028 * fbm(at, 11.0, 3, 62, cell=cell)
    if rng.uniform() < 0.25:  # a corner knocked off
        cut = rng.normal(size=3)
        cut /= np.linalg.norm(cut)
        beyond = np.maximum(points @ cut - 0.75 * (np.abs(cut) @ half), 0)
        points = points - 0.9 * beyond[:, None] * cut
    return points + normal * rough[:, None] * min(1.0, size_m.min() / 0.25), faces


class _Mason:
    """Collects stones; each gets its own tint, so that courses read at a distance."""

    def __init__(self, seed: int, cuts: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.cuts = cuts
        self.stones: list[SceneMesh] = []

    def lay(self, centre: NDArray, frame: NDArray, size_m: NDArray, ground_m: float) -> None:
        """One stone; frame: (3, 3) rows along, up, deep in world axes."""
        points, faces = _stone(self.rng, size_m, self.cuts)
        if np.linalg.det(frame) < 0:
            faces = faces[:, ::-1]
        world = points @ frame + centre
        bare = SceneMesh.of(world, faces, ROCK_PALE)
        seed = 70 + int(self.rng.integers(6))
        colour = rock_albedo(world, bare.normals, world[:, 1] - ground_m, size_m.max() / self.cuts, seed)
        tint = self.rng.uniform(0.82, 1.22) * np.array([1.0, 0.985, 0.955]) ** self.rng.uniform(-0.5, 2.5)
        high = world[:, 1] - ground_m
        streak = smoothstep(0.1, 0.5, np.sin(world[:, 0] * 3.1 + world[:, 2] * 2.3) * 0.5 + 0.25) * smoothstep(
            1, 4, high
        )
        colour = mix(colour * tint, np.array([0.10, 0.092, 0.082]), 0.30 * streak)
        self.stones.append(SceneMesh.of(world, faces, colour, bare.normals))

    def fell(self, x: float, away: float, size_m: NDArray) -> None:
        """A stone on the ground, any way up, a part of it buried."""
        ground = float(height_m(np.array([x]), np.array([away]), 0.5)[0])
        self.lay(
            np.array([x, ground + size_m.min() * self.rng.uniform(0.0, 0.45), -away]), turn(self.rng), size_m, ground
        )


def _courses(rng: np.random.Generator, height: float) -> list[tuple[float, float]]:
    """(middle, thickness) of each course up to `height`: no two days' work alike."""
    out, level = [], 0.0
    while level < height:
        thick = float(rng.choice([0.17, 0.22, 0.26, 0.31, 0.36]))
        out.append((level + thick / 2, thick))
        level += thick
    return out


def _carried(below: list[tuple[float, float]], start: float, end: float) -> bool:
    """Does the course below carry a stone that reaches from start to end? A quarter of it must lie on something."""
    points = (0.75 * start + 0.25 * end, 0.25 * start + 0.75 * end)
    return any(low <= point <= high for low, high in below for point in points)


def _wall(
    mason: _Mason, start: tuple[float, float], end: tuple[float, float], profile: list[float], thick_m: float
) -> None:
    """A straight wall from start to end (x, away); profile: heights at even steps, broken edges are roughened."""
    rng = mason.rng
    a, b = np.array([start[0], -start[1]]), np.array([end[0], -end[1]])
    length = float(np.linalg.norm(b - a))
    along = np.array([(b - a)[0] / length, 0, (b - a)[1] / length])
    frame = np.stack([along, [0, 1, 0], np.cross(along, [0, 1, 0])])
    spots = np.linspace(0, length, 9)
    xs, zs = a[0] + along[0] * spots, a[1] + along[2] * spots
    ground = height_m(xs, -zs, 0.5)
    base = float(ground.min()) - 0.2
    jag = rng.normal(0, 0.35, 400)
    below = [(-1.0, length + 1.0)]
    for level, thick in _courses(rng, max(profile) + 0.8):
        at, laid = -rng.uniform(0, 0.5), []
        while at < length:
            wide = rng.uniform(0.8, 2.6) * thick + 0.08
            middle = at + wide / 2
            top = base + level
            high = np.interp(middle, np.linspace(0, length, len(profile)), profile) + jag[int(middle * 1.6) % 400]
            if (
                top < np.interp(middle, spots, ground) + high
                and 0 <= middle <= length
                and _carried(below, at, at + wide)
            ):
                laid.append((at, at + wide))
                size = np.array([wide * 1.015, thick * rng.uniform(0.98, 1.05), thick_m * rng.uniform(0.9, 1.08)])
                centre = np.array([a[0], 0, a[1]]) + along * middle + [0, top, 0]
                centre += frame[2] * rng.normal(0, 0.018)
                mason.lay(centre, frame, size, float(np.interp(middle, spots, ground)))
            at += wide
        below = laid
    for _ in range(int(length * 5)):
        middle, reach = rng.uniform(-0.5, length + 0.5), rng.normal(0, 1.1)
        spot = np.array([a[0], 0, a[1]]) + along * middle + frame[2] * (reach + np.sign(reach) * thick_m / 2)
        mason.fell(spot[0], -spot[2], rng.uniform([0.15, 0.12, 0.15], [0.6, 0.34, 0.5]) * rng.uniform(0.4, 1))


def _tower(mason: _Mason, x: float, away: float, radius_m: float, height: float, thick_m: float) -> None:
    """A round tower with a breach: its broken edge falls from the back to the breach in steps."""
    rng = mason.rng
    ground = float(height_m(np.array([x]), np.array([away]), 0.5)[0]) - 0.3
    jag = np.convolve(rng.normal(0, 1.3, 80), np.hanning(9) / 4, mode="same")
    below = [(-1.0, 8.0)]
    for above, thick in _courses(rng, height):
        level = ground + above
        lean = radius_m * (1 - 0.03 * above)
        angle, end = rng.uniform(0, 0.2), 2 * np.pi
        start, laid = angle, []
        while angle < end + start - 0.02:
            wide = (rng.uniform(0.8, 2.6) * thick + 0.08) / lean
            middle = angle + wide / 2
            breach = np.cos(middle - 1.25)  # 1 towards the breach, to the right and towards the lens
            limit = height * (0.80 - 0.46 * max(breach, 0.0) ** 1.5 + 0.12 * np.cos(2 * middle + 1)) + np.interp(
                middle * 10, np.arange(80), jag
            )
            slit = abs((middle - 0.35 + np.pi) % (2 * np.pi) - np.pi) < 0.10 and 2.6 < above < 4.4
            if above < limit and not slit and _carried(below, angle, angle + wide):
                laid.append((angle, angle + wide))
                outward = np.array([np.cos(middle), 0, np.sin(middle)])
                frame = np.stack([np.cross([0, 1, 0], outward), [0, 1, 0], outward])
                size = np.array(
                    [wide * lean * 1.04, thick * rng.uniform(0.98, 1.05), thick_m * rng.uniform(0.94, 1.06)]
                )
                centre = np.array([x, level, -away]) + outward * (lean + rng.normal(0, 0.02))
                mason.lay(centre, frame, size, ground + 0.3)
            angle += wide
        below = laid
    for _ in range(170):  # the rubble cone under the breach
        turned, reach = rng.normal(1.25, 0.7), radius_m * (0.7 + rng.exponential(0.45))
        mason.fell(x + reach * np.cos(turned), away - reach * np.sin(turned),
                   rng.uniform([0.18, 0.14, 0.18], [0.7, 0.36, 0.8]) * rng.uniform(0.5, 1))  # fmt: skip


def build_ruins(detail: float) -> list[SceneMesh]:
    """Tower to the left of the valley, three runs of wall."""
    cuts = 6 if detail >= 0.75 else 4
    tower = _Mason(51, cuts)
    _tower(tower, -12.6, 33.0, 3.3, 9.6, 0.85)
    walls = _Mason(52, cuts)
    _wall(walls, (-8.6, 31.0), (-3.6, 27.5), [3.4, 2.6, 2.8, 1.5, 0.9, 0.7], 0.75)
    _wall(walls, (-16.2, 34.5), (-25.5, 39.0), [4.6, 3.2, 3.9, 2.0, 2.6, 0.8, 0.5], 0.8)
    near = _Mason(53, cuts + 3)
    _wall(near, (6.4, 19.5), (10.6, 17.8), [0.5, 1.1, 1.9, 2.3, 2.0, 2.7], 0.7)
    _wall(near, (10.6, 17.8), (12.4, 22.0), [2.7, 2.2, 1.1, 0.4], 0.7)
    return tower.stones + walls.stones + near.stones
