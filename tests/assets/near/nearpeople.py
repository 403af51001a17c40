"""Legionaries near a camera with a bent lens, for tests of people near the camera."""

import numpy as np

from assets.near.bodies import Bodies
from assets.sprites.cards import Agents
from assets.view import View
from calibration.cameras import look_at
from calibration.lens import project, rays
from pipeline.types import Lens

LENS = Lens(240, 136, 210.0, 210.0, 121.0, 67.0, -0.12, 0.03, 5e-4, -3e-4)


def agents_at(positions, motions=("idle",), doing=None, frames=4, scale=1.0):
    """Legionaries at positions (N, 3), in `doing` (F, N) of `motions`."""
    count = len(positions)
    return Agents(
        ids=np.arange(1, count + 1),
        names=[f"a{i}" for i in range(count)],
        characters=["legionary"] * count,
        motion_names=tuple(motions),
        motions=np.zeros((frames, count), np.uint8) if doing is None else np.asarray(doing, np.uint8),
        seeds=np.arange(count) + 3,
        scales=np.full(count, scale),
        positions=np.broadcast_to(np.asarray(positions, np.float32), (frames, count, 3)).copy(),
        yaws=np.full((frames, count), 0.4, np.float32),
        phases=np.full((frames, count), 0.3, np.float32),
    )


def bodies_of(agents, slope=(0.0, 0.0)):
    def height(x, z):
        return slope[0] * x + slope[1] * z

    def normal(x, z):
        way = np.array([-slope[0], 1.0, -slope[1]])
        return np.broadcast_to(way / np.linalg.norm(way), (len(np.atleast_1d(x)), 3))

    return Bodies(agents, 2, height, normal)


def view_from(eye, target=(0.0, 0.9, 0.0)):
    pose = look_at(np.asarray(eye, float), target, (0.03, 0.999, 0.0))
    other = look_at(np.add(eye, (0.2, 0.1, 0.0)), target, (0.03, 0.999, 0.0))
    return View(rays(LENS), lambda points: project(points, LENS), pose, other, 1)
