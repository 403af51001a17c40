"""Gather what every stage measured into one tree, and judge it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import StoreError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.review.plots import Series

PerFrame = dict[int, dict[str, Any]]
_CHANNELS = ("r", "g", "b")


@dataclass(frozen=True, slots=True)
class Check:
    """One verdict. limit: in words, what is asked for."""

    name: str
    said: str
    limit: str
    good: bool


def read_json(path: Path) -> Any:
    """A JSON file of an earlier stage. Raises StoreError when it is missing or damaged."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path}: cannot be read as JSON ({error}). Delete its folder and run again.") from error


def read_frames(files: FrameFiles | None, frames: FrameRange) -> PerFrame:
    """The JSON object of every frame; nothing where a stage wrote none."""
    return {frame: read_json(files.path(frame)) for frame in frames} if files else {}


def flat(tree: Any, name: str = "") -> dict[str, float]:
    """Every number of a tree by its dotted name; three fractions in a list are r, g, b; other lists are left out."""
    found: dict[str, float] = {}
    _flatten(tree, name, found)
    return found


def _flatten(tree: Any, name: str, found: dict[str, float]) -> None:
    if isinstance(tree, int | float):
        if math.isfinite(tree):
            found[name] = float(tree)
        return
    if isinstance(tree, Mapping):
        pairs: Iterable[tuple[Any, Any]] = tree.items()
    elif isinstance(tree, list | tuple) and len(tree) == 3 and all(isinstance(v, float) for v in tree):
        pairs = zip(_CHANNELS, tree, strict=True)
    else:
        return
    for key, value in pairs:
        _flatten(value, f"{name}.{key}" if name else str(key), found)


def series_of(per_frame: PerFrame) -> list[Series]:
    """Every number that the frames have, over frames, red, green and blue of one figure together; sorted by name."""
    frames = tuple(sorted(per_frame))
    numbers = {frame: flat(per_frame[frame]) for frame in frames}
    names = sorted({n for found in numbers.values() for n in found if n != "frame"})

    def line(name: str) -> tuple[float, ...]:
        return tuple(numbers[f].get(name, math.nan) for f in frames)

    groups: dict[str, list[str]] = {}
    for name in names:
        stem, _, last = name.rpartition(".")
        triple = last in _CHANNELS and all(f"{stem}.{c}" in names for c in _CHANNELS)
        groups.setdefault(stem if triple else name, []).append(name)
    ordered = {g: [f"{g}.{c}" for c in _CHANNELS] if len(n) == 3 else n for g, n in groups.items()}
    return [Series(group, frames, tuple(line(n) for n in members)) for group, members in ordered.items()]


def summary(per_frame: PerFrame) -> dict[str, dict[str, float]]:
    """Least, median and most of every figure over the frames."""
    return {
        s.name: {
            "min": float(min(s.values)),
            "median": float(np.median(s.values)),
            "max": float(max(s.values)),
        }
        for s in series_of(per_frame)
        if s.values
    }


def median(per_frame: PerFrame, name: str) -> float:
    """Median over frames of one figure by its dotted name; NaN when nobody measured it."""
    values = [v for found in per_frame.values() if (v := flat(found).get(name)) is not None]
    return float(np.median(values)) if values else math.nan


def at_most(name: str, value: float, limit: float, unit: str = "") -> Check:
    """A check that `value` is at most `limit`; what was not measured is not good."""
    unit = f" {unit}" if unit else ""
    said = f"{value:.3g}{unit}" if math.isfinite(value) else "not measured"
    return Check(name, said, f"at most {limit:g}{unit}", bool(value <= limit))


def each_at_most(name: str, per_frame: Mapping[int, float], limit: float, unit: str = "") -> Check:
    """A check that every frame's value is at most `limit`; says the worst, where it is, and the frames beyond."""
    unit = f" {unit}" if unit else ""
    known = {frame: value for frame, value in per_frame.items() if math.isfinite(value)}
    if not known:
        return Check(name, "not measured", f"at most {limit:g}{unit}", False)
    worst = max(known, key=lambda frame: known[frame])
    beyond = [frame for frame, value in known.items() if value > limit]
    said = f"{known[worst]:.3g}{unit} at {worst}" + (f"; beyond it: {_listed(beyond)}" if beyond else "")
    return Check(name, said, f"at most {limit:g}{unit} on every frame", not beyond)


def none_of(name: str, frames: list[int], what: str) -> Check:
    """A check that no frame is listed."""
    return Check(name, f"frames {_listed(frames)}" if frames else "none", what, not frames)


def _listed(frames: list[int]) -> str:
    return ", ".join(map(str, frames[:10])) + (" ..." if len(frames) > 10 else "")


def as_json(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The checks for report.json."""
    return [asdict(c) for c in checks]
