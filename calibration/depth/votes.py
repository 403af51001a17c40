"""A frame's depth where it is unsure, from other frames that saw the same still things: they vote.

Each frame's plane sweep errs for itself: on a small stone before far ground, beside an edge, around who walks. Frames that
stand elsewhere are sure of other parts of the same surfaces, and where they are not, their errors do not agree.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import to_camera
from calibration.depth.sweep import points_seen
from calibration.depth.views import View, load_view, parallax_px
from calibration.lens import project
from pipeline.io import exr
from pipeline.kernels.votes import SURE, elect, nearest_points
from pipeline.types import CameraTrack, DepthMaps, Mattes, Plate

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
SURE_FROM = 0.5  # confidence from which a frame's own depth stands
VOTED = 0.6  # confidence of what sure frames voted for
_PARALLAX = (0.01, 0.02, 0.04, 0.07, 0.11, 0.16)  # of the picture's width: who votes, on each side of the frame
_GROWN = 0.005  # of the picture's width: beside people a depth is theirs, not that of what stands still
_PERSON = 0.02  # of a matte
_ALIKE = 0.06  # of the encoded picture: what one thing may differ by between frames
_SMOOTH_PX = 0.8  # grain, when colours are compared
_ONE_SURFACE = 0.05  # of the distance
_MOST_KEPT = 48  # frames


@dataclass(frozen=True, eq=False)
class _Surface:
    """What one frame saw of still things: world (N, 3), whether it was sure (N,), colours (N, 3) encoded."""

    world: Floats
    sure: Bools
    colour: Floats


class Votes:
    """What the frames of a plate say of one another's depth; what they saw is kept for the next frame.

    Votes are counted at `width_px`.
    """

    def __init__(self, plate: Plate, track: CameraTrack, depth: DepthMaps, mattes: Mattes, width_px: int) -> None:
        self._plate, self._track, self._depth, self._mattes, self._width_px = plate, track, depth, mattes, width_px
        self._kept: dict[int, _Surface] = {}

    def depth(self, frame: int) -> tuple[Floats, Floats]:
        """Depth along camera z in metres (H, W), +inf in the sky, and confidence, at the plate's size.

        Where the frame's own depth is unsure, or a person stands before it, what up to twelve frames with parallax say counts,
        of those that show the same colour there. What nobody says anything of stays.
        """
        z, confidence = _read_depth(self._depth, frame)
        view = load_view(self._plate, self._track, frame, self._width_px)
        voters = _voters(self._track, view)
        if not voters:
            return z, confidence
        people, size = _people(self._mattes, frame), z.shape[::-1]
        found, how = self._elected(view, voters, people)
        with np.errstate(divide="ignore"):
            there_m = np.asarray(cv2.resize(1 / found, size, interpolation=cv2.INTER_NEAREST), np.float32)
        how = np.asarray(cv2.resize(how, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        put = np.isfinite(z) & ((confidence < SURE_FROM) | people) & (how > 0)
        unsure = np.minimum(confidence, np.float32(SURE_FROM - 0.01))
        confidence = np.where(put, np.where(how == SURE, np.float32(VOTED), unsure), confidence)
        return np.where(put, there_m, z).astype(np.float32), confidence.astype(np.float32)

    def _elected(self, view: View, voters: list[int], people: Bools) -> tuple[Floats, npt.NDArray[np.uint8]]:
        """Inverse depth at the working size, NaN where nobody speaks, and how it was found. Behind people no colour is known."""
        here, hidden = _smooth(view), _small(people, view)
        said, sure, alike = [], [], []
        for other in voters:
            surface = self._surface(other)
            camera = to_camera(surface.world, view.pose)
            with np.errstate(divide="ignore"):
                inverse = np.where(camera[:, 2] > 0, 1 / camera[:, 2], 0).astype(np.float32)
            index = nearest_points(project(camera, view.lens), inverse, view.lens.height, view.lens.width)
            point = np.maximum(index, 0)
            said.append(np.where(index >= 0, inverse[point], np.float32(np.nan)))
            sure.append(surface.sure[point])
            alike.append(hidden | (np.abs(surface.colour[point] - here).mean(axis=2) < _ALIKE))
        return elect(np.stack(said), np.stack(sure), np.stack(alike), _ONE_SURFACE)

    def _surface(self, frame: int) -> _Surface:
        if frame not in self._kept:
            while len(self._kept) >= _MOST_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[frame] = self._seen_in(frame)
        return self._kept[frame]

    def _seen_in(self, frame: int) -> _Surface:
        view = load_view(self._plate, self._track, frame, self._width_px)
        size = view.lens.width, view.lens.height
        told, confidence = _read_depth(self._depth, frame)
        z = np.asarray(cv2.resize(told, size, interpolation=cv2.INTER_NEAREST), np.float32)
        seen = np.isfinite(z) & ~_small(_people(self._mattes, frame), view)
        camera = np.concatenate([view.rays[seen], np.ones((seen.sum(), 1), np.float32)], axis=1) * z[seen][:, None]
        world = (camera - view.pose[:3, 3]) @ view.pose[:3, :3]
        sure = cv2.resize(confidence, size, interpolation=cv2.INTER_LINEAR)[seen] >= SURE_FROM
        return _Surface(world.astype(np.float32), sure, _smooth(view)[seen])


def _read_depth(depth: DepthMaps, frame: int) -> tuple[Floats, Floats]:
    """Depth and confidence of one frame, (H, W) float32 each."""
    channels = exr.read(depth.files.path(frame)).channels
    return np.ascontiguousarray(channels["Z"], np.float32), np.ascontiguousarray(channels["C"], np.float32)


def _voters(track: CameraTrack, view: View) -> list[int]:
    """The frames, earlier and later, whose parallax comes nearest to _PARALLAX."""
    points = points_seen(track, view.frame, view.pose).world
    moved = parallax_px(track, view.frame, points[:: max(1, len(points) // 300)], view.lens.width)
    here = track.frames.index(view.frame)
    chosen: set[int] = set()
    for side in (range(here), range(here + 1, len(moved))):
        rows = [r for r in side if moved[r] > 0.5 * _PARALLAX[0] * view.lens.width]
        chosen |= {min(rows, key=lambda r: abs(moved[r] - w * view.lens.width)) for w in _PARALLAX if rows}
    return [track.frames.first + row for row in sorted(chosen)]


def _people(mattes: Mattes, frame: int) -> Bools:
    """(H, W): people and what lies close beside them."""
    alpha = np.asarray(exr.read(mattes.files.path(frame)).channels["A"], np.float32)
    reach = max(1, round(_GROWN * alpha.shape[1]))
    return cv2.dilate((alpha > _PERSON).astype(np.uint8), np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 0


def _small(mask: Bools, view: View) -> Bools:
    size = view.lens.width, view.lens.height
    return np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)) > 0


def _smooth(view: View) -> Floats:
    return np.asarray(cv2.GaussianBlur(view.picture, (0, 0), _SMOOTH_PX), np.float32)
