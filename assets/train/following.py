"""Does the model follow its pose map when nothing else shows the figure? Measured against the truth of another pose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from assets.providers.base import Provider
from assets.providers.conditioning import encode
from assets.train.brought import bring
from assets.train.samples import Sample

Array = np.ndarray[Any, Any]
Pair = tuple[Sample, Sample]  # the same person, view and light in two poses (assets.train.people.kept_pair)
CLEARLY = 0.05  # of silhouette IoU


def following(model: Provider, pairs: Sequence[Pair], guides: Collection[str] = ("pose",)) -> dict[str, float]:
    """How pictures from `guides` alone agree with their own pose's truth and with the other's; means over both of a pair.

    own_iou, other_iou: silhouettes, alpha above a half. own_db, other_db: PSNR of the encoded picture over black, where
    either truth or the picture has anything. follows: share of pictures that are nearer to their own silhouette than to
    the other; follows_clearly: by more than CLEARLY. told_apart: of the pixels that only one of the two true silhouettes
    holds, the share painted as the own one has it (0.5: the map is not looked at). between_iou: of the two truths, the
    floor that own_iou must leave.
    """
    asked = [bring(sample.request, guides) for pair in pairs for sample in pair]
    painted = [result.takes[0, 0] for result in model.generate(asked)]
    rows = []
    for pair, pictures in zip(pairs, zip(painted[::2], painted[1::2], strict=True), strict=True):
        for own, other, picture in zip(pair, pair[::-1], pictures, strict=True):
            rows.append(_judged(picture, own.truth, other.truth))
    return {name: round(float(np.mean([row[name] for row in rows])), 3) for name in rows[0]}


def silhouette_iou(a: Array, b: Array) -> float:
    """Intersection over union of two RGBA pictures' silhouettes, alpha above a half."""
    first, second = a[..., 3] > 0.5, b[..., 3] > 0.5
    return float((first & second).sum() / max(1, (first | second).sum()))


def _judged(picture: Array, own: Array, other: Array) -> dict[str, float]:
    where = (picture[..., 3] > 0.02) | (own[..., 3] > 0) | (other[..., 3] > 0)
    solid, mine, theirs = (image[..., 3] > 0.5 for image in (picture, own, other))
    own_iou, other_iou = silhouette_iou(picture, own), silhouette_iou(picture, other)
    return {
        "own_iou": own_iou,
        "other_iou": other_iou,
        "between_iou": silhouette_iou(own, other),
        "own_db": _psnr(picture, own, where),
        "other_db": _psnr(picture, other, where),
        "follows": own_iou > other_iou,
        "follows_clearly": own_iou > other_iou + CLEARLY,
        "told_apart": float((solid == mine)[mine ^ theirs].mean()) if (mine ^ theirs).any() else 1.0,
    }


def _psnr(picture: Array, truth: Array, where: Array) -> float:
    error = (encode(picture[..., :3]) - encode(truth[..., :3]))[where]
    return float(-10 * np.log10(max(1e-9, (error**2).mean())))
