"""How much darker the plate's corners are: the same places in the world, seen near the middle and far from it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from calibration.cameras import lens_at, pose_at, to_camera
from calibration.lens import project
from calibration.look.color import Sample
from pipeline.kernels.color import LUMINANCE
from pipeline.types import CameraTrack, Lens

Floats = NDArray[np.float64]
LEAST_POINTS = 150
LEAST_WANDER = 0.08  # square of the radius, as a share of the corner's, that points must come nearer or go
LEAST_LOSS = 0.02  # of light at the corner, else there is none worth taking off
MOST_LOSS = 0.8
AGREEMENT = 0.35  # how far two halves of the points may be apart
SAME_DEPTH = 0.06


@dataclass(frozen=True, slots=True)
class Vignette:
    """Light at a radius: exp(-(second r^2 + fourth r^4)), r = 1 at the corner farthest from the lens's centre."""

    second: float = 0.0
    fourth: float = 0.0
    note: str = ""


def vignette_gain(lens: Lens, second: float, fourth: float) -> NDArray[np.float32]:
    """(H, W) float32, what the lens leaves of the light of each pixel."""
    y, x = np.mgrid[0 : lens.height, 0 : lens.width] + 0.5
    square = _square(np.stack([x, y], axis=-1), lens)
    return np.asarray(np.exp(-(second * square + fourth * square**2)), np.float32)


def measure_vignette(samples: Iterable[tuple[int, Sample]], track: CameraTrack) -> Vignette:
    """Fit the loss of light to solved points that several frames see at different radii. samples: frame, picture.

    Each point has its own brightness and each frame its own exposure; what is left goes with the radius or not. None is a
    valid answer: then both terms are 0 and `note` says why.

    Source: Goldman, "Vignette and Exposure Calibration and Compensation", IEEE PAMI 2010, with a solved camera for its
    registered panorama.
    """
    points = np.load(track.points).astype(np.float64)
    found = [_seen(points, frame, sample, track) for frame, sample in samples]
    light, square = (np.stack([f[k] for f in found]) for k in (0, 1))
    known = np.isfinite(light)
    shared = known.sum(axis=0) >= 2
    light, square, known = light[:, shared], square[:, shared], known[:, shared]
    wander = np.where(known, square, -np.inf).max(axis=0) - np.where(known, square, np.inf).min(axis=0)
    moved = int((wander > LEAST_WANDER).sum())
    if moved < LEAST_POINTS:
        return Vignette(note=f"none: {moved} points come nearer the middle or go from it, need {LEAST_POINTS}")
    second, fourth = _terms(light, square, known)
    loss = 1 - float(np.exp(-(second + fourth)))
    halves = [sum(_terms(light[:, side::2], square[:, side::2], known[:, side::2])) for side in (0, 1)]
    if not LEAST_LOSS <= loss <= MOST_LOSS:
        return Vignette(
            note=f"none: {loss:.1%} of light lost at the corner is too {'much' if loss > 0.5 else 'little'}"
        )
    if abs(halves[0] - halves[1]) > AGREEMENT * (second + fourth):
        low, high = sorted(1 - np.exp(-np.array(halves)))
        return Vignette(note=f"none: two halves of the points say {low:.1%} and {high:.1%} lost at the corner")
    return Vignette(second, fourth, f"{loss:.1%} of light lost at the corner, from {moved} points")


def _square(pixels: NDArray[np.floating], lens: Lens) -> Floats:
    """Square of the radius of pixels (..., 2), 1 at the farthest corner."""
    corner = np.maximum(
        [lens.centre_x_px, lens.centre_y_px], [lens.width - lens.centre_x_px, lens.height - lens.centre_y_px]
    )
    away = np.asarray(pixels, np.float64) - (lens.centre_x_px, lens.centre_y_px)
    return np.asarray((away**2).sum(axis=-1) / (corner**2).sum())


def _seen(points: Floats, frame: int, sample: Sample, track: CameraTrack) -> tuple[Floats, Floats]:
    """Logarithm of each point's luminance, NaN where it is hidden or out of frame, and its squared radius, (N,)."""
    camera = to_camera(points, pose_at(track, frame))
    pixels = np.nan_to_num(project(camera, lens_at(track, frame)), nan=-1e6)
    height, width = sample.depth_m.shape
    inside = (pixels > 4).all(axis=1) & (pixels[:, 0] < width - 4) & (pixels[:, 1] < height - 4)
    column, row = (np.where(inside, pixels[:, k], 0).astype(int) for k in (0, 1))
    grey = cv2.blur(np.ascontiguousarray(sample.rgb @ LUMINANCE, np.float32), (5, 5))[row, column]
    near = np.abs(sample.depth_m[row, column] / np.maximum(camera[:, 2], 1e-6) - 1) < SAME_DEPTH
    good = inside & near & (sample.matte[row, column] < 0.02) & (grey > 1e-3)
    return np.where(good, np.log(np.maximum(grey, 1e-3)), np.nan), _square(pixels, track.lens)


def _terms(light: Floats, square: Floats, known: NDArray[np.bool_]) -> tuple[float, float]:
    """The two terms by robust least squares, free of points' brightness and frames' exposure."""
    weight = known.astype(np.float64)
    second = fourth = 0.0
    for _ in range(12):
        planes = [_centred(np.where(known, p, 0.0), weight) for p in (-square, -(square**2), light)]
        root = np.sqrt(weight)
        columns = np.stack([(p * root)[known] for p in planes[:2]], axis=1)
        (second, fourth), _ = nnls(columns, (planes[2] * root)[known])
        rest = planes[2] - second * planes[0] - fourth * planes[1]
        scale = 1.48 * float(np.median(np.abs(rest[known]))) + 1e-6
        weight = known / (1 + (rest / (2 * scale)) ** 2) ** 2
    return float(second), float(fourth)


def _centred(plane: Floats, weight: Floats) -> Floats:
    """(F, N) less what each row and each column have in common."""
    out = plane.copy()
    for _ in range(8):
        for axis in (0, 1):
            out -= (out * weight).sum(axis=axis, keepdims=True) / np.maximum(weight.sum(axis=axis, keepdims=True), 1e-9)
    return out
