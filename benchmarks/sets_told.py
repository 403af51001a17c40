"""Pictures of a shot told from one frame to another by the motion of the surfaces they show; for benchmarks/sets.py."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assets.view import Buffers
from pipeline.kernels.color import LUMINANCE
from pipeline.types import CameraTrack
from stages.seen import view_of

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


class Told:
    """Pictures (H, W) of a track's frames, and what each is, as told by another of them and the surface's motion."""

    def __init__(
        self,
        track: CameraTrack,
        pictures: dict[int, Floats],
        depths: dict[int, Floats],
        solid: dict[int, Bools],
    ):
        self.track, self.pictures, self.depths, self.solid = track, pictures, depths, solid

    def by(self, frame: int, other: int) -> tuple[Floats, Bools]:
        """(picture of `frame` out of that of `other`, where it can be told)."""
        here, there = view_of(self.track, frame), view_of(self.track, other)
        depth = np.where(self.solid[frame], self.depths[frame], 1).astype(np.float64)
        points = np.dstack([here.rays * depth[..., None], depth])
        world = (points - here.pose[:3, 3]) @ here.pose[:3, :3]
        pixels = np.clip(there.pixels(world.reshape(-1, 3)).reshape(*depth.shape, 2) - 0.5, -9, 1e4).astype(np.float32)
        ahead = there.to_camera(world)[..., 2]
        picture = cv2.remap(self.pictures[other], pixels, None, cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REFLECT)
        seen = cv2.remap(self.solid[other].astype(np.float32), pixels, None, cv2.INTER_LINEAR) > 0.999
        far = np.where(self.solid[other], self.depths[other], 0).astype(np.float32)
        met = cv2.remap(far, pixels, None, cv2.INTER_LINEAR)
        told = self.solid[frame] & seen & (np.abs(met - ahead) < 0.01 * ahead)
        return picture, cv2.erode(told.astype(np.uint8), np.ones((9, 9))) > 0


def log_light(rgba: Floats) -> Floats:
    """(H, W) stops of the luminance of (H, W, 4) premultiplied RGBA, its alpha taken off."""
    straight = rgba[..., :3] @ LUMINANCE / np.maximum(rgba[..., 3], 1e-3)
    return np.asarray(np.log2(np.maximum(straight, 0) + 0.01), np.float32)


def told_of(track: CameraTrack, layers: dict[int, Buffers]) -> Told:
    """Layers of a track's frames, where they are solid."""
    pictures = {frame: log_light(layer.rgba) for frame, layer in layers.items()}
    solid = {frame: layer.rgba[..., 3] > 0.999 for frame, layer in layers.items()}
    return Told(track, pictures, {frame: layer.depth for frame, layer in layers.items()}, solid)
