"""Measure the model on what was kept back: python -m assets.train.measure DATA [--model FOLDER] [--count 200]."""

from __future__ import annotations

import argparse
import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from assets.providers.base import Provider
from assets.providers.builtin import FOLDER, Builtin
from assets.providers.conditioning import condition, encode
from assets.train.brought import bring
from assets.train.following import following
from assets.train.people import kept_pair
from assets.train.samples import Sample, Shard
from pipeline.io.color import from_acescg

Array = np.ndarray[Any, Any]
_PART_PX = 25  # a part must be so large to have its colour judged
ALL = frozenset({"coverage", "depth", "normals", "parts", "pose"})
WORTH = {
    "all": ALL,
    **{f"all but {name}": ALL - {name} for name in ("pose", "depth", "normals", "parts", "coverage")},
    "pose and depth": frozenset({"pose", "depth"}),
    "pose and coverage": frozenset({"pose", "coverage"}),
    "depth": frozenset({"depth"}),
    "pose": frozenset({"pose"}),
}
_PAIRS_SEED = 20


def figures(model: Provider, samples: Sequence[Sample], guides: Collection[str] = ALL) -> dict[str, float]:
    """Numbers over samples of one size when only `guides` are shown, means unless said.

    iou: of alpha and the true coverage, above a half. psnr_db: of the encoded picture inside the figure. ssim: likewise, structural
    similarity (Wang, Bovik, Sheikh and Simoncelli, 2004) in windows of 7 pixels. part_delta_e: CIE 1976
    difference of each part's mean colour. shading_r2: share of the variance of (light over flat colour) that is explained.
    seeds_delta_e: part colours of another seed against the first. other_pose_db: PSNR against another sample's truth,
    to hold psnr_db against.
    """
    asked = [bring(sample.request, guides) for sample in samples]
    painted = [result.takes[0, 0] for result in model.generate(asked)]
    reseeded = model.generate([replace(request, seed=request.seed + 77) for request in asked])
    again = [result.takes[0, 0] for result in reseeded]
    rows = []
    for i, (sample, picture) in enumerate(zip(samples, painted, strict=True)):
        coverage = sample.request.guides.given()["coverage"][0]
        inside, solid = coverage > 0, picture[..., 3] > 0.5
        parts = sample.request.guides.given()["parts"][0]
        other = samples[(i + 1) % len(samples)].truth
        rows.append(
            {
                "iou": (solid & (coverage > 0.5)).sum() / max(1, (solid | (coverage > 0.5)).sum()),
                "psnr_db": _psnr(picture, sample.truth, inside),
                "ssim": _ssim(picture, sample.truth, inside),
                "other_pose_db": _psnr(picture, other, inside | (other[..., 3] > 0)),
                "part_delta_e": _part_delta_e(picture, sample.truth, parts * (coverage > 0.99) * solid),
                "seeds_delta_e": _part_delta_e(picture, again[i], parts * (coverage > 0.99) * solid),
                "shading_r2": _shading_r2(sample, picture),
            }
        )
    return {name: round(float(np.nanmean([row[name] for row in rows])), 3) for name in rows[0]}


def _psnr(picture: Array, truth: Array, inside: Array) -> float:
    error = (encode(picture) - encode(truth))[inside]
    return float(-10 * np.log10(max(1e-9, (error[..., :3] ** 2).mean())))


def _ssim(picture: Array, truth: Array, inside: Array) -> float:
    import torch
    from kornia.metrics import ssim

    pair = [torch.from_numpy(encode(image[..., :3]).transpose(2, 0, 1)[None]) for image in (picture, truth)]
    return float(ssim(pair[0].float(), pair[1].float(), window_size=7)[0].mean(0).numpy()[inside].mean())


def _part_delta_e(picture: Array, truth: Array, parts: Array) -> float:
    names = [part for part in np.unique(parts) if part and (parts == part).sum() >= _PART_PX]
    if not names:
        return float("nan")
    means = np.array(
        [[image[parts == part][:, :3].mean(0) for part in names] for image in (picture, truth)], np.float32
    )
    lab = cv2.cvtColor(
        np.clip(from_acescg(means, "Linear Rec.709 (sRGB)"), 0, 1).astype(np.float32), cv2.COLOR_LRGB2LAB
    )
    return float(np.linalg.norm(lab[0] - lab[1], axis=-1).mean())


def _shading_r2(sample: Sample, picture: Array) -> float:
    shown = condition(sample.request)
    solid = shown.room > 0.99
    flat = shown.base.transpose(1, 2, 0)[solid]
    true = encode(sample.truth[..., :3])[solid] - flat
    said = encode(picture[..., :3])[solid] - flat
    return float(1 - ((said - true) ** 2).mean() / max(1e-9, true.var(axis=0).mean()))


def worth(model: Provider, samples: Sequence[Sample]) -> dict[str, dict[str, float]]:
    """What each set of guides gives: PSNR inside the figure, IoU of the silhouette, colours of parts."""
    sets = not samples[0].request.guides.given()["pose"].any()
    asked = {name: guides - {"pose"} if sets else guides for name, guides in WORTH.items()}
    told = {name: figures(model, samples, guides) for name, guides in asked.items() if guides & {"pose", "depth"}}
    if sets:
        told = {name: row for name, row in told.items() if "pose" not in name}
    return {name: {key: row[key] for key in ("psnr_db", "iou", "part_delta_e")} for name, row in told.items()}


def main() -> None:
    """Print the figures of people and of masonry as JSON, what guides are worth, and how the pose map is followed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=60)
    asked = parser.parse_args()
    model = Builtin.open(asked.model)
    told: dict[str, Any] = {"figures": {}, "worth": {}}
    for kind in ("kept", "keptbroad", "stone"):
        for path in sorted(asked.data.glob(f"{kind}_????.npz"))[:1]:
            shard = Shard(path)
            samples = [shard[i] for i in range(min(asked.count, len(shard)))]
            told["figures"][kind] = figures(model, samples)
            told["worth"][kind] = worth(model, samples[:60])
    rng = np.random.default_rng(_PAIRS_SEED)
    pairs = [kept_pair(rng) for _ in range(asked.pairs)]
    told["following"] = {
        " and ".join(guides): following(model, pairs, guides) for guides in (("pose",), ("pose", "depth"))
    }
    print(json.dumps(told, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
