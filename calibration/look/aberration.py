"""Lateral chromatic aberration of the plate: how much larger the red and the blue picture are than the green one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.look.color import Sample
from calibration.look.sharpness import edge_offsets, edges_of
from pipeline.types import Lens

Floats = NDArray[np.float64]
LEAST_EDGES = 200
LEAST_SHIFT_PX = 0.08  # at the corner: less is not seen
AGREEMENT = 0.35  # how far two halves of the edges may be apart
MOST_OFFSET_PX = 2.5  # between channels: more is another edge


@dataclass(frozen=True, slots=True)
class Aberration:
    """red, blue: share by which those pictures are larger than the green one, about the lens's centre."""

    red: float = 0.0
    blue: float = 0.0
    note: str = ""


def measure_aberration(samples: Iterable[Sample], lens: Lens) -> Aberration:
    """Fit how edges are displaced between channels, along their normals, to the distance from the lens's centre.

    Measured in ACEScg, where it is applied. None is a valid answer: then both are 0 and `note` says why.

    Source: Mallon and Whelan, "Calibration and Removal of Lateral Chromatic Aberration in Images", 2007, with the radial
    term alone and the plate's own edges.
    """
    outward, apart = [], []
    for sample in samples:
        edges = edges_of(sample.rgb)
        offsets = edge_offsets(sample.rgb, edges)
        away = edges.at_px - (lens.centre_x_px, lens.centre_y_px)
        outward.append((away * edges.normals).sum(axis=1))
        apart.append(offsets[:, [0, 2]] - offsets[:, 1:2])
    along, shifts = np.concatenate(outward), np.concatenate(apart)
    good = (np.abs(shifts) < MOST_OFFSET_PX).all(axis=1)  # also: not NaN
    if good.sum() < LEAST_EDGES:
        return Aberration(note=f"none: {good.sum()} usable edges, need {LEAST_EDGES}")
    along, shifts = along[good], shifts[good]
    corner = float(np.hypot(lens.width, lens.height)) / 2
    scales, notes = [], []
    for c, name in ((0, "red"), (1, "blue")):
        whole, *halves = (_slope(along[k], shifts[k, c]) for k in (slice(None), slice(0, None, 2), slice(1, None, 2)))
        sure = abs(halves[0] - halves[1]) <= AGREEMENT * abs(whole) and abs(whole) * corner >= LEAST_SHIFT_PX
        scales.append(whole if sure else 0.0)
        notes.append(f"{name} {whole * corner:+.2f} px at the corner{'' if sure else ', not sure: none'}")
    return Aberration(scales[0], scales[1], f"{'; '.join(notes)}; from {good.sum()} edges")


def _slope(along: Floats, shift: Floats) -> float:
    """Robust slope through the origin, besides a constant that noise and edges' colours may bring."""
    weight = np.ones_like(along)
    slope = 0.0
    for _ in range(15):
        centre_x, centre_y = np.average(along, weights=weight), np.average(shift, weights=weight)
        x, y = along - centre_x, shift - centre_y
        slope = float((weight * x * y).sum() / max(float((weight * x * x).sum()), 1e-9))
        rest = y - slope * x
        scale = 1.48 * float(np.median(np.abs(rest))) + 1e-6
        weight = 1 / (1 + (rest / (2 * scale)) ** 2) ** 2
    return slope
