"""Colour difference before a green or blue screen: how much of the screen is left in a pixel, and how much falls on people."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.bands import banded
from pipeline.kernels.check import same_rgb, shaped

Floats = NDArray[np.float32]


def remaining(picture: Floats, screen: Floats, primary: int, out: Floats) -> None:
    """Share of the screen that is left in each pixel: its colour difference over the bare screen's, not clamped.

    picture, screen: (H, W, 3) float32 scene-linear; screen: what the bare screen would show at that pixel; primary: its
    strongest channel; out: (H, W) float32. The colour difference is the primary less the larger of the other two: 1 on the
    bare screen, 0 on greys, below 0 on colours opposite to it. Where the screen has no such difference, 0.

    Source: Vlahos, US patent 3,595,987 (1971); Smith and Blinn, "Blue screen matting", SIGGRAPH 1996.
    """
    size = same_rgb(picture=picture, screen=screen)
    shaped(size, out=out)
    banded(_remaining, len(out), picture, screen, *_channels(primary), out)


def despill(colour: Floats, screen: Floats, primary: int, mean: float, out: Floats, taken: Floats) -> None:
    """Take the screen's light off people: out = colour - taken * screen, so that no colour difference is left.

    colour, screen, out: (H, W, 3) float32 scene-linear; taken: (H, W) float32, filled with how much of the screen went.
    mean: what the primary may reach: 0 the larger of the other channels (yellow cloth stays), 1 their mean (skin comes
    out less green), or between. The screen's own colour goes, not its primary alone: in a wide space such as ACEScg green
    light is in all channels. No channel falls below 0. NaN stays NaN.
    """
    size = same_rgb(colour=colour, screen=screen, out=out)
    shaped(size, taken=taken)
    banded(_despill, len(out), colour, screen, *_channels(primary), np.float32(mean), out, taken)


def _channels(primary: int) -> tuple[int, int, int]:
    if primary not in (0, 1, 2):
        raise ValueError(f"primary is {primary}; wanted 0, 1 or 2.")
    return primary, (primary + 1) % 3, (primary + 2) % 3


@njit(inline="always")
def _over_limit(p, a, b, mean):
    most = max(a, b)
    return p - most - mean * (np.float32(0.5) * (a + b) - most)


@njit(nogil=True, cache=True, error_model="numpy")
def _remaining(top, bottom, picture, screen, p, a, b, out):
    _, width, _ = picture.shape
    for y in range(top, bottom):
        for x in range(width):
            bare = screen[y, x, p] - max(screen[y, x, a], screen[y, x, b])
            left = picture[y, x, p] - max(picture[y, x, a], picture[y, x, b])
            out[y, x] = left / bare if bare > np.float32(1e-6) else np.float32(0)


@njit(nogil=True, cache=True, error_model="numpy")
def _despill(top, bottom, colour, screen, p, a, b, mean, out, taken):
    _, width, _ = colour.shape
    for y in range(top, bottom):
        for x in range(width):
            bare = _over_limit(screen[y, x, p], screen[y, x, a], screen[y, x, b], mean)
            share = np.float32(0)
            if bare > np.float32(1e-6):
                share = max(_over_limit(colour[y, x, p], colour[y, x, a], colour[y, x, b], mean) / bare, np.float32(0))
                for c in range(3):  # a channel at 0 has no more of the screen to give
                    if share * screen[y, x, c] > colour[y, x, c]:
                        share = max(colour[y, x, c], np.float32(0)) / screen[y, x, c]
            taken[y, x] = share
            for c in range(3):
                out[y, x, c] = colour[y, x, c] - share * screen[y, x, c]
