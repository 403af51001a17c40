"""Simple layers over the analytic scene: upright people with true place, depth and motion; a wall behind the hills."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pipeline.frames import FrameFiles
from pipeline.io import exr
from pipeline.types import CleanPlate, DepthMaps, Ground, Layer, Mattes, NearPeople, RawLayers
from tests.scenes import HILLS_Z_M, Scene, _opencv

Array = NDArray[np.float32]
SAMPLES = 4
SPEED_MPS = 1.3  # people walk along +x
WALL = (-60.0, 4.0, HILLS_Z_M - 25, 60.0, 34.0)  # x0, y0, z, x1, y1, metres
PEOPLE = tuple((x + 0.35 * (row % 2), -11.0 - 3.0 * row) for row in range(6) for x in np.linspace(-6, 7, 9))


def write_depth(scene: Scene, folder: Path) -> DepthMaps:
    """The true depth, sure of itself but in the sky."""
    files = FrameFiles(folder, "depth.%04d.exr", scene.range)
    for frame in scene.range:
        z = scene.depth_m(frame)
        exr.write(files.path(frame), {"Z": z, "C": np.isfinite(z).astype(np.float32)})
    return DepthMaps(files)


def write_clean(depth: DepthMaps, folder: Path) -> CleanPlate:
    """`depth`, in which nobody walks, as the clean plate's."""
    figures = FrameFiles(folder, "clean.%04d.json", depth.files.frames)
    folder.mkdir(parents=True, exist_ok=True)
    for frame in figures.frames:
        figures.path(frame).write_text("{}")
    return CleanPlate(depth.files, figures)


def write_mattes(scene: Scene, folder: Path) -> Mattes:
    files = FrameFiles(folder, "matte.%04d.exr", scene.range)
    for frame in scene.range:
        matte = scene.matte(frame) if scene.actor else np.zeros((scene.height, scene.width), np.float32)
        depth = np.where(matte > 0, scene.depth_m(frame), np.inf).astype(np.float32)
        exr.write(files.path(frame), {"A": exr.half(matte), "Z": depth})
    return Mattes(files, "supplied")


def write_ground(scene: Scene, folder: Path) -> Ground:
    """The true ground, 0.5 m apart."""
    folder.mkdir(parents=True, exist_ok=True)
    x, z = np.meshgrid(np.arange(-60, 60.1, 0.5), np.arange(-80, 10.1, 0.5))
    np.save(folder / "heights.npy", scene.ground_height_m(x, z))
    (folder / "figures.json").write_text("{}")
    return Ground(folder / "heights.npy", -60.0, -80.0, 0.5, folder / "figures.json")


def write_layers(scene: Scene, folder: Path) -> RawLayers:
    """Layers set and crowd, and the shadow: a soft dark place at each person's feet."""
    manifest = folder / "manifest.json"
    folder.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({str(n): f"thing {n}" for n in range(1, len(PEOPLE) + 1)}))
    layers = tuple(Layer(n, FrameFiles(folder, f"{n}.%04d.exr", scene.range), manifest) for n in ("set", "crowd"))
    shadow = FrameFiles(folder, "shadow.%04d.exr", scene.range)
    for frame in scene.range:
        _write(layers[0].files.path(frame), *_wall(scene, frame))
        rgba, z, ids, motion, light = _crowd(scene, frame)
        _write(layers[1].files.path(frame), rgba, z, ids, motion)
        exr.write(shadow.path(frame), {"Y": exr.half(light), "sun": exr.half(light)})
    return RawLayers(layers, shadow)


def _write(path: Path, rgba: Array, z: Array, ids: NDArray[np.uint32], motion: Array) -> None:
    planes = {**exr.rgba_channels(rgba), "Z": z.astype(np.float32), "id": ids}
    exr.write(path, planes | {"motion.x": exr.half(motion[..., 0]), "motion.y": exr.half(motion[..., 1])})


def _seen(scene: Scene, frame: int, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pixels (N, 2) and depth (N,) of world points."""
    pose = scene.camera_from_world(frame)
    camera = points @ pose[:3, :3].T + pose[:3, 3]
    matrix, bends = _opencv(scene.lens)
    return cv2.projectPoints(camera, np.zeros(3), np.zeros(3), matrix, bends)[0][:, 0] + 0.5, camera[:, 2]


def _person(scene: Scene, x: float, z: float, frame: float) -> NDArray[np.float64]:
    """Feet, head and shoulder of one person, (3, 3) world metres."""
    x = x + SPEED_MPS / 24 * (frame - 1001)
    y = float(scene.ground_height_m(np.float32(x), np.float32(z)))
    return np.array([[x, y, z], [x, y + 1.8, z], [x + 0.25, y + 1.4, z]])


def _covered(scene: Scene, draw: list[tuple[str, NDArray[np.float64]]]) -> Array:
    """Share of each pixel inside the shapes: polygons (N, 2) or ellipses (centre, half axes), in pixels."""
    big = np.zeros((scene.height * SAMPLES, scene.width * SAMPLES), np.uint8)
    for kind, shape in draw:
        at = np.rint(shape * SAMPLES).astype(int)
        if kind == "polygon":
            cv2.fillPoly(big, [at.astype(np.int32)], 255)
        else:
            cv2.ellipse(big, at[0].tolist(), np.maximum(at[1], 1).tolist(), 0, 0, 360, 255, -1)
    return cv2.resize(big, (scene.width, scene.height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _wall(scene: Scene, frame: int) -> tuple[Array, Array, NDArray[np.uint32], Array]:
    x0, y0, z, x1, y1 = WALL
    corners = np.array([[x0, y0, z], [x0, y1, z], [x1, y1, z], [x1, y0, z]])
    px, depth = _seen(scene, frame, corners)
    following, _ = _seen(scene, frame + 1, corners)
    alpha = _covered(scene, [("polygon", px)])
    stones = (
        0.85 + 0.15 * np.sin(np.arange(scene.width) * 0.9)[None, :] * np.sin(np.arange(scene.height) * 1.3)[:, None]
    )
    rgba = np.dstack([alpha * c * stones for c in (0.34, 0.3, 0.25)] + [alpha]).astype(np.float32)
    motion = np.broadcast_to((following - px).mean(axis=0), (*alpha.shape, 2)) * (alpha > 0)[..., None]
    return rgba, np.where(alpha > 0, depth.mean(), np.inf), (alpha > 0).astype(np.uint32), motion


def _crowd(scene: Scene, frame: int) -> tuple[Array, Array, NDArray[np.uint32], Array, Array]:
    size = (scene.height, scene.width)
    rgba, z = np.zeros((*size, 4), np.float32), np.full(size, np.inf, np.float32)
    ids, motion, dark = np.zeros(size, np.uint32), np.zeros((*size, 2), np.float32), np.zeros(size, np.float32)
    colours = np.random.default_rng(3).uniform([0.1, 0.03, 0.02], [0.35, 0.2, 0.12], (len(PEOPLE), 3))
    order = sorted(range(len(PEOPLE)), key=lambda i: PEOPLE[i][1])
    for i in order:
        (feet, head, side), depth = _seen(scene, frame, _person(scene, *PEOPLE[i], frame))
        moved = _seen(scene, frame + 1, _person(scene, *PEOPLE[i], frame + 1))[0][0] - feet
        half_width, tall = side[0] - feet[0], feet[1] - head[1]
        body = np.array([[feet[0], (feet[1] + head[1]) / 2 + 0.12 * tall], [half_width, 0.38 * tall]])
        skull = np.array([[feet[0], head[1] + 0.12 * tall], [0.45 * half_width, 0.11 * tall]])
        alpha = _covered(scene, [("ellipse", body), ("ellipse", skull)])
        rgba = np.dstack([alpha * c for c in colours[i]] + [alpha]) + (1 - alpha[..., None]) * rgba
        there = alpha > 0
        z[there], ids[there], motion[there] = depth[0], i + 1, moved
        under = _covered(scene, [("ellipse", np.array([feet, [1.3 * half_width, 0.4 * half_width]]))])
        dark = np.maximum(dark, 0.6 * under)
    light = 1 - cv2.GaussianBlur(dark, (0, 0), 1.0)
    return rgba.astype(np.float32), z, ids, motion, light.astype(np.float32)


def nobody_near(folder: Path) -> NearPeople:
    """The receipt of a shot in which everyone is far away."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "people.json").write_text('{"near": [], "passed_over": 0}')
    return NearPeople(folder / "people.json", None, None, None, "truth", "", "")
