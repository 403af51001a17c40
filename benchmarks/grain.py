"""Grain measured blind from moving plates and synthesised, beside the peers, against known truth: `make bench-grain`.

For each stock: size of the grain per level (rms and worst of bins with 2% of the pixels and more), spectrum, correlation
between channels, correlation in time, and how often a trained test names a patch rightly (0.5: it cannot).
`true model` is our synthesis given the stock's own law, matrix and unit noise instead of the moving plate.
`--stocks fine,film` chooses (`codec` is fine through H.264, which has figures of its own), `--no-peers` leaves the others
out, `--plate FOLDER` of ingested EXR frames, of a movie coded in `--space`, adds a real one.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.grain_codec import codec_rows
from benchmarks.grain_detect import PATCH, detection, patches
from benchmarks.grain_peers import Array, Made, autoregressive, difference, scattered
from benchmarks.grain_plates import Stock, chroma, film, fine
from benchmarks.grain_real import real_rows
from calibration.look.grain import measure_grain
from calibration.look.graincorrelation import MAX_LAG, lag_covariances, needed_taps, unit_grain
from pipeline.kernels.grain import Grain, add_grain

MEASURED = ((1001, 1002), (1007, 1008), (1013, 1014), (1019, 1020), (1025, 1026), (1031, 1032))
TESTED = (1040, 1041, 1046, 1047)
# A film's grain is a dozen pixels wide: in two pairs of frames chance correlates 0.002 of it.
FOLLOWED = range(1050, 1083)
CRFS = 18, 23  # of H.264
BINS = 12  # by level, of equal pixels: each holds 8%
RINGS = 12  # of the spectrum


@dataclass(frozen=True)
class Truth:
    """Test frames: clean ACEScg, true noise, its true sigma, and where nothing clipped."""

    clean: list[Array]
    noise: list[Array]
    sigma: list[Array]
    usable: list[NDArray[np.bool_]]


def truth_of(stock: Stock) -> Truth:
    unit = stock.unit(np.random.default_rng(3), (600, 600)).reshape(-1, 3).astype(np.float64)
    between = unit.T @ unit / len(unit)
    parts = [stock.shot(frame) for frame in TESTED]
    sigmas = []
    for clean, _, _ in parts:
        camera = clean @ np.linalg.inv(stock.matrix).T
        size = stock.sigma(camera.astype(np.float32)).astype(np.float64)
        columns = size[..., None, :] * stock.matrix  # (H, W, 3 ACEScg, 3 camera)
        sigmas.append(np.sqrt(((columns @ between) * columns).sum(axis=-1)).astype(np.float32))
    return Truth([p[0] for p in parts], [p[1] - p[0] for p in parts], sigmas, [p[2] for p in parts])


def judge(truth: Truth, made: Made) -> dict[str, float]:
    """Figures of one way to make the noise."""
    noises = [made(clean, frame) for clean, frame in zip(truth.clean, TESTED, strict=True)]
    ratios = [_ratios(truth, noises, c) for c in range(3)]
    ours, theirs = _units(truth, noises), _units(truth, truth.noise)
    heaps = [
        np.concatenate([patches(u, k) for u, k in zip(units, truth.usable, strict=True)]) for units in (theirs, ours)
    ]
    spectra = [_spectrum(heap) for heap in heaps]
    between = [
        np.corrcoef(np.concatenate([u[k] for u, k in zip(units, truth.usable, strict=True)]).T)
        for units in (theirs, ours)
    ]
    return {
        "sigma rms %": 100 * float(np.sqrt(np.mean((np.array(ratios) - 1) ** 2))),
        "worst bin %": 100 * float(np.abs(np.array(ratios) - 1).max()),
        "spectrum dB": float(np.sqrt(np.mean((10 * np.log10(spectra[1] / spectra[0])) ** 2))),
        "channels": float(np.abs(between[0] - between[1]).max()),
        "time": _repeats(truth, made),
        "detected": detection(*heaps),
    }


def _repeats(truth: Truth, made: Made) -> float:
    """Correlation of a frame's unit noise with the next one's, over so many pairs that chance leaves under 0.001."""
    clean, size = truth.clean[0], truth.sigma[0]
    one, products = made(clean, FOLLOWED[0]) / size, []
    for frame in FOLLOWED[1:]:
        before, one = one, made(clean, frame) / size
        products.append(np.mean(before * one, dtype=np.float64))
    return float(np.abs(np.mean(products)))


def _ratios(truth: Truth, noises: list[Array], c: int) -> list[float]:
    levels = np.concatenate([p[k][:, c] for p, k in zip(truth.clean, truth.usable, strict=True)])
    wanted = np.concatenate([p[k][:, c] for p, k in zip(truth.sigma, truth.usable, strict=True)]).astype(np.float64)
    got = np.concatenate([p[k][:, c] for p, k in zip(noises, truth.usable, strict=True)]).astype(np.float64)
    edges = np.quantile(levels, np.linspace(0, 1, BINS + 1))
    inside = [(levels >= low) & (levels <= high) for low, high in pairwise(edges)]
    return [float(np.sqrt((got[k] ** 2).mean() / (wanted[k] ** 2).mean())) for k in inside]


def _units(truth: Truth, noises: list[Array]) -> list[Array]:
    return [n / s for n, s in zip(noises, truth.sigma, strict=True)]


def _spectrum(heap: Array) -> NDArray[np.float64]:
    """Power per ring of frequency and channel, of unit noise; rings 30 dB and more under the strongest are left out."""
    window = np.outer(np.hanning(PATCH), np.hanning(PATCH))[None, :, :, None]
    power = (np.abs(np.fft.fft2(heap * window, axes=(1, 2))) ** 2).mean(axis=0)
    away = np.hypot(np.fft.fftfreq(PATCH)[:, None], np.fft.fftfreq(PATCH)[None])
    ring = (away * 2 * RINGS).astype(int)
    table = np.stack([power[ring == k].mean(axis=0) for k in range(RINGS)])
    return table / power.mean() + 1e-3


def ours(stock: Stock) -> Made:
    grain = measure_grain((stock.shot(a)[1], stock.shot(b)[1]) for a, b in MEASURED).grain
    return lambda clean, frame: synthesised(clean, grain, frame)


def known(stock: Stock) -> Grain:
    """The profile of a stock whose law and unit noise are given: no plate is measured."""
    unit = stock.unit(np.random.default_rng(5), (1600, 1600))
    cut = patches(unit - unit.mean(axis=(0, 1)))
    size = np.sqrt(np.diagonal(lag_covariances(cut)[0, MAX_LAG]))
    cut = (cut / size).astype(np.float32)
    taps = needed_taps((lag_covariances(cut[::2]), lag_covariances(cut[1::2])))
    model = unit_grain(lag_covariances(cut), taps)
    levels = np.repeat(np.concatenate([[0], np.geomspace(1e-3, 1.5, 60)])[None], 3, axis=0).astype(np.float32)
    sigmas = (stock.sigma(levels.T) * size).T
    levels, sigmas, spread = (np.ascontiguousarray(a, np.float32) for a in (levels, sigmas, stock.matrix))
    return replace(model, levels=levels, sigmas=sigmas, acescg_from_camera=spread)


def synthesised(clean: Array, grain: Grain, frame: int) -> Array:
    out = np.empty_like(clean)
    add_grain(clean, clean, np.zeros(clean.shape[:2], np.float32), grain, 1, frame, out)
    return out - clean


def peers(stock: Stock) -> dict[str, Made]:
    first = 1007
    grain = measure_grain((stock.shot(a)[1], stock.shot(b)[1]) for a, b in MEASURED[:2]).grain
    clean, noise = difference([stock.shot(f)[1] for f in range(first - 2, first + 3)], grain)
    return {"DasGrain-style": scattered(clean, noise), "AV1-style AR(3)": autoregressive(clean, noise)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stocks", default="fine,film,chroma,codec")
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--plate", type=Path)
    parser.add_argument("--space", default="Gamma 2.4 Encoded Rec.709", help="OpenColorIO name of its codes")
    options = parser.parse_args()
    stocks = [s for s in (fine(), film(), chroma()) if s.name in options.stocks.split(",")]
    for stock in stocks:
        truth = truth_of(stock)
        model = known(stock)
        ways = {
            "ours": ours(stock),
            "true model": lambda clean, frame, grain=model: synthesised(clean, grain, frame),
        } | ({} if options.no_peers else peers(stock))
        for name, made in ways.items():
            figures = judge(truth, made)
            print(f"{stock.name:8} {name:16} " + "  ".join(f"{k} {v:.4f}" for k, v in figures.items()), flush=True)
    for crf in CRFS if "codec" in options.stocks.split(",") else ():
        for name, figures in codec_rows(fine(), crf, not options.no_peers):
            print(f"codec {crf} {name:16} " + "  ".join(f"{k} {v:.3f}" for k, v in figures.items()), flush=True)
    if options.plate:
        for name, figures in real_rows(options.plate, options.space, not options.no_peers):
            print(f"plate    {name:16} " + "  ".join(f"{k} {v:.3f}" for k, v in figures.items()), flush=True)


if __name__ == "__main__":
    main()
