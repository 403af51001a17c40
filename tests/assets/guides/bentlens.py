"""A crowd on a slope seen through a bent lens, for tests of its guides."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from assets.guides.crowd_guides import CrowdGuides, crowd_guides
from assets.guides.crowd_people import Moment, People
from assets.guides.optics import Optics, optics
from assets.view import View

H, W, FOCAL = 180, 320, 260.0
K1 = -0.2
CHARACTERS = ("peasant", "spearman")


def project(points: np.ndarray) -> np.ndarray:
    x, y = points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]
    grow = 1 + K1 * (x * x + y * y)
    pixels = np.stack([W / 2 + 3 + FOCAL * x * grow, H / 2 - 2 + FOCAL * y * grow], axis=1)
    return np.where(points[:, 2:] > 1e-9, pixels, np.nan)


@lru_cache(maxsize=2)
def rays(fine: int = 1) -> np.ndarray:
    """Inverse of `project`, by fixed point."""
    px, py = np.meshgrid((np.arange(W * fine) + 0.5) / fine, (np.arange(H * fine) + 0.5) / fine)
    x, y = (px - W / 2 - 3) / FOCAL, (py - H / 2 + 2) / FOCAL
    at_x, at_y = x, y
    for _ in range(80):
        grow = 1 + K1 * (at_x**2 + at_y**2)
        at_x, at_y = x / grow, y / grow
    return np.stack([at_x, at_y], axis=-1).astype(np.float32)


@lru_cache(maxsize=1)
def lens() -> Optics:
    return optics(rays(), project)


def pose(x: float = 0.0, z: float = 0.0) -> np.ndarray:
    """A camera 2 m up that looks along +Z: the world's +X is on its left."""
    matrix = np.diag([-1.0, -1.0, 1.0, 1.0])
    matrix[:3, 3] = -matrix[:3, :3] @ (x, 2.0, z)
    return matrix


def view(ahead: int = 1) -> View:
    return View(rays(), project, pose(), pose(0.1, 0.05), ahead)


def people(count: int = 14, seed: int = 2) -> People:
    random = np.random.default_rng(seed)
    plan = np.stack([random.uniform(-2.5, 2.5, count), random.uniform(3.5, 16, count)], axis=1)
    phases, yaws = random.random(count), np.pi + random.normal(0, 0.5, count)

    def moment(step: float) -> Moment:
        x, z = plan[:, 0], plan[:, 1] - step
        slopes = np.broadcast_to([0.1, 0.06], (count, 2))
        return Moment(
            np.stack([x, 0.1 * x + 0.06 * z, z], 1), yaws, phases + step / 1.4, np.zeros(count, np.intp), slopes
        )

    ids = (100_001 + random.permutation(count)).astype(np.uint32)
    return People(ids, CHARACTERS, np.arange(count) % 2, ("march",), np.full(count, 1.0), moment(0), moment(0.05))


def only(crowd: People, rows: np.ndarray) -> People:
    moments = {
        name: Moment(
            *(getattr(getattr(crowd, name), part)[rows] for part in ("positions", "yaws", "phases", "doing", "slopes"))
        )
        for name in ("now", "there")
    }
    return replace(crowd, ids=crowd.ids[rows], wears=crowd.wears[rows], scales=crowd.scales[rows], **moments)


def moved(crowd: People, row: int, way: tuple[float, float, float]) -> People:
    shift = np.zeros((len(crowd.ids), 3))
    shift[row] = way
    now, there = (replace(m, positions=m.positions + shift) for m in (crowd.now, crowd.there))
    return replace(crowd, now=now, there=there)


@lru_cache(maxsize=1)
def guides() -> CrowdGuides:
    return crowd_guides(people(), view(), lens())
