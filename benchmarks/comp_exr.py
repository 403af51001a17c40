"""End to end: read plate and layer, grade, over, grain and half, write; beside the reading and writing alone, in one run."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from pipeline.io import exr
from pipeline.kernels import color, fused
from pipeline.kernels.color import Grade
from pipeline.kernels.grain import Grain
from pipeline.kernels.planes import to_pixels
from pipeline.overlap import overlapped

FRAMES, BEFORE = 20, 4  # how many are made, and of them before the clock starts: a shot is long


def ratio(front: np.ndarray, plate: np.ndarray, by: Grade, grain: Grain) -> tuple[float, float]:
    """Seconds a frame of (coding alone, coding and comp) in the middle of a shot, best of three interleaved runs each.

    front (4, H, W) and plate (3, H, W) float16; files are half, ZIP; reading, computing and writing overlap in both, and both
    write the same picture: how long deflate takes depends on it.
    """
    comp = comped(by, grain)
    made = comp(plate, front, 1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        exr.write(folder / "plate.exr", dict(zip("RGB", plate, strict=True)))
        exr.write(folder / "layer.exr", dict(zip("RGBA", front, strict=True)))
        best = [1e9, 1e9]
        for _ in range(3):
            for k, work in enumerate((lambda shot, layer, frame: made, comp)):
                best[k] = min(best[k], _frames(folder, work))
    return best[0], best[1]


def comped(by: Grade, grain: Grain):  # type: ignore[no-untyped-def]
    def work(plate: np.ndarray, layer: np.ndarray, frame: int) -> np.ndarray:
        rgba, picture, shot = to_pixels(list(layer)), to_pixels(list(plate)), np.stack(list(plate), axis=2)
        kept = np.ones(shot.shape[:2], np.float16)
        color.grade(rgba, by, rgba)
        fused.lay_over(rgba, picture, kept)
        _, final = fused.finish(shot, picture, kept, grain, 1, frame)
        return np.ascontiguousarray(np.moveaxis(final, 2, 0))

    return work


def _frames(folder: Path, work) -> float:  # type: ignore[no-untyped-def]
    def read(frame: int) -> tuple[np.ndarray, np.ndarray]:
        shot, layer = (exr.read(folder / n).channels for n in ("plate.exr", "layer.exr"))
        return np.stack([shot[c] for c in "RGB"]), np.stack([layer[c] for c in "RGBA"])

    def write(frame: int, planes: np.ndarray) -> None:
        exr.write(folder / f"comp.{frame}.exr", dict(zip("RGB", planes, strict=True)))

    done = overlapped(range(FRAMES), read, lambda frame, given: work(*given, frame), write)
    written = [time.perf_counter() for _ in done]
    return (written[-1] - written[BEFORE - 1]) / (FRAMES - BEFORE)
