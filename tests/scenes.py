"""A small analytic scene with exact truth (pictures, depth, mattes, camera, ground) for tests of all after the solve.

A valley floor that rises gently, four ruined walls, far hills, a sky with soft clouds and, if asked, a person-sized box
that walks. Every pixel is ray-cast in closed form (no mesh, no sampling error), textures are band-limited noise, and
the lens bends. Conventions are those of pipeline.types; the distortion comes from OpenCV, not from our own code.

    scene = Scene(frames=24, actor=True)
    shot = write_shot(scene, tmp_path)          # Shot: plate, track (true poses and points), scene
    scene.depth_m(7), scene.matte(7), scene.ground_height_m(x, z)
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.types import CameraTrack, Lens, Plate
from tests.textures import noise

Array = NDArray[np.float32]
SKY, GROUND, HILLS, FIRST_BOX = 0, 1, 2, 3
HILLS_Z_M = -70.0
# min x, y, z, max x, y, z of each wall, metres
WALLS = (
    (-7.0, -1, -15.0, -3.2, 3.2, -14.2),
    (2.6, -1, -9.6, 3.3, 3.8, -8.9),
    (5.5, -1, -30.0, 6.3, 2.6, -13.0),
    (-1.5, -1, -27.0, 3.5, 2.4, -25.0),
)
COLOURS = np.array(  # ACEScg
    [
        [0.5, 0.62, 0.85],  # sky
        [0.2, 0.15, 0.1],  # ground
        [0.12, 0.14, 0.08],  # hills
        [0.3, 0.27, 0.23],  # four walls
        [0.36, 0.3, 0.24],
        [0.24, 0.23, 0.24],
        [0.3, 0.25, 0.2],
        [0.3, 0.07, 0.06],  # actor
    ],
    np.float32,
)


@dataclass(frozen=True)
class Scene:
    """What is filmed. Frames count from 1001; `picture`, `depth_m` and `matte` take that number."""

    width: int = 320
    height: int = 180
    frames: int = 24
    actor: bool = False
    grain: float = 0.004  # standard deviation at mid grey, linear
    step_m: tuple[float, float, float] = (0.05, 0.004, -0.06)  # what the dolly moves in a frame
    actor_speed_mps: float = 1.6
    seed: int = 1

    @property
    def range(self) -> FrameRange:
        return FrameRange(1001, 1000 + self.frames)

    @property
    def lens(self) -> Lens:
        focal = 0.88 * self.width
        return Lens(
            self.width, self.height, focal, focal, 0.503 * self.width, 0.49 * self.height, -0.09, 0.02, 6e-4, -4e-4
        )

    def camera_from_world(self, frame: int) -> NDArray[np.float64]:
        """(4, 4): a dolly at 1.7 m that moves by `step_m` a frame and turns and nods a little, by hand."""
        t = frame - 1001
        centre = np.array([0.0, 1.7, 0.0]) + np.array(self.step_m) * t
        centre += [0.01 * np.sin(0.9 * t), 0.012 * np.sin(0.7 * t), 0.0]
        turn, _ = cv2.Rodrigues(np.array([0.02 * np.sin(t / 7), 0.012 * np.sin(t / 5), 0.006 * np.sin(t / 3)]))
        rotation = turn @ np.diag([1.0, -1.0, -1.0])
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = rotation, -rotation @ centre
        return matrix

    def ground_height_m(self, x: Array, z: Array) -> Array:
        """World height of the ground at x, z: near 0 by the first camera, rising into the distance."""
        swell = 0.06 * (np.sin(0.63 * x + 0.41 * z) + np.sin(0.5 * z - 0.2 * x)) + 0.25 * (np.cos(0.16 * x) - 1)
        return np.asarray(0.0015 * z * z + swell, np.float32)

    def actor_box(self, frame: int) -> tuple[float, ...]:
        """The walking box, min and max corner in metres; its feet follow the ground."""
        x, z = -1.7 + self.actor_speed_mps / 24 * (frame - 1001), -6.0
        y = float(self.ground_height_m(np.float32(x), np.float32(z)))
        return (x - 0.28, y, z - 0.2, x + 0.28, y + 1.78, z + 0.2)

    def actor_boxes(self, frame: int) -> list[tuple[float, ...]]:
        """All that walk: as many in every frame, in one order."""
        return [self.actor_box(frame)] if self.actor else []

    def depth_m(self, frame: int) -> Array:
        """(H, W) float32: depth along camera z at each pixel's centre, metres, +inf in the sky. The actor is in it."""
        return self._cast(frame, self._rays(1)[0])[0]

    def surfaces(self, frame: int) -> NDArray[np.int32]:
        """(H, W) int32: what each pixel's centre shows: SKY, GROUND, HILLS, then the walls, the actor last."""
        return self._cast(frame, self._rays(1)[0])[1]

    def matte(self, frame: int) -> Array:
        """(H, W) float32: how much of each pixel the actor covers, 3 x 3 samples."""
        covered = [self._covered(frame, rays) for rays in self._rays(3)]
        return np.mean(covered, axis=0, dtype=np.float32)

    def _covered(self, frame: int, rays: Array) -> NDArray[np.bool_]:
        """(H, W): whether `rays` meet the actor first. Cast is what meets a box at all: few pixels, in rows and columns around."""
        origin, way = self._ways(frame, rays)
        with np.errstate(divide="ignore", invalid="ignore"):
            hits = [np.less(*_meet_box(origin, np.moveaxis(way, -1, 0), box)) for box in self.actor_boxes(frame)]
        near = np.any(hits, axis=0) if hits else np.zeros(rays.shape[:2], bool)
        out = np.zeros(rays.shape[:2], bool)
        if near.any():
            some = np.ix_(near.any(axis=1), near.any(axis=0))
            out[some] = self._cast(frame, rays[some])[1] >= FIRST_BOX + len(WALLS)
        return out

    def picture(self, frame: int) -> Array:
        """(H, W, 3) float32 scene-linear ACEScg, 2 x 2 samples a pixel, with grain that is new in every frame."""
        image = np.mean([self._shade(frame, rays) for rays in self._rays(2)], axis=0, dtype=np.float32)
        grain = np.random.default_rng((self.seed, frame)).standard_normal(image.shape, np.float32)
        return np.maximum(image + self.grain * np.sqrt(image / 0.18) * grain, 0)

    def _rays(self, samples: int) -> list[Array]:
        return _lens_rays(self.lens, samples)

    def _cast(self, frame: int, rays: Array) -> tuple[Array, NDArray[np.int32], Array]:
        """Depth (H, W), surface (H, W) and world point (H, W, 3) that `rays` (H, W, 2) meet first."""
        origin, way = self._ways(frame, rays)
        planes = np.ascontiguousarray(np.moveaxis(way, -1, 0))
        depth = self._meet_ground(origin, planes)
        surface = np.where(np.isfinite(depth), GROUND, SKY).astype(np.int32)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (HILLS_Z_M - origin[2]) / planes[2]
            x, y = origin[0] + t * planes[0], origin[1] + t * planes[1]
            hit = (t > 0) & (t < depth) & (y < 16 + 3 * np.sin(0.07 * x) + 1.5 * np.sin(0.19 * x + 1))
            depth, surface = np.where(hit, t, depth), np.where(hit, HILLS, surface)
            for number, box in enumerate([*WALLS, *self.actor_boxes(frame)]):
                enter, leave = _meet_box(origin, planes, box)
                hit = (enter > 0) & (enter < leave) & (enter < depth)
                depth, surface = np.where(hit, enter, depth), np.where(hit, FIRST_BOX + number, surface)
        point = origin + np.where(np.isfinite(depth), depth, 1e5)[..., None] * way
        return depth.astype(np.float32), surface, point

    def _ways(self, frame: int, rays: Array) -> tuple[Array, Array]:
        """Where the camera is (3,), and where `rays` go from it (H, W, 3), in the world."""
        pose = self.camera_from_world(frame)
        origin = (-pose[:3, :3].T @ pose[:3, 3]).astype(np.float32)
        return origin, cv2.transform(np.dstack([rays, np.ones_like(rays[..., 0])]), pose[:3, :3].T.astype(np.float32))

    def _meet_ground(self, origin: Array, way: Array) -> Array:
        """Depth (H, W) at which rays along `way` (3, H, W) meet the ground, +inf where they do not.

        The rise alone is a quadratic; a few Newton steps add the swell, whose slope is too small to hide any."""
        a = 0.0015 * way[2] ** 2
        b = 0.003 * origin[2] * way[2] - way[1]
        c = 0.0015 * origin[2] ** 2 - origin[1]
        root = np.sqrt(np.maximum(b * b - 4 * a * c, 0))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = 2 * c / (-b - root)
            t = np.where((b * b > 4 * a * c) & (t > 0) & (origin[2] + t * way[2] > HILLS_Z_M), t, np.inf)
        seen = np.isfinite(t)
        s, (x, y, z) = t[seen].astype(np.float32), way[:, seen]
        for _ in range(5):
            u = s + np.float32(0.02)
            f = origin[1] + s * y - self.ground_height_m(origin[0] + s * x, origin[2] + s * z)
            ahead = origin[1] + u * y - self.ground_height_m(origin[0] + u * x, origin[2] + u * z)
            s = s - f / np.minimum((ahead - f) / np.float32(0.02), -0.02)
        t[seen] = s
        return t

    def _shade(self, frame: int, rays: Array) -> Array:
        depth, surface, point = self._cast(frame, rays)
        uv = point[..., [0, 2]].copy()  # the ground is painted from above
        side = surface >= HILLS
        uv[side, 0] += point[side, 2]  # a face along x has constant z and the other way round: one formula for both
        uv[side, 1] = point[side, 1]
        for number, box in enumerate(self.actor_boxes(frame)):
            uv[surface == FIRST_BOX + len(WALLS) + number, 0] -= box[0]
        uv += (surface * 17.3)[..., None]
        footprint_m = np.where(surface == SKY, 1e3, depth / self.lens.focal_x_px)
        lying = surface == GROUND  # seen at a grazing angle, a pixel covers much more along the way
        footprint_m[lying] *= np.clip(depth[lying] / 1.7, 1, None) ** 0.6
        light = 1 + noise(uv.astype(np.float32), footprint_m.astype(np.float32))
        image = COLOURS[np.minimum(surface, len(COLOURS) - 1)] * light[..., None]
        sky = surface == SKY
        away = (point / 1e5).astype(np.float32)
        clouds = noise(4 * away[..., :2], np.where(sky, np.float32(1), np.float32(1e3)))
        image[sky] = COLOURS[SKY] * (1 - 0.25 * away[..., 1] + 0.15 * clouds)[sky, None]
        return np.asarray(image, np.float32)


@dataclass(frozen=True)
class Shot:
    """A scene on disk as the receipts that the stages take."""

    scene: Scene
    plate: Plate
    track: CameraTrack
    folder: Path = field(repr=False)


def write_shot(scene: Scene, folder: Path, noise_px: float = 0.1) -> Shot:
    """Write plate and true camera track of `scene` under `folder`; observations get `noise_px` of Gaussian error."""
    return Shot(scene, write_plate(scene, folder / "plate"), write_track(scene, folder / "track", noise_px), folder)


def write_plate(scene: Scene, folder: Path) -> Plate:
    from pipeline.io import exr

    files = FrameFiles(folder, "plate.%04d.exr", scene.range)
    for frame in scene.range:
        exr.write_rgb(files.path(frame), scene.picture(frame))
    return Plate(files, scene.width, scene.height, 1.0, FrameRate(24), "01:00:00:00", "ACEScg", {})


def write_track(scene: Scene, folder: Path, noise_px: float = 0.1) -> CameraTrack:
    """A CameraTrack with the true poses, and points found as corners of a few frames, lifted by the true depth."""
    folder.mkdir(parents=True, exist_ok=True)
    poses = np.stack([scene.camera_from_world(f) for f in scene.range])
    points = true_points(scene)
    rows = []
    rng = np.random.default_rng(scene.seed)
    for frame in scene.range:
        seen, px = visible(scene, frame, points)
        px = px[seen] + noise_px * rng.standard_normal((seen.sum(), 2))
        rows.append(np.column_stack([np.full(len(px), frame), np.flatnonzero(seen), px]))
    np.save(folder / "poses.npy", poses)
    np.save(folder / "points.npy", points.astype(np.float32))
    np.save(folder / "observations.npy", np.concatenate(rows).astype(np.float32))
    (folder / "figures.json").write_text(json.dumps({"source": "truth"}, indent=1, sort_keys=True))
    np.save(folder / "tracks.npy", np.concatenate(rows).astype(np.float32))
    return CameraTrack(
        poses=folder / "poses.npy",
        points=folder / "points.npy",
        observations=folder / "observations.npy",
        tracks=folder / "tracks.npy",
        figures=folder / "figures.json",
        frames=scene.range,
        lens=scene.lens,
        reprojection_error_px=noise_px,
        scale_from="truth",
    )


def true_points(scene: Scene, per_frame: int = 500) -> Array:
    """(N, 3) float32 world points on static surfaces: corners of the first, middle and last frame."""
    points = []
    for frame in sorted({scene.range.first, 1000 + (1 + scene.frames) // 2, scene.range.last}):
        _, surface, point = scene._cast(frame, scene._rays(1)[0])
        grey = np.uint8(255 * np.clip(scene.picture(frame).mean(axis=2), 0, 1) ** 0.45)
        static = np.uint8((surface != SKY) & (surface < FIRST_BOX + len(WALLS)))
        corners = cv2.goodFeaturesToTrack(grey, per_frame, 0.005, 3, mask=cv2.erode(static, np.ones((5, 5))))
        x, y = corners[:, 0].astype(int).T
        points.append(point[y, x])
    return np.concatenate(points).astype(np.float32)


def visible(scene: Scene, frame: int, points: Array) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Which world points (N, 3) frame sees, and where: (N,) bool, (N, 2) px."""
    pose, lens = scene.camera_from_world(frame), scene.lens
    camera = points.astype(float) @ pose[:3, :3].T + pose[:3, 3]
    matrix, bends = _opencv(lens)
    px = cv2.projectPoints(camera, np.zeros(3), np.zeros(3), matrix, bends)[0][:, 0] + 0.5
    x, y = np.floor(px).astype(int).T
    inside = (camera[:, 2] > 0.1) & (x >= 1) & (y >= 1) & (x < lens.width - 1) & (y < lens.height - 1)
    depth = scene.depth_m(frame)[np.where(inside, y, 0), np.where(inside, x, 0)]
    return inside & (np.abs(depth - camera[:, 2]) < 0.03 * camera[:, 2] + 0.02), px


def _opencv(lens: Lens) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """OpenCV puts the first pixel's centre at 0, we at 0.5."""
    matrix = np.array(
        [[lens.focal_x_px, 0, lens.centre_x_px - 0.5], [0, lens.focal_y_px, lens.centre_y_px - 0.5], [0, 0, 1]]
    )
    return matrix, np.array([lens.k1, lens.k2, lens.p1, lens.p2])


def _meet_box(origin: Array, way: Array, box: tuple[float, ...]) -> tuple[Array, Array]:
    """Where rays enter and leave a box, in units of `way` (3, H, W); they miss it where they would leave before entering."""
    enter, leave = np.float32(-np.inf), np.float32(np.inf)
    for axis in range(3):
        low, high = ((np.float32(box[axis + 3 * k]) - origin[axis]) / way[axis] for k in (0, 1))
        enter, leave = np.maximum(enter, np.minimum(low, high)), np.minimum(leave, np.maximum(low, high))
    return enter, leave


@cache
def _lens_rays(lens: Lens, samples: int) -> list[Array]:
    """samples^2 arrays (H, W, 2): undistorted x/z, y/z through a grid of points in every pixel."""
    matrix, bends = _opencv(lens)
    x, y = np.meshgrid(np.arange(lens.width, dtype=np.float64), np.arange(lens.height, dtype=np.float64))
    offsets = [float(Fraction(2 * i + 1, 2 * samples)) - 0.5 for i in range(samples)]
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 40, 1e-10)
    grids = [np.stack([x + dx, y + dy], axis=2).reshape(-1, 1, 2) for dy in offsets for dx in offsets]
    rays = [cv2.undistortPoints(g, matrix, bends, None, None, None, criteria) for g in grids]
    return [r.reshape(lens.height, lens.width, 2).astype(np.float32) for r in rays]
