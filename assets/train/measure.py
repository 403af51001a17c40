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
from assets.sprites.sprite import WIDE_PX, WIDTH_PX
from assets.train.brought import bring
from assets.train.following import following
from assets.train.heldout import ALL, across_views, judged
from assets.train.people import kept_pair, kept_views
from assets.train.posture import kept_poses, keypoint_errors
from assets.train.samples import Sample, Shard
from pipeline.io.color import from_acescg

Array = np.ndarray[Any, Any]
_PART_PX = 25  # a part must be so large to have its colour judged
WORTH = {
    "all": ALL,
    **{f"all but {name}": ALL - {name} for name in ("pose", "depth", "normals", "parts", "coverage")},
    "pose and depth": frozenset({"pose", "depth"}),
    "pose and coverage": frozenset({"pose", "coverage"}),
    "depth": frozenset({"depth"}),
    "pose": frozenset({"pose"}),
}
SHOWN = {"all": ALL, "pose and depth": frozenset({"pose", "depth"}), "pose": frozenset({"pose"})}
_KINDS = {"kept": "128 x 64 px", "keptbroad": "128 x 128 px", "keptnear": "256 x 128 px"}
_PAIRS_SEED, _VIEWED = 20, 12


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


def all_figures(model: Builtin, data: Path, count: int, pairs: int = 60) -> dict[str, Any]:
    """Everything that is told of a model: `figures`, `worth`, `heldout` (assets.train.heldout), `posture`, `following`."""
    told: dict[str, Any] = {"figures": {}, "worth": {}, "heldout": {}}
    for kind in ("kept", "keptbroad", "keptnear", "stone"):
        for path in sorted(data.glob(f"{kind}_????.npz"))[:1]:
            shard = Shard(path)
            samples = [shard[i] for i in range(min(count, len(shard)))]
            told["figures"][kind] = figures(model, samples)
            told["worth"][kind] = worth(model, samples[:60])
            if kind != "stone":
                told["heldout"][kind] = {name: judged(model, samples[:60], shown) for name, shown in SHOWN.items()}
    rng = np.random.default_rng(_PAIRS_SEED)
    for kind, near in (("kept", 1), ("keptnear", 2)):
        if kind in told["heldout"]:
            told["heldout"][kind]["all"] |= across_views(
                model, [kept_views(rng, near) for _ in range(min(_VIEWED, count // 8))]
            )
    widths = (WIDTH_PX, WIDE_PX) if count >= _VIEWED else (WIDTH_PX,)
    posed = [each for width_px in widths for each in kept_poses(rng, width_px=width_px)]
    told["posture"] = {name: keypoint_errors(model, posed, shown) for name, shown in SHOWN.items()}
    kept = [kept_pair(rng) for _ in range(pairs)]
    told["following"] = {
        " and ".join(guides): following(model, kept, guides) for guides in (("pose",), ("pose", "depth")) if kept
    }
    return told


def table(told: dict[str, Any]) -> str:
    """The held-out figures as a table in Markdown: a row for each size and set of guides."""
    names = {
        "own_iou": "own silhouette, IoU",
        "iou": "bounded by the guides",
        "depth_order": "depth order kept",
        "depth_order_true": "in true pictures",
        "delta_e": "parts' colours, CIEDE2000",
        "delta_e_p90": "90% below",
        "seeds_delta_e": "between seeds",
        "views_delta_e": "between views",
    }
    lines = ["| people kept back | guides | " + " | ".join(names.values()) + " |", "| --- " * (len(names) + 2) + "|"]
    for kind, sets in told["heldout"].items():
        for shown, row in sets.items():
            cells = [f"{row[name]:.2f}" if name in row else "" for name in names]
            lines.append(f"| {_KINDS[kind]} | {shown} | " + " | ".join(cells) + " |")
    lines += [
        "",
        "| pose read back, px at 128 px height | painted | true pictures | any pose |",
        "| --- | --- | --- | --- |",
    ]
    for shown, row in told["posture"].items():
        lines.append(f"| {shown} | {row['keypoint_px']:.2f} | {row['critic_px']:.2f} | {row['chance_px']:.2f} |")
    return "\n".join(lines)


def main() -> None:
    """Print the figures of people and of masonry as JSON, what guides are worth, and how the pose map is followed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--pairs", type=int, default=60)
    asked = parser.parse_args()
    told = all_figures(Builtin.open(asked.model), asked.data, asked.count, asked.pairs)
    print(json.dumps(told, indent=1, sort_keys=True))
    print(table(told))


if __name__ == "__main__":
    main()
