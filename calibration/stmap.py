"""STMaps: the lens as pictures for other programs, with the overscan that undistorting needs so that no pixel is lost.

Nuke's convention: red is u, to the right, green is v, upwards; 0 and 1 are the outer edges of the picture that is looked up.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from calibration.lens import distort, undistort_pixels, undistort_points
from pipeline.errors import CalibrationError
from pipeline.types import Lens

Array = npt.NDArray[np.float64]
Map = npt.NDArray[np.float32]
_ROWS_AT_A_TIME = 256
MOST = 1.0  # of the plate's size, on each side, beyond which overscan is a lens gone wrong


@dataclass(frozen=True, slots=True)
class Overscan:
    """Pixels that the undistorted picture needs beyond the plate's own on each side."""

    left: int
    top: int
    right: int
    bottom: int


def overscan_of(lens: Lens) -> Overscan:
    """The least whole pixels that keep every plate pixel when it is undistorted at the same focal length and centre.

    Raises CalibrationError when the lens folds inside the plate, so that its corners have no place.
    """
    width, height = lens.width, lens.height
    x, y = np.arange(width + 1.0), np.arange(height + 1.0)
    edge = np.concatenate(
        [
            np.column_stack([x, np.zeros_like(x)]),
            np.column_stack([x, np.full_like(x, height)]),
            np.column_stack([np.zeros_like(y), y]),
            np.column_stack([np.full_like(y, width), y]),
        ]
    )
    flat = undistort_pixels(edge, lens)
    back = np.abs(distort(undistort_points(edge, lens), lens) - edge).max()
    needed = [-flat[:, 0].min(), -flat[:, 1].min(), flat[:, 0].max() - width, flat[:, 1].max() - height]
    if back > 0.01 or max(needed) > MOST * max(width, height):
        raise CalibrationError(
            f"lens: k1 {lens.k1:g}, k2 {lens.k2:g} fold the picture's edge over itself (it comes back {back:.2f} px off): no "
            "overscan undoes that. Calibrate the lens with a chart that fills the picture."
        )
    return Overscan(*(max(0, math.ceil(value - 1e-6)) for value in needed))


def undistorted_lens(lens: Lens, overscan: Overscan) -> Lens:
    """The pinhole camera of the undistorted picture with its overscan."""
    return replace(
        lens,
        width=lens.width + overscan.left + overscan.right,
        height=lens.height + overscan.top + overscan.bottom,
        centre_x_px=lens.centre_x_px + overscan.left,
        centre_y_px=lens.centre_y_px + overscan.top,
        k1=0.0,
        k2=0.0,
        p1=0.0,
        p2=0.0,
    )


def undistort_map(lens: Lens, overscan: Overscan) -> Map:
    """(H, W, 2) float32 of the undistorted picture: where in the plate each of its pixels is looked up."""
    flat = undistorted_lens(lens, overscan)
    focal, centre = (flat.focal_x_px, flat.focal_y_px), (flat.centre_x_px, flat.centre_y_px)
    return _map(flat, lambda pixels: distort((pixels - centre) / focal, lens), lens.width, lens.height)


def redistort_map(lens: Lens, overscan: Overscan) -> Map:
    """(H, W, 2) float32 of the plate: where in the undistorted picture each of its pixels is looked up."""
    flat, shift = undistorted_lens(lens, overscan), np.array([overscan.left, overscan.top])
    return _map(lens, lambda pixels: undistort_pixels(pixels, lens) + shift, flat.width, flat.height)


def _map(of: Lens, look_up: Callable[[Array], Array], width: int, height: int) -> Map:
    out = np.empty((of.height, of.width, 2), np.float32)
    x = np.arange(of.width) + 0.5
    for top in range(0, of.height, _ROWS_AT_A_TIME):
        y = np.arange(top, min(top + _ROWS_AT_A_TIME, of.height)) + 0.5
        there = look_up(np.stack(np.meshgrid(x, y), axis=-1))
        out[top : top + len(y), :, 0] = there[..., 0] / width
        out[top : top + len(y), :, 1] = 1.0 - there[..., 1] / height
    return out
