"""Where the plate shows sky: by its colours over elevation, learnt once for the shot, agreed on by neighbouring frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt
from scipy.cluster.vq import kmeans2

from calibration.cameras import pose_at
from calibration.depth.views import View, load_view
from calibration.lens import project
from pipeline.io import exr
from pipeline.kernels.smooth import flow
from pipeline.types import CameraTrack, DepthMaps, Plate

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
_LEARNT = 7  # frames, spread over the shot, that the colours are learnt from
_EVERY = 3  # of their pixels, each way
_PARTS = 20  # Gaussians of each side
_WAY = 0.35  # of the encoded picture that a radian of elevation counts as much as
_FLOOR = 0.012  # least spread of a Gaussian
LOWEST = -0.03  # elevation, radians, under which nothing is sky
_NEAR_M, _SURE = 400.0, 0.5  # what stands nearer by a sure depth is not sky
_MOST = 12.0  # of the evidence of a single pixel
_REACH_PX, _EDGE = 4.0, 0.02  # over which evidence is shared, at the search's size, and the difference that stops it
_BESIDE = (-4, -2, 2, 4)  # frames that vote
_AROUND_PX, _FLYING = 6, 0.07  # how far around an island is looked, and by how much of the encoding a thing is darker
_LEAST = 0.0015  # of the picture: less sky is none


@dataclass(frozen=True, eq=False)
class _Side:
    """Gaussians of colour and elevation. means: (K, 4); ways: (K, 4, 4) that turn and stretch each into a round one; costs: (K,)."""

    means: Array
    ways: Array
    costs: Array

    @classmethod
    def of(cls, features: Array, total: int) -> _Side:
        """Of the features (N, 4) of one side, `total` being those of both."""
        _, which = kmeans2(features, min(_PARTS, len(features)), seed=1, minit="++")
        means, ways, costs = [], [], []
        for k in np.unique(which):
            mine = features[which == k]
            spread = np.cov(mine.T) if len(mine) > 8 else np.zeros((4, 4))
            spread = spread + _FLOOR**2 * np.eye(4)
            means.append(mine.mean(axis=0))
            ways.append(np.linalg.cholesky(np.linalg.inv(spread)))
            costs.append(np.linalg.slogdet(spread)[1] - 2 * np.log(len(mine) / total))
        return cls(np.array(means), np.array(ways), np.array(costs))

    def cost(self, features: Array) -> Array:
        """(N,) how badly the best Gaussian explains each, twice the negative logarithm of its likelihood."""
        least = np.full(len(features), np.inf)
        for mean, way, cost in zip(self.means, self.ways, self.costs, strict=True):
            apart = (features - mean) @ way
            np.minimum(least, np.einsum("ni,ni->n", apart, apart) + cost, out=least)
        return least


@dataclass(frozen=True)
class SkySearch:
    """Finds the sky of single frames. width_px: the search's; steady: whether neighbouring frames vote."""

    plate: Plate
    track: CameraTrack
    depth: DepthMaps
    width_px: int
    steady: bool = True
    _found: dict[int, Floats] = field(init=False, default_factory=dict)  # single frames' evidence, the last few

    def find(self, frame: int) -> Bools:
        """(H, W) at plate size; all False where the frame shows none."""
        view = load_view(self.plate, self.track, frame, self.width_px)
        total, weight = self._evidence(frame).copy(), np.ones(view.grey.shape, np.float32)
        for other in (frame + away for away in _BESIDE if self.steady):
            if other in self.plate.files.frames and other in self.track.frames:
                there = self._turned(view, other)
                seen = np.isfinite(there)
                total[seen] += there[seen]
                weight += seen
        voted = _smooth(np.clip(total / weight, -_MOST, _MOST), view.picture)
        found = _without_clouds(_joined(voted > 0, self._by_depth(frame, view)[0]), view.grey)
        if found.mean() < _LEAST:
            return np.zeros((self.plate.height, self.plate.width), np.bool_)
        size = (self.plate.width, self.plate.height)
        return np.asarray(
            cv2.resize(
                np.where(found, np.maximum(voted, 1), np.minimum(voted, -1)), size, interpolation=cv2.INTER_LINEAR
            )
            > 0
        )

    @cached_property
    def _sides(self) -> tuple[_Side, _Side] | None:
        """Of sky and of all else, from frames of the whole shot: so every frame is told apart by the same.

        The depth's word is a witness, not a judge: what it calls sky here and a mountain there is what more of it was called.
        """
        frames = self.plate.files.frames
        chosen = sorted({round(f) for f in np.linspace(frames.first, frames.last, _LEARNT)})
        features, sky = [], []
        for frame in chosen:
            view = load_view(self.plate, self.track, frame, self.width_px)
            (some, _), up = self._by_depth(frame, view), elevation(view)
            every = np.zeros_like(some)
            every[::_EVERY, ::_EVERY] = True
            where = every & (up > LOWEST - 0.1)
            features.append(_features(view, up)[where])
            sky.append(some[where])
        all_features, is_sky = np.concatenate(features), np.concatenate(sky)
        if is_sky.sum() < 50 or (~is_sky).sum() < 50:
            return None
        return _Side.of(all_features[is_sky], len(is_sky)), _Side.of(all_features[~is_sky], len(is_sky))

    def _evidence(self, frame: int) -> Floats:
        """(h, w) above 0 where a frame by itself looks like sky; the larger, the surer."""
        if frame not in self._found:
            view = load_view(self.plate, self.track, frame, self.width_px)
            up, (_, never) = elevation(view), self._by_depth(frame, view)
            out = np.full(up.shape, -_MOST, np.float32)
            if self._sides is not None:
                asked = (up > LOWEST) & ~never
                features = _features(view, up)[asked]
                told = self._sides[1].cost(features) - self._sides[0].cost(features)
                out[asked] = np.clip(told, -_MOST, _MOST)
            self._found[frame] = out
            for old in sorted(self._found, key=lambda f: -abs(f - frame))[: max(0, len(self._found) - 12)]:
                del self._found[old]
        return self._found[frame]

    def _by_depth(self, frame: int, view: View) -> tuple[Bools, Bools]:
        """(h, w): what the depth calls sky, and what it surely does not."""
        channels, size = exr.read(self.depth.files.path(frame)).channels, (view.lens.width, view.lens.height)
        z = cv2.resize(channels["Z"].astype(np.float32), size, interpolation=cv2.INTER_NEAREST)
        sure = cv2.resize(channels["C"].astype(np.float32), size, interpolation=cv2.INTER_NEAREST) > _SURE
        never = np.asarray(sure & (z < _NEAR_M), np.bool_)
        never = cv2.erode(never.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0  # its edges are fat
        return np.isinf(z), never | (elevation(view) <= LOWEST)

    def _turned(self, view: View, other: int) -> Floats:
        """Another frame's evidence (h, w) as if the camera had only turned; NaN beyond its picture."""
        turn = pose_at(self.track, other)[:3, :3] @ view.pose[:3, :3].T
        along = np.concatenate([view.rays, np.ones((*view.grey.shape, 1), np.float32)], axis=-1).astype(np.float64)
        lens = load_view(self.plate, self.track, other, self.width_px).lens
        at = (project((along @ turn.T).reshape(-1, 3), lens).reshape(*view.grey.shape, 2) - 0.5).astype(np.float32)
        at = np.nan_to_num(at, nan=-9.0)
        nothing = float("nan")
        return np.asarray(
            cv2.remap(self._evidence(other), at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderValue=nothing), np.float32
        )


def elevation(view: View) -> Floats:
    """(h, w) radians above the solved world's horizon."""
    up = view.rays @ view.pose[:2, 1] + view.pose[2, 1]
    return np.asarray(np.arcsin(up / np.sqrt((view.rays**2).sum(axis=-1) + 1)), np.float32)


def _features(view: View, up: Floats) -> Array:
    """(h, w, 4) encoded colour and elevation, in like steps."""
    return np.concatenate([view.picture, _WAY * up[..., None]], axis=-1).astype(np.float64)


def _smooth(evidence: Floats, picture: Floats) -> Floats:
    return flow(evidence, np.ones_like(evidence), picture, _REACH_PX, _EDGE)


def _joined(some: Bools, known: Bools) -> Bools:
    """The parts of `some` that hold what is known for sky, or reach the picture's upper edge."""
    _, labels = cv2.connectedComponents(some.astype(np.uint8), connectivity=4)
    kept = np.unique(np.concatenate([labels[known & some], labels[0][some[0]]]))
    return np.asarray(some & np.isin(labels, kept), np.bool_)


def _without_clouds(sky: Bools, grey: Floats) -> Bools:
    """`sky` with the islands in it that are hardly darker than it: streaks of cloud are no things that fly."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((~sky).astype(np.uint8), connectivity=8)
    out = sky.copy()
    for k in range(1, count):
        left, top, wide, high = (int(v) for v in stats[k, :4])
        if left == 0 or top == 0 or left + wide == sky.shape[1] or top + high == sky.shape[0]:
            continue
        box = (
            slice(max(top - _AROUND_PX, 0), top + high + _AROUND_PX),
            slice(max(left - _AROUND_PX, 0), left + wide + _AROUND_PX),
        )
        island = labels[box] == k
        if sky[box].any() and np.median(grey[box][sky[box]]) - np.median(grey[box][island]) < _FLYING:
            out[box] |= island
    return out
