"""What blurs the plate's edges, told apart: the lens at its best, the distance from the focus, the open shutter.

An edge's variance across itself is the lens's, plus a quarter of the square of the circle of confusion's radius, plus a
twelfth of the square of what the edge moved along its normal while the shutter was open. Edges are also soft by themselves
(shadows, round things): what counts is how soft the sharpest of each kind are, so quantiles are fitted, not means.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Floats = NDArray[np.float64]
QUANTILE = 0.2
LEAST_EDGES = 150
LEAST_FOCUS_GAIN = 0.1  # share of the misfit that the distance from the focus must explain
LEAST_SHUTTER_GAIN = 0.1  # share of the misfit of what moves that the shutter must explain
LEAST_RADIUS_PX = 0.6  # of blur between the focus and what is farthest from it: less is not told from chance
LEAST_MOVE_PX, LEAST_MOVED = 2.5, 50  # a frame, along an edge's normal, of so many edges, for the shutter to show
LEAST_CONFIDENCE = 0.65
DIOPTRES = 28  # distances in focus that are tried
ROUNDS = 12  # of reweighting
ALTERNATIONS = 6


@dataclass(frozen=True, slots=True, eq=False)
class EdgeTable:
    """Edges of several frames, N rows. frame: number; near: one over metres; moves_px: along the normal, a frame;
    variance: pixels squared, across the edge."""

    frame: NDArray[np.int64]
    near: Floats
    moves_px: Floats
    variance: Floats

    def __getitem__(self, rows: NDArray[np.bool_]) -> EdgeTable:
        return EdgeTable(self.frame[rows], self.near[rows], self.moves_px[rows], self.variance[rows])


@dataclass(frozen=True, slots=True)
class Blurs:
    """What was found. focus: (frame, metres) keys, empty where the plate is equally sharp at every distance; scale_px_m:
    pixels of radius per dioptre; shutter_deg: 0 where it did not show; confidence of either: 1 - how far two halves of the
    edges are apart, as a share. notes: what was found or why not."""

    focus: tuple[tuple[int, float], ...] = ()
    scale_px_m: float = 0.0
    focus_confidence: float = 0.0
    focus_note: str = ""
    shutter_deg: float = 0.0
    shutter_confidence: float = 0.0
    shutter_note: str = ""
    sharpest_sigma_px: float = 0.0  # in focus, at rest


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """Coefficients (3,): lens's variance, square of the shutter's share, square of the scale; dioptres in focus by frame."""

    parts: Floats
    focus: Floats
    misfit: float


def find_blurs(table: EdgeTable) -> Blurs:
    """Tell the causes of blur apart. What does not clearly show is left out, with a note that says why."""
    if len(table.near) < LEAST_EDGES:
        why = f"none: {len(table.near)} usable edges, need {LEAST_EDGES}"
        return Blurs(focus_note=why, shutter_note=why)
    halves = [table[np.arange(len(table.near)) % 2 == side] for side in (0, 1)]
    fits = [_fitted(part) for part in (table, *halves)]
    found = _with_focus(Blurs(), table, fits)
    if not found.focus:  # what distance does not explain must not take part of what motion does
        fits = [_parts(part, fit.focus, (True, True, False)) for part, fit in zip((table, *halves), fits, strict=True)]
    found = _with_shutter(found, table, fits)
    return replace(found, sharpest_sigma_px=float(np.sqrt(fits[0].parts[0])))


def _with_focus(found: Blurs, table: EdgeTable, fits: list[_Fit]) -> Blurs:
    frames = np.unique(table.frame)
    scale, first, second = (float(np.sqrt(f.parts[2])) for f in fits)
    away = np.abs(table.near - fits[0].focus[np.searchsorted(frames, table.frame)])
    radius = scale * float(np.quantile(away, 0.95))
    gain = _gain(table, fits[0], (True, True, False))
    if gain < LEAST_FOCUS_GAIN or radius < LEAST_RADIUS_PX:
        why = f"none: distance explains {gain:.0%} of how soft edges are, at most {radius:.1f} px"
        return replace(found, focus_note=why)
    confidence = 1 - abs(first - second) / max(scale, 1e-6)
    if confidence < LEAST_CONFIDENCE:
        return replace(found, focus_note=f"none: two halves of the edges say {first:.1f} and {second:.1f} px a dioptre")
    keys = tuple((int(f), float(1 / max(d, 1e-4))) for f, d in zip(frames, fits[0].focus, strict=True))
    note = f"from {len(table.near)} edges, up to {radius:.1f} px"
    return replace(found, focus=keys, scale_px_m=scale, focus_confidence=confidence, focus_note=note)


def _with_shutter(found: Blurs, table: EdgeTable, fits: list[_Fit]) -> Blurs:
    moved = np.abs(table.moves_px) >= LEAST_MOVE_PX
    if moved.sum() < LEAST_MOVED:
        return replace(
            found, shutter_note=f"none: {moved.sum()} edges move {LEAST_MOVE_PX:g} px a frame, need {LEAST_MOVED}"
        )
    gain = _gain(table, fits[0], (True, False, bool(found.focus)), moved)
    share, first, second = (float(np.sqrt(f.parts[1])) for f in fits)
    confidence = 1 - abs(first - second) / max(share, 1e-6)
    if gain < LEAST_SHUTTER_GAIN or share > 1.15:
        return replace(found, shutter_note=f"none: motion explains {gain:.0%} of how soft moving edges are")
    if confidence < LEAST_CONFIDENCE:
        return replace(
            found, shutter_note=f"none: two halves of the edges say {360 * first:.0f} and {360 * second:.0f}"
        )
    note = f"from {moved.sum()} edges that move, of {len(moved)}"
    return replace(found, shutter_deg=360 * min(share, 1.0), shutter_confidence=confidence, shutter_note=note)


def _gain(
    table: EdgeTable, fit: _Fit, without: tuple[bool, bool, bool], rows: NDArray[np.bool_] | None = None
) -> float:
    """Share of the misfit, of some of the rows, that a fit saves over one that lacks a part."""
    poorer = _parts(table, fit.focus, without)
    chosen = np.ones(len(table.near), bool) if rows is None else rows
    columns = _columns(table, fit.focus)[chosen]
    losses = [_misfit(table.variance[chosen], columns @ f.parts) for f in (fit, poorer)]
    return 1 - losses[0] / losses[1]


def _fitted(table: EdgeTable) -> _Fit:
    """One focus for all frames first, then each frame's own, and the rest again."""
    frames, which = np.unique(table.frame, return_inverse=True)
    tried = np.linspace(0.0, float(np.quantile(table.near, 0.98)), DIOPTRES)
    fit = min((_parts(table, np.full(len(frames), d)) for d in tried), key=lambda f: f.misfit)
    for _ in range(ALTERNATIONS if fit.parts[2] > 0 else 0):
        own = fit.focus.copy()
        for k in range(len(frames)):
            rows = table[which == k]
            if len(rows.near) >= 30:
                losses = [_misfit(rows.variance, _columns(rows, np.full(1, d)) @ fit.parts) for d in tried]
                own[k] = _lowest(tried, np.array(losses))
        fit = _parts(table, own)
    return fit


def _lowest(at: Floats, losses: Floats) -> float:
    """Where a parabola through the least loss and its neighbours is lowest."""
    k = int(np.clip(np.argmin(losses), 1, len(at) - 2))
    before, here, after = losses[k - 1 : k + 2]
    bend = before - 2 * here + after
    aside = 0.5 * (before - after) / bend if bend > 1e-12 else 0.0
    return float(np.clip(at[k] + np.clip(aside, -1, 1) * (at[1] - at[0]), at[0], at[-1]))


def _columns(table: EdgeTable, focus: Floats) -> Floats:
    """(N, 3) variance per unit of each part. focus: dioptres of each frame of the table, in order."""
    _, which = np.unique(table.frame, return_inverse=True)
    away = table.near - focus[which]
    return np.stack([np.ones(len(away)), table.moves_px**2 / 12, away**2 / 4], axis=1)


def _parts(table: EdgeTable, focus: Floats, used: tuple[bool, bool, bool] = (True, True, True)) -> _Fit:
    """Non-negative quantile regression by reweighting, residuals as shares of what is expected there."""
    columns = _columns(table, focus) * np.array(used)
    parts = np.array([np.quantile(table.variance, QUANTILE), 0.0, 0.0])
    for _ in range(ROUNDS):
        expected = np.maximum(columns @ parts, 0.02)
        rest = (table.variance - expected) / expected
        weight = np.where(rest > 0, QUANTILE, 1 - QUANTILE) / np.maximum(np.abs(rest), 0.03)
        root = np.sqrt(weight) / expected
        parts, _ = nnls(columns * root[:, None], table.variance * root)
    return _Fit(parts, focus, _misfit(table.variance, columns @ parts))


def _misfit(variance: Floats, expected: Floats) -> float:
    """Quantile loss of the logarithm: the same for soft and for sharp edges."""
    rest = np.log(np.maximum(variance, 0.01)) - np.log(np.maximum(expected, 0.02))
    return float(np.mean(np.maximum(QUANTILE * rest, (QUANTILE - 1) * rest)))
