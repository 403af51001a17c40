"""The model held against what was kept out of its training: outline, order in depth, colours, one identity throughout."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from assets.providers.builtin import Builtin
from assets.providers.conditioning import encode, paint_flat
from assets.train.brought import bring
from assets.train.differences import delta_e_2000, lab_of
from assets.train.samples import Sample

Array = np.ndarray[Any, Any]
ALL = frozenset({"coverage", "depth", "normals", "parts", "pose"})
PART_PX = 25  # a part must be so large to have its colour judged
_STEP_M = 0.05  # a jump of depth between neighbours by which one part lies before another
_APART = 15.0  # CIEDE2000 between two parts' true colours by which one can tell which is painted
_OTHER_SEED = 77


def judged(model: Builtin, samples: Sequence[Sample], guides: Collection[str] = ALL) -> dict[str, float]:
    """Figures of people of one size when only `guides` are shown (looks and light are always told).

    own_iou: silhouette of the model's own alpha, before the guides' outline bounds it, against the true coverage; iou: of
    the answer, bounded. Both above a half. depth_order: of the pixels at which a part ends before a farther one of
    another colour, the share painted nearer to the near part's true colour there (chance: 0.5; depth_order_true: of the
    true pictures, whose edges are mixtures). delta_e, delta_e_p90:
    CIEDE2000 between painted and true mean colours of parts, median and 90th percentile over all parts of all samples;
    seeds_delta_e likewise between two seeds.
    """
    asked = [bring(sample.request, guides) for sample in samples]
    painted = [result.takes[0, 0] for result in model.generate(asked)]
    again = [replace(request, seed=request.seed + _OTHER_SEED) for request in asked]
    reseeded = [result.takes[0, 0] for result in model.generate(again)]
    own = model.own_alphas(asked)
    true, seeds, order, ious, owns = [], [], [], [], []
    critic = [_depth_order(sample.truth, sample) for sample in samples]
    for sample, picture, other, alpha in zip(samples, painted, reseeded, own, strict=True):
        given = sample.request.guides.given()
        ious.append(_iou(picture[..., 3], given["coverage"][0]))
        owns.append(_iou(alpha, given["coverage"][0]))
        order.append(_depth_order(picture, sample))
        parts = _solid(given["parts"][0], given["coverage"][0], picture, other)
        true.append(_part_differences(picture, sample.truth, parts))
        seeds.append(_part_differences(picture, other, parts))
    right, asked_px = np.sum(order, axis=0)
    colours, takes = np.concatenate(true), np.concatenate(seeds)
    told = {
        "own_iou": np.mean(owns),
        "iou": np.mean(ious),
        "depth_order": right / max(asked_px, 1),
        "depth_order_true": np.sum(critic, axis=0)[0] / max(asked_px, 1),
        "delta_e": np.median(colours),
        "delta_e_p90": np.quantile(colours, 0.9),
        "seeds_delta_e": np.median(takes),
        "seeds_delta_e_p90": np.quantile(takes, 0.9),
    }
    return {name: round(float(value), 3) for name, value in told.items()}


def across_views(model: Builtin, people: Sequence[Sequence[Sample]], guides: Collection[str] = ALL) -> dict[str, float]:
    """How alike a part's own colour is from view to view, each of `people` being one person in several views.

    A part's own colour is its look's albedo times (painted over true mean colour), so light and shading drop out.
    views_delta_e, views_delta_e_p90: CIEDE2000 between two views of one part, over all pairs.
    """
    apart: list[float] = []
    for views in people:
        asked = [bring(view.request, guides) for view in views]
        seen: dict[int, list[Array]] = {}
        for view, result in zip(views, model.generate(asked), strict=True):
            for part, colour in _own_colours(result.takes[0, 0], view).items():
                seen.setdefault(part, []).append(colour)
        for colours in seen.values():
            pairs = np.triu_indices(len(colours), 1)
            lab = lab_of(np.array(colours))
            apart += delta_e_2000(lab[pairs[0]], lab[pairs[1]]).tolist()
    return {
        "views_delta_e": round(float(np.median(apart)), 3),
        "views_delta_e_p90": round(float(np.quantile(apart, 0.9)), 3),
    }


def _iou(alpha: Array, coverage: Array) -> float:
    first, second = alpha > 0.5, coverage > 0.5
    return float((first & second).sum() / max(1, (first | second).sum()))


def _solid(parts: Array, coverage: Array, *pictures: Array) -> Array:
    """The part map where the figure is whole and every picture has it."""
    solid = coverage > 0.99
    for picture in pictures:
        solid = solid & (picture[..., 3] > 0.5)
    return np.asarray(parts * solid)


def _part_differences(first: Array, second: Array, parts: Array) -> Array:
    """(n,) CIEDE2000 between two pictures' mean colours of each part that is large enough."""
    names = [part for part in np.unique(parts) if part and (parts == part).sum() >= PART_PX]
    means = [[_straight(image)[parts == part].mean(0) for part in names] for image in (first, second)]
    return delta_e_2000(lab_of(np.array(means[0])), lab_of(np.array(means[1]))) if names else np.empty(0)


def _own_colours(picture: Array, sample: Sample) -> dict[int, Array]:
    given = sample.request.guides.given()
    parts = _solid(given["parts"][0], given["coverage"][0], picture)
    flat, _ = paint_flat(parts, sample.request.identity)
    found = {}
    for part in np.unique(parts):
        here = parts == part
        if part and here.sum() >= PART_PX:
            ratio = _straight(picture)[here].mean(0) / np.maximum(_straight(sample.truth)[here].mean(0), 1e-3)
            found[int(part)] = flat[here][0] * ratio
    return found


def _depth_order(picture: Array, sample: Sample) -> tuple[int, int]:
    """(right, asked): pixels at edges of a near part before a far one, and those painted as the near one."""
    given = sample.request.guides.given()
    depth, coverage = given["depth"][0], given["coverage"][0]
    parts, right, asked = given["parts"][0] * (coverage > 0.99), 0, 0
    true, said = encode(_straight(sample.truth)), encode(_straight(picture))
    colours = lab_of(_straight(sample.truth))
    for axis in (0, 1):
        for shift in (-1, 1):
            far_depth, far_part = np.roll(depth, shift, axis), np.roll(parts, shift, axis)
            behind = (depth - far_depth > _STEP_M) & (parts != far_part) & (parts > 0) & (far_part > 0)
            # Two pixels on either side of the edge: the pixel beside it is a mixture of both.
            near_true, far_true = np.roll(true, -shift, axis), np.roll(true, 2 * shift, axis)
            near_part, beyond = np.roll(parts, -shift, axis), np.roll(parts, 2 * shift, axis)
            behind &= (near_part == parts) & (beyond == far_part)
            lab = np.roll(colours, -shift, axis), np.roll(colours, 2 * shift, axis)
            behind &= delta_e_2000(*lab) > _APART
            to_near = np.abs(said - near_true).sum(-1)[behind]
            to_far = np.abs(said - far_true).sum(-1)[behind]
            right, asked = right + int((to_near < to_far).sum()), asked + int(behind.sum())
    return right, asked


def _straight(picture: Array) -> Array:
    return np.asarray(picture[..., :3] / np.maximum(picture[..., 3:], 1e-3))
