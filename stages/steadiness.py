"""How much layers and plate flicker from one frame to the next, for the report. No stage: two of them measure by it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.flicker import flicker
from assets.view import Buffers
from pipeline.io import exr
from pipeline.types import CameraTrack, DepthMaps, Mattes, Plate
from stages.seen import view_of

Floats = npt.NDArray[np.float32]
_LOOKED_AT = 60_000  # pixels of the plate, evenly spread: as good as all of them
_NOBODY = 0.01  # of the matte


def layer_flicker(before: Buffers, after: Buffers) -> dict[str, Any]:
    """A layer's figures from `before` to `after`, {"flicker": ...}; nothing when too little of it can be followed."""
    found = flicker(before, after)
    return {"flicker": {name: round(value, 5) for name, value in asdict(found).items()}} if found else {}


def plate_flicker(plate: Plate, mattes: Mattes, depth: DepthMaps, track: CameraTrack, frame: int) -> dict[str, Any]:
    """The plate's own figures from the frame before `frame` to it, along what the solved camera says of things that stand
    still: its grain, its light, and leaves that move. People of the mattes do not count; nothing for the first frame."""
    first = frame - 1
    if any(first not in frames for frames in (plate.files.frames, mattes.files.frames, depth.files.frames)):
        return {}
    pictures = [_still(plate, mattes, f) for f in (first, frame)]
    z = exr.read(depth.files.path(first)).channels["Z"].astype(np.float32)
    looked = np.zeros(z.shape, bool)
    step = max(1, round(np.sqrt(z.size / _LOOKED_AT)))
    looked[::step, ::step] = True
    looked &= np.isfinite(z) & (pictures[0][..., 3] > 0)
    pictures[0][~looked] = 0
    view = view_of(track, first)
    seen = np.concatenate([view.rays[looked] * z[looked][:, None], z[looked][:, None]], axis=1).astype(np.float64)
    points = (seen - view.pose[:3, 3]) @ view.pose[:3, :3]
    motion = np.zeros((*z.shape, 2), np.float32)
    motion[looked] = view.motion(points, points)
    before, after = (Buffers(rgba, np.ones_like(z), np.ones(z.shape, np.int32), motion) for rgba in pictures)
    return layer_flicker(before, after)


def _still(plate: Plate, mattes: Mattes, frame: int) -> Floats:
    """(H, W, 4) the plate without its people."""
    rgb = exr.read_rgb(plate.files.path(frame)).astype(np.float32)
    alpha = (exr.read(mattes.files.path(frame)).channels["A"] < _NOBODY).astype(np.float32)[..., None]
    return np.concatenate([rgb * alpha, alpha], axis=-1)
