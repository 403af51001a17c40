"""What a codec leaves of a plate's grain and adds to it, as it depends on texture.

Where two frames differ beyond what their picture does, laid on each other in the same way, is noise. Ours is made over the same
picture, measured as theirs is, and corrected by what it lacks. Where texture decides how much of it there is, it is the codec's
own: noise of luma, and of chroma, which is the same everywhere; told in the movie's codes, where it arises. Where it does not,
it is the camera's grain, swelling and fading.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.look.coding import Coding, luma_chroma
from calibration.look.degrain import degrain
from calibration.look.grainblocks import Array, Blocks, Curve, match_blocks
from calibration.look.graincells import (
    BINS,
    CALM,
    FAINTEST,
    LIGHTS,
    MIN_CELLS,
    Cells,
    beyond,
    cells_of,
    counts,
    edges_of,
    effects,
    middles,
    places,
    shares_of_chroma,
    span,
)
from calibration.look.graincorrelation import MAX_LAG
from calibration.look.grainfilter import Lags, filter_from_autocorrelation
from calibration.look.grainpatches import patchiness, scatter
from calibration.look.motion import dense_motion, laid_on
from pipeline.kernels.grain import Grain, active, add_grain
from pipeline.kernels.grainpatches import MOST
from pipeline.kernels.graintexture import CELL, LEAST, activity
from pipeline.kernels.noiselanes import WIDE_TAPS

ROUNDS = 4
KNOTS = 32  # of the size over level
OWN = 2.4  # times as strong on texture as where it is smooth: from there on it is the codec's own
SMOOTHEST = 0.2  # of the cells by texture, where the camera's grain was measured
TOP = 0.95  # of them: beyond, edges whose picture did not fit pass for noise
EVEN = np.array([0.05, 8.0])  # patches that are next to none: spread and side
FLECK = 4  # pixels between the points of the smaller patches
GAINS, FOLLOWED = (0.25, 4.0), (0.6, 2.5)  # more is picture that moved by itself
TURNS = 1 / 16, 1 / 2  # of the cells by texture, between which luma goes over from its smooth to its textured spectrum
LEAST_SHARE = 0.01  # of either, everywhere
CLEAR = 0.3  # of a mean square, that is noise
LUMA, CHROMA = slice(0, 1), slice(1, 3)
STEP = 0.5, 2.0  # of a round's correction
Pair = tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class _Scene:
    """The pairs' pictures without their noise, the second one as it stands; what is seen of them and of the real pairs."""

    still: list[Array]
    moved: list[Array]
    matched: Sequence[Blocks]
    cells: list[Array]
    coding: Coding

    @property
    def block_px(self) -> int:
        return self.matched[0].rest.shape[1]

    def seen(self, blocks: Sequence[Blocks], at: Callable[[Array], Array]) -> Cells:
        codes = [np.interp(c[..., 1], self.coding.linear, self.coding.codes) for c in self.cells]
        return cells_of(blocks, self.matched, [at(c) for c in self.cells], codes, self.coding)

    def bare(self) -> list[Blocks]:
        return [match_blocks(*both, self.block_px) for both in zip(self.still, self.moved, strict=True)]

    def made(self, grain: Grain, turn: int) -> list[Blocks]:
        """With this grain over both pictures; new noise each turn."""
        found = []
        for k, both in enumerate(zip(self.still, self.moved, strict=True)):
            frame = 2 * (turn * len(self.still) + k)
            one, other = (_with(picture, grain, frame + n) for n, picture in enumerate(both))
            found.append(match_blocks(one, other, self.block_px))
        return found


@dataclass(frozen=True, slots=True)
class _Law:
    """edges: (K + 1,) of bins of activity; at, luma, chroma: (K,) their middle and deviations there, chroma's two together;
    shares: (2,) of these two; light: (L,) factors at `codes`, midway between code_edges (L + 1,); kernels: (4, T, T) and the
    shares of white noise over what they filter, (4,): luma's on texture, chroma's two, luma's where it is smooth."""

    edges: Curve
    at: Curve
    luma: Curve
    chroma: Curve
    shares: Curve
    code_edges: Curve
    codes: Curve
    light: Curve
    kernels: Curve
    white_share: Curve

    @property
    def place(self) -> Curve:
        return places(len(self.luma))

    @property
    def calm(self) -> tuple[float, float]:
        """Deviations of luma and chroma in the middle of what is calm; more where a codec froze that, lest texture's gain be too
        little."""
        told = self.place < TOP
        found = [max(np.interp(CALM / 2, self.place, v), v[told].max() / GAINS[1]) for v in (self.luma, self.chroma)]
        return float(found[0]), float(found[1])

    def texture(self) -> Curve:
        """(4, K) of a profile whose two sources of luma have half of its calm square each."""
        luma, chroma = self.calm
        rising = _rising(self.at / luma) & (self.place < TOP)
        gain, other = (np.clip(v[rising] / by, *GAINS) for v, by in ((self.luma, luma), (self.chroma, chroma)))
        turned = np.clip(np.interp(self.place[rising], TURNS, (0, 1)), LEAST_SHARE, 1 - LEAST_SHARE)
        return np.stack([self.at[rising] / luma, gain * np.sqrt(2 * turned), other, gain * np.sqrt(2 * (1 - turned))])


def codec_grain(pairs: Sequence[Pair], matched: Sequence[Blocks], coding: Coding, base: Grain) -> Grain:
    """The profile of pairs of neighbouring frames of a movie; `base` with too few blocks.

    pairs: (H, W, 3) float32 scene-linear ACEScg each. matched: their blocks. base: what was measured of them as if the grain
    were the same on all textures, with its patches.
    """
    still = [degrain(first, base, [second]) for first, second in pairs]
    moved = [
        laid_on(clean, dense_motion(second, first), cv2.INTER_LANCZOS4)
        for clean, (first, second) in zip(still, pairs, strict=True)
    ]
    scene = _Scene(still, moved, matched, [activity(clean) for clean in still], coding)
    bare = scene.bare()

    def in_codes(cells: Array) -> Array:
        return np.asarray(cells[..., 0] / coding.slope(cells[..., 1]), np.float32)

    real, picture = (scene.seen(blocks, in_codes) for blocks in (matched, bare))
    if min(real.at.size, picture.at.size) < MIN_CELLS:
        return base
    law = _first_law(real, picture)
    if span(law.luma) < OWN:
        return _followed(scene, bare, base)
    patches, flecks = EVEN, np.zeros(2)
    for turn in range(ROUNDS):
        made = scene.seen(scene.made(_stock(law, coding, patches, flecks), turn), in_codes)
        if not turn:
            patches = _patches(real, made, scene.block_px)
        flecks = _flecks(real, made, flecks[0])
        law = _corrected(law, real, made, picture)
    return _stock(law, coding, patches, flecks)


def _followed(scene: _Scene, bare: Sequence[Blocks], base: Grain) -> Grain:
    """The camera's grain, which was measured where there is least picture, as much stronger on texture as luma is."""

    def in_grain(cells: Array) -> Array:
        return active(base, cells)

    real, picture = (scene.seen(blocks, in_grain) for blocks in (scene.matched, bare))
    edges = edges_of(real.at, BINS)
    whole = np.quantile(real.code, [0, 1]).astype(np.float64)
    at = middles(real.at, edges)
    gains, grain = np.ones(len(at)), base
    for turn in range(ROUNDS):
        made = scene.seen(scene.made(grain, turn), in_grain)
        wanted, found = (beyond(seen, picture, LUMA, edges, whole)[:, 0] for seen in (real, made))
        gains = gains * np.clip(np.where(np.isfinite(wanted / found), wanted / found, 1), *STEP)
        least = float(np.interp(SMOOTHEST, places(len(gains)), gains))
        rising = _rising(at)
        gain = np.clip(gains[rising] / least, *FOLLOWED)
        grain = replace(base, texture=np.stack([at[rising], gain, gain]).astype(np.float32))
    return grain


def _rising(at: Curve) -> NDArray[np.bool_]:
    """Which are above LEAST and above the one before, as a profile holds them."""
    held = at.astype(np.float32)
    return np.concatenate([[True], np.diff(held) > 0]) & (held > LEAST)


def _with(picture: Array, grain: Grain, frame: int) -> Array:
    out = np.empty_like(picture)
    add_grain(picture, picture, np.zeros(picture.shape[:2], np.float32), grain, 11, frame, out)
    return out


def _patches(real: Cells, even: Cells, block_px: int) -> Curve:
    """How luma's size varies where it is calm, beyond even grain's and what follows texture."""
    one, other = (np.repeat(s.luma[..., None], 3, axis=-1) for s in (real, even))
    return np.maximum(patchiness(scatter(one, other), block_px), EVEN)


def _flecks(real: Cells, made: Cells, spread: float) -> Curve:
    """How it varies within blocks, where that of what was made with this spread is known."""
    within = []
    for seen in (real, made):
        count, side, _ = seen.luma.shape
        cut = seen.luma.reshape(count, side // CELL, CELL, side // CELL, CELL).astype(np.float64)
        size = np.log((cut**2).mean(axis=(2, 4)) + FAINTEST) / 2
        within.append(size.reshape(count, -1).var(axis=1).mean())
    spread = min(np.sqrt(max(spread**2 + within[0] - within[1], 0)), MOST)
    return np.array([spread, FLECK]) if spread > EVEN[0] else np.zeros(2)


def _first_law(real: Cells, bare: Cells) -> _Law:
    edges, code_edges = edges_of(real.at, BINS), np.unique(np.quantile(real.code, LIGHTS)).astype(np.float64)
    weights = counts(real, edges, code_edges)
    (luma, light), (chroma, _) = (
        effects(beyond(real, bare, part, edges, code_edges), weights) for part in (LUMA, CHROMA)
    )
    at, codes = middles(real.at, edges), (code_edges[1:] + code_edges[:-1]) / 2
    shares = shares_of_chroma(real, bare)
    return _Law(edges, at, luma, chroma, shares, code_edges, codes, light, *_filters(_beyond(real, bare)))


def _beyond(seen: Cells, bare: Cells) -> Lags:
    """The noise's covariances; of luma's two, one that drowns in what is bare is taken for the other."""
    found, whole = seen.lags - bare.lags, seen.lags[0, MAX_LAG]
    clear = found[0, MAX_LAG, :] > CLEAR * whole
    for one, other in ((0, 3), (3, 0)):
        if clear[other] and not clear[one]:
            found[..., one] = found[..., other]
    return found


def _filters(lags: Lags) -> tuple[Curve, Curve]:
    """Kernels (4, T, T) and shares of white noise over what they filter (4,)."""
    scale = np.maximum(lags[0, MAX_LAG], FAINTEST**2)
    found = [filter_from_autocorrelation(lags[..., c] / scale[c], None, WIDE_TAPS) for c in range(len(scale))]
    kernels, shares = zip(*found, strict=True)
    return np.stack(kernels), np.array(shares)


def _corrected(law: _Law, real: Cells, made: Cells, bare: Cells) -> _Law:
    """The law that makes what is real, were what it makes proportional to it."""
    edges = law.edges, law.code_edges
    weights = counts(real, *edges)
    (luma, light), (chroma, _) = (
        effects(beyond(real, bare, part, *edges) / beyond(made, bare, part, *edges), weights) for part in (LUMA, CHROMA)
    )
    shares = law.shares * np.clip(shares_of_chroma(real, bare) / shares_of_chroma(made, bare), *STEP)
    wanted, found = (_beyond(seen, bare) for seen in (real, made))
    scale = [np.maximum(lags[0, MAX_LAG], FAINTEST**2) for lags in (wanted, found)]
    own = np.stack([_own_lags(*filtered) for filtered in zip(law.kernels, law.white_share, strict=True)], axis=-1)
    kernels, white_share = _filters(own + wanted / scale[0] - found / scale[1])
    return replace(
        law,
        luma=law.luma * np.clip(luma, *STEP),
        chroma=law.chroma * np.clip(chroma, *STEP),
        shares=shares / np.hypot(*shares),
        light=law.light * np.clip(light, *STEP),
        kernels=kernels,
        white_share=white_share,
    )


def _own_lags(kernel: Curve, share: float) -> Lags:
    full = np.fft.fft2(kernel, s=(4 * MAX_LAG,) * 2)
    lags = np.fft.ifft2((1 - share) * np.abs(full) ** 2 + share).real
    return np.asarray(lags[np.ix_(np.arange(MAX_LAG + 1), np.arange(-MAX_LAG, MAX_LAG + 1))])


def _stock(law: _Law, coding: Coding, patches: Curve, flecks: Curve) -> Grain:
    """Luma, chroma and luma again as sources; the size over level is the curve's slope, the gain of luma 1 in the middle of what is
    calm."""
    luma, chroma = law.calm
    apart = np.linalg.inv(luma_chroma())[:, [0, 1, 2, 0]]
    spread = apart * np.array([luma / np.sqrt(2), *(chroma * law.shares), luma / np.sqrt(2)])
    length = np.sqrt((spread**2).sum(axis=1))
    levels = np.interp(np.linspace(0, 1, KNOTS), coding.codes, coding.linear)
    light = np.interp(law.codes, coding.codes, coding.linear)
    texture = law.texture()
    lit = _rising(light) & (texture.size > 0)
    return Grain(
        np.tile(levels, (3, 1)).astype(np.float32),
        (length[:, None] * coding.slope(levels)).astype(np.float32),
        law.kernels.astype(np.float32),
        (spread / length[:, None]).astype(np.float32),
        coding.acescg_from_rgb.astype(np.float32),
        white_share=law.white_share.astype(np.float32),
        patchiness=patches.astype(np.float32),
        flecks=flecks.astype(np.float32),
        texture=texture.astype(np.float32),
        light=np.stack([light, law.light])[:, lit].astype(np.float32),
    )
