"""Which frames a piece is painted from: those that show its surface with most texels per metre, most squarely, unhidden."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from assets.sets.projection import Piece, Projector, draw
from assets.sets.surface import SurfacePoints

Array = npt.NDArray[np.float64]
_LEAST_COSINE = 0.08  # seen more obliquely than this, a surface is not painted


def surface_quality(piece: Piece, surface: SurfacePoints, look: Projector, focal_px: float) -> tuple[Array, Array]:
    """Of each point, (N,): texels per metre times the cosine of the angle at which it is seen, 0 where it is hidden or out of
    the picture; and its share of the picture, the square of that without the finer detail that a larger painting has.

    look: a small picture from the keyframe, in which occlusion is found. focal_px: of the painting itself.
    """
    depth, lens = draw(piece, look, 1)[0], look.lens
    camera = surface.points @ look.pose[:3, :3].T + look.pose[:3, 3]
    z = np.maximum(camera[:, 2], 1e-3)
    x = lens.focal_x_px * camera[:, 0] / z + lens.centre_x_px
    y = lens.focal_y_px * camera[:, 1] / z + lens.centre_y_px
    inside = (camera[:, 2] > 0.05) & (x >= 0) & (x < lens.width) & (y >= 0) & (y < lens.height)
    away = np.linalg.norm(camera, axis=1)
    normals = surface.normals @ look.pose[:3, :3].T
    cosine = -(normals * camera).sum(axis=1) / np.maximum(away, 1e-6)
    texel = z / lens.focal_x_px
    # What lies over a texel's own slope before a point does not hide it.
    row, column = np.where(inside, y, 0).astype(int), np.where(inside, x, 0).astype(int)
    unhidden = z <= depth[row, column] + texel * (1 + 1 / np.maximum(cosine, _LEAST_COSINE))
    seen = inside & unhidden & (cosine > _LEAST_COSINE)
    return np.where(seen, focal_px / z * cosine, 0), np.where(seen, surface.areas_m2 * cosine / z**2, 0)


def choose(
    qualities: Mapping[int, Array],
    shares: Mapping[int, Array],
    most: int,
    least_gain: float,
    known: Array | None = None,
) -> list[int]:
    """Of frames, at most `most`: the one that brings most of what is seen nearest to the best that any has of it, then
    whichever adds most, while it adds more than `least_gain` of the whole.

    qualities, shares: by frame, as surface_quality has them. known: the quality of what is painted already. Greedy choice
    of such a sum is within 1 - 1/e of the best (Nemhauser, Wolsey and Fisher, Mathematical Programming 1978).
    """
    best, weight = (np.max(list(arrays.values()), axis=0) for arrays in (qualities, shares))
    whole = max(float(weight.sum()), 1e-12)
    reached = np.zeros_like(best) if known is None else np.minimum(known / np.maximum(best, 1e-12), 1)
    middle = (min(qualities) + max(qualities)) / 2
    chosen: list[int] = []
    for _ in range(most):
        shown = {frame: quality / np.maximum(best, 1e-12) for frame, quality in qualities.items()}
        gains = {f: float((weight * np.maximum(share - reached, 0)).sum()) / whole for f, share in shown.items()}
        # Of frames that add nearly as much, the one nearest the middle: it stays closest to all others.
        frame = max(gains, key=lambda f: (round(gains[f], 2), -abs(f - middle)))
        if (chosen or known is not None) and gains[frame] < least_gain:
            break
        chosen.append(frame)
        reached = np.maximum(reached, shown[frame])
    return chosen
