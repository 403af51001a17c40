"""Where the plate's sun stands and what its shadows leave, from the shadows that people cast on the solved ground."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.cameras import camera_centre, to_camera
from calibration.ground.heightfield import Heightfield
from calibration.lens import project
from calibration.look.color import Sample
from pipeline.kernels.color import LUMINANCE, RGB
from pipeline.types import Lens

Floats = NDArray[np.float64]
AZIMUTHS_DEG = np.arange(0.0, 360.0, 4.0)
LENGTHS = np.arange(0.25, 6.01, 0.1)  # along the shadow, in heights of the person: 6 is a sun at 9.5 degrees
_ACROSS_M = np.array([-0.08, 0.0, 0.08, -0.8, -0.6, 0.6, 0.8])  # three in the shadow, four beside it
_MIDDLE, _BESIDE = slice(0, 3), slice(3, 7)
_STANDS_M = (1.2, 2.4)
_WIDEST_M = 1.3
_FARTHEST_M = 45.0
_SHORTEST = 5  # samples of LENGTHS
LEAST_PEOPLE = 3
LEAST_CONFIDENCE = 0.35


@dataclass(frozen=True, slots=True)
class Sun:
    """azimuth_deg, elevation_deg: as [light] has them. shadow_rgb: what a full shadow leaves of the ground's light.

    confidence: 1 - how well the next best direction, 30 degrees off or more, explains what the best one does; 0 when nothing
    was found. people: how many were looked at, counted per frame. note: why.
    """

    azimuth_deg: float
    elevation_deg: float
    shadow_rgb: RGB
    confidence: float
    people: int
    note: str


@dataclass(frozen=True, slots=True)
class Filmed:
    """A sample of the plate with its camera. pose: camera_from_world (4, 4)."""

    sample: Sample
    pose: Floats
    lens: Lens


def find_sun(filmed: Iterable[Filmed], ground: Heightfield) -> Sun:
    """Lay every person's upright shadow on the ground for every direction; the one under which the plate is dark is true.

    Along the ground from each person's feet the light in the middle is held against that on both sides, which takes out
    what the ground looks like. The length over the height gives the elevation. Needs LEAST_PEOPLE people of the mattes
    whose feet are in the picture; without them, or when no direction stands out, confidence says so.
    """
    ratios = [row for shot in filmed for row in _shadows(shot, ground)]
    if len(ratios) < LEAST_PEOPLE:
        return _nothing(len(ratios), f"{len(ratios)} whole people on open ground, need {LEAST_PEOPLE}")
    told = np.stack(ratios)  # (people, azimuths, lengths, 3), NaN where not seen
    known = np.isfinite(told[..., 0])
    counts = known.sum(axis=0)
    luminance = np.where(known, told @ LUMINANCE.astype(np.float64), 0)
    mean = luminance.sum(axis=0) / np.maximum(counts, 1) * (counts >= max(2, len(ratios) // 4))
    explained, ends = _explained(mean)
    best = int(explained.argmax())
    apart = np.abs((AZIMUTHS_DEG - AZIMUTHS_DEG[best] + 180) % 360 - 180) >= 30
    confidence = float(1 - explained[apart].max() / max(explained[best], 1e-9)) if explained[best] > 0 else 0.0
    if confidence <= 0:
        return _nothing(len(ratios), "no direction is darker than the others")
    azimuth = _between(explained, best)
    inside = told[:, best, : ends[best] + 1].reshape(-1, 3)
    inside = inside[np.isfinite(inside[:, 0])]
    dark = inside[inside @ LUMINANCE <= np.quantile(inside @ LUMINANCE, 0.2)]
    red, green, blue = (float(v) for v in np.clip(2.0 ** np.median(dark, axis=0), 0.05, 0.95))
    elevation = float(np.degrees(np.arctan2(1.0, _length(mean[best], ends[best]))))
    said = (
        "found" if confidence >= LEAST_CONFIDENCE else f"unsure: confidence {confidence:.2f}, need {LEAST_CONFIDENCE}"
    )
    return Sun(azimuth, elevation, (red, green, blue), confidence, len(ratios), said)


def _nothing(people: int, note: str) -> Sun:
    return Sun(0.0, 0.0, (1.0, 1.0, 1.0), 0.0, people, f"none: {note}")


def _explained(mean: Floats) -> tuple[Floats, NDArray[np.intp]]:
    """Per azimuth how much of the darkness a shadow of the best length explains, and that length's index.

    mean: (azimuths, lengths), log2 of middle over sides. A shadow is a stretch of one darkness from the feet on.
    """
    count = np.arange(1, mean.shape[1] + 1)
    inside = np.cumsum(mean, axis=1) / count
    gain = count * np.minimum(inside, 0) ** 2
    gain[:, :_SHORTEST] = 0
    ends = gain.argmax(axis=1)
    return np.take_along_axis(gain, ends[:, None], axis=1)[:, 0], ends


def _length(profile: Floats, end: int) -> float:
    """Where a shadow ends, in heights: heads are narrow and pale, so half as dark as its body still is shadow."""
    half = 0.5 * profile[: end + 1].mean()
    after = np.flatnonzero(np.convolve(profile, np.ones(3) / 3, mode="same")[end:] > half)
    return float(LENGTHS[min(end + (after[0] if len(after) else 0), len(LENGTHS) - 1)])


def _between(explained: Floats, best: int) -> float:
    """The peak's place by a parabola through its neighbours."""
    before, at, after = explained[[best - 1, best, (best + 1) % len(explained)]]
    bend = before - 2 * at + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return float((AZIMUTHS_DEG[best] + np.clip(shift, -0.5, 0.5) * (AZIMUTHS_DEG[1] - AZIMUTHS_DEG[0])) % 360)


def _shadows(shot: Filmed, ground: Heightfield) -> Iterator[Floats]:
    """Per person (azimuths, lengths, 3): log2 of the light in the middle of a shadow over that beside it."""
    sample = shot.sample
    picture = np.maximum(sample.smooth(), 1e-4)
    grown = cv2.dilate((sample.matte > 0.02).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    free = ~grown & np.isfinite(sample.depth_m)
    for feet, tall_m in _people(shot, ground):
        turn = np.radians(AZIMUTHS_DEG)
        along = np.stack([-np.sin(turn), -np.cos(turn)], axis=1)  # away from the sun, x and z
        beside = np.stack([along[:, 1], -along[:, 0]], axis=1)
        flat = (
            feet[[0, 2]]
            + (tall_m * LENGTHS)[None, :, None, None] * along[:, None, None, :]
            + _ACROSS_M[None, None, :, None] * beside[:, None, None, :]
        )
        points = ground.stand(flat[..., 0], flat[..., 1])
        yield _light_at(points, picture, free, shot.lens, shot.pose)


def _light_at(
    points: Floats, picture: NDArray[np.float32], free: NDArray[np.bool_], lens: Lens, pose: Floats
) -> Floats:
    """Middle over sides of world points (A, L, 7, 3); NaN where one is hidden or out of the picture."""
    seen = to_camera(points.reshape(-1, 3), pose)
    ahead = seen[:, 2] > 0.5
    px = np.full((len(seen), 2), -1.0)
    px[ahead] = project(seen[ahead], lens)
    height, width = free.shape
    inside = (px[:, 0] >= 0) & (px[:, 0] < width) & (px[:, 1] >= 0) & (px[:, 1] < height)
    column, row = (np.where(inside, px[:, k], 0).astype(np.intp) for k in (0, 1))
    open_ = (inside & free[row, column]).reshape(points.shape[:3])
    light = np.log2(picture[row, column].astype(np.float64)).reshape(points.shape)
    light = np.where(open_[..., None], light, np.nan)
    with np.errstate(invalid="ignore"):
        middle = light[:, :, _MIDDLE].mean(axis=2)
        sides = light[:, :, _BESIDE].reshape(*light.shape[:2], 2, 2, 3).mean(axis=3)
    return np.asarray(middle - sides.mean(axis=2))


def _people(shot: Filmed, ground: Heightfield) -> Iterator[tuple[Floats, float]]:
    """Feet on the ground (3,) world and height in metres of everyone who stands whole and alone in the matte."""
    solid = (shot.sample.matte > 0.5).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(solid)
    for k in range(1, count):
        left, top, width, height, area = boxes[k]
        if (
            area < 60
            or top <= 1
            or top + height >= solid.shape[0] - 2
            or left <= 1
            or left + width >= solid.shape[1] - 2
        ):
            continue
        rows, columns = np.nonzero(labels[top : top + height, left : left + width] == k)
        low = rows >= height - max(2, height // 14)
        foot = np.array([left + columns[low].mean() + 0.5, top + height - 0.5])
        feet = ground.meet_ground(foot[None], shot.lens, shot.pose)[0]
        if not np.isfinite(feet).all() or np.linalg.norm(feet - camera_centre(shot.pose)) > _FARTHEST_M:
            continue
        metres_per_px = float(to_camera(feet[None], shot.pose)[0, 2]) / shot.lens.focal_y_px
        if _STANDS_M[0] < height * metres_per_px < _STANDS_M[1] and width * metres_per_px < _WIDEST_M:
            yield feet, height * metres_per_px
