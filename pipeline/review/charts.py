"""Plots of a camera track, as SVG that stands in a page by itself: curves with names, counts, a path from above, cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from pipeline.review.plots import nice, paths, short

Array = npt.NDArray[np.float64]

WIDTH, HEIGHT = 250, 118
_LEFT, _RIGHT, _TOP, _BOTTOM = 36, 6, 18, 17
_TIPS = 400  # frames beyond which a tip for each would bloat the page
_MOST_POINTS = 600
_LIMIT_REACH = 8.0  # of the values' span: a limit farther off would press them flat


def curves(
    frames: Sequence[int],
    lines: Mapping[str, Sequence[float]],
    marked: Sequence[int] = (),
    limits: Mapping[str, float] = MappingProxyType({}),
    to: str = "",
) -> str:
    """Named lines over frames, NaN where there is none.

    marked: frames that are struck through in the alarm's ink, with a cross. limits: values drawn as broken lines, by name; one
    that lies far outside is told at the edge. to: an address that a frame's number is added to; each frame is a link then, and
    the plot says where its frames lie (data-first, data-last; data-left, data-right: shares of its width).
    """
    values = [v for line in lines.values() for v in line if math.isfinite(v)]
    least, most = (min(values), max(values)) if values else (0.0, 1.0)
    reach = _LIMIT_REACH * max(most - least, 1e-9)
    drawn = [limit for limit in limits.values() if least - reach <= limit <= most + reach]
    low, high = nice(min([least, *drawn]), max([most, *drawn]))
    first, last = frames[0], frames[-1]
    wide, tall = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM

    def x(frame: int) -> float:
        return _LEFT + wide * (frame - first) / max(1, last - first)

    def y(value: float) -> float:
        return _TOP + tall * (1 - (value - low) / (high - low))

    ends = f'data-first="{first}" data-last="{last}" data-left="{_LEFT / WIDTH}" data-right="{1 - _RIGHT / WIDTH}"'
    parts = [_open("curves", ends if to else "")]
    parts += [f'<line class="alarm" x1="{x(f):.1f}" x2="{x(f):.1f}" y1="{_TOP}" y2="{_TOP + tall}"/>' for f in marked]
    parts += [f'<path class="sign" d="M{x(f) - 2.5:.1f} {_TOP - 5} l5 5 m0 -5 l-5 5"/>' for f in marked]
    parts += _scale(low, high, y)
    for name, limit in limits.items():
        if low <= limit <= high:
            parts.append(
                f'<line class="limit" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(limit):.1f}" y2="{y(limit):.1f}" '
                'stroke-dasharray="4 3"/>'
            )
            below = 8 if y(limit) < HEIGHT / 2 else -3
            parts.append(_text(WIDTH - _RIGHT - 2, y(limit) + below, f"{name} {short(limit)}", "end"))
        elif limit > high:
            parts.append(_text(WIDTH - _RIGHT - 2, 10, f"▲ {name} {short(limit)}", "end"))
        else:
            parts.append(_text(WIDTH / 2, HEIGHT - 4, f"▼ {name} {short(limit)}", "middle"))
    parts += [_text(x(first), HEIGHT - 4, str(first)), _text(x(last), HEIGHT - 4, str(last), "end")]
    at = float(_LEFT)
    for number, (name, line) in enumerate(lines.items()):
        parts += [f'<path class="ink{number}" d="{path}"/>' for path in paths(frames, line, x, y)]
        if len(lines) > 1:
            parts.append(f'<rect class="key{number}" x="{at:.1f}" y="5" width="9" height="3"/>')
            parts.append(_text(at + 12, 10, name))
            at += 20 + 5.3 * len(name)
    if len(frames) <= _TIPS:
        half = wide / max(1, len(frames) - 1) / 2
        for index, frame in enumerate(frames):
            said = ", ".join(f"{name} {short(line[index])}" for name, line in lines.items())
            tip = (
                f'<rect class="tip" x="{x(frame) - half:.1f}" y="{_TOP}" width="{2 * half:.1f}" height="{tall}">'
                f"<title>{frame}: {escape(said)}</title></rect>"
            )
            parts.append(f'<a href="{escape(to)}{frame}" tabindex="-1" data-frame="{frame}">{tip}</a>' if to else tip)
    return "".join([*parts, "</svg>"])


def counts(values: Sequence[float], unit: str, bins: int = 24) -> str:
    """How many of the values lie in each of equal steps up to their 99th percentile; the last step holds what lies beyond."""
    known = np.array([v for v in values if math.isfinite(v)])
    parts = [_open("counts")]
    if len(known):
        top = nice(0.0, max(float(np.percentile(known, 99)), 1e-6))[1]
        found = np.histogram(np.minimum(known, top * (1 - 1e-9)), bins=bins, range=(0, top))[0]
        most, wide, tall = int(found.max()), WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
        parts += _scale(0, most, lambda value: _TOP + tall * (1 - value / most))
        for number, count in enumerate(found.tolist()):
            high = tall * count / most
            parts.append(
                f'<rect class="bar" x="{_LEFT + wide * number / bins + 0.5:.1f}" y="{_TOP + tall - high:.1f}" '
                f'width="{wide / bins - 1:.1f}" height="{high:.1f}"><title>{top * number / bins:.3g} to '
                f"{top * (number + 1) / bins:.3g} {escape(unit)}: {count}</title></rect>"
            )
        middle = float(np.median(known))
        x = _LEFT + wide * min(middle / top, 1)
        parts.append(f'<line class="middle" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{_TOP + tall}"/>')
        parts.append(_text(_LEFT, 10, f"median {short(middle)} {unit}"))
        parts += [_text(_LEFT, HEIGHT - 4, "0"), _text(WIDTH - _RIGHT, HEIGHT - 4, f"{short(top)} {unit}", "end")]
    return "".join([*parts, "</svg>"])


def from_above(centres: Array, looks: Array, points: Array) -> str:
    """A camera's path (F, 2) with the ways it looks (F, 2), points of the scene (N, 2): world x to the right, -z up; with a scale."""
    low, high = centres.min(axis=0), centres.max(axis=0)
    span = float(max((high - low).max(), 1e-6))
    near = points[(np.abs(points - 0.5 * (low + high)) < 3 * span).all(axis=1)] if len(points) else points
    near = near[:: max(1, -(-len(near) // _MOST_POINTS))]
    wide, tall = WIDTH - 12, HEIGHT - 24
    scale = min(wide / max(high[0] - low[0], 0.25 * span), tall / max(high[1] - low[1], 0.25 * span)) * 0.5
    middle = 0.5 * (low + high)

    def place(at: Array) -> tuple[float, float]:
        x, y = (at - middle) * scale
        return WIDTH / 2 + float(x), 12 + tall / 2 + float(y)

    parts = [_open("path from above")]
    for point in near:
        x, y = place(point)
        if 2 < x < WIDTH - 2 and 2 < y < HEIGHT - 14:
            parts.append(f'<circle class="point" cx="{x:.1f}" cy="{y:.1f}" r="0.7"/>')
    for row in np.unique(np.linspace(0, len(centres) - 1, min(9, len(centres))).astype(int)):
        x, y = place(centres[row])
        dx, dy = looks[row] / max(float(np.linalg.norm(looks[row])), 1e-9) * 13
        parts.append(f'<path class="ink1" d="M{x:.1f} {y:.1f} L{x + dx:.1f} {y + dy:.1f}"/>')
    parts.append('<path class="ink0" d="M' + " L".join("{:.1f} {:.1f}".format(*place(c)) for c in centres) + '"/>')
    x, y = place(centres[0])
    parts.append(f'<circle class="key0" cx="{x:.1f}" cy="{y:.1f}" r="2.6"><title>first frame</title></circle>')
    bar = 10.0 ** math.floor(math.log10(0.35 * wide / scale))
    bar *= next(f for f in (5, 2, 1) if bar * f * scale <= 0.35 * wide)
    parts.append(f'<line class="bar-of-scale" x1="8" x2="{8 + bar * scale:.1f}" y1="{HEIGHT - 6}" y2="{HEIGHT - 6}"/>')
    parts.append(_text(12 + bar * scale, HEIGHT - 3, f"{short(bar)} m"))
    return "".join([*parts, "</svg>"])


def cells(shares: Sequence[Sequence[float]]) -> str:
    """Shares 0..1 by rows as a map, full ones bright."""
    down, across = len(shares), len(shares[0])
    wide, tall = min((WIDTH - 12) / across, (HEIGHT - 8) / down * 16 / 9 * down / across), (HEIGHT - 8) / down
    left = (WIDTH - wide * across) / 2
    parts = [_open("coverage")]
    for y, row in enumerate(shares):
        for x, share in enumerate(row):
            parts.append(
                f'<rect class="cell" style="opacity:{0.06 + 0.94 * share:.2f}" x="{left + x * wide + 0.5:.1f}" '
                f'y="{4 + y * tall + 0.5:.1f}" width="{wide - 1:.1f}" height="{tall - 1:.1f}">'
                f"<title>{share:.0%} of the frames</title></rect>"
            )
    return "".join([*parts, "</svg>"])


def _open(name: str, more: str = "") -> str:
    more = f" {more}" if more else ""
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(name)}"{more}>'


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text class="mark" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _scale(low: float, high: float, y: Callable[[float], float]) -> list[str]:
    parts = []
    for value in (low, high):
        parts.append(f'<line class="rule" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>')
        parts.append(_text(_LEFT - 4, y(value) + 3.5, short(value), "end"))
    return parts
