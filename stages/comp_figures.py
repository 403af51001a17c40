"""What a comp supervisor checks, as numbers per frame. No stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.look.blacks import black_of
from calibration.look.graincorrelation import MAX_LAG, Lags, lags_of
from pipeline.kernels.bounds import around
from pipeline.kernels.check import compared
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.grain import Grain, gain, noise, sigma_of
from pipeline.types import SKY

Array = NDArray[np.float32]
LEAST_PIXELS = 200
_SAMPLES = 50_000  # pixels that a quantile is taken of, evenly spread
_BINS = ("dark", "middle", "bright")
_FRINGE_PX = 3  # how far from an edge its two sides are looked for
_GRAIN_TILE_PX = 192
_MOST_CHANCE = 0.15  # standard error beyond which a figure of the grain says nothing


@dataclass(frozen=True, slots=True)
class Frame:
    """A finished frame and how it came about.

    plate, final: (H, W, 3) float16 as read and as written; picture, grained: (H, W, 3) float32 before and after grain;
    kept: (H, W) float16, share of the plate's signal that is left; layers: name to (H, W, 4) float32 after holdouts.
    """

    plate: NDArray[np.float16]
    final: NDArray[np.float16]
    picture: Array
    grained: Array
    kept: Array
    layers: dict[str, Array]


def figures_of(done: Frame, grain: Grain, seed: int, frame: int) -> dict[str, Any]:
    """The numbers: difference outside the layers (must be 0), levels, coverage, fringes, grain against the plate's, NaN.

    grain: the plate's; what was added was drawn with `seed` for frame number `frame`.
    """
    outside = done.kept >= 1
    other, most, broken = compared(done.final, done.plate, outside)
    return {
        "outside_max_difference": most,
        "outside_bit_identical": other == 0,
        "outside_share": float(outside.mean()),
        "nan": broken,
        "plate": levels(done.plate.reshape(-1, 3), np.flatnonzero(outside)),
        "layers": {name: _layer(name, rgba, done.picture) for name, rgba in done.layers.items()},
        **_grain(done, grain, seed, frame),
    }


def _layer(name: str, rgba: Array, picture: Array) -> dict[str, Any]:
    alpha = np.ascontiguousarray(rgba[..., 3])
    found: dict[str, Any] = {"coverage": float(alpha.mean())}
    if name != SKY:  # a sky is darker or brighter than the ground as it likes
        found |= levels(rgba.reshape(-1, 4), np.flatnonzero(alpha > 0.9))
    fringe = fringes(picture, alpha)
    return found | ({"fringe": fringe} if fringe else {})


def levels(pixels: NDArray[np.floating[Any]], which: NDArray[np.intp]) -> dict[str, Any]:
    """Black, white and gamma per channel, and key, of the pixels `which` of (N, 3) or premultiplied (N, 4), scene-linear;
    nothing for too few.

    black: of the pixels about the 0.5% point of luminance, for a red cloth without any green is not dark. gamma: the
    exponent that takes the median's place between black and white to one half: 1 is an even spread, above it the middle is
    dark.
    """
    if len(which) < LEAST_PIXELS:
        return {}
    some = pixels[which[:: max(1, len(which) // _SAMPLES)]].astype(np.float32)
    if some.shape[1] == 4:
        some = some[:, :3] / some[:, 3:]
    light = some @ LUMINANCE
    black, (middle, white) = black_of(some), np.quantile(some, [0.5, 0.995], axis=0)
    place = np.clip((middle - black) / np.maximum(white - black, 1e-6), 1e-3, 1 - 1e-3)
    gamma = np.log(place) / np.log(0.5)
    key = np.exp(np.log(np.maximum(light, 1e-5)).mean())
    named = {"black": black, "white": white, "gamma": gamma}
    return {**{name: _rounded(values, 5) for name, values in named.items()}, "key": round(float(key), 5)}


def fringes(picture: Array, alpha: Array) -> list[float]:
    """Per channel: how far a layer's soft edge leaves the range of what lies on both its sides, over the edge's level.

    picture: (H, W, 3) the comp before grain; alpha: (H, W) of the layer. A dark or coloured line along a silhouette that
    neither the layer nor the plate beside it has counts; a blend of the two does not. 0 is clean; empty without an edge.
    """
    window = around(alpha > 0.05, 2 * _FRINGE_PX + 1)
    picture, alpha = picture[window], alpha[window]
    edge = (alpha > 0.05) & (alpha < 0.95)
    if edge.sum() < LEAST_PIXELS:
        return []
    kernel = np.ones((2 * _FRINGE_PX + 1, 2 * _FRINGE_PX + 1), np.uint8)
    solid, free = (cv2.dilate(side.astype(np.uint8), kernel) for side in (alpha >= 0.95, alpha <= 0.05))
    looked = edge & (solid > 0) & (free > 0)  # thin spears have only one side
    if looked.sum() < LEAST_PIXELS:
        return []
    rows, columns = (slice(int(i.min()), int(i.max()) + 1) for i in np.nonzero(looked))
    rows, columns = _wider(rows), _wider(columns)
    part, edges, looked = picture[rows, columns], edge[rows, columns, None], looked[rows, columns]
    most = cv2.dilate(np.where(edges, np.float32(-1e30), part), kernel)
    least = cv2.erode(np.where(edges, np.float32(1e30), part), kernel)
    beyond = np.maximum(np.maximum(part - most, least - part), 0)[looked]
    return _rounded(beyond.mean(axis=0) / np.maximum(part[looked].mean(axis=0), 1e-6), 5)


def _wider(lines: slice) -> slice:
    return slice(max(lines.start - _FRINGE_PX, 0), lines.stop + _FRINGE_PX)


def _grain(done: Frame, grain: Grain, seed: int, frame: int) -> dict[str, Any]:
    """Inside the layers: added grain over the plate's at the same levels (1 is a match), in all and from dark to bright;
    and how much of it stands still since the frame before (0: none, 1: frozen). `chance`: the standard error of each, for
    few pixels of coarse or patchy grain scatter; what scatters more than _MOST_CHANCE is left out."""
    inside = done.kept <= 0.01
    if inside.sum() < LEAST_PIXELS:
        return {"grain_ratio": []}
    level = done.picture[inside]
    added = done.grained[inside] - level
    swell = gain(grain, seed, frame, done.picture)
    wanted = sigma_of(level, grain, swell[inside])
    luma = level @ LUMINANCE
    bounds = np.quantile(luma[:: max(1, len(luma) // _SAMPLES)], [1 / 3, 2 / 3])
    bins, lags = np.digitize(luma, bounds), lags_of(grain)
    whole, ratio = _ratio(added, wanted, lags)
    parts = {name: _ratio(added[bins == n], wanted[bins == n], lags) for n, name in enumerate(_BINS)}
    kept = {name: part for name, part in parts.items() if part[1]}
    return {
        "grain_ratio": ratio,
        "grain_bins": {name: part for name, (_, part) in kept.items()},
        "grain_chance": {"all": whole} | {name: chance for name, (chance, _) in kept.items()},
        **_repeats(done, inside, swell, grain, seed, frame, lags),
    }


def _ratio(added: Array, wanted: Array, lags: Lags) -> tuple[float, list[float]]:
    """Standard error of ratios (3,) and these, none where it is too large."""
    if len(added) < LEAST_PIXELS:
        return 1.0, []
    square = np.maximum(wanted.astype(np.float64) ** 2, 1e-20)
    alike = np.diagonal(lags, axis1=-2, axis2=-1).reshape(-1, 3)  # of normal values; of their squares it is its square
    pixels = square.sum(axis=0) ** 2 / (square**2).sum(axis=0)
    chance = float(np.sqrt(_both_ways(alike**2).max() / (2 * pixels.min())))
    if chance > _MOST_CHANCE:
        return chance, []
    return round(chance, 4), _rounded(np.sqrt((added**2).mean(axis=0) / square.mean(axis=0)), 4)


def _both_ways(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums over all lags of symmetric values (rows 0.., columns -MAX_LAG..MAX_LAG, flattened; ...)."""
    first = squares[: 2 * MAX_LAG + 1]
    return np.asarray(2 * squares.sum(axis=0) - first.sum(axis=0))


def _rounded(values: NDArray[np.floating[Any]], digits: int) -> list[float]:
    return [round(float(v), digits) for v in values]


def _repeats(
    done: Frame, inside: NDArray[np.bool_], swell: Array, grain: Grain, seed: int, frame: int, lags: Lags
) -> dict[str, float]:
    """Correlation of the grain in the densest tile of the layers with what the frame before got there, and its standard
    error; nothing where that is too large. Patches, which outlast frames, are taken out: swell, (H, W, 3) their gain."""
    step = _GRAIN_TILE_PX
    height, width = inside.shape
    counts = {
        (y, x): int(inside[y : y + step, x : x + step].sum())
        for y in range(0, height, step)
        for x in range(0, width, step)
    }
    y, x = max(counts, key=lambda at: counts[at])
    tile = (slice(y, y + step), slice(x, x + step))
    there = inside[tile]
    now = (done.grained[tile] - done.picture[tile])[there] @ grain.camera_from_acescg.T
    now /= swell[tile][there]
    before = noise(there.shape[0], there.shape[1], grain.even(), seed, frame - 1, (x, y))[there]
    squares = [(v.astype(np.float64) ** 2).mean(axis=0) for v in (now, before)]
    sizes = np.sqrt(squares[0])
    both = _both_ways((lags**2 * np.outer(sizes, sizes)).sum(axis=(-2, -1)).ravel())
    chance = float(np.sqrt(both / max(squares[0].sum() * 3 * len(now), 1e-20)))
    if chance > _MOST_CHANCE:
        return {}
    lengths = np.sqrt(squares[0].sum() * squares[1].sum()) * len(now)
    return {
        "grain_repeats": round(float((now * before).sum() / max(float(lengths), 1e-20)), 4),
        "grain_repeats_chance": round(chance, 4),
    }
