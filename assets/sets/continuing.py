"""A further painting of a piece goes on from those before it: what they show is carried over, and the new is brought to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from assets.sets.paintings import Surface, Thrown, known_colours
from assets.sets.projection import Piece, Projector, draw

Floats = npt.NDArray[np.float32]
_ENOUGH = (0.45, 0.8)  # of the new painting's quality: what is worse is painted anew, what is better is carried over
_FEATHER_PX = 8.0
_NEAR = 0.12  # of the picture's longer side: how far a difference in colour is felt
_MOST_GAIN = 2.0
_LEAST_PX = 50.0  # that both must show, to be compared


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """What paintings before show through a further projector: colours (H, W, 3), unpremultiplied; share (H, W), 0 to be
    painted .. 1 kept, falling to 0 at its edges."""

    colours: Floats
    share: Floats


def carried(piece: Piece, projector: Projector, earlier: Sequence[Thrown]) -> Carried:
    """Look every pixel of a projector up in the paintings before it."""
    depth, triangle, points = draw(piece, projector, 1)
    hit = triangle >= 0
    colours, share = np.zeros((*hit.shape, 3), np.float32), np.zeros(hit.shape, np.float32)
    if earlier and hit.any():
        normals = piece.normals[triangle[hit]]
        surface = Surface(points[hit], normals, normals, piece.parts[triangle[hit]], projector.pose, projector.focal_px)
        found, known, quality = known_colours(surface, earlier)
        ways = projector.centre - points[hit]
        cosine = (ways * normals).sum(axis=1) / np.linalg.norm(ways, axis=1)
        own = projector.focal_px / depth[hit] * np.maximum(cosine, 1e-3)
        low, high = _ENOUGH
        colours[hit] = found
        share[hit] = known * np.clip((quality / own - low) / (high - low), 0, 1)
        inner = ndimage.distance_transform_edt((share > 0.5) | ~hit)
        share *= np.clip(inner / _FEATHER_PX, 0, 1).astype(np.float32)
    return Carried(colours, share)


def continued(rgba: Floats, kept: Carried) -> Floats:
    """A painting (H, W, 4), premultiplied, brought to the colours that are kept, and these laid over it.

    Where both show the surface their colours are compared, smoothly over the picture; the new takes the difference on as a
    gain, so that nothing changes where one gives way to the other. For painters that cannot go on from a picture, and
    those that did not quite.
    """
    if not kept.share.any():
        return rgba
    alpha = rgba[..., 3:]
    weight = (kept.share * rgba[..., 3])[..., None]
    near = _NEAR * max(rgba.shape[:2])
    wanted, have = weight * kept.colours * alpha, weight * rgba[..., :3]
    whole = [each.sum(axis=(0, 1), dtype=np.float64) for each in (wanted, have)]
    if weight.sum() < _LEAST_PX:
        return rgba
    fall = [ndimage.gaussian_filter(each, (near, near, 0), mode="constant") for each in (wanted, have, weight)]
    # Far from what both show, the mean of all of it holds.
    hold = 0.02
    mean = float(weight.sum(dtype=np.float64))
    gain = (fall[0] + hold * whole[0] / mean) / np.maximum(fall[1] + hold * whole[1] / mean, 1e-6)
    gain = np.clip(gain, 1 / _MOST_GAIN, _MOST_GAIN)
    share = kept.share[..., None]
    straight = rgba[..., :3] * gain * (1 - share) + kept.colours * alpha * share
    return np.concatenate([straight, alpha], axis=-1).astype(np.float32)


def asked_for(kept: Carried, coverage: Floats, around: Floats) -> tuple[Floats, Floats]:
    """(init, mask) for painters that fill in: init (H, W, 4) premultiplied is the plate around the piece (H, W, 4) with what is
    kept of the piece over it; mask (H, W) 1 where it is to be painted: the piece, but for what is kept, and what no
    picture tells."""
    share = (kept.share * (coverage > 0))[..., None]
    over = np.concatenate([kept.colours, np.ones_like(share)], axis=-1)
    init = over * share + around * (1 - share)
    piece = ndimage.binary_dilation(coverage > 0, iterations=2)
    mask = np.where(piece, 1 - share[..., 0], 1 - around[..., 3])
    return init.astype(np.float32), np.clip(mask, 0, 1).astype(np.float32)
