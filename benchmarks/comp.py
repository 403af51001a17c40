"""Our compositing kernels beside NumPy, OpenCV and OpenColorIO, in one run on one machine: `make bench-comp`.

Times are the best of several runs; only ratios mean anything on a shared machine. `--size 1920x1080` changes the picture.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import cv2
import numba
import numpy as np

from pipeline.kernels import color, fused, merge
from pipeline.kernels.color import LUMINANCE, Grade
from pipeline.kernels.grain import Grain, add_grain

GRADE = Grade(0.3, (1.05, 1.0, 0.95), (0.004, 0.004, 0.004), (1.0, 1.0, 1.0), 0.9)


def best_ms(work: Callable[[], object], runs: int = 5) -> float:
    """Milliseconds of the fastest of `runs`, after one to warm up."""
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1e3 * min(times)


def numpy_grade(rgba: np.ndarray) -> np.ndarray:
    alpha = rgba[..., 3:]
    rgb = rgba[..., :3] / np.maximum(alpha, np.float32(1e-6))
    gain = np.array(GRADE.slope, np.float32) * np.float32(2**GRADE.exposure_ev)
    rgb = rgb * gain + np.array(GRADE.offset, np.float32)
    grey = (rgb @ LUMINANCE)[..., None]
    return np.concatenate([(grey + (rgb - grey) * np.float32(GRADE.saturation)) * alpha, alpha], axis=2)


def numpy_grain(plate: np.ndarray, picture: np.ndarray, kept: np.ndarray, grain: Grain) -> np.ndarray:
    white = np.random.default_rng(1).standard_normal(picture.shape, np.float32)
    noise = np.stack([cv2.filter2D(white[..., c], -1, grain.kernels[c]) for c in range(3)], axis=2) @ grain.mix.T
    had, wants = (
        np.stack([np.interp(p[..., c], grain.levels[c], grain.sigmas[c]) for c in range(3)], axis=2) ** 2
        for p in (plate, picture)
    )
    return picture + np.sqrt(np.maximum(wants - kept[..., None] ** 2 * had, 0)).astype(np.float32) * noise


def ocio_grade(width: int, height: int) -> Callable[[np.ndarray], None]:
    """OpenColorIO's CPU processor for the same exposure, CDL and saturation, on opaque pixels: it does not premultiply."""
    import PyOpenColorIO as ocio

    cdl = ocio.CDLTransform()
    cdl.setSlope([s * 2**GRADE.exposure_ev for s in GRADE.slope])
    cdl.setOffset(list(GRADE.offset))
    cdl.setSat(GRADE.saturation)
    cdl.setStyle(ocio.CDL_NO_CLAMP)
    processor = ocio.Config.CreateRaw().getProcessor(cdl).getDefaultCPUProcessor()
    return lambda rgba: processor.apply(ocio.PackedImageDesc(rgba, width, height, 4))


def profile() -> Grain:
    taps = np.outer([1, 2, 4, 2, 1], [1, 2, 4, 2, 1]).astype(np.float32)
    kernels = np.tile(taps / np.sqrt((taps**2).sum()), (3, 1, 1))
    levels = np.linspace(0, 2, 16, dtype=np.float32)
    sigmas = np.sqrt(1e-5 + 4e-4 * levels).astype(np.float32)
    return Grain(np.tile(levels, (3, 1)), np.tile(sigmas, (3, 1)), kernels, np.eye(3, dtype=np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1920x1080")
    width, height = (int(v) for v in parser.parse_args().size.split("x"))
    random, grain, grade = np.random.default_rng(1), profile(), ocio_grade(width, height)
    front, out, scratch = (random.random((height, width, 4), np.float32) for _ in range(3))
    front[..., :3] *= front[..., 3:]
    back = np.ascontiguousarray(scratch[::-1])
    plate = np.ascontiguousarray(back[..., :3])
    picture, kept = np.empty_like(plate), np.ascontiguousarray(1 - front[..., 3])
    target = front.copy()
    cv2.setNumThreads(numba.get_num_threads())

    def ours() -> None:
        color.grade(front, GRADE, out)
        picture[:] = plate
        fused.lay_over(out, picture, np.ones_like(kept))
        add_grain(plate, picture, kept, grain, 1, 1001, picture)
        picture.astype(np.float16)

    def chain() -> None:
        graded = numpy_grade(front)
        merged = graded[..., :3] + (1 - graded[..., 3:]) * plate
        numpy_grain(plate, merged, kept, grain).astype(np.float16)

    rows: list[tuple[str, dict[str, Callable[[], object]]]] = [
        ("over", {"ours": lambda: merge.over(front, back, out), "NumPy": lambda: front + (1 - front[..., 3:]) * back,
                  "OpenCV": lambda: cv2.add(front, cv2.multiply(back, cv2.merge([1 - front[..., 3]] * 4)))}),
        ("grade", {"ours": lambda: color.grade(front, GRADE, out), "NumPy": lambda: numpy_grade(front),
                   "OpenColorIO": lambda: grade(scratch)}),
        ("grain 5 x 5", {"ours": lambda: add_grain(plate, plate, kept, grain, 1, 1001, picture),
                         "NumPy + OpenCV": lambda: numpy_grain(plate, plate, kept, grain)}),
        ("grade, over, grain, half", {"ours": ours, "NumPy + OpenCV": chain}),
    ]  # fmt: skip
    copy_ms = best_ms(lambda: np.copyto(target, front))
    print(
        f"{width} x {height}; copying {front.nbytes / 1e6:.0f} MB takes {copy_ms:.1f} ms; {numba.get_num_threads()} thread(s)"
    )
    for name, contenders in rows:
        times = {who: best_ms(work) for who, work in contenders.items()}
        others = ", ".join(
            f"{who} {ms:.1f} ms = {ms / times['ours']:.1f}x" for who, ms in times.items() if who != "ours"
        )
        print(f"{name:26} ours {times['ours']:7.1f} ms; {others}")


if __name__ == "__main__":
    main()
