"""Our mattes beside pymatting's on rendered truth, in one run: `make bench-mattes`.

Alpha in a band, the colour of people at its edges, and how much soft edges chatter over time. pymatting is no dependency:
the make target puts it into build/peers; without it our own figures stand alone. Times are the best of three; only
ratios mean anything on a shared machine. `--size 640x480` changes the picture.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np

from benchmarks.matte_errors import connectivity, gradient, mse, sad
from calibration.look.degrain import degrain
from calibration.look.grain import measure_grain
from calibration.mattes.band import alpha_in_band, trimap_of
from calibration.mattes.foreground import separate
from calibration.mattes.key import pull_key
from calibration.mattes.screen import bare_screen, find_paint
from calibration.mattes.steady import Edge, steadied
from pipeline.kernels import key
from pipeline.kernels.matting import UNKNOWN
from tests.matted import Matted, Person

MEASURES = {"SAD": sad, "MSE": mse, "gradient": gradient, "connectivity": connectivity}
BEHIND = ("green", "blue", "natural", "hard")


def timed(work: Callable[[], Any], runs: int = 3) -> tuple[Any, float]:
    """The result, and the seconds of the fastest run after one to warm up."""
    made, best = work(), np.inf
    for _ in range(runs):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return made, best


def peers() -> dict[str, Any]:
    try:
        import pymatting
    except ImportError:
        print("pymatting is not installed: our figures alone.")
        return {}
    return {"cf": pymatting.estimate_alpha_cf, "ml": pymatting.estimate_foreground_ml}


def alphas(size: tuple[int, int], pymatting: dict[str, Any]) -> None:
    print(f"\nalpha in an unknown band of 6 pixels either way, {size[0]} x {size[1]}")
    for behind in BEHIND:
        truth = Person(behind, *size).render(4)
        trimap = trimap_of(truth.alpha, 6, 6)
        unknown = trimap == UNKNOWN
        contenders: dict[str, Callable[[], Any]] = {"ours": lambda t=truth, m=trimap: alpha_in_band(t.picture, m)}
        if behind in ("green", "blue"):
            screen = bare_screen(truth.picture, find_paint(truth.picture))
            contenders["ours, screen known"] = lambda t=truth, m=trimap, s=screen: alpha_in_band(t.picture, m, s.bare)
        if pymatting:
            share = np.where(unknown, 0.5, trimap / 255.0)
            for name, picture in (
                ("pymatting cf, linear", np.maximum(truth.picture, 0).astype(np.float64)),
                ("pymatting cf, encoded", np.clip(truth.picture, 0, 1).astype(np.float64) ** (1 / 2.2)),
            ):
                contenders[name] = lambda p=picture, m=share: pymatting["cf"](p, m)
        _table(behind, contenders, truth, unknown)


def _table(name: str, contenders: dict[str, Callable[[], Any]], truth: Matted, unknown: Any) -> None:
    ours_s = 0.0
    for who, work in contenders.items():
        found, seconds = timed(work)
        ours_s = ours_s or seconds
        errors = (f"{m} {f(np.float64(found), np.float64(truth.alpha), unknown):.4g}" for m, f in MEASURES.items())
        print(f"{name:8} {who:24} {'  '.join(errors)}  time {seconds / ours_s:.2f}x ours")


def colours(size: tuple[int, int], pymatting: dict[str, Any]) -> None:
    print("\ncolour of people at soft edges, true alpha given: mean error of alpha * colour, thousandths")
    for behind in ("green", "natural"):
        truth = Person(behind, *size, spill=0).render(4)
        edge = (truth.alpha > 0) & (truth.alpha < 1)
        contenders = {
            "ours": lambda t=truth: separate(t.picture, t.alpha)[0],
            "ours, background known": lambda t=truth: separate(t.picture, t.alpha, t.back)[0],
        }
        if pymatting:
            contenders["pymatting ml"] = lambda t=truth: pymatting["ml"](t.picture, t.alpha)
        ours_s = 0.0
        for who, work in contenders.items():
            found, seconds = timed(work)
            ours_s = ours_s or seconds
            error = 1000 * np.abs(truth.alpha[..., None] * (found - truth.foreground))[edge].mean()
            print(f"{behind:8} {who:24} {error:.2f}  time {seconds / ours_s:.2f}x ours")


def keys(size: tuple[int, int]) -> None:
    print("\nkeys: the whole frame, found by ourselves, beside the plain colour difference over the same bare screen")
    for behind in ("green", "blue"):
        truth = Person(behind, *size).render(4)
        screen = bare_screen(truth.picture, find_paint(truth.picture))
        left = np.empty(truth.alpha.shape, np.float32)
        key.remaining(truth.picture, screen.bare, screen.paint.primary, left)
        everywhere = np.ones(left.shape, bool)
        for who, found in (("ours", pull_key(truth.picture, screen)), ("difference", np.clip(1 - left, 0, 1))):
            errors = (
                f"{m} {f(np.float64(found), np.float64(truth.alpha), everywhere):.4g}" for m, f in MEASURES.items()
            )
            print(f"{behind:8} {who:24} {'  '.join(errors)}")


def chatter(size: tuple[int, int], frames: int = 9) -> None:
    """Energy of the error of alpha that neither neighbour shares, along the true motion, at soft edges."""
    print(f"\nchatter over {frames} frames with grain; the band changes its width from frame to frame but in keys")
    for behind in ("green", "natural"):
        person = Person(behind, *size)
        truths = [person.render(f) for f in range(1, frames + 1)]
        grain = measure_grain([(truths[k].picture, truths[k + 1].picture) for k in (0, frames // 2)]).grain
        quiet = []
        for k, truth in enumerate(truths):
            quiet.append(degrain(truth.picture, grain, [truths[j].picture for j in (k - 1, k + 1) if 0 <= j < frames]))
        raw = _alphas(behind, truths, [t.picture for t in truths])
        plain = _alphas(behind, truths, quiet)
        edges = [Edge(q, a) for q, a in zip(quiet, plain, strict=True)]
        calm = [steadied(e, [edges[j] for j in (k - 1, k + 1) if 0 <= j < frames]) for k, e in enumerate(edges)]
        first = 0.0
        for who, found in (("with the grain", raw), ("degrained", plain), ("degrained, steadied", calm)):
            energy = float(np.mean([_unrest(truths, found, k) for k in range(2, frames - 2)]))
            first = first or energy
            wrong = np.mean([np.abs(a - t.alpha).sum() / 1000 for a, t in zip(found, truths, strict=True)])
            print(f"{behind:8} {who:24} chatter {energy:.3g} = {energy / first:.2f}  SAD {wrong:.3f}")


def _alphas(behind: str, truths: list[Matted], pictures: list[Any]) -> list[Any]:
    if behind == "green":
        paint = find_paint(pictures[len(pictures) // 2])
        return [pull_key(p, bare_screen(p, paint)) for p in pictures]
    random = np.random.default_rng(1)
    bands = [trimap_of(t.alpha, *(int(r) for r in random.integers(3, 7, 2))) for t in truths]
    return [alpha_in_band(p, band) for p, band in zip(pictures, bands, strict=True)]


def _unrest(truths: list[Matted], alphas: list[Any], k: int) -> float:
    wrong = [alphas[j] - truths[j].alpha for j in (k - 1, k, k + 1)]
    y, x = np.mgrid[0 : wrong[0].shape[0], 0 : wrong[0].shape[1]].astype(np.float32)
    near = 0
    for error, motion in ((wrong[2], truths[k].motion_px), (wrong[0], -truths[k - 1].motion_px)):
        near = near + cv2.remap(error, x + motion[..., 0], y + motion[..., 1], cv2.INTER_CUBIC) / 2
    soft = (truths[k].alpha > 0.01) & (truths[k].alpha < 0.99)
    return float(((wrong[1] - near)[soft] ** 2).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="320x240")
    width, height = (int(v) for v in parser.parse_args().size.split("x"))
    size, found = (width, height), peers()
    alphas(size, found)
    colours(size, found)
    keys(size)
    chatter(size)


if __name__ == "__main__":
    main()
