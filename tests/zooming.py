"""Plates through a lens that zooms, a focal length for each frame: the analytic scene, and the demo's."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from calibration.lens import zoomed
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import color, exr, images, video
from pipeline.types import Lens, Plate
from tests.scenes import Scene, Shot, write_shot

DEMO = Path(__file__).resolve().parents[1] / "assets" / "demo"
LONGER = 1.4


class Zoom(Scene):
    """The dolly of every test, its lens 1.4 times as long at the end. `lens` is that of the frame that was asked for last."""

    asked = 1001

    def factor(self, frame: int) -> float:
        return float(LONGER ** ((frame - 1001) / (self.frames - 1)))

    def focal_px(self) -> np.ndarray:
        """(F,) of every frame."""
        return 0.88 * self.width * np.array([self.factor(frame) for frame in self.range])

    @property
    def lens(self) -> Lens:
        return zoomed(super().lens, self.factor(self.asked))

    def camera_from_world(self, frame: int) -> np.ndarray:
        object.__setattr__(self, "asked", frame)
        return super().camera_from_world(frame)

    def picture(self, frame: int) -> np.ndarray:
        object.__setattr__(self, "asked", frame)
        return super().picture(frame)

    def depth_m(self, frame: int) -> np.ndarray:
        object.__setattr__(self, "asked", frame)
        return super().depth_m(frame)

    def matte(self, frame: int) -> np.ndarray:
        object.__setattr__(self, "asked", frame)
        return super().matte(frame)


def write_zoom(scene: Zoom, folder: Path) -> Shot:
    """Plate and true track, its lens the first frame's, its zoom each frame's."""
    shot = write_shot(scene, folder)
    scene.camera_from_world(scene.range.first)
    zoom = tuple(scene.factor(frame) for frame in scene.range)
    return replace(shot, track=replace(shot.track, lens=scene.lens, zoom=zoom))


def zoomed_demo(folder: Path, longer: float) -> tuple[Plate, Path, np.ndarray, np.ndarray]:
    """The demo's plate, its picture enlarged about the lens's axis up to `longer` times: exactly a lens that zooms.

    The plate, the pattern of its mattes, camera_from_world (F, 4, 4) and focal lengths (F,) in pixels, of the truth.
    """
    truth = json.loads((DEMO / "truth" / "camera.json").read_text())
    lens, span = truth["lens"], FrameRange(*truth["frames"])
    width, height = lens["width"], lens["height"]
    files, mattes = FrameFiles(folder / "plate", "plate.%04d.exr", span), folder / "mattes" / "matte.%04d.png"
    zoom = longer ** (np.arange(len(span)) / (len(span) - 1))
    centre = np.array([lens["centre_x_px"], lens["centre_y_px"]]) - 0.5
    for frame, length, rgb in zip(span, zoom, video.read_frames(DEMO / "plate.mov"), strict=True):
        back = np.column_stack([np.eye(2) / length, centre - centre / length])

        def longer_lens(picture, back=back):
            flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
            return cv2.warpAffine(picture, back, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)

        picture = longer_lens(rgb.astype(np.float32))
        exr.write_rgb(
            files.path(frame), np.ascontiguousarray(color.to_acescg(picture, truth["colorspace"]), np.float32)
        )
        matte = cv2.imread(str(DEMO / "truth" / "mattes" / f"matte.{frame}.png"), cv2.IMREAD_GRAYSCALE)
        images.write_png(Path(str(mattes) % frame), longer_lens(matte))
    poses = np.array([truth["camera_from_world"][str(frame)] for frame in span])
    plate = Plate(files, width, height, 1.0, FrameRate(24), "", "ACEScg")
    return plate, mattes, poses, lens["focal_x_px"] * zoom
