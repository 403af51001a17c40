"""The plate's lens: from camera points to plate pixels and back, COLMAP's OPENCV model.

Normalised coordinates are x = X/Z, y = Y/Z of an undistorted pinhole; pixel centres lie at .5, the first row is
the top.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.types import Lens

Array = npt.NDArray[np.float64]
_ROWS_AT_A_TIME = 256  # bounds the memory of rays() on 8K plates


def project(points_camera: npt.ArrayLike, lens: Lens) -> Array:
    """Plate pixels (N, 2) of points (N, 3) in camera axes (x right, y down, z into the scene).

    Points at or behind the camera (z <= 0) give NaN. Points far off the picture stay off it (see `distort`).
    """
    points = np.asarray(points_camera, dtype=np.float64)
    depth = np.where(points[..., 2:3] > 1e-9, points[..., 2:3], np.nan)
    return distort(points[..., :2] / depth, lens)


def distort(normalised: npt.ArrayLike, lens: Lens) -> Array:
    """Plate pixels (..., 2) of normalised coordinates (..., 2).

    The radial polynomial of a barrel lens turns back beyond some radius and would bring what lies far outside back into
    the picture; beyond that radius it is continued straight, so what is off the picture stays off.
    """
    xy = np.asarray(normalised, dtype=np.float64)
    fold = fold_radius(lens)
    if math.isfinite(fold):
        radius = np.hypot(xy[..., 0], xy[..., 1])
        inside = np.minimum(1.0, fold / np.maximum(radius, 1e-12))[..., None]
        bent = _bend(xy * inside, lens) + xy * (1.0 - inside)
    else:
        bent = _bend(xy, lens)
    return bent * (lens.focal_x_px, lens.focal_y_px) + (lens.centre_x_px, lens.centre_y_px)


def undistort_points(pixels: npt.ArrayLike, lens: Lens, iterations: int = 12) -> Array:
    """Normalised coordinates (..., 2) of plate pixels (..., 2), by Newton's method; the inverse of `distort`."""
    target = (np.asarray(pixels, dtype=np.float64) - (lens.centre_x_px, lens.centre_y_px)) / (
        lens.focal_x_px,
        lens.focal_y_px,
    )
    if not (lens.k1 or lens.k2 or lens.p1 or lens.p2):
        return target
    fold = fold_radius(lens)
    guess = target.copy()
    for _ in range(iterations):
        error = _bend(guess, lens) - target
        xx, xy, yx, yy = _slopes(guess, lens)
        # A pixel beyond the lens's reach has no ray: there the determinant vanishes; it is held at the fold.
        determinant = np.maximum(xx * yy - xy * yx, 1e-3)
        step = np.stack([yy * error[..., 0] - xy * error[..., 1], xx * error[..., 1] - yx * error[..., 0]], axis=-1)
        guess = guess - step / determinant[..., None]
        if math.isfinite(fold):
            radius = np.hypot(guess[..., 0], guess[..., 1])
            guess *= np.minimum(1.0, fold / np.maximum(radius, 1e-12))[..., None]
        if error.size == 0 or np.nanmax(np.abs(error)) < 1e-12:
            break
    return guess


def rays(lens: Lens) -> npt.NDArray[np.float32]:
    """The undistorted ray (x/z, y/z) through every pixel centre of the plate: (H, W, 2) float32."""
    out = np.empty((lens.height, lens.width, 2), np.float32)
    x = np.arange(lens.width) + 0.5
    for top in range(0, lens.height, _ROWS_AT_A_TIME):
        y = np.arange(top, min(top + _ROWS_AT_A_TIME, lens.height)) + 0.5
        out[top : top + len(y)] = undistort_points(np.stack(np.meshgrid(x, y), axis=-1), lens)
    return out


def undistort_pixels(pixels: npt.ArrayLike, lens: Lens) -> Array:
    """Where plate pixels (..., 2) would lie without distortion, same focal length and centre."""
    return undistort_points(pixels, lens) * (lens.focal_x_px, lens.focal_y_px) + (lens.centre_x_px, lens.centre_y_px)


def camera_matrix(lens: Lens) -> Array:
    """The 3 x 3 matrix of focal lengths and centre, in pixels."""
    return np.array(
        [[lens.focal_x_px, 0.0, lens.centre_x_px], [0.0, lens.focal_y_px, lens.centre_y_px], [0.0, 0.0, 1.0]],
    )


def coefficients(lens: Lens) -> Array:
    """(8,) focal x y, centre x y in pixels, k1 k2 p1 p2: as compiled loops take a lens."""
    focal, centre = (lens.focal_x_px, lens.focal_y_px), (lens.centre_x_px, lens.centre_y_px)
    return np.array([*focal, *centre, lens.k1, lens.k2, lens.p1, lens.p2], np.float64)


def zoomed(lens: Lens, factor: float) -> Lens:
    """The same lens with a focal length `factor` times as long: what lies on its axis, and how it bends, stay."""
    return replace(lens, focal_x_px=lens.focal_x_px * factor, focal_y_px=lens.focal_y_px * factor)


def scaled(lens: Lens, width: int, height: int) -> Lens:
    """The same lens for a picture of another size (pixel centres at .5 make this a plain product)."""
    x, y = width / lens.width, height / lens.height
    return replace(
        lens,
        width=width,
        height=height,
        focal_x_px=lens.focal_x_px * x,
        focal_y_px=lens.focal_y_px * y,
        centre_x_px=lens.centre_x_px * x,
        centre_y_px=lens.centre_y_px * y,
    )


def fold_radius(lens: Lens) -> float:
    """The normalised radius at which r (1 + k1 r^2 + k2 r^4) stops growing; infinite when it never does."""
    a, b = 5.0 * lens.k2, 3.0 * lens.k1  # slope of the radius: 1 + b s + a s^2 with s = r^2
    if abs(a) < 1e-15:
        roots = [-1.0 / b] if b < 0 else []
    else:
        inner = b * b - 4.0 * a
        roots = [] if inner < 0 else [(-b - math.sqrt(inner)) / (2 * a), (-b + math.sqrt(inner)) / (2 * a)]
    ahead = [root for root in roots if root > 0]
    return math.sqrt(min(ahead)) if ahead else math.inf


def _bend(xy: Array, lens: Lens) -> Array:
    """Distorted normalised coordinates, the OPENCV polynomial as COLMAP and OpenCV write it."""
    x, y = xy[..., 0], xy[..., 1]
    square = x * x + y * y
    radial = 1.0 + square * (lens.k1 + lens.k2 * square)
    return np.stack(
        [
            x * radial + 2.0 * lens.p1 * x * y + lens.p2 * (square + 2.0 * x * x),
            y * radial + 2.0 * lens.p2 * x * y + lens.p1 * (square + 2.0 * y * y),
        ],
        axis=-1,
    )


def _slopes(xy: Array, lens: Lens) -> tuple[Array, Array, Array, Array]:
    """Derivatives of `_bend`: d bx/dx, d bx/dy, d by/dx, d by/dy."""
    x, y = xy[..., 0], xy[..., 1]
    square = x * x + y * y
    radial = 1.0 + square * (lens.k1 + lens.k2 * square)
    grow = 2.0 * (lens.k1 + 2.0 * lens.k2 * square)
    cross = x * y * grow + 2.0 * lens.p1 * x + 2.0 * lens.p2 * y
    return (
        radial + x * x * grow + 2.0 * lens.p1 * y + 6.0 * lens.p2 * x,
        cross,
        cross,
        radial + y * y * grow + 6.0 * lens.p1 * y + 2.0 * lens.p2 * x,
    )
