"""The analytic scene through a lens that zooms: a focal length for each frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from calibration.lens import zoomed
from pipeline.types import Lens
from tests.scenes import Scene, Shot, write_shot

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
