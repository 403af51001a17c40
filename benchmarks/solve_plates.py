"""Plates whose camera is known, and real ones: what `benchmarks.solve` measures on.

Rendered ones are the tests' analytic scene, with its lens and grain, under other moves; pans are turned out of one real frame, so
that what they show is real. Peers are given what our trackers see: 8-bit grey, log-encoded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from calibration.cameras import camera_centre, pose_from
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import color, exr, images, video
from pipeline.types import Plate
from tests.scenes import Scene, write_plate
from tests.zooming import zoomed_demo

Array = NDArray[np.float64]
ROOT = Path(__file__).resolve().parents[1]
DEMO = ROOT / "assets" / "demo"
REAL = Path(os.environ.get("BATTLEPLATE_PLATES") or ROOT.parent / "shared" / "plates")
WIDTH, HEIGHT = 640, 360


@dataclass(frozen=True, eq=False)
class Known:
    """A plate and its truth. poses: (F, 4, 4) camera_from_world, or None; focal_px: (F,) of the plate's width, or None.

    mattes: pattern of true mattes, or None. masked_twin: name of the same plate, masked by truth.
    """

    name: str
    plate: Plate
    poses: Array | None = None
    focal_px: Array | None = None
    mattes: Path | None = None


@dataclass(frozen=True)
class Turned(Scene):
    """A nodal pan of 22 degrees with a slow nod."""

    def camera_from_world(self, frame: int) -> Array:
        t = (frame - 1001) / (self.frames - 1) - 0.5
        turn = Rotation.from_euler("yx", [22 * t, 1.5 * np.sin(5 * t) + 2], degrees=True).as_matrix()
        return pose_from(turn @ np.diag([1.0, -1.0, -1.0]), [0.0, 1.7, 0.0])


@dataclass(frozen=True)
class Still(Scene):
    """Locked off: grain and who walks alone move."""

    def camera_from_world(self, frame: int) -> Array:
        return super().camera_from_world(1001)


@dataclass(frozen=True)
class Settled(Scene):
    """A dolly that comes to a hold over the middle third and then stands."""

    def camera_from_world(self, frame: int) -> Array:
        t = (frame - 1001) / (self.frames - 1)
        gone = 2 * t if t < 1 / 3 else 2 * t - 3 * (t - 1 / 3) ** 2 if t < 2 / 3 else 1.0
        centre = np.array([1.5 * gone, 1.7 + 0.05 * gone, -1.2 * gone])
        turn = Rotation.from_euler("yx", [-4 * gone, 1 + gone], degrees=True).as_matrix()
        return pose_from(turn @ np.diag([1.0, -1.0, -1.0]), centre)


@dataclass(frozen=True)
class Crowded(Scene):
    """The free move, and people who march with the camera, a little slower or faster: over 40% of the picture."""

    def actor_boxes(self, frame: int) -> list[tuple[float, ...]]:
        at = camera_centre(self.camera_from_world(frame))
        boxes = []
        for number, (across, ahead) in enumerate(
            ((-0.95, 2.6), (-0.1, 2.9), (0.75, 2.5), (1.9, 3.6), (-2.0, 3.9), (0.45, 4.4), (-1.1, 4.8), (1.4, 5.4))
        ):
            drift = 0.004 * np.array([(-1) ** number * (1 + number % 3), number % 4 - 1.5]) * (frame - 1001)
            x, z = at[0] + across + drift[0], at[2] - ahead + drift[1]
            y = float(self.ground_height_m(np.float32(x), np.float32(z)))
            bob = 0.025 * abs(np.sin(0.45 * frame + number))
            boxes.append((x - 0.28, y + bob, z - 0.2, x + 0.28, y + 1.78 + bob, z + 0.2))
        return boxes


def rendered(name: str, scene: Scene, folder: Path, mattes: bool = False) -> Known:
    plate = write_plate(scene, folder / name / "plate")
    pattern = None
    if mattes:
        pattern = folder / name / "mattes" / "matte.%04d.png"
        for frame in scene.range:
            images.write_png(Path(str(pattern) % frame), np.uint8(np.rint(255 * scene.matte(frame))))
    poses = np.stack([scene.camera_from_world(frame) for frame in scene.range])
    return Known(name, plate, poses, np.full(len(poses), scene.lens.focal_x_px), pattern)


def free(folder: Path, frames: int) -> Known:
    return rendered("free", Scene(WIDTH, HEIGHT, frames), folder)


def people(folder: Path, frames: int) -> Known:
    return rendered("people", Crowded(WIDTH, HEIGHT, frames), folder, mattes=True)


def settled(folder: Path, frames: int) -> Known:
    return rendered("settled", Settled(WIDTH, HEIGHT, frames), folder)


def pan(folder: Path, frames: int) -> Known:
    return rendered("pan", Turned(WIDTH, HEIGHT, frames), folder)


def still(folder: Path, frames: int) -> Known:
    return rendered("still", Still(WIDTH, HEIGHT, min(frames, 24), actor=True), folder)


def turned_frame(name: str, picture: NDArray[np.float32], folder: Path, frames: int, zoom: float = 1.0) -> Known:
    """A camera inside one real frame (H, W, 3), taken for 60 degrees wide: it pans through it, and zooms in by `zoom`.

    The virtual picture is a third of the real one wide, so that no pixel is enlarged by much.
    """
    height, width = picture.shape[:2]
    far = width / 2 / np.tan(np.radians(30))
    small = (480, 270)
    first = 480 / 2 / np.tan(np.radians(13))
    into = np.array([[far, 0, width / 2], [0, far, height / 2], [0, 0, 1]])
    files = FrameFiles(folder / name / "plate", "plate.%04d.exr", FrameRange(1001, 1000 + frames))
    rng = np.random.default_rng(1)
    poses, focals = [], []
    for k, frame in enumerate(files.frames):
        t = k / (frames - 1) - 0.5
        focal = first * zoom ** (t + 0.5)
        turn = Rotation.from_euler("yx", [26 * t, 2.0 * np.sin(6 * t)], degrees=True).as_matrix()
        view = np.array([[focal, 0, small[0] / 2], [0, focal, small[1] / 2], [0, 0, 1]])
        # Pixel centres lie at .5: OpenCV's coordinates are ours less a half.
        half = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1.0]])
        matrix = np.linalg.inv(half) @ into @ turn.T @ np.linalg.inv(view) @ half
        seen = cv2.warpPerspective(picture, matrix, small, flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP)
        noise = 0.004 * np.sqrt(np.maximum(seen, 0) / 0.18) * rng.standard_normal(seen.shape, np.float32)
        exr.write_rgb(files.path(frame), np.ascontiguousarray(np.maximum(seen + noise, 0), np.float32))
        poses.append(pose_from(turn, [0.0, 0.0, 0.0]))
        focals.append(focal)
    return Known(name, Plate(files, *small, 1.0, FrameRate(24), "", "ACEScg"), np.stack(poses), np.array(focals))


def demo_pan(folder: Path, frames: int) -> Known:
    return turned_frame("demo_pan", next(_demo_frames())[1], folder, frames)


def demo_zoom(folder: Path, frames: int) -> Known:
    return turned_frame("demo_zoom", next(_demo_frames())[1], folder, frames, zoom=1.6)


def demo(folder: Path, frames: int) -> Known:
    truth = json.loads((DEMO / "truth" / "camera.json").read_text())
    first, _ = truth["frames"]
    files = FrameFiles(folder / "demo" / "plate", "plate.%04d.exr", FrameRange(*truth["frames"]))
    for frame, picture in _demo_frames():
        exr.write_rgb(files.path(frame), picture)
    poses = np.array([truth["camera_from_world"][str(frame)] for frame in files.frames])
    lens = truth["lens"]
    plate = Plate(files, lens["width"], lens["height"], 1.0, FrameRate(24), "", "ACEScg")
    assert first == files.frames.first
    return Known("demo", plate, poses, np.full(len(poses), lens["focal_x_px"]))


def demo_dolly_zoom(folder: Path, frames: int) -> Known:
    """The demo's plate through a lens that zooms while the camera travels."""
    plate, _, poses, focal_px = zoomed_demo(folder / "demo_dolly_zoom", 1.35)
    return Known("demo_dolly_zoom", plate, poses, focal_px)


def lawn(folder: Path, frames: int) -> Known:
    """Raises FileNotFoundError where the real plates are not."""
    movie = _real("lawn_dog.mp4")
    pictures = [color.to_acescg(rgb, "sRGB - Texture") for rgb in video.read_frames(movie)]
    files = FrameFiles(folder / "lawn" / "plate", "plate.%04d.exr", FrameRange(1001, 1000 + len(pictures)))
    for frame, picture in zip(files.frames, pictures, strict=True):
        exr.write_rgb(files.path(frame), picture)
    height, width = pictures[0].shape[:2]
    return Known("lawn", Plate(files, width, height, 1.0, FrameRate(30), "", "ACEScg"))


def lawn_pan(folder: Path, frames: int) -> Known:
    """Raises FileNotFoundError where the real plates are not."""
    picture = color.to_acescg(next(iter(video.read_frames(_real("lawn_dog.mp4")))), "sRGB - Texture")
    return turned_frame("lawn_pan", picture, folder, frames)


PLATES: dict[str, Callable[[Path, int], Known]] = {
    make.__name__: make
    for make in (free, people, settled, pan, still, demo_pan, demo_zoom, demo_dolly_zoom, lawn_pan, demo, lawn)
}


def _real(name: str) -> Path:
    if not (REAL / name).is_file():
        raise FileNotFoundError(f"{REAL / name} is not here; name the folder that holds it in BATTLEPLATE_PLATES")
    return REAL / name


def _demo_frames() -> Iterator[tuple[int, NDArray[np.float32]]]:
    truth = json.loads((DEMO / "truth" / "camera.json").read_text())
    for frame, rgb in enumerate(video.read_frames(DEMO / "plate.mov"), truth["frames"][0]):
        yield frame, color.to_acescg(rgb, truth["colorspace"])
