"""A real plate's grain against ours: no truth is known, so both are taken out of the picture the same way and compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.grain_detect import PATCH, compared
from benchmarks.grain_peers import Array, Made, autoregressive, difference, scattered
from calibration.look.coding import coding_of
from calibration.look.degrain import degrain
from calibration.look.grain import measure_grain
from calibration.look.grainblocks import Blocks, match_blocks
from calibration.look.motion import dense_motion, laid_on
from pipeline.io import exr
from pipeline.kernels.grain import Grain, add_grain

PAIRS = 4  # of neighbouring frames, spread over the plate, on which grain is measured; the test takes others
CHOSEN = 3  # one of so many patches is looked at, those with the least picture in them


def real_rows(folder: Path, space: str, peers: bool = True) -> Iterator[tuple[str, dict[str, float]]]:
    """Figures, way by way, of the plate's EXR frames in `folder` (ingest's), that were coded in `space`: a half of its pairs
    measured, the other half made and named.

    The first of a pair of neighbours is degrained, moved as the second is, and both are given the grain: a degrained second
    would bring along what its codec changed. What motion-compensated differences of the real and of the made pair leave
    is compared at the same places. `floor` is the real pair two frames before against the real one.
    """
    files = sorted(folder.glob("*.exr"))
    starts = np.linspace(2, len(files) - 4, 2 * PAIRS).astype(int)
    measured = ((exr.read_rgb(files[k]), exr.read_rgb(files[k + 1])) for k in starts[::2])
    grain = measure_grain(measured, coding=coding_of(space)).grain
    shown = [[exr.read_rgb(f) for f in files[k - 2 : k + 4]] for k in starts[1::2]]
    still = [degrain(s[2], grain, [s[0], s[1], *s[3:5]]) for s in shown]
    clean = [
        (picture, laid_on(picture, dense_motion(s[3], s[2]), cv2.INTER_LANCZOS4))
        for picture, s in zip(still, shown, strict=True)
    ]
    real = [match_blocks(s[2], s[3], PATCH) for s in shown]
    before = [match_blocks(s[0], s[1], PATCH) for s in shown]
    yield "floor", _figures(real, before)
    ways: dict[str, Made] = {"ours": lambda picture, frame: _ours(picture, grain, frame)}
    if peers:
        kept = difference([exr.read_rgb(f) for f in files[starts[0] - 2 : starts[0] + 3]], grain)
        ways |= {"DasGrain-style": scattered(*kept), "AV1-style AR(3)": autoregressive(*kept)}
    for name, way in ways.items():
        pairs = [[c + way(c, 2 * n + k) for k, c in enumerate(both)] for n, both in enumerate(clean)]
        yield name, _figures(real, [match_blocks(one, two, PATCH) for one, two in pairs])


def _ours(picture: Array, grain: Grain, frame: int) -> Array:
    out = np.empty_like(picture)
    add_grain(picture, picture, np.zeros(picture.shape[:2], np.float32), grain, 1, frame, out)
    return np.asarray(out - picture, np.float32)


def _figures(real: list[Blocks], made: list[Blocks]) -> dict[str, float]:
    one, other = (np.concatenate(rests) for rests in zip(*map(_at_same, real, made), strict=True))
    return compared(one, other)


def _at_same(real: Blocks, made: Blocks) -> tuple[Array, Array]:
    """What differs in the real pair and in the made one, (N, PATCH, PATCH, 3) each, at the places that both have and
    where the real one shows the least picture."""
    shared = {tuple(at): k for k, at in enumerate(made.place)}
    both = np.array([(k, shared[tuple(at)]) for k, at in enumerate(real.place) if tuple(at) in shared])
    rough = real.pixels[both[:, 0]].var(axis=(1, 2)).sum(axis=1)
    chosen: NDArray[np.intp] = both[np.argsort(rough)[: len(rough) // CHOSEN]]
    return real.rest[chosen[:, 0]], made.rest[chosen[:, 1]]
