"""Follow points through the plate: KLT tracks over every frame, spread evenly, checked both ways and by epipolar lines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Grey = npt.NDArray[np.uint8]
CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 0.01)
FEWEST_WARPED = 40
WARPED_PX, EXPLAINED = 0.5, 0.75  # a homography explains a move when so many points lie so near, in pictures 1280 wide
LEAST_GROWTH = 1e-3  # enlargement or roll between two frames that makes a patch drift
MOST_WARPED_PX = 1.0
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
        _advance(tracker, grey, mask)
        if len(history) >= params.epipolar_gap:
            _drop_movers(tracker, history[-params.epipolar_gap], grey.shape[1])
        survived.append(len(tracker.idents) / before if before else 1.0)
        _thin(tracker, grey)
        _refill(tracker, grey, mask)
        history.append((tracker.idents, tracker.xy))
    counts = [len(idents) for idents, _ in history]
    return Tracks(
        starts=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
        idents=np.concatenate([idents for idents, _ in history] or [np.zeros(0, np.int32)]),
        xy=np.concatenate([xy for _, xy in history] or [_EMPTY]) + np.float32(0.5),  # OpenCV counts from the centre
        survived=np.array(survived),
    )


def _advance(tracker: _Tracker, grey: Grey, mask: Grey | None) -> None:
    """Find the tracker's points in the next picture; keep those that come home and lie off the mask."""
    params = tracker.params
    previous, tracker.previous = tracker.previous, grey
    if previous is None or not len(tracker.xy):
        return
    there, found = _flow(previous, grey, tracker.xy, params)
    there = _warped(previous, grey, tracker.xy, there, found, params)
    back, home = _flow(grey, previous, there, params)
    height, width = grey.shape
    inside = (there > 2).all(axis=1) & (there[:, 0] < width - 3) & (there[:, 1] < height - 3)
    near = np.linalg.norm(back - tracker.xy, axis=1) < params.round_trip_px * max(1.0, width / 1280)
    keep = found & home & inside & near
    if mask is not None:
        keep[keep] = mask[np.rint(there[keep, 1]).astype(int), np.rint(there[keep, 0]).astype(int)] > 0
    tracker.idents, tracker.xy = tracker.idents[keep], there[keep]


def _flow(a: Grey, b: Grey, xy: npt.NDArray[np.float32], params: TrackParams) -> tuple[Any, Any]:
    """Where the points (N, 2) of picture `a` lie in `b`, and whether each was found."""
    window = (params.window_px, params.window_px)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        a, b, xy, np.empty_like(xy), winSize=window, maxLevel=params.levels, criteria=CRITERIA, minEigThreshold=1e-4
    )
    return there, np.asarray(found).ravel() == 1


def _warped(
    a: Grey, b: Grey, xy: npt.NDArray[np.float32], there: npt.NDArray[np.float32], found: Any, params: TrackParams
) -> npt.NDArray[np.float32]:
    """The points found in `b` again, in picture `a` warped as the move between them does, where one homography tells that move.

    A patch compared without it drifts towards its heavier side, a little in every frame of a zoom or a roll. Where depth bends
    the picture, no homography is right for all, and the points stay.
    """
    if found.sum() < FEWEST_WARPED:
        return there
    limit = WARPED_PX * max(1.0, b.shape[1] / 1280)
    move, inlier = cv2.findHomography(xy[found], there[found], cv2.RANSAC, limit, maxIters=200)
    if move is None or np.mean(inlier) < EXPLAINED or _growth(move, b.shape) < LEAST_GROWTH:
        return there
    height, width = b.shape
    moved = cv2.warpPerspective(a, move, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    start = cv2.perspectiveTransform(xy[:, None], move)[:, 0].astype(np.float32)
    again, good, _ = cv2.calcOpticalFlowPyrLK(
        moved, b, start, there.copy(), winSize=(params.window_px, params.window_px), maxLevel=1, criteria=CRITERIA,
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )  # fmt: skip
    near = (np.asarray(good).ravel() == 1) & (np.linalg.norm(again - there, axis=1) < MOST_WARPED_PX)
    return np.where(near[:, None], again, there)


def _growth(move: Any, shape: tuple[int, ...]) -> float:
    """By how much a homography enlarges or rolls the middle of the picture (0: neither)."""
    x, y = shape[1] / 2, shape[0] / 2
    (ax, ay), (bx, by), (cx, cy) = cv2.perspectiveTransform(np.array([[[x, y], [x + 10, y], [x, y + 10]]]), move)[0]
    return float(np.hypot(((bx - ax) + (cy - ay)) / 20 - 1, ((by - ay) - (cx - ax)) / 20))


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
    tracker.idents, tracker.xy = tracker.idents[keep], tracker.xy[keep]


def _cell(grey: Grey, target: int) -> int:
    """Side in pixels of the square cells of which `target` cover the picture."""
    return max(8, int(np.sqrt(grey.size / target)))


def _thin(tracker: _Tracker, grey: Grey) -> None:
    """Where points have drifted together only the oldest of a quarter cell goes on."""
    half = _cell(grey, tracker.params.target) // 2
    at = (tracker.xy // half).astype(np.int64)
    _, oldest = np.unique(at[:, 1] * 100_000 + at[:, 0], return_index=True)  # idents rise: the first is the oldest
    oldest.sort()
    tracker.idents, tracker.xy = tracker.idents[oldest], tracker.xy[oldest]


def _refill(tracker: _Tracker, grey: Grey, mask: Grey | None) -> None:
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
    fresh = np.arange(tracker.next_ident, tracker.next_ident + len(where), dtype=np.int32)
    tracker.next_ident += len(where)
    tracker.idents = np.concatenate([tracker.idents, fresh])
    tracker.xy = np.concatenate([tracker.xy, np.stack([x, y], axis=1).astype(np.float32)])
