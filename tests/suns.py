"""A plate on which people cast true shadows: posts on noisy level ground under a given sun."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.cameras import camera_centre, pixel_rays_world, to_camera
from calibration.lens import project
from calibration.look.color import Sample
from calibration.look.sun import Filmed
from pipeline.sections import to_sun
from pipeline.types import Lens
from tests.scenes import Scene

SCENE = Scene(width=480, height=270, frames=1)
POSTS_M = ((-3.0, -7.0), (-0.5, -9.0), (2.5, -8.0), (0.8, -12.0), (-2.2, -11.0))
TALL_M, WIDE_M = 1.75, 0.42


def filmed(azimuth_deg: float, elevation_deg: float, left: tuple[float, float, float], seed: int = 1) -> Filmed:
    """One frame; a full shadow leaves `left` of the ground's light. left = (1, 1, 1): an overcast sky."""
    rng, lens, pose = np.random.default_rng(seed), SCENE.lens, SCENE.camera_from_world(1001)
    y, x = np.mgrid[: lens.height, : lens.width]
    centre, ways = pixel_rays_world(np.stack([x, y], -1) + 0.5, lens, pose)
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.where(ways[..., 1] < -1e-3, -centre[1] / ways[..., 1], np.inf)
    ground = centre + np.where(np.isfinite(reach), reach, 0)[..., None] * ways
    albedo = 0.25 * np.exp(rng.normal(0, 0.12, (lens.height, lens.width, 1)) + 0.15 * np.sin(ground[..., [0]] / 2))
    dark = _in_shadow(ground, np.array(to_sun(azimuth_deg, elevation_deg))) & np.isfinite(reach)
    rgb = albedo * np.array([1.0, 0.85, 0.65]) * np.where(dark[..., None], left, 1.0)
    rgb = np.where(np.isfinite(reach)[..., None], rgb, 0.8).astype(np.float32)
    matte = np.max([_post(at, lens, pose) for at in POSTS_M], axis=0).astype(np.float32)
    rgb[matte > 0] = (0.05, 0.08, 0.2)
    depth = np.where(np.isfinite(reach), reach, np.inf).astype(np.float32)
    return Filmed(Sample(rgb, depth, np.isfinite(depth).astype(np.float32), matte), pose, SCENE.lens)


def _in_shadow(ground: NDArray[np.float64], sun: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether the way from points (H, W, 3) to the sun passes a post (an upright cylinder)."""
    out = np.zeros(ground.shape[:2], bool)
    flat = np.hypot(sun[0], sun[2])
    towards = np.array([sun[0], sun[2]]) / flat
    for post in POSTS_M:
        apart = np.array(post) - ground[..., [0, 2]]
        along = apart @ towards
        beside = np.abs(apart @ np.array([towards[1], -towards[0]]))
        out |= (along > 0) & (beside < WIDE_M / 2) & (along * sun[1] / flat < TALL_M)
    return out


def _post(at: tuple[float, float], lens: Lens, pose: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(H, W): where a post hides the ground, as an upright rectangle towards the camera."""
    feet = np.array([at[0], 0.0, at[1]])
    side = np.cross([0.0, 1.0, 0.0], camera_centre(pose) - feet)
    side *= 0.5 * WIDE_M / np.linalg.norm(side)
    corners = np.stack([feet - side, feet + side, feet + np.array([0.0, TALL_M, 0.0])])
    px = project(to_camera(corners, pose), lens)
    y, x = np.mgrid[: lens.height, : lens.width] + 0.5
    low, high = px[2, 1], px[:2, 1].mean()
    return np.asarray((x > px[:2, 0].min()) & (x < px[:2, 0].max()) & (y > low) & (y < high))
