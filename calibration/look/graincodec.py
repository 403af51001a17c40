"""What a codec leaves of a plate's grain and adds to it: noise of luma, stronger on texture, and of chroma, the same everywhere.

It is told in the movie's own codes, where it arises. What two frames differ in beyond what their picture does, laid on each other
in the same way, is noise; ours is made over the same picture, measured as theirs is, and corrected by what it lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.look.coding import Coding, luma_chroma
from calibration.look.degrain import degrain
from calibration.look.grainblocks import Array, Blocks, Curve, match_blocks
from calibration.look.graincorrelation import MAX_LAG, lag_covariances
from calibration.look.grainfilter import Lags, filter_from_autocorrelation
from calibration.look.grainpatches import patchiness, scatter
from calibration.look.motion import dense_motion, laid_on
from pipeline.kernels.grain import Grain, add_grain
from pipeline.kernels.grainpatches import MOST
from pipeline.kernels.graintexture import CELL, activity
from pipeline.kernels.noiselanes import WIDE_TAPS

ROUNDS = 3
BINS, LIGHTS = 16, 6  # of activity, of light
MIN_CELLS, FEW_CELLS = 400, 60
KNOTS = 32
CALM = 0.6  # share of the blocks, those with the least texture, that tell the spectrum
STEADY = 0.8  # share of these, those that differ least: others hold what moved by itself
WHITE = 0.94  # of the brightest code, above which a block is left out
EVEN = np.array([0.05, 8.0])  # patches that are next to none: spread and side
FAINTEST = 1e-5  # code, of a size
TAIL = 0.8  # of cells, by their noise: what differs most holds what moved by itself
FLECK = 6  # pixels between the points of the smaller patches
GAINS = 0.25, 4.0  # of luma on texture: more is picture that moved by itself
STEP = 0.5, 2.0  # of a round's correction
Pair = tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class _Seen:
    """Of blocks at the same places: `at` (N, C, C) activity of their cells in codes, `code` (N, C, C) of their light, `square` (N, C, C, 3) mean squares of
    luma and chroma there, `lags` of each where it is calm, `luma` (M, B, B) there, by its size in each cell's kind."""

    at: Array
    code: Array
    square: Array
    lags: Lags
    luma: Array


@dataclass(frozen=True, slots=True)
class _Law:
    """edges: (K + 1,) of bins of activity in codes; at, luma: (K,) their middle and the deviation of luma there; light: (L,)
    factors of it in equally many cells from dark to bright, between code_edges (L + 1,); chroma: (2,); kernels: (3, T, T) and
    the shares of white noise over what they filter, (3,)."""

    edges: Curve
    at: Curve
    luma: Curve
    code_edges: Curve
    light: Curve
    chroma: Curve
    kernels: Curve
    white_share: Curve


def codec_grain(pairs: Sequence[Pair], matched: Sequence[Blocks], coding: Coding, base: Grain) -> Grain | None:
    """The profile of pairs of neighbouring frames of a movie; None with too few blocks.

    pairs: (H, W, 3) float32 scene-linear ACEScg each. matched: their blocks. base: what was measured of them as if the grain
    were the same on all textures.
    """
    still, moved, cells = [], [], []
    for first, second in pairs:
        clean = degrain(first, base, [second])
        still.append(clean)
        moved.append(laid_on(clean, dense_motion(second, first), cv2.INTER_LANCZOS4))
        cells.append(activity(clean))
    size = matched[0].rest.shape[1]
    picture = [match_blocks(*both, size) for both in zip(still, moved, strict=True)]
    at = [(_in_codes(c, coding), np.interp(c[..., 1], coding.linear, coding.codes)) for c in cells]
    real, bare = (_seen(blocks, matched, picture, at, coding) for blocks in (matched, picture))
    if real.at.size < MIN_CELLS:
        return None
    law, patches, flecks = _first_law(real, bare), EVEN, np.zeros(2)
    for turn in range(ROUNDS):
        stock = _stock(law, coding, patches, flecks)
        made = []
        for k, (one, two) in enumerate(zip(still, moved, strict=True)):
            frame = 2 * (turn * len(pairs) + k)
            made.append(match_blocks(_with(one, stock, frame), _with(two, stock, frame + 1), size))
        seen = _seen(made, matched, picture, at, coding)
        if not turn:
            patches, flecks = _patches(real, seen, size), _flecks(real, seen)
        law = _corrected(law, real, seen, bare)
    return _stock(law, coding, patches, flecks)


def _patches(real: _Seen, even: _Seen, block_px: int) -> Curve:
    """How luma's size varies where it is calm, beyond even grain's and what follows texture."""
    one, other = (np.repeat(s.luma[..., None], 3, axis=-1) for s in (real, even))
    return np.maximum(patchiness(scatter(one, other), block_px), EVEN)


def _flecks(real: _Seen, even: _Seen) -> Curve:
    """How it varies within blocks, beyond even grain's."""
    within = []
    for seen in (real, even):
        count, side, _ = seen.luma.shape
        cut = seen.luma.reshape(count, side // CELL, CELL, side // CELL, CELL).astype(np.float64)
        size = np.log((cut**2).mean(axis=(2, 4)) + FAINTEST) / 2
        within.append(np.median(size.reshape(count, -1).var(axis=1)))
    spread = min(np.sqrt(max(within[0] - within[1], 0)), MOST)
    return np.array([spread, FLECK]) if spread > EVEN[0] else np.zeros(2)


def _with(picture: Array, grain: Grain, frame: int) -> Array:
    out = np.empty_like(picture)
    add_grain(picture, picture, np.zeros(picture.shape[:2], np.float32), grain, 11, frame, out)
    return out


def _in_codes(cells: Array, coding: Coding) -> Array:
    return np.asarray(cells[..., 0] / coding.slope(cells[..., 1]), np.float32)


def _seen(
    blocks: Sequence[Blocks], real: Sequence[Blocks], bare: Sequence[Blocks], at: Sequence[Pair], coding: Coding
) -> _Seen:
    """Of the blocks that all three have, in their order."""
    activities, codes, squares, rests = [], [], [], []
    for own, one, other, cells in zip(blocks, real, bare, at, strict=True):
        places = [{tuple(place): k for k, place in enumerate(b.place)} for b in (own, one, other)]
        shared = sorted(p for p in places[1] if p in places[2] and p in places[0])
        rgb = own.only(np.array([places[0][p] for p in shared], np.intp)).in_camera(coding.acescg_from_rgb)
        peak = np.interp(WHITE, coding.codes, coding.linear) if len(coding.linear) else 1.0
        dark = one.only(np.array([places[1][p] for p in shared], np.intp)).in_camera(coding.acescg_from_rgb)
        fits = (dark.smooth.max(axis=(1, 2, 3)) < peak) if peak < 2 else np.ones(len(shared), bool)
        rest = (rgb.rest / coding.slope(dark.smooth))[fits] @ luma_chroma().T.astype(np.float32)
        side = rest.shape[1] // CELL
        corner = np.array(shared, np.intp)[fits] // CELL
        inside = np.arange(side)
        there = (corner[:, :1] + inside)[:, :, None], (corner[:, 1:] + inside)[:, None, :]
        activities.append(cells[0][there])
        codes.append(cells[1][there])
        cut = rest[:, : side * CELL, : side * CELL].reshape(len(rest), side, CELL, side, CELL, 3)
        squares.append((cut.astype(np.float64) ** 2).mean(axis=(2, 4)))
        rests.append(rest)
    activity_, code, square, rest = (np.concatenate(v) for v in (activities, codes, squares, rests))
    texture = (activity_.astype(np.float64) ** 2).mean(axis=(1, 2))
    quiet = texture <= np.quantile(texture, CALM)
    kind = np.empty(activity_.shape)
    for bin_ in _bins(activity_, np.quantile(activity_, np.linspace(0, 1, BINS + 1))):
        kind[bin_] = np.sqrt(np.median(square[..., 0][bin_]))
    by = kind[quiet].repeat(CELL, axis=1).repeat(CELL, axis=2)
    luma = rest[quiet][:, : by.shape[1], : by.shape[2], 0] / np.maximum(by, FAINTEST)
    return _Seen(activity_, code, square, _lags(rest[quiet]), luma.astype(np.float32))


def _lags(quiet: Array) -> Lags:
    """Luma's and chroma's own, (.., .., 3)."""
    lags = []
    for c in range(3):
        square = (quiet[..., c].astype(np.float64) ** 2).mean(axis=(1, 2))
        held = quiet[square <= np.quantile(square, STEADY)][..., c : c + 1]
        lags.append(lag_covariances(np.repeat(held, 3, axis=-1))[..., 0, 0])
    return np.stack(lags, axis=-1)


def _first_law(real: _Seen, bare: _Seen) -> _Law:
    edges, code_edges = (
        np.quantile(seen, np.linspace(0, 1, max(min(bins, real.at.size // MIN_CELLS), 2) + 1))
        for seen, bins in ((real.at, BINS), (real.code, LIGHTS))
    )
    at = np.array([np.median(real.at[bin_]) for bin_ in _bins(real.at, edges)])
    luma, light = _effects(_beyond(real, bare, edges, code_edges))
    chroma = np.array([_chroma(real, bare, c) for c in (1, 2)])
    return _Law(edges, at, luma, code_edges, light, chroma, *_filters(real.lags - bare.lags))


def _bins(at: Array, edges: Curve) -> list[NDArray[np.bool_]]:
    """Which cells lie between each two edges."""
    place = np.clip(np.searchsorted(edges, at, side="right") - 1, 0, len(edges) - 2)
    return [place == k for k in range(len(edges) - 1)]


def _beyond(seen: _Seen, bare: _Seen, edges: Curve, code_edges: Curve) -> Curve:
    """Deviation of luma's noise in each bin of activity and light, (K, L): of the middle square, beyond the picture's; NaN where
    few cells are."""
    found = np.full((len(edges) - 1, len(code_edges) - 1), np.nan)
    parts = [(s.square[..., 0], _bins(s.at, edges), _bins(s.code, code_edges)) for s in (seen, bare)]
    for k, j in np.ndindex(found.shape):
        squares = [square[active[k] & light[j]] for square, active, light in parts]
        if min(map(len, squares)) >= FEW_CELLS:
            found[k, j] = np.sqrt(max(_held(squares[0]) - _held(squares[1]), FAINTEST**2))
    return found


def _effects(table: Curve) -> tuple[Curve, Curve]:
    """Factors (K,) and (L,), the latter's middle one 1, whose products come nearest to a table, on a logarithmic scale."""
    logs = np.log(table)
    known = np.isfinite(logs)
    rows, columns = np.zeros(len(logs)), np.zeros(logs.shape[1])
    for _ in range(20):
        rows = _means(logs - columns, known, 1)
        columns = _means(logs - rows[:, None], known, 0)
    middle = np.median(columns)
    return np.exp(rows + middle), np.exp(columns - middle)


def _means(values: Curve, known: NDArray[np.bool_], axis: int) -> Curve:
    """Along an axis, of what is known; between its neighbours where nothing is."""
    count = known.sum(axis=axis)
    mean = np.where(known, values, 0).sum(axis=axis) / np.maximum(count, 1)
    place = np.arange(len(mean))
    return np.interp(place, place[count > 0], mean[count > 0]) if count.any() else mean


def _chroma(seen: _Seen, bare: _Seen, channel: int) -> float:
    """Deviation of its noise: few blocks hold most of it, so all but the strongest count, which hold picture."""
    held = [_held(s.square[..., channel].ravel()) for s in (seen, bare)]
    return float(np.sqrt(max(held[0] - held[1], FAINTEST**2)))


def _held(squares: Curve) -> float:
    """Their mean without the largest."""
    count = int(TAIL * len(squares))
    return float(np.partition(squares, count)[:count].mean())


def _filters(lags: Lags) -> tuple[Curve, Curve]:
    """Kernels (3, T, T) and shares of white noise over what they filter (3,)."""
    scale = np.maximum(lags[0, MAX_LAG], FAINTEST**2)
    kernels, shares = zip(*(filter_from_autocorrelation(lags[..., c] / scale[c], None, WIDE_TAPS) for c in range(3)), strict=True)
    return np.stack(kernels), np.array(shares)


def _corrected(law: _Law, real: _Seen, made: _Seen, bare: _Seen) -> _Law:
    """The law that makes what is real, were what it makes proportional to it."""
    edges = law.edges, law.code_edges
    luma, light = (np.clip(f, *STEP) for f in _effects(_beyond(real, bare, *edges) / _beyond(made, bare, *edges)))
    ratios = [_chroma(real, bare, c) / _chroma(made, bare, c) for c in (1, 2)]
    scale = [np.maximum((seen.lags - bare.lags)[0, MAX_LAG], FAINTEST**2) for seen in (real, made)]
    own = np.stack([_own_lags(*filtered) for filtered in zip(law.kernels, law.white_share, strict=True)], axis=-1)
    lags = own + (real.lags - bare.lags) / scale[0] - (made.lags - bare.lags) / scale[1]
    kernels, shares = _filters(lags)
    return replace(
        law,
        luma=law.luma * luma,
        light=law.light * light,
        chroma=law.chroma * np.clip(ratios, *STEP),
        kernels=kernels,
        white_share=shares,
    )


def _own_lags(kernel: Curve, share: float) -> Lags:
    full = np.fft.fft2(kernel, s=(4 * MAX_LAG,) * 2)
    lags = np.fft.ifft2((1 - share) * np.abs(full) ** 2 + share).real
    return np.asarray(lags[np.ix_(np.arange(MAX_LAG + 1), np.arange(-MAX_LAG, MAX_LAG + 1))])


def _stock(law: _Law, coding: Coding, patches: Curve, flecks: Curve) -> Grain:
    """Luma and chroma as sources; the size over level is the curve's slope, the gain of luma 1 in the middle of what is calm."""
    calm = float(np.interp(CALM / 2, (np.arange(len(law.luma)) + 0.5) / len(law.luma), law.luma))
    sizes = np.array([calm, *law.chroma])
    spread = np.linalg.inv(luma_chroma()) * sizes
    length = np.sqrt((spread**2).sum(axis=1))
    codes = np.linspace(0, 1, KNOTS)
    levels = np.interp(codes, coding.codes, coding.linear)
    slope = coding.slope(levels) * np.interp(codes, (law.code_edges[1:] + law.code_edges[:-1]) / 2, law.light)
    rising = np.concatenate([[True], np.diff(law.at) > 0])
    texture = np.stack([law.at[rising] / calm, np.clip(law.luma[rising] / calm, *GAINS)])
    return Grain(
        np.tile(levels, (3, 1)).astype(np.float32),
        (length[:, None] * slope).astype(np.float32),
        law.kernels.astype(np.float32),
        (spread / length[:, None]).astype(np.float32),
        coding.acescg_from_rgb.astype(np.float32),
        white_share=law.white_share.astype(np.float32),
        patchiness=patches.astype(np.float32),
        flecks=flecks.astype(np.float32),
        texture=texture.astype(np.float32),
    )
