"""A real plate's grain against ours: no truth is known, so both are taken out of the picture the same way and compared."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.grain_detect import PATCH, detection
from benchmarks.grain_peers import Array
from calibration.look.degrain import degrain
from calibration.look.grain import measure_grain
from calibration.look.grainblocks import match_blocks
from pipeline.io import exr
from pipeline.kernels.grain import Grain, add_grain

PAIRS = 4  # of neighbouring frames, spread over the plate, on which grain is measured; the test takes others


def real_rows(folder: Path) -> dict[str, float]:
    """Figures of the plate's EXR frames in `folder` (ingest's): a half of them measured, the other half made and named.

    A pair of neighbours is degrained and given our grain; what motion-compensated differences of the real and of the made
    pair leave is compared, where the real pair's is smoothest.
    """
    files = sorted(folder.glob("*.exr"))
    starts = np.linspace(2, len(files) - 4, 2 * PAIRS).astype(int)
    grain = measure_grain((exr.read_rgb(files[k]), exr.read_rgb(files[k + 1])) for k in starts[::2]).grain
    real, made = (np.concatenate(rests) for rests in zip(*(_pair(files, k, grain) for k in starts[1::2]), strict=True))
    ratio = np.sqrt(
        (made.astype(np.float64) ** 2).mean(axis=(0, 1, 2)) / (real.astype(np.float64) ** 2).mean(axis=(0, 1, 2))
    )
    return {
        "patches": len(real),
        "sigma off %": 100 * float(np.abs(ratio - 1).max()),
        "detected": detection(real, made),
    }


def _pair(files: list[Path], at: int, grain: Grain) -> tuple[Array, Array]:
    """What differs in the real pair at `at` and in the made one, (N, PATCH, PATCH, 3) each, at the same places."""
    shown = [exr.read_rgb(f) for f in files[at - 2 : at + 4]]
    made = []
    for k in (2, 3):
        clean = degrain(shown[k], grain, [shown[k - 2], shown[k - 1], shown[k + 1], *shown[k + 2 : k + 3]])
        out = np.empty_like(clean)
        add_grain(clean, clean, np.zeros(clean.shape[:2], np.float32), grain, 1, at + k, out)
        made.append(out)
    real, ours = match_blocks(shown[2], shown[3], PATCH), match_blocks(made[0], made[1], PATCH)
    count = min(len(real.rest), len(ours.rest))
    rough = real.pixels[:count].var(axis=(1, 2)).sum(axis=1)
    chosen = np.argsort(rough)[: count // 3]
    return real.rest[:count][chosen], ours.rest[:count][chosen]
