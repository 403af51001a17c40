"""A version's figures per frame from its report: the series a supervisor asks for, and the frames that stand out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.review.charts import curves
from pipeline.review.figures import flat
from pipeline.review.gather import Limits

STANDS_OUT = 6.0  # robust standard deviations from the median
_REPORTS = Limits()  # what the report's checks hold the figures against


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure over frames. title: with its unit; svg: its plot; bad: frames that stand out, struck through in it."""

    title: str
    svg: str
    bad: tuple[int, ...]
    median: float


def figures_of(report: Mapping[str, Any], to: str = "") -> list[Figure]:
    """Reprojection error, grain, colour match of each layer and flicker, of what the report holds of them.

    to: where a frame is looked at, an address that its number is added to.
    """
    trees = _per_frame(report)
    frames = {frame: flat(told) for frame, told in trees.items()}
    most, off = _REPORTS.reprojection_limit_px, _REPORTS.grain_limit
    found = [_figure("reprojection error, px", _reprojection(report), to, (-math.inf, most), steady=False)]
    found.append(_figure("grain over the plate's", _lines(frames, "grain_ratio"), to, (1 - off, 1 + off)))
    layers = sorted({name for tree in trees.values() for name in _tree(tree.get("layers"))})
    for layer in layers:
        found.append(_figure(f"{layer}: level over the plate's, stops", _level(frames, layer), to))
        fringes = {"fringe": _mean(frames, f"layers.{layer}.fringe")}
        found.append(_figure(f"{layer}: fringe along edges", fringes, to, (-math.inf, _REPORTS.fringe_limit)))
    found.append(_figure("flicker of the plate, mean", _lines(frames, "plate.flicker.mean"), to))
    return [figure for figure in found if figure is not None]


def usual(line: Mapping[int, float]) -> tuple[float, float]:
    """From where to where a line's values are usual: STANDS_OUT robust deviations about its median.

    The deviation is 1.4826 times the median absolute deviation (Rousseeuw and Croux 1993); without any, all are usual.
    """
    values = np.array(list(line.values()), dtype=np.float64)
    middle = float(np.median(values)) if len(values) else 0.0
    spread = 1.4826 * float(np.median(np.abs(values - middle))) if len(values) else 0.0
    return (middle - STANDS_OUT * spread, middle + STANDS_OUT * spread) if spread > 0 else (-math.inf, math.inf)


def bad_frames(
    lines: Mapping[str, Mapping[int, float]], limits: tuple[float, float], steady: bool = True
) -> tuple[int, ...]:
    """Frames whose value lies outside `limits`, or, where the figure is held to be `steady`, outside what is usual."""
    bad: set[int] = set()
    for line in lines.values():
        least, most = usual(line) if steady else limits
        least, most = max(least, limits[0]), min(most, limits[1])
        bad.update(frame for frame, value in line.items() if not least <= value <= most)
    return tuple(sorted(bad))


def _figure(
    title: str,
    lines: Mapping[str, Mapping[int, float]],
    to: str,
    limits: tuple[float, float] = (-math.inf, math.inf),
    steady: bool = True,
) -> Figure | None:
    frames = sorted({frame for line in lines.values() for frame in line})
    if not frames:
        return None
    bad = bad_frames(lines, limits, steady)
    drawn = {name: [line.get(frame, math.nan) for frame in frames] for name, line in lines.items()}
    values = [value for line in lines.values() for value in line.values()]
    shown = dict(zip(("at least", "at most"), limits, strict=True))
    if steady and len(lines) == 1:
        shown |= dict(zip(("unusual below", "unusual above"), usual(next(iter(lines.values()))), strict=True))
    svg = curves(frames, drawn, bad, {name: limit for name, limit in shown.items() if math.isfinite(limit)}, to)
    return Figure(title, svg, bad, float(np.median(values)))


def _lines(frames: Mapping[int, Mapping[str, float]], name: str) -> dict[str, dict[int, float]]:
    lines: dict[str, dict[int, float]] = {}
    for frame, found in frames.items():
        for key, value in found.items():
            if key == name or key.startswith(f"{name}."):
                lines.setdefault(key.removeprefix(name).lstrip(".") or "value", {})[frame] = value
    return lines


def _mean(frames: Mapping[int, Mapping[str, float]], name: str) -> dict[int, float]:
    found = {}
    for frame, numbers in frames.items():
        values = [v for key, v in numbers.items() if key.startswith(f"{name}.")]
        if values:
            found[frame] = float(np.mean(values))
    return found


def _level(frames: Mapping[int, Mapping[str, float]], layer: str) -> dict[str, dict[int, float]]:
    found: dict[int, float] = {}
    for frame, numbers in frames.items():
        ours, plates = numbers.get(f"layers.{layer}.key", 0.0), numbers.get("plate.key", 0.0)
        if ours > 0 and plates > 0:
            found[frame] = math.log2(ours / plates)
    return {"key": found} if found else {}


def _reprojection(report: Mapping[str, Any]) -> dict[str, dict[int, float]]:
    found = {}
    told = _tree(_tree(report.get("camera")).get("solve")).get("frames")
    for each in told if isinstance(told, list) else []:
        numbers = flat(each)
        if "frame" in numbers and "error_px" in numbers:
            found[int(numbers["frame"])] = numbers["error_px"]
    return {"error": found} if found else {}


def _per_frame(report: Mapping[str, Any]) -> dict[int, Mapping[str, Any]]:
    told = _tree(_tree(report.get("comp")).get("frames"))
    return {int(frame): _tree(each) for frame, each in told.items() if str(frame).isdecimal()}


def _tree(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
