"""A version's figures per frame from its report: the series a supervisor asks for, and the frames that stand out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.review.charts import curves
from pipeline.review.figures import flat

STANDS_OUT = 6.0  # robust standard deviations from the median
_LIMIT_REPROJECTION_PX = 1.0  # the report's own check


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure over frames. title: with its unit; svg: its plot; bad: frames that stand out, struck through in it."""

    title: str
    svg: str
    bad: tuple[int, ...]
    median: float


def figures_of(report: Mapping[str, Any]) -> list[Figure]:
    """Reprojection error, grain, colour match of each layer and flicker, of what the report holds of them."""
    frames = _per_frame(report)
    found = [_figure("reprojection error, px", _reprojection(report), most=_LIMIT_REPROJECTION_PX)]
    found.append(_lines("grain over the plate's", frames, "grain_ratio"))
    layers = sorted({name for f in frames.values() for name in _tree(f.get("layers"))})
    for layer in layers:
        found.append(_figure(f"{layer}: level over the plate's, stops", _level(frames, layer)))
        found.append(_figure(f"{layer}: fringe along edges", {"r g b": _mean(frames, f"layers.{layer}.fringe")}))
    found.append(_lines("flicker of the plate, mean", frames, "plate.flicker.mean"))
    return [figure for figure in found if figure is not None]


def bad_frames(lines: Mapping[str, Mapping[int, float]], most: float | None = None) -> tuple[int, ...]:
    """Frames whose value lies over `most`, or STANDS_OUT robust deviations from its line's median.

    The deviation is 1.4826 times the median absolute deviation (Rousseeuw and Croux 1993); a line without any has no bad
    frame.
    """
    bad: set[int] = set()
    for line in lines.values():
        values = np.array(list(line.values()), dtype=np.float64)
        middle = float(np.median(values)) if len(values) else 0.0
        spread = 1.4826 * float(np.median(np.abs(values - middle))) if len(values) else 0.0
        for frame, value in line.items():
            apart = spread > 0 and abs(value - middle) > STANDS_OUT * spread
            if value > most if most is not None else apart:
                bad.add(frame)
    return tuple(sorted(bad))


def _figure(title: str, lines: Mapping[str, Mapping[int, float]], most: float | None = None) -> Figure | None:
    frames = sorted({frame for line in lines.values() for frame in line})
    if not frames:
        return None
    bad = bad_frames(lines, most)
    drawn = {name: [line.get(frame, math.nan) for frame in frames] for name, line in lines.items()}
    values = [value for line in lines.values() for value in line.values()]
    return Figure(title, curves(frames, drawn, bad), bad, float(np.median(values)))


def _lines(title: str, frames: Mapping[int, Any], name: str) -> Figure | None:
    numbers = {frame: flat(told) for frame, told in frames.items()}
    lines: dict[str, dict[int, float]] = {}
    for frame, found in numbers.items():
        for key, value in found.items():
            if key == name or key.startswith(f"{name}."):
                lines.setdefault(key.removeprefix(name).lstrip(".") or "value", {})[frame] = value
    return _figure(title, lines)


def _mean(frames: Mapping[int, Any], name: str) -> dict[int, float]:
    found = {}
    for frame, told in frames.items():
        values = [v for key, v in flat(told).items() if key.startswith(f"{name}.")]
        if values:
            found[frame] = float(np.mean(values))
    return found


def _level(frames: Mapping[int, Any], layer: str) -> dict[str, dict[int, float]]:
    found: dict[int, float] = {}
    for frame, told in frames.items():
        numbers = flat(told)
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
