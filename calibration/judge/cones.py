"""Three cones that stand on the ground of the solved world: near, half way and far. A track that slides makes them slide."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, meet_plane, pixel_rays_world
from calibration.judge.eye import FIXED, SHIFT, Eye, Picture
from calibration.solve.solved import Solve

Array = npt.NDArray[np.float64]

HEIGHT_M, WIDE = 1.8, 0.22  # radius of the foot over the height
SIDES, BANDS = 28, 5
LEAST, MOST = 0.045, 0.45  # of the picture's height, the cone half way
SMALLEST = 0.02  # of it, the far one
LOW = 0.15  # points under this share of the camera's height stand for the ground
SUN = np.array([-0.8, 0.55, 0.35]) / np.linalg.norm([-0.8, 0.55, 0.35])
ORANGE, WHITE = np.array([244, 112, 36.0]), np.array([240, 238, 232.0])
FINER = 2  # drawn so much larger, for smooth edges
SPOTS = ((0.36, 0.86), (0.66, 0.74), (0.48, 0.64))  # of the picture, where no point of the ground is known


def _inks() -> list[list[tuple[float, ...]]]:
    """Of every face, by band and side: its paint in the light of a sun that stands still in the world."""
    angles = (np.arange(SIDES) + 0.5) * 2 * np.pi / SIDES
    lean = np.arctan(WIDE)
    normals = np.column_stack(
        [np.cos(angles) * np.cos(lean), np.full(SIDES, np.sin(lean)), np.sin(angles) * np.cos(lean)]
    )
    light = np.minimum(0.42 + 0.62 * np.maximum(normals @ SUN, 0.0), 1.0)
    return [[tuple(((WHITE if band % 2 else ORANGE) * share).tolist()) for share in light] for band in range(BANDS)]


INKS = _inks()


@dataclass(frozen=True, eq=False)
class Cones:
    """feet: (K, 3) world metres, K up to three, nearest first; distances_m: (K,) from the camera of the middle frame."""

    feet: Array
    distances_m: Array
    height_m: float


def place_cones(solve: Solve) -> Cones:
    """Stand them on solved points of the ground that the plate shows for long, else on y = 0 where the picture shows it."""
    middle = len(solve.poses) // 2
    centre = camera_centre(solve.poses[middle])
    feet, views = _candidates(solve, float(camera_centre(solve.poses)[:, 1].mean()))
    away = np.linalg.norm(feet - centre, axis=1)
    if len(feet) < 3:
        feet = _on_the_plane(solve, middle)
        away = np.linalg.norm(feet - centre, axis=1)
        order = np.argsort(away)
        return Cones(feet[order], away[order], _height(solve, away))
    near, far = np.percentile(away, [8, 92])
    height = _height(solve, np.sqrt([near * far]))
    far = max(1.5 * near, min(far, solve.lens.focal_y_px * height / (SMALLEST * solve.lens.height)))
    eye = Eye(solve.poses[middle], solve.lens_at(middle))
    across = eye.see(feet, 1e-6)[:, 0] / solve.lens.width
    chosen: list[int] = []
    for wanted, spot in zip(np.geomspace(near, far, 3), (0.3, 0.7, 0.5), strict=True):
        cost = np.abs(np.log(away / wanted)) + 1.2 * (1 - views / len(solve.poses))
        cost += 0.5 * np.abs(np.nan_to_num(across, nan=9.0) - spot)
        cost[chosen] = np.inf
        chosen.append(int(np.argmin(cost)))
    order = np.array(chosen)[np.argsort(away[chosen])]
    return Cones(feet[order], away[order], height)


def _candidates(solve: Solve, camera_m: float) -> tuple[Array, Array]:
    """Points (N, 3) of the ground, and in how many frames each can be seen well inside the picture."""
    low = solve.points[np.abs(solve.points[:, 1]) < LOW * abs(camera_m)]
    low = low[np.isfinite(low).all(axis=1)]
    views = np.zeros(len(low))
    for row in range(len(solve.poses)):
        eye = Eye(solve.poses[row], solve.lens_at(row))
        views += eye.inside(eye.see(low, 0.3 * abs(camera_m)), -0.06)
    kept = views >= 0.3 * len(solve.poses)
    return low[kept], views[kept]


def _on_the_plane(solve: Solve, row: int) -> Array:
    size = np.array([solve.lens.width, solve.lens.height])
    origin, rays = pixel_rays_world(np.array(SPOTS) * size, solve.lens_at(row), solve.poses[row])
    feet = meet_plane(origin, rays)
    return feet[np.isfinite(feet).all(axis=1)]


def _height(solve: Solve, away: Array) -> float:
    """A person's, or ten times that or a tenth, so that the cone half way is neither a dot nor a tower."""
    if not len(away):
        return HEIGHT_M
    share = solve.lens.focal_y_px * HEIGHT_M / float(np.median(away)) / solve.lens.height
    height = HEIGHT_M
    while share < LEAST:
        share, height = share * 10, height * 10
    while share > MOST:
        share, height = share / 10, height / 10
    return height


def draw_cones(picture: Picture, eye: Eye, cones: Cones) -> None:
    """Shaded, through the lens, the farthest first, in place. One that the camera stands in is left out."""
    for foot in cones.feet[::-1]:
        if eye.depth(foot[None])[0] > 1.2 * WIDE * cones.height_m:
            _draw(picture, eye, foot, cones.height_m)


def _draw(picture: Picture, eye: Eye, foot: Array, height: float) -> None:
    turn = np.linspace(0, 2 * np.pi, SIDES + 1)
    up = np.linspace(0, 1, BANDS + 1)
    radius = WIDE * height * (1 - up)
    ring = np.stack([np.cos(turn), np.zeros_like(turn), np.sin(turn)], axis=-1)
    grid = foot + radius[:, None, None] * ring + (up * height)[:, None, None] * np.array([0.0, 1, 0])
    seen = eye.see(grid.reshape(-1, 3), 0.05 * height).reshape(BANDS + 1, SIDES + 1, 2)
    if not np.isfinite(seen).all():
        return
    tall, wide = picture.shape[:2]
    left, top = np.maximum(np.floor(seen.min(axis=(0, 1))).astype(int) - 2, 0)
    right, bottom = np.minimum(np.ceil(seen.max(axis=(0, 1))).astype(int) + 3, (wide, tall))
    if right <= left or bottom <= top:
        return
    size = (FINER * (bottom - top), FINER * (right - left))
    paint, cover = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
    fixed = np.rint(((seen - (left, top)) * FINER - 0.5) * FIXED).astype(np.int32)
    quads = np.stack([fixed[:-1, :-1], fixed[:-1, 1:], fixed[1:, 1:], fixed[1:, :-1]], axis=2)
    edge, other = ((quads[:, :, k] - quads[:, :, 0]).astype(float) for k in (1, 3))
    facing = edge[..., 0] * other[..., 1] - edge[..., 1] * other[..., 0] > 0
    for band, side in np.argwhere(facing).tolist():
        cv2.fillConvexPoly(paint, quads[band, side][:, None], INKS[band][side], cv2.LINE_8, SHIFT)
        cv2.fillConvexPoly(cover, quads[band, side][:, None], 255, cv2.LINE_8, SHIFT)
    to = (int(right - left), int(bottom - top))
    share = cv2.resize(cover, to, interpolation=cv2.INTER_AREA).astype(np.float32)[..., None] / np.float32(255)
    laid = cv2.resize(paint, to, interpolation=cv2.INTER_AREA).astype(
        np.float32
    )  # its edges are dark: multiplied by the cover
    under = picture[top:bottom, left:right]
    picture[top:bottom, left:right] = np.rint(laid + under * (1 - share)).astype(np.uint8)
