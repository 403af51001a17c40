"""Measure the model on samples kept back: python -m assets.train.measure DATA [--model FOLDER] [--grid grid.png]."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from assets.providers.base import Provider
from assets.providers.builtin import FOLDER, Builtin
from assets.providers.conditioning import condition, decode, encode
from assets.train.samples import Sample, Shard
from pipeline.io.color import from_acescg, to_display_8bit
from pipeline.io.images import write_png

Array = np.ndarray[Any, Any]
_PART_PX = 25  # a part must be so large to have its colour judged
_GREY = 0.14


def figures(model: Provider, samples: Sequence[Sample]) -> dict[str, float]:
    """Numbers over samples of one size, means unless said.

    iou: of alpha and coverage, above a half. psnr_db: of the encoded picture inside the figure. ssim: likewise, structural
    similarity (Wang, Bovik, Sheikh and Simoncelli, 2004) in windows of 7 pixels. part_delta_e: CIE 1976
    difference of each part's mean colour. shading_r2: share of the variance of (light over flat colour) that is explained.
    seeds_delta_e: part colours of another seed against the first. other_pose_db: PSNR against another sample's truth,
    to hold psnr_db against.
    """
    painted = [result.takes[0, 0] for result in model.generate([sample.request for sample in samples])]
    reseeded = model.generate([replace(sample.request, seed=sample.request.seed + 77) for sample in samples])
    again = [result.takes[0, 0] for result in reseeded]
    rows = []
    for i, (sample, picture) in enumerate(zip(samples, painted, strict=True)):
        coverage = sample.request.guides.coverage[0]
        inside, solid = coverage > 0, picture[..., 3] > 0.5
        parts = sample.request.guides.given()["parts"][0]
        other = samples[(i + 1) % len(samples)].truth
        rows.append(
            {
                "iou": (solid & (coverage > 0.5)).sum() / max(1, (solid | (coverage > 0.5)).sum()),
                "psnr_db": _psnr(picture, sample.truth, inside),
                "ssim": _ssim(picture, sample.truth, inside),
                "other_pose_db": _psnr(picture, other, inside | (other[..., 3] > 0)),
                "part_delta_e": _part_delta_e(picture, sample.truth, parts * (coverage > 0.99)),
                "seeds_delta_e": _part_delta_e(picture, again[i], parts * (coverage > 0.99)),
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
    solid = shown.coverage > 0.99
    flat = shown.base.transpose(1, 2, 0)[solid]
    true = encode(sample.truth[..., :3])[solid] - flat
    said = encode(picture[..., :3])[solid] - flat
    return float(1 - ((said - true) ** 2).mean() / max(1e-9, true.var(axis=0).mean()))


def grid(model: Provider, samples: Sequence[Sample], zoom: int = 3, across: int = 4) -> Array:
    """(H, W, 3) uint8: normals, pose, flat colours, painted, true; `across` samples side by side."""
    cells = []
    for sample, result in zip(samples, model.generate([sample.request for sample in samples]), strict=True):
        given, shown = sample.request.guides.given(), condition(sample.request)
        normals = (given["normals"][0] * [0.5, -0.5, -0.5] + 0.5) * (shown.coverage > 0)[..., None]
        guides = [np.round(picture * 255).astype(np.uint8) for picture in (normals, given["pose"][0])]
        flat = to_display_8bit(decode(shown.base).transpose(1, 2, 0))
        cells.append(np.concatenate([*guides, flat, *(_shown(p) for p in (result.takes[0, 0], sample.truth))], axis=1))
    cells += [np.zeros_like(cells[0])] * (-len(cells) % across)
    rows = [np.concatenate(cells[i : i + across], axis=1) for i in range(0, len(cells), across)]
    return np.concatenate(rows).repeat(zoom, axis=0).repeat(zoom, axis=1)


def _shown(rgba: Array) -> Array:
    return np.asarray(to_display_8bit(np.ascontiguousarray(rgba[..., :3] + (1 - rgba[..., 3:]) * _GREY, np.float32)))


def main() -> None:
    """Print the figures of people and of masonry as JSON, and draw a grid."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--grid", type=Path)
    parser.add_argument("--count", type=int, default=100)
    asked = parser.parse_args()
    model, told = Builtin.open(asked.model), {}
    for kind in ("kept", "stone"):
        for path in sorted(asked.data.glob(f"{kind}_????.npz"))[:1]:
            shard = Shard(path)
            samples = [shard[i] for i in range(min(asked.count, len(shard)))]
            told[kind] = figures(model, samples)
            if asked.grid:
                write_png(asked.grid.with_stem(f"{asked.grid.stem}_{kind}"), grid(model, samples[:16]))
    print(json.dumps(told, indent=1, sort_keys=True))


if __name__ == "__main__":
    main()
