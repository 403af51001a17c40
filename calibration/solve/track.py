"""Follow points through the plate: KLT tracks over every frame, spread evenly, held to what they first showed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from pipeline.kernels import anchor

Grey = npt.NDArray[np.uint8]
CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.01)
MOST_MOVED_PX = 1.0  # by the patch from where the flow says, in pictures 1280 wide
ANCHOR_STEPS = 8
SOFT_SIGMA = 0.8
UPRIGHT = (1.0, 0.0, 0.0, 1.0)  # a patch's first shape
_EMPTY = np.zeros((0, 2), np.float32)


@dataclass(frozen=True, slots=True)
class TrackParams:
    """How points are followed."""

    target: int = 800  # points held on the picture, one per cell
    window_px: int = 21
    levels: int = 4
    round_trip_px: float = 0.5  # a point tracked there and back must come home this close
    epipolar_px: float = 1.2  # and lie this close to its epipolar line
    epipolar_gap: int = 6  # frames between the two pictures of the epipolar test
    anchor_px: int = 10  # half the side of the patch that a track is held to
    alike: float = 0.8  # a point that looks less like its patch is another point


@dataclass(frozen=True, slots=True)
class Tracks:
    """Points followed through F frames.

    starts: (F + 1,) rows of the other arrays where each frame begins. idents: (M,) int32 track number, rising within a
    frame. xy: (M, 2) float32 pixels, centres at .5. survived: (F,) share of the previous frame's points found again.
    """

    starts: npt.NDArray[np.int64]
    idents: npt.NDArray[np.int32]
    xy: npt.NDArray[np.float32]
    survived: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.starts) - 1

    def at(self, row: int) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Idents (N,) and pixels (N, 2) of the frame in `row`."""
        part = slice(self.starts[row], self.starts[row + 1])
        return self.idents[part], self.xy[part]

    def common(self, a: int, b: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]:
        """Idents seen in both frames, and their pixels in the one and in the other."""
        ids_a, xy_a = self.at(a)
        ids_b, xy_b = self.at(b)
        both, in_a, in_b = np.intersect1d(ids_a, ids_b, assume_unique=True, return_indices=True)
        return both, xy_a[in_a], xy_b[in_b]

    def motion(self, a: int, b: int) -> float:
        """Median distance in pixels that the points seen in both frames have moved; infinite when none is."""
        _, xy_a, xy_b = self.common(a, b)
        return float(np.median(np.linalg.norm(xy_b - xy_a, axis=1))) if len(xy_a) else np.inf


@dataclass(slots=True)
class _Tracker:
    params: TrackParams
    previous: Grey | None = None
    idents: npt.NDArray[np.int32] = field(default_factory=lambda: np.zeros(0, np.int32))
    xy: npt.NDArray[np.float32] = field(default_factory=lambda: _EMPTY)
    next_ident: int = 0
    patches: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 3, 3), np.float32))
    inverses: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 8, 8)))
    shapes: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 4)))

    def keep(self, which: npt.NDArray[Any]) -> None:
        """Go on with these alone, a mask or numbers in their order."""
        self.idents, self.xy = self.idents[which], self.xy[which]
        self.patches, self.inverses, self.shapes = self.patches[which], self.inverses[which], self.shapes[which]

    def start(self, xy: npt.NDArray[np.float32], soft: npt.NDArray[np.float32]) -> None:
        """New tracks at `xy` (N, 2) of a picture."""
        patches, inverses = anchor.cut(soft, xy.astype(np.float64), self.params.anchor_px)
        fresh = np.arange(self.next_ident, self.next_ident + len(xy), dtype=np.int32)
        self.next_ident += len(xy)
        self.idents, self.xy = np.concatenate([self.idents, fresh]), np.concatenate([self.xy, xy])
        self.patches = np.concatenate([self.patches, patches]) if len(self.patches) else patches
        self.inverses = np.concatenate([self.inverses, inverses])
        self.shapes = np.concatenate([self.shapes, np.tile(UPRIGHT, (len(xy), 1))])


def follow(frames: Iterable[tuple[Grey, Grey | None]], params: TrackParams | None = None) -> Tracks:
    """Follow points through `frames`: pairs of a grey picture (H, W) uint8 and a mask (H, W), 0 where nothing may be tracked.

    One frame is held at a time. The result is the same for the same pictures, whatever the thread count.
    """
    params = params or TrackParams()
    tracker = _Tracker(params)
    history: list[tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]] = []
    survived = []
    for grey, mask in frames:
        before = len(tracker.idents)
        soft = _soft(grey)
        _advance(tracker, grey, mask, soft)
        if len(history) >= params.epipolar_gap:
            _drop_movers(tracker, history[-params.epipolar_gap], grey.shape[1])
        survived.append(len(tracker.idents) / before if before else 1.0)
        _thin(tracker, grey)
        _refill(tracker, grey, mask, soft)
        history.append((tracker.idents, tracker.xy))
    counts = [len(idents) for idents, _ in history]
    return Tracks(
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        idents=np.concatenate([idents for idents, _ in history] or [np.zeros(0, np.int32)]),
        xy=np.concatenate([xy for _, xy in history] or [_EMPTY]) + np.float32(0.5),  # OpenCV counts from the centre
        survived=np.array(survived),
    )


def _soft(grey: Grey) -> npt.NDArray[np.float32]:
    """A little blurred: reading between pixels then shifts nothing."""
    return np.asarray(cv2.GaussianBlur(grey.astype(np.float32), (0, 0), SOFT_SIGMA))


def _advance(tracker: _Tracker, grey: Grey, mask: Grey | None, soft: npt.NDArray[np.float32]) -> None:
    """Find the tracker's points in the next picture; keep those that come home and lie off the mask."""
    params = tracker.params
    previous, tracker.previous = tracker.previous, grey
    if previous is None or not len(tracker.xy):
        return
    there, found = _flow(previous, grey, tracker.xy, params)
    back, home = _flow(grey, previous, there, params)
    height, width = grey.shape
    inside = (there > 2).all(axis=1) & (there[:, 0] < width - 3) & (there[:, 1] < height - 3)
    near = np.linalg.norm(back - tracker.xy, axis=1) < params.round_trip_px * max(1.0, width / 1280)
    keep = found & home & inside & near
    if mask is not None:
        keep[keep] = mask[np.rint(there[keep, 1]).astype(int), np.rint(there[keep, 0]).astype(int)] > 0
    tracker.xy = there
    tracker.keep(keep)
    _anchor(tracker, soft)


def _anchor(tracker: _Tracker, soft: npt.NDArray[np.float32]) -> None:
    """Move each point to where its first patch fits; one that no longer looks like it goes on as a track of its own.

    From frame to frame a patch drifts towards its heavier side and with what passes behind an edge, half a pixel within
    ten frames. Held to its first picture it does not.
    """
    warps = np.concatenate([tracker.xy, tracker.shapes], axis=1, dtype=np.float64)
    scores = anchor.find(soft, tracker.patches, tracker.inverses, warps, ANCHOR_STEPS)
    moved = np.linalg.norm(warps[:, :2] - tracker.xy, axis=1)
    same = (scores > tracker.params.alike) & (moved < MOST_MOVED_PX * max(1.0, soft.shape[1] / 1280))
    another = tracker.xy[~same & (scores >= 0)]
    tracker.xy, tracker.shapes = warps[:, :2].astype(np.float32), warps[:, 2:]
    tracker.keep(same)
    tracker.start(another, soft)


def _flow(a: Grey, b: Grey, xy: npt.NDArray[np.float32], params: TrackParams) -> tuple[Any, Any]:
    """Where the points (N, 2) of picture `a` lie in `b`, and whether each was found."""
    window = (params.window_px, params.window_px)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        a, b, xy, np.empty_like(xy), winSize=window, maxLevel=params.levels, criteria=CRITERIA, minEigThreshold=1e-4
    )
    return there, np.asarray(found).ravel() == 1


def _drop_movers(tracker: _Tracker, past: tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]], width: int) -> None:
    """End the tracks that leave their epipolar line between a past frame and this one: people, dogs, drift."""
    both, now, then = np.intersect1d(tracker.idents, past[0], assume_unique=True, return_indices=True)
    if len(both) < 30:
        return
    try:
        limit = tracker.params.epipolar_px * max(1.0, width / 1280)
        _, inlier = cv2.findFundamentalMat(past[1][then], tracker.xy[now], cv2.FM_RANSAC, limit, 0.999, 1000)
    except cv2.error:  # degenerate frames, e.g. nothing moved
        return
    if inlier is None or inlier.sum() < 0.3 * len(both):
        return
    keep = np.ones(len(tracker.idents), bool)
    keep[now] = inlier.ravel() == 1
    tracker.keep(keep)


def _cell(grey: Grey, target: int) -> int:
    """Side in pixels of the square cells of which `target` cover the picture."""
    return max(8, int(np.sqrt(grey.size / target)))


def _thin(tracker: _Tracker, grey: Grey) -> None:
    """Where points have drifted together only the oldest of a quarter cell goes on."""
    half = _cell(grey, tracker.params.target) // 2
    at = (tracker.xy // half).astype(np.int64)
    _, oldest = np.unique(at[:, 1] * 100_000 + at[:, 0], return_index=True)  # idents rise: the first is the oldest
    oldest.sort()
    tracker.keep(oldest)


def _refill(tracker: _Tracker, grey: Grey, mask: Grey | None, soft: npt.NDArray[np.float32]) -> None:
    """Start a track at the best corner of every cell that holds none."""
    height, width = grey.shape
    cell = _cell(grey, tracker.params.target)
    rows, columns = height // cell, width // cell
    strength = cv2.cornerMinEigenVal(grey, 5)
    if mask is not None:
        strength[cv2.erode(mask, np.ones((7, 7), np.uint8)) == 0] = 0
    margin = tracker.params.window_px // 2 + 1
    strength[:margin] = strength[-margin:] = 0
    strength[:, :margin] = strength[:, -margin:] = 0
    whole = np.asarray(strength)[: rows * cell, : columns * cell].reshape(rows, cell, columns, cell)
    cells = whole.swapaxes(1, 2).reshape(rows * columns, cell * cell)
    best = cells.argmax(axis=1)
    good = cells.max(axis=1) > max(1e-5, 0.001 * float(strength.max()))
    taken = np.minimum((tracker.xy / cell).astype(int), (columns - 1, rows - 1))
    good[taken[:, 1] * columns + taken[:, 0]] = False
    where = np.flatnonzero(good)
    x = (where % columns) * cell + best[where] % cell
    y = (where // columns) * cell + best[where] // cell
    tracker.start(np.stack([x, y], axis=1).astype(np.float32), soft)
