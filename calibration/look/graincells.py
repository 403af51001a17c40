"""What a codec's noise is in small cells of a picture: of luma and chroma in the movie's own codes, by texture and light."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.look.coding import Coding, luma_chroma
from calibration.look.grainblocks import Array, Blocks, Curve
from calibration.look.graincorrelation import lag_covariances
from calibration.look.grainfilter import Lags
from pipeline.kernels.graintexture import CELL

BINS = 16  # of activity
LIGHTS = 0, 0.02, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1  # quantiles of light; the darkest differ most
MIN_CELLS, FEW_CELLS = 400, 60
CALM = 0.4  # share of the blocks, those with the least texture, that tell patches
SMOOTH, ROUGH = 0.2, 0.4  # of them, those below the one and above the other tell luma's two spectra
STEADY = 0.8  # share of these, those that differ least: others hold what moved by itself
TAIL = 0.9  # of cells, by their noise, likewise
WHITE = 0.94  # code, above which a block is left out
FAINTEST = 1e-5  # code, of a size
ENDS = 0.03, 0.9  # of the cells by texture, that tell how much stronger noise is there
ALTERNATIONS = 50


@dataclass(frozen=True, slots=True)
class Cells:
    """Of blocks at the same places.

    at: (N, C, C) activity of their cells. code: (N, C, C) of their light. square: (N, C, C, 3) mean squares of luma and chroma
    there, in codes. lags: (.., .., 4) covariances of luma on texture, blue and red difference, luma where it is smooth. luma:
    (M, B, B) where it is calm, by the size in each cell's kind.
    """

    at: Array
    code: Array
    square: Curve
    lags: Lags
    luma: Array


def cells_of(
    blocks: Sequence[Blocks], shared: Sequence[Blocks], at: Sequence[Array], code: Sequence[Curve], coding: Coding
) -> Cells:
    """What pairs' `blocks` show, of those that are in `shared` too, in whose light all is told.

    at, code: (rows, columns) activity and codes of each pair's first picture.
    """
    activity, codes, squares, rests = [], [], [], []
    white = np.interp(WHITE, coding.codes, coding.linear)
    inside = np.arange(blocks[0].rest.shape[1] // CELL)
    for own, light, active, coded in zip(blocks, shared, at, code, strict=True):
        places = [{tuple(place): k for k, place in enumerate(b.place)} for b in (own, light)]
        both = np.array([(k, places[1][p]) for p, k in places[0].items() if p in places[1]], np.intp).reshape(-1, 2)
        seen = light.only(both[:, 1]).in_camera(coding.acescg_from_rgb)
        below = seen.smooth.max(axis=(1, 2, 3)) < white
        chosen = own.only(both[below, 0]).in_camera(coding.acescg_from_rgb)
        rests.append(chosen.rest / coding.slope(seen.smooth[below]) @ luma_chroma().T.astype(np.float32))
        corner = chosen.place // CELL
        there = (corner[:, :1] + inside)[:, :, None], (corner[:, 1:] + inside)[:, None, :]
        activity.append(active[there])
        codes.append(coded[there])
        squares.append(_in_cells(rests[-1]))
    found = (np.concatenate(v) for v in (activity, codes, squares, rests))
    return _told(*found)


def _told(at: Array, code: Array, square: Curve, rest: Array) -> Cells:
    if not at.size:
        return Cells(at, code, square, np.zeros((0, 0, 4)), rest[..., 0])
    texture = (at.astype(np.float64) ** 2).mean(axis=(1, 2))
    calm = texture <= np.quantile(texture, CALM)
    kind = np.empty(at.shape)
    for part in bins(at, np.quantile(at, np.linspace(0, 1, BINS + 1))):
        kind[part] = np.sqrt(np.median(square[..., 0][part])) if part.any() else 1
    size = np.maximum(kind[calm].repeat(CELL, axis=1).repeat(CELL, axis=2), FAINTEST)
    luma = rest[calm][:, : size.shape[1], : size.shape[2], 0] / size
    rough, smooth = texture > np.quantile(texture, ROUGH), texture <= np.quantile(texture, SMOOTH)
    parts = rest[rough, ..., 0], rest[..., 1], rest[..., 2], rest[smooth, ..., 0]
    return Cells(at, code, square, np.stack([_lags(part) for part in parts], axis=-1), luma.astype(np.float32))


def _in_cells(rest: Array) -> Curve:
    """Mean squares (N, C, C, 3) of blocks (N, B, B, 3)."""
    side = rest.shape[1] // CELL
    cut = rest[:, : side * CELL, : side * CELL].reshape(len(rest), side, CELL, side, CELL, 3)
    return np.asarray((cut.astype(np.float64) ** 2).mean(axis=(2, 4)))


def _lags(rest: Array) -> Lags:
    """Of one channel of blocks (N, B, B)."""
    square = (rest.astype(np.float64) ** 2).mean(axis=(1, 2))
    held = rest[square <= np.quantile(square, STEADY)]
    return lag_covariances(np.repeat(held[..., None], 3, axis=-1))[..., 0, 0]


def bins(at: Array, edges: Curve) -> list[NDArray[np.bool_]]:
    """Which cells lie between each two edges."""
    place = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
    return [place == k for k in range(len(edges) - 1)]


def edges_of(seen: Array, count: int) -> Curve:
    """(count + 1,) of bins with as many cells in each, or fewer where those would be few."""
    count = max(min(count, seen.size // MIN_CELLS), 2)
    return np.asarray(np.quantile(seen, np.linspace(0, 1, count + 1)))


def middles(at: Array, edges: Curve) -> Curve:
    """(K,) of what lies between each two edges; rising."""
    found = [np.median(at[part]) if part.any() else edges[k] for k, part in enumerate(bins(at, edges))]
    return np.maximum.accumulate(np.asarray(found, np.float64))


def places(count: int) -> Curve:
    """(count,) of bins' middles among all cells."""
    return (np.arange(count) + 0.5) / count


def span(sizes: Curve) -> float:
    """How much larger they are on texture, (K,) by bins of activity; the last tenth does not count: edges that do not fit."""
    low, high = np.interp(ENDS, places(len(sizes)), sizes)
    return float(high / low)


def beyond(seen: Cells, bare: Cells, channels: slice, edges: Curve, code_edges: Curve) -> Curve:
    """Deviation of these channels' noise together in each bin of activity and light, (K, L), beyond the bare picture's; NaN where
    few cells are."""
    found = np.full((len(edges) - 1, len(code_edges) - 1), np.nan)
    parts = [(s.square[..., channels].sum(axis=-1), bins(s.at, edges), bins(s.code, code_edges)) for s in (seen, bare)]
    for k, j in np.ndindex(found.shape):
        squares = [square[active[k] & light[j]] for square, active, light in parts]
        if min(map(len, squares)) >= FEW_CELLS:
            found[k, j] = _deviation(*squares)
    return found


def shares_of_chroma(seen: Cells, bare: Cells) -> Curve:
    """Deviations (2,) of blue and red difference's noise, whose squares make 1."""
    found = np.array([_deviation(*(s.square[..., c].ravel() for s in (seen, bare))) for c in (1, 2)])
    return np.asarray(found / np.hypot(*found))


def _deviation(noisy: Curve, bare: Curve) -> float:
    return float(np.sqrt(max(_held(noisy) - _held(bare), FAINTEST**2)))


def _held(squares: Curve) -> float:
    """Their mean without the largest."""
    count = int(TAIL * len(squares))
    return float(np.partition(squares, count)[:count].mean())


def effects(table: Curve, weights: Curve) -> tuple[Curve, Curve]:
    """Factors (K,) and (L,), the latter's weighted mean 1, whose products come nearest to a table, on a logarithmic scale."""
    logs = np.log(table)
    heavy = np.where(np.isfinite(logs), weights, 0)
    logs = np.where(heavy > 0, logs, 0)
    rows, columns = np.zeros(len(logs)), np.zeros(logs.shape[1])
    for _ in range(ALTERNATIONS):
        rows = _means(logs - columns, heavy, 1)
        columns = _means(logs - rows[:, None], heavy, 0)
    middle = float((columns * heavy.sum(axis=0)).sum() / max(heavy.sum(), 1e-9))
    return np.exp(rows + middle), np.exp(columns - middle)


def _means(values: Curve, weights: Curve, axis: int) -> Curve:
    """Along an axis, weighted; as between neighbours where nothing weighs."""
    whole = weights.sum(axis=axis)
    mean = (weights * values).sum(axis=axis) / np.maximum(whole, 1e-9)
    place = np.arange(len(mean))
    return np.asarray(np.interp(place, place[whole > 0], mean[whole > 0])) if (whole > 0).any() else mean


def counts(seen: Cells, edges: Curve, code_edges: Curve) -> Curve:
    """(K, L) cells in each bin of activity and light."""
    return np.histogram2d(seen.at.ravel(), seen.code.ravel(), [edges, code_edges])[0]
