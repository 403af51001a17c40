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
    cells_of,
    chroma_beyond,
    counts,
    edges_of,
    effects,
    luma_beyond,
    middles,
)
from calibration.look.graincorrelation import MAX_LAG
from calibration.look.grainfilter import Lags, filter_from_autocorrelation
from calibration.look.grainpatches import patchiness, scatter
from calibration.look.motion import dense_motion, laid_on
from pipeline.kernels.grain import Grain, active, add_grain
from pipeline.kernels.grainpatches import MOST
from pipeline.kernels.graintexture import CELL, activity
from pipeline.kernels.noiselanes import WIDE_TAPS

ROUNDS = 4
KNOTS = 32  # of the size over level
OWN = 3.0  # times as strong on texture as where it is smooth: from there on it is the codec's own
SMOOTHEST = 0.2  # of the cells by texture, where the camera's grain was measured
ENDS = 0.03, 0.97  # of the cells by texture, that tell so
EVEN = np.array([0.05, 8.0])  # patches that are next to none: spread and side
FLECK = 4  # pixels between the points of the smaller patches
GAINS, FOLLOWED = (0.25, 4.0), (0.6, 2.5)  # more is picture that moved by itself
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
    """edges: (K + 1,) of bins of activity; at, luma: (K,) their middle and the deviation of luma there; light: (L,) factors of
    it at `codes`, midway between code_edges (L + 1,); chroma: (2,); kernels: (3, T, T) and the shares of white noise over what they filter, (3,)."""

    edges: Curve
    at: Curve
    luma: Curve
    code_edges: Curve
    codes: Curve
    light: Curve
    chroma: Curve
    kernels: Curve
    white_share: Curve

    @property
    def calm(self) -> float:
        """Deviation of luma in the middle of what is calm; more where a codec froze that, lest texture's gain be too little."""
        place = (np.arange(len(self.luma)) + 0.5) / len(self.luma)
        return float(max(np.interp(CALM / 2, place, self.luma), self.luma.max() / GAINS[1]))

    @property
    def span(self) -> float:
        """How much stronger it is on texture."""
        place = (np.arange(len(self.luma)) + 0.5) / len(self.luma)
        low, high = np.interp(ENDS, place, self.luma)
        return float(high / low)

    def gains(self, by: float) -> tuple[Curve, Curve]:
        """Activities that rise, and gains of luma there, as shares of a deviation."""
        rising = np.concatenate([[True], np.diff(self.at) > 0]) & (self.at > 0)
        return self.at[rising], np.clip(self.luma[rising] / by, *GAINS)


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
    if law.span < OWN:
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
        wanted, found = (luma_beyond(seen, picture, edges, whole)[:, 0] for seen in (real, made))
        gains = gains * np.clip(np.where(np.isfinite(wanted / found), wanted / found, 1), *STEP)
        least = float(np.interp(SMOOTHEST, (np.arange(len(gains)) + 0.5) / len(gains), gains))
        rising = np.concatenate([[True], np.diff(at) > 0]) & (at > 0)
        gain = np.clip(gains[rising] / least, *FOLLOWED)
        grain = replace(base, texture=np.stack([at[rising], gain, gain]).astype(np.float32))
    return grain


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
    luma, light = effects(luma_beyond(real, bare, edges, code_edges), weights)
    at, codes = middles(real.at, edges), (code_edges[1:] + code_edges[:-1]) / 2
    return _Law(edges, at, luma, code_edges, codes, light, chroma_beyond(real, bare), *_filters(real.lags - bare.lags))


def _filters(lags: Lags) -> tuple[Curve, Curve]:
    """Kernels (3, T, T) and shares of white noise over what they filter (3,)."""
    scale = np.maximum(lags[0, MAX_LAG], FAINTEST**2)
    found = [filter_from_autocorrelation(lags[..., c] / scale[c], None, WIDE_TAPS) for c in range(3)]
    kernels, shares = zip(*found, strict=True)
    return np.stack(kernels), np.array(shares)


def _corrected(law: _Law, real: Cells, made: Cells, bare: Cells) -> _Law:
    """The law that makes what is real, were what it makes proportional to it."""
    edges = law.edges, law.code_edges
    luma, light = (
        np.clip(f, *STEP)
        for f in effects(luma_beyond(real, bare, *edges) / luma_beyond(made, bare, *edges), counts(real, *edges))
    )
    scale = [np.maximum((seen.lags - bare.lags)[0, MAX_LAG], FAINTEST**2) for seen in (real, made)]
    own = np.stack([_own_lags(*filtered) for filtered in zip(law.kernels, law.white_share, strict=True)], axis=-1)
    kernels, shares = _filters(own + (real.lags - bare.lags) / scale[0] - (made.lags - bare.lags) / scale[1])
    return replace(
        law,
        luma=law.luma * luma,
        light=law.light * light,
        chroma=law.chroma * np.clip(chroma_beyond(real, bare) / chroma_beyond(made, bare), *STEP),
        kernels=kernels,
        white_share=shares,
    )


def _own_lags(kernel: Curve, share: float) -> Lags:
    full = np.fft.fft2(kernel, s=(4 * MAX_LAG,) * 2)
    lags = np.fft.ifft2((1 - share) * np.abs(full) ** 2 + share).real
    return np.asarray(lags[np.ix_(np.arange(MAX_LAG + 1), np.arange(-MAX_LAG, MAX_LAG + 1))])


def _stock(law: _Law, coding: Coding, patches: Curve, flecks: Curve) -> Grain:
    """Luma and chroma as sources; the size over level is the curve's slope, the gain of luma 1 in the middle of what is calm."""
    calm = law.calm
    spread = np.linalg.inv(luma_chroma()) * np.array([calm, *law.chroma])
    length = np.sqrt((spread**2).sum(axis=1))
    codes = np.linspace(0, 1, KNOTS)
    levels = np.interp(codes, coding.codes, coding.linear)
    slope = coding.slope(levels) * np.interp(codes, law.codes, law.light)
    at, gain = law.gains(calm)
    return Grain(
        np.tile(levels, (3, 1)).astype(np.float32),
        (length[:, None] * slope).astype(np.float32),
        law.kernels.astype(np.float32),
        (spread / length[:, None]).astype(np.float32),
        coding.acescg_from_rgb.astype(np.float32),
        white_share=law.white_share.astype(np.float32),
        patchiness=patches.astype(np.float32),
        flecks=flecks.astype(np.float32),
        texture=np.stack([at / calm, gain, np.ones_like(gain)]).astype(np.float32),
    )
