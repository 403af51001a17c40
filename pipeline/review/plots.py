"""Small line plots of figures per frame, as SVG that stands in a page by itself."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 320, 112
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 10, 10, 20
_CHANNEL_INKS = ("#e0776f", "#7fbf86", "#7aa5e0")
_INK = "#9fc4c9"
_MOST_TIPS = 240  # frames beyond which a tip for each would bloat the page


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over frames: one line, or three for red, green and blue. NaN where it was not measured."""

    name: str
    frames: tuple[int, ...]
    lines: tuple[tuple[float, ...], ...]

    @property
    def values(self) -> list[float]:
        return [v for line in self.lines for v in line if math.isfinite(v)]

    @property
    def varies(self) -> bool:
        return len(self.frames) > 1 and len(set(self.values)) > 1


def plot(series: Series) -> str:
    """The series as one <svg>: axis labels at both ends, a tip per frame."""
    values = series.values
    low, high = nice(min(values), max(values))
    first, last = series.frames[0], series.frames[-1]
    wide, tall = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def x(frame: int) -> float:
        return _LEFT + wide * (frame - first) / max(1, last - first)

    def y(value: float) -> float:
        return _TOP + tall * (1 - (value - low) / (high - low))

    parts = [f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(series.name)}">']
    for value in (low, high):
        parts.append(f'<line class="rule" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(
            f'<text class="mark" x="{_LEFT - 6}" y="{y(value) + 3.5:.1f}" text-anchor="end">{short(value)}</text>'
        )
    for frame, anchor in ((first, "start"), (last, "end")):
        parts.append(f'<text class="mark" x="{x(frame):.1f}" y="{HEIGHT - 4}" text-anchor="{anchor}">{frame}</text>')
    inks = _CHANNEL_INKS if len(series.lines) == 3 else (_INK,) * len(series.lines)
    for line, ink in zip(series.lines, inks, strict=True):
        parts += [f'<path d="{path}" stroke="{ink}"/>' for path in paths(series.frames, line, x, y)]
    if len(series.frames) <= _MOST_TIPS:
        half = wide / max(1, len(series.frames) - 1) / 2
        for i, frame in enumerate(series.frames):
            said = ", ".join(short(line[i]) for line in series.lines)
            parts.append(
                f'<rect class="tip" x="{x(frame) - half:.1f}" y="{_TOP}" width="{2 * half:.1f}" height="{tall}">'
                f"<title>{frame}: {said}</title></rect>"
            )
    return "".join([*parts, "</svg>"])


def short(value: float) -> str:
    """A number in few letters: 1234, 12.3, 0.0123, 1.2e-05."""
    if not math.isfinite(value):
        return "none"
    if value == 0:
        return "0"
    if abs(value) >= 1e5 or abs(value) < 1e-3:
        return f"{value:.1e}"
    if float(value).is_integer():
        return str(int(value))
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def paths(
    frames: Sequence[int], line: Sequence[float], x: Callable[[int], float], y: Callable[[float], float]
) -> list[str]:
    """One path per stretch of measured frames."""
    stretches: list[list[str]] = [[]]
    for frame, value in zip(frames, line, strict=True):
        if math.isfinite(value):
            stretches[-1].append(f"{x(frame):.1f} {y(value):.1f}")
        elif stretches[-1]:
            stretches.append([])
    return ["M" + " L".join(p if len(p) > 1 else p * 2) for p in stretches if p]


def nice(low: float, high: float) -> tuple[float, float]:
    """The range of an axis: from 0 where the figures are near it, round at its ends."""
    if low >= 0 and low < 0.5 * high:
        low = 0.0
    span = high - low or abs(high) or 1.0
    step = 10.0 ** math.floor(math.log10(span))
    step = next(step * f for f in (0.1, 0.2, 0.25, 0.5, 1, 2) if span / (step * f) <= 10)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    return (low, high) if high > low else (low, low + step)
