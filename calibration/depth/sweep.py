"""Depth of one frame from its solved neighbours: plane sweep, smoothest answer, slanted refinement, sky, fill, full size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, load_poses, to_camera
from calibration.depth.guessed import aligned
from calibration.depth.sky import find_sky, grown
from calibration.depth.views import View, encode, load_view, parallax_px, pinholes
from pipeline.kernels.semiglobal import lowest, smoothest
from pipeline.kernels.smooth import flow, spread, weighted_median
from pipeline.kernels.sweep import WORST, photo_cost
from pipeline.types import CameraTrack, Plate

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
PARALLAX_WANTED = (0.012, 0.03, 0.06)  # of the picture's width: one near, one middle, one far neighbour on each side
GUESSED = 0.45  # the most that a monocular guess is trusted: below what counts as sure
HELD_OUT = 5  # every fifth sparse point only measures the error, the others steer
_STEP_PX = 1.5  # of the sweep, in the farthest neighbour; the refinement goes on from there
_EDGE = 0.04  # difference of the encoded picture that parts two surfaces


@dataclass(frozen=True, eq=False)
class DepthFrame:
    """inverse_depth: (H, W) float32 1/m, 0 in the sky; confidence: (H, W) float32 0..1; sky: (H, W) bool; neighbours used;
    agreement: 0..1, how much of what is known a monocular guess told rightly, None where there was none."""

    inverse_depth: Floats
    confidence: Floats
    sky: Bools
    neighbours: tuple[int, ...]
    agreement: float | None = None

    @property
    def depth_m(self) -> Floats:
        """(H, W) float32 metres along camera z, +inf in the sky."""
        with np.errstate(divide="ignore"):
            z = np.float32(1) / np.maximum(self.inverse_depth, np.float32(1e-5))
        return np.where(self.sky, np.float32(np.inf), z)


@dataclass(frozen=True, eq=False)
class Seen:
    """Sparse points that one frame sees. px: (N, 2) plate pixels; world: (N, 3); depth_m: (N,); index: (N,)."""

    px: npt.NDArray[np.float64]
    world: npt.NDArray[np.float64]
    depth_m: npt.NDArray[np.float64]
    index: npt.NDArray[np.intp]

    def only(self, mask: Bools) -> Seen:
        return Seen(self.px[mask], self.world[mask], self.depth_m[mask], self.index[mask])


def points_seen(track: CameraTrack, frame: int, pose: npt.NDArray[np.float64]) -> Seen:
    """The solved points that the track observed in `frame`, in front of the camera."""
    rows = np.load(track.observations, allow_pickle=False)
    rows = rows[rows[:, 0] == frame]
    index = rows[:, 1].astype(np.intp)
    world = np.load(track.points, allow_pickle=False)[index].astype(np.float64)
    depth = to_camera(world, pose)[:, 2]
    return Seen(rows[:, 2:4].astype(np.float64), world, depth, index).only(depth > 0.05)


def estimate(
    plate: Plate, track: CameraTrack, frame: int, width_px: int, nearness: Callable[[], Floats] | None = None
) -> DepthFrame:
    """Depth of `frame` at working size (`width_px`, or the plate's own when that is smaller).

    Without parallax to any neighbour the sparse points and the level ground are all there is: confidence then stays
    below 0.3. nearness: a monocular guess of the frame at any size, as `guessed.aligned` takes it; it stands, aligned to
    what is sure, where neighbours do not tell, and is trusted GUESSED at most.
    """
    view = load_view(plate, track, frame, width_px)
    seen = points_seen(track, frame, view.pose)
    seen = seen.only(seen.index % HELD_OUT != 0)
    anchors = _anchors(view, seen, plate.width)
    chosen = neighbours(track, frame, seen, view.lens.width)
    views = [load_view(plate, track, f, width_px) for f in chosen]
    if not views:
        travels = np.ptp(camera_centre(load_poses(track)), axis=0).max() > 0
        return _without_parallax(view, anchors if travels else np.zeros_like(anchors), nearness)
    inverse, score = _sweep(view, views, seen, anchors)
    sky = find_sky(view, inverse, score, _sky_limit(view, views))
    confidence = np.clip((score - 0.35) / 0.45, 0, 1) * _off_edges(inverse)
    confidence[sky] = 0
    mended = _mend(inverse, confidence, sky, view.picture)
    if nearness is not None:
        known = np.where(anchors > 0, anchors, inverse).astype(np.float32)
        sure = np.where(anchors > 0, 1, np.where(confidence > 0.7, 0.2 * confidence, 0)).astype(np.float32)
        return _with_guess(mended, confidence, known, sure, sky, nearness(), tuple(chosen))
    mended[sky] = 0
    return DepthFrame(mended, confidence.astype(np.float32), sky, tuple(chosen))


def neighbours(track: CameraTrack, frame: int, seen: Seen, width_px: int) -> list[int]:
    """Up to six frames, earlier and later, whose parallax to `frame` comes nearest to PARALLAX_WANTED; [] without parallax."""
    moved = parallax_px(track, frame, seen.world[:: max(1, len(seen.world) // 300)], width_px)
    here = track.frames.index(frame)
    chosen: set[int] = set()
    for side in (range(here), range(here + 1, len(moved))):
        rows = [r for r in side if moved[r] > 0.7]
        for wanted in PARALLAX_WANTED:
            if rows:
                chosen.add(min(rows, key=lambda r: abs(np.log(moved[r] / (wanted * width_px)))))
    return [track.frames.first + row for row in sorted(chosen)]


def full_size(small: DepthFrame, plate_rgb: Floats) -> DepthFrame:
    """`small` at the size of the plate's picture (H, W, 3) linear, its edges drawn to those of the picture."""
    height, width = plate_rgb.shape[:2]
    size = (width, height)
    guide = encode(plate_rgb)
    trust = small.confidence + np.float32(0.5)
    trust[small.sky] = 0
    carried = np.asarray(cv2.resize(trust, size, interpolation=cv2.INTER_LINEAR), np.float32)
    inverse = np.asarray(cv2.resize(small.inverse_depth * trust, size, interpolation=cv2.INTER_LINEAR), np.float32)
    inverse = np.asarray(inverse / np.maximum(carried, 1e-6), np.float32)
    sharp = flow(inverse, carried, guide, 1.5, _EDGE / 2)
    sky = np.asarray(cv2.resize(small.sky.astype(np.float32), size, interpolation=cv2.INTER_LINEAR), np.float32)
    if width > small.sky.shape[1]:
        sky = spread(sky, guide, 4.0, _EDGE)
    confidence = np.asarray(cv2.resize(small.confidence, size, interpolation=cv2.INTER_LINEAR), np.float32)
    is_sky = grown(sky > 0.5, guide, (1 / np.maximum(sharp, 1e-5)).astype(np.float32), confidence)
    confidence = np.where(is_sky, np.float32(0), confidence)
    return DepthFrame(
        np.where(is_sky, 0, sharp), confidence.astype(np.float32), is_sky, small.neighbours, small.agreement
    )


def figures(depth: DepthFrame, seen: Seen) -> dict[str, object]:
    """What can be said of a full-size depth without truth: error at solved points that did not steer it, coverage."""
    measured = seen.only(seen.index % HELD_OUT == 0)
    x, y = np.floor(measured.px.T).astype(int).clip(0)
    x, y = np.minimum(x, depth.sky.shape[1] - 1), np.minimum(y, depth.sky.shape[0] - 1)
    z = depth.depth_m[y, x]
    found = np.isfinite(z)
    error = np.abs(z[found] - measured.depth_m[found])
    relative = error / measured.depth_m[found]
    guess = {} if depth.agreement is None else {"guess_agreement": round(depth.agreement, 4)}
    return {
        **guess,
        "median_error_m": round(float(np.median(error)), 5) if len(error) else None,
        "median_relative_error": round(float(np.median(relative)), 5) if len(error) else None,
        "p90_relative_error": round(float(np.quantile(relative, 0.9)), 5) if len(error) else None,
        "points_measured": len(error),
        "points_called_sky": int((~found).sum()),
        "share_confident": round(float((depth.confidence > 0.5).mean()), 5),
        "share_sky": round(float(depth.sky.mean()), 5),
        "neighbours": list(depth.neighbours),
    }


def _sweep(view: View, views: list[View], seen: Seen, anchors: Floats) -> tuple[Floats, Floats]:
    """Inverse depth (h, w) and how well it explains the neighbours, ZNCC (h, w), before sky and holes."""
    near = pinholes(view, views)
    farthest = max(np.linalg.norm(v.pose @ np.linalg.inv(view.pose) @ [0, 0, 0, 1] - [0, 0, 0, 1]) for v in views)
    limit = _nearest(view, seen)
    count = int(np.clip(limit * view.lens.focal_x_px * farthest / _STEP_PX, 32, 96))
    steps = np.linspace(0, limit, count, dtype=np.float32)
    noise = grain(view.grey)
    flat = np.zeros(view.grey.shape, np.float32)
    cost = photo_cost(view.grey, view.rays, near.pictures, near.turns, near.shifts, flat, steps, noise)
    _steer(cost, anchors, steps)
    index, _ = smoothest(cost, view.grey)
    inverse = index * (steps[1] - steps[0])
    for width in (0.7, 0.25):
        offsets = (steps[1] - steps[0]) * width * np.linspace(-1, 1, 5, dtype=np.float32)
        base = flow(inverse, np.ones_like(inverse), view.picture, 1.5, _EDGE)
        # A smoothed jump in depth is no surface at all: keep the sharp one there.
        base = np.where(np.abs(base - inverse) < 1.5 * (steps[1] - steps[0]), base, inverse)
        near_cost = photo_cost(view.grey, view.rays, near.pictures, near.turns, near.shifts, base, offsets, noise)
        moved, value = lowest(near_cost)
        inverse = np.maximum(base + (moved - 2) * (offsets[1] - offsets[0]), 0).astype(np.float32)
    return inverse, 1 - value / np.float32(WORST)


def grain(grey: Floats) -> float:
    """Standard deviation of what looks like grain in an encoded picture (h, w): the lower quartile of local roughness."""
    rough = np.abs(cv2.Laplacian(grey, cv2.CV_32F, ksize=1))
    return float(np.clip(np.quantile(rough, 0.25) * 3.14 / np.sqrt(20), 0.001, 0.02))


def _nearest(view: View, seen: Seen) -> float:
    """The largest inverse depth worth a look: of the points, or of level ground at the picture's lower edge."""
    limit = 1.4 * float(np.quantile(1 / seen.depth_m, 0.99)) if len(seen.depth_m) else 0.5
    height_m = float(camera_centre(view.pose)[1])
    down = -(view.rays[-1] @ view.pose[:2, 1] + view.pose[2, 1]).max()
    if height_m > 0.3 and down > 0:
        limit = max(limit, min(1.15 * down / height_m, 3 * limit))
    return limit


def _sky_limit(view: View, views: list[View]) -> float:
    """Inverse depth that moves a pixel by one step in the farthest neighbour: less cannot be told from infinity."""
    moved = max(float(np.linalg.norm(camera_centre(v.pose) - camera_centre(view.pose))) for v in views)
    return 1.0 / (view.lens.focal_x_px * max(moved, 1e-6))


def _anchors(view: View, seen: Seen, plate_width: int) -> Floats:
    """(h, w) inverse depth of the solved points at the pixels that see them, 0 elsewhere."""
    out = np.zeros(view.grey.shape, np.float32)
    at = np.floor(seen.px * view.lens.width / plate_width).astype(np.intp)
    x, y = at[:, 0], at[:, 1]
    inside = (x >= 0) & (y >= 0) & (x < view.lens.width) & (y < view.lens.height)
    out[y[inside], x[inside]] = 1 / seen.depth_m[inside]
    return out


def _steer(cost: npt.NDArray[np.uint8], anchors: Floats, steps: Floats) -> None:
    """At solved points, make every other depth dear: the smooth answer then passes through them."""
    y, x = np.nonzero(anchors)
    apart = np.abs(anchors[y, x, None] - steps) / (steps[1] - steps[0])
    cost[y, x] = np.minimum(WORST, 0.5 * cost[y, x] + 60 * np.maximum(apart - 0.5, 0)).astype(np.uint8)


def _mend(inverse: Floats, confidence: Floats, sky: Bools, picture: Floats) -> Floats:
    """Replace what is not trusted: beside jumps by the surface that looks alike, in holes by what flows in."""
    weak = (confidence < 0.5) & ~sky
    inverse = weighted_median(inverse, confidence**2, picture, weak, 5, _EDGE)
    near = cv2.blur((confidence > 0.5).astype(np.float32), (9, 9))  # share of trusted pixels that the median had
    trusted = np.where(weak, 0.3 * np.clip(near / 0.2, 0, 1), 1.0).astype(np.float32) + np.float32(1e-4)
    trusted[sky] = 0
    holes = weak & (near < 0.1)
    inverse = np.where(holes, flow(inverse, np.where(holes, 1e-4, trusted), picture, 15.0, _EDGE / 2), inverse)
    return flow(inverse, trusted, picture, 1.0, _EDGE / 2)


def _with_guess(
    inverse: Floats,
    confidence: Floats,
    known: Floats,
    sure: Floats,
    sky: Bools,
    nearness: Floats,
    chosen: tuple[int, ...] = (),
) -> DepthFrame:
    """The frame with the aligned guess where confidence is low: all of it where the guess is worth more."""
    size = (inverse.shape[1], inverse.shape[0])
    guess = aligned(np.asarray(cv2.resize(nearness, size, interpolation=cv2.INTER_AREA), np.float32), known, sure)
    agreement, share = 0.0, np.zeros_like(inverse)
    if guess is not None:
        agreement = guess.agreement
        if agreement > 0.5:
            worth = np.float32(GUESSED * agreement)
            share = np.where(sky, np.float32(0), np.clip(2 * (worth - confidence) / worth, 0, 1)).astype(np.float32)
        inverse = inverse * (1 - share) + guess.inverse_depth * share
        confidence = np.maximum(confidence, np.float32(GUESSED * agreement) * share)
    inverse[sky], confidence[sky] = 0, 0
    return DepthFrame(inverse, confidence.astype(np.float32), sky, chosen, agreement)


def _off_edges(inverse: Floats) -> Floats:
    """1 inside surfaces, 0 within 3 pixels of a jump in depth, where windows saw two surfaces at once.

    Planes, however steep, are linear in inverse depth: only the second difference tells a jump from a slope.
    """
    bend = np.zeros_like(inverse)
    for kernel in _second_differences(3):
        bend = np.maximum(bend, np.abs(cv2.filter2D(inverse, cv2.CV_32F, kernel, borderType=cv2.BORDER_REPLICATE)))
    smooth = np.clip(1.5 - bend / (0.15 * inverse + 2e-3), 0, 1).astype(np.float32)
    return np.asarray(cv2.erode(smooth, np.ones((3, 3), np.uint8)), np.float32)


def _second_differences(reach: int) -> list[Floats]:
    """Kernels of value(-reach) - 2 value(0) + value(reach) along x, y and both diagonals."""
    size, kernels = 2 * reach + 1, []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        kernel = np.zeros((size, size), np.float32)
        kernel[reach, reach] = -2
        kernel[reach + reach * dy, reach + reach * dx] = kernel[reach - reach * dy, reach - reach * dx] = 1
        kernels.append(kernel)
    return kernels


def _without_parallax(view: View, anchors: Floats, nearness: Callable[[], Floats] | None = None) -> DepthFrame:
    """Level ground below the horizon, pulled to the solved points and spread along the picture's surfaces.

    anchors: (h, w) inverse depth of points that other frames saw from elsewhere; all 0 for a camera that never travels,
    whose points tell nothing that the level ground does not. A guess is aligned to the points, or to the ground in the
    lower quarter of the picture.
    """
    up = view.rays @ view.pose[:2, 1] + view.pose[2, 1]  # world Y of each ray, per unit of z
    height_m = max(float(camera_centre(view.pose)[1]), 0.5)
    ground = np.maximum(-up / height_m, 0).astype(np.float32)
    weights = np.where(anchors > 0, 1.0, np.where(ground > 0.005, 2e-3, 1e-5)).astype(np.float32)
    inverse = ground
    if anchors.any():
        inverse = flow(np.where(anchors > 0, anchors, ground), weights, view.picture, 20.0, _EDGE)
    sky = find_sky(view, inverse, np.zeros_like(inverse), 0.02)
    inverse[sky] = 0
    near_point = cv2.GaussianBlur((anchors > 0).astype(np.float32), (0, 0), 6)
    confidence = np.where(sky, 0, 0.3 * np.clip(near_point / 0.01, 0, 1)).astype(np.float32)
    if nearness is not None:
        below = np.arange(len(ground))[:, None] >= 0.75 * len(ground)
        known = np.where(anchors > 0, anchors, np.where(below, ground, 0)).astype(np.float32)
        sure = np.where(anchors > 0, 1, 0.05).astype(np.float32)
        return _with_guess(inverse, confidence, known, sure, sky, nearness())
    return DepthFrame(inverse, confidence, sky, ())
