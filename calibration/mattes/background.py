"""What a frame would show without the people in it: depth and colour of the background, from other frames."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.depth.views import View, load_view, parallax_px, pinholes
from calibration.lens import coefficients, fold_radius
from pipeline.io import exr
from pipeline.kernels.cameramotion import carried
from pipeline.kernels.smooth import flow
from pipeline.kernels.warp import agree, look_up, splat
from pipeline.types import CameraTrack, DepthMaps, Plate

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
_FAR = 0.25  # rank among the votes on depth: who was taken for a still thing stands before the background
_SURE = 0.5  # confidence from which a depth is taken for a thing that stands still
_ENOUGH = 2  # looks at a trusted depth that make the others unneeded
_ISLAND = 0.006  # share of the picture: trust on less than this may be a shield or a cloak that glides along


@dataclass(frozen=True, eq=False)
class Background:
    """colour: (h, w, 3) float32 encoded, NaN where no frame shows it. spread: (h, w) how far frames disagree, encoded.

    frames: (h, w) int32, how many frames show it. inverse_depth: (h, w) float32 1/m.
    """

    colour: Floats
    spread: Floats
    frames: npt.NDArray[np.int32]
    inverse_depth: Floats


@dataclass(frozen=True, eq=False)
class Looks:
    """Other frames seen through the depth of what stands still, in order of time.

    colours: (N, h, w, 3) float32 encoded; seen: (N, h, w) bool; inverse_depth: (h, w) float32 1/m. trusted: (h, w) bool,
    where enough of the frames are sure of the depth that they show there; elsewhere they may all show somebody.
    """

    colours: Floats
    seen: Bools
    trusted: Bools
    inverse_depth: Floats

    def background(self, first: int = 0, last: int | None = None) -> Background:
        """What the looks from `first` up to `last` (not with it) agree on; all of them unless told."""
        colour, spread, number = agree(self.colours[first:last], self.seen[first:last])
        return Background(colour, spread, number, self.inverse_depth)


def look_behind(
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    view: View,
    others: list[int],
    width_px: int,
    people: list[Floats] | None = None,
) -> Looks:
    """What each frame of `others` shows of the background behind `view`.

    The background's depth is carried forward from every other frame (their own untrusted pixels, moving people among
    them, stay out, and so do islands of trust) and voted on, so that what stands behind a person comes from frames in
    which nobody stood there. Its colour is then looked up through that depth, where nothing still hides it.
    people: (h, w) 0 or 1 for each other frame, who is known to stand in it: nothing is looked up there.
    """
    views = [load_view(plate, track, f, width_px) for f in others]
    depths = [_without_islands(depth_small(depth, f, v)) for f, v in zip(others, views, strict=True)]
    inverse = _background_depth(view, views, depths, _without_islands(depth_small(depth, view.frame, view)))
    within = np.ones(view.grey.shape, np.float32)
    hiding = people or [np.zeros_like(within)] * len(views)
    near = pinholes(view, views, layers=[np.dstack([h, within, *d]) for h, d in zip(hiding, depths, strict=True)])
    values, expected = look_up(near.pictures, view.rays, near.turns, near.shifts, inverse)
    hidden, inside, nearest, trust = (values[..., k] for k in range(3, 7))
    seen = np.isfinite(expected) & (inside > 0.99) & (hidden < 0.3)
    size = near.pictures.shape[1:3]
    for k, (turn, shift) in enumerate(zip(near.turns, near.shifts, strict=True)):
        seen[k] &= _nothing_before(view.rays, inverse, turn, shift, size)
    with np.errstate(invalid="ignore"):
        trusted = seen & (nearest < 1.15 * expected + 0.004) & ((trust > 0.2) | (inverse < 0.002))
    enough = trusted.sum(axis=0) >= _ENOUGH
    return Looks(values[..., :3], np.where(enough, trusted, seen), enough, inverse)


def _nothing_before(rays: Floats, inverse: Floats, turn: Floats, shift: Floats, size: tuple[int, ...]) -> Bools:
    """(h, w): whether a neighbour sees the points that rays meet, or nearer ones of them hide it."""
    ways = np.concatenate([rays.reshape(-1, 2), np.ones((inverse.size, 1), np.float32)], axis=1)
    there = (ways @ turn.T + inverse.reshape(-1, 1) * shift).astype(np.float64)
    there[~(there[:, 2] > 1e-4)] = np.nan
    pixels, expected = there[:, :2] / there[:, 2:], inverse.ravel() / there[:, 2]
    nearest = np.nan_to_num(splat(pixels + 0.5, expected, *size))
    column, row = np.clip(np.nan_to_num(np.rint(pixels)), 0, (size[1] - 1, size[0] - 1)).astype(np.intp).T
    return (nearest[row, column] < 1.1 * expected + 0.003).reshape(inverse.shape)


def other_frames(
    track: CameraTrack, frame: int, points: npt.NDArray[np.float64], reach: int, count: int, step: int = 1
) -> list[int]:
    """Up to `count` frames, none too close (people would still stand there), spread over `reach` frames either way.

    step: only every so manieth frame of the track may be picked, so that neighbours pick the same ones.
    """
    looks = parallax_px(track, frame, points, 480) >= 0
    here = track.frames.index(frame)
    away = np.arange(len(looks)) - here
    looks &= np.arange(len(looks)) % step == 0
    for nearest in (5, 2, 1):
        fit = np.flatnonzero(looks & (np.abs(away) >= nearest) & (np.abs(away) <= reach))
        if len(fit) >= min(count, 4):
            break
    fit = fit[np.argsort(np.abs(away[fit]), kind="stable")] if len(fit) else fit
    picked = {round(k) for k in np.linspace(0, len(fit) - 1, min(count, len(fit)))} if len(fit) else set()
    return sorted(track.frames.first + int(fit[k]) for k in picked)


def depth_small(depth: DepthMaps, frame: int, view: View) -> tuple[Floats, Floats]:
    """Inverse depth (0 in the sky) and confidence of a frame, (h, w) each, at the view's size.

    Islands of trust among distrust lose theirs: a shield that glides along looks still for a moment, its bearer does not.
    """
    path = depth.files.path(frame)
    return _depth_small(path, path.stat().st_mtime_ns, view.lens.width, view.lens.height)


@lru_cache(maxsize=48)
def _depth_small(path: Path, _changed: int, width: int, height: int) -> tuple[Floats, Floats]:
    channels = exr.read(path).channels
    with np.errstate(divide="ignore"):
        inverse = np.where(np.isfinite(channels["Z"]), 1 / np.maximum(channels["Z"], 1e-3), 0).astype(np.float32)
    size = (width, height)
    confidence = cv2.resize(channels["C"].astype(np.float32), size, interpolation=cv2.INTER_AREA)
    inverse_small = cv2.resize(inverse, size, interpolation=cv2.INTER_NEAREST)
    window = 2 * (width // 60) + 1
    confidence = confidence * np.clip(cv2.blur(confidence, (window, window)) / 0.7, 0, 1)
    return np.asarray(inverse_small, np.float32), np.asarray(confidence, np.float32)


def _without_islands(own: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """Who walks at a steady pace looks still, at a wrong depth, but distrust rings him: no small island may vote."""
    inverse, confidence = own
    trusted = cv2.morphologyEx((confidence > _SURE).astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(np.asarray(trusted, np.uint8), connectivity=4)
    large = stats[:, cv2.CC_STAT_AREA] > _ISLAND * confidence.size
    large[0] = False
    return inverse, np.where(large[labels], confidence, np.float32(0))


def _background_depth(
    view: View, views: list[View], depths: list[tuple[Floats, Floats]], own: tuple[Floats, Floats]
) -> Floats:
    """Inverse depth (h, w) 1/m of what stands still behind whoever is in `view`, voted on by it and by other frames.

    own, depths: inverse depth and confidence of `view` and of each of `views`, (h, w), as depth_small gives them.
    """
    height, width = own[0].shape
    between = np.stack([view.pose @ np.linalg.inv(other.pose) for other in views])
    sure = np.stack([np.where(confidence > _SURE, inverse, 0) for inverse, confidence in depths]).astype(np.float32)
    turns, shifts = between[:, :3, :3], between[:, :3, 3]
    zooms = any(other.lens != view.lens for other in views)
    rays = np.stack([other.rays for other in views]) if zooms else view.rays[None]
    others = carried(sure, rays, turns, shifts, coefficients(view.lens), fold_radius(view.lens))
    here = np.where((own[1] > _SURE) | (own[0] == 0), own[0], np.float32(np.nan))
    stack = np.concatenate([here[None], others])[..., None]
    found, _, number = agree(np.nan_to_num(stack), np.isfinite(stack[..., 0]), _FAR)
    inverse = np.where(number > 0, found[..., 0], 0)
    # Nobody's picture may stop the fill here: the people are what is being filled over.
    plain = np.zeros((height, width, 1), np.float32)
    return np.asarray(np.where(number > 0, inverse, flow(inverse, (number > 0) * 1.0, plain, 25.0, 1.0)), np.float32)
