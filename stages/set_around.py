"""What stands around a set piece in the plate, as a painter that goes on from it is shown it. No stage: a picture for generate_set."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from assets.sets.projection import Projector
from calibration.lens import distort
from calibration.mattes.pulled import read_pulled
from pipeline.io import exr
from pipeline.types import Lens, Mattes, Plate

Floats = npt.NDArray[np.float32]
_BESIDE_PX = 2  # of the plate: what lies this near to people holds their blur and fringe


def plate_around(plate: Plate, mattes: Mattes, frame: int, projector: Projector, lens: Lens) -> Floats:
    """The plate of a projector's own frame as the projector sees it, without distortion: (H, W, 4) premultiplied ACEScg, alpha 0
    where the plate does not reach, where people stand and where a screen that was keyed hangs."""
    shown = 1 - _in_the_way(mattes, frame)
    rgba = np.concatenate([exr.read_rgb(plate.files.path(frame)) * shown[..., None], shown[..., None]], axis=-1)
    return as_projected(rgba, projector, lens)


def as_projected(rgba: Floats, projector: Projector, lens: Lens) -> Floats:
    """A plate's picture (H, W, 4), premultiplied, as the projector sees it; alpha 0 where it does not reach."""
    y, x = np.mgrid[0 : projector.lens.height, 0 : projector.lens.width] + 0.5
    flat = [
        (x - projector.lens.centre_x_px) / projector.focal_px,
        (y - projector.lens.centre_y_px) / projector.focal_px,
    ]
    at = distort(np.stack(flat, axis=-1), lens)
    within = np.isfinite(at) & (at >= 0.5) & (at <= np.array([lens.width, lens.height]) - 0.5)
    inside = np.asarray(within.all(axis=-1))
    at = np.where(inside[..., None], at, 1.0) - 0.5
    planes = [ndimage.map_coordinates(np.nan_to_num(rgba[..., c]), (at[..., 1], at[..., 0]), order=1) for c in range(4)]
    return np.asarray(np.stack(planes, axis=-1) * inside[..., None], np.float32)


def _in_the_way(mattes: Mattes, frame: int) -> Floats:
    """(H, W) 0..1: people, a little beyond their outline, and a keyed screen: neither goes on in a wall."""
    planes = exr.read(mattes.files.path(frame)).channels
    held = np.asarray(planes["A"], np.float32)
    pulled = read_pulled(planes)
    if pulled is not None and pulled.keyed:
        held = np.maximum(held, pulled.screen)
    side = 2 * _BESIDE_PX + 1
    grown = cv2.dilate(np.clip(held, 0, 1), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))
    return np.asarray(grown, np.float32)
