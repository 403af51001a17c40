"""Three small stages that really write EXR frames: the machinery is tested on them, and killed in a process of its own.

As a program: `python -m tests.ministages SHOT.toml [WORKERS]` runs them.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.crowd_sections import CrowdBrief
from pipeline.errors import PlateError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.overlap import overlapped
from pipeline.sections import ShotInfo
from pipeline.stage import Finished, Kept, Progress, stage, unheard
from pipeline.types import Comp, Mattes, Plate

FRAMES = FrameRange(1001, 1008)
SIZE = (54, 96)


@dataclass(frozen=True, slots=True)
class Shoot:
    gain: float = 1.0


@stage
def shoot(shot: ShotInfo, params: Shoot, out: Path, progress: Progress, kept: Kept) -> Plate:
    """Make a plate of noise, once."""
    files = FrameFiles(out, "plate.%04d.exr", FRAMES)
    for frame in FRAMES:
        if files.path(frame) not in kept:
            noise = np.random.default_rng(frame).random((*SIZE, 3), np.float32) * params.gain
            exr.write_rgb(files.path(frame), noise)
            kept.note(files.path(frame))
        progress(FRAMES.index(frame) + 1, len(FRAMES), "shooting")
    return Plate(files, SIZE[1], SIZE[0], 1.0, FrameRate(24), "", "ACEScg")


@dataclass(frozen=True, slots=True)
class Matte:
    threshold: float = 0.5
    fail_at: int = 0


@stage
def matte(plate: Plate, params: Matte, frames: FrameRange, out: Path) -> Mattes:
    """Threshold each frame."""
    files = FrameFiles(out, "matte.%04d.exr", frames)
    for frame in frames:
        if frame == params.fail_at:
            raise PlateError(f"frame {frame}: asked to fail. Set fail_at to 0.")
        rgb = exr.read_rgb(plate.files.path(frame))
        exr.write(files.path(frame), {"A": (rgb.mean(axis=2) > params.threshold).astype(np.float16)})
    return Mattes(files, "automatic")


@dataclass(frozen=True, slots=True)
class Blur:
    passes: int = 2
    fail_at: int = 0


@stage
def blur(
    plate: Plate,
    mattes: Mattes,
    brief: CrowdBrief,
    params: Blur,
    frames: FrameRange,
    out: Path,
    finished: Finished = unheard,
) -> Comp:
    """Blur the plate where the matte is, with a figure per frame; reading and writing beside the work."""

    def comp_of(some: FrameRange) -> Comp:
        return Comp(FrameFiles(out, "comp.%04d.exr", some), FrameFiles(out, "figures.%04d.json", some))

    def blurred(frame: int, rgb: np.ndarray) -> np.ndarray:
        if frame == params.fail_at:
            raise PlateError(f"frame {frame}: asked to fail. Set fail_at to 0.")
        for _ in range(params.passes):
            rgb = (rgb + np.roll(rgb, 1, axis=0) + np.roll(rgb, 1, axis=1)) / np.float32(3)
        return rgb

    def write(frame: int, rgb: np.ndarray) -> None:
        comp = comp_of(frames)
        exr.write_rgb(comp.files.path(frame), rgb)
        comp.figures.path(frame).write_text(json.dumps({"mean": float(rgb.mean())}), encoding="utf-8")

    for frame in overlapped(frames, lambda frame: exr.read_rgb(plate.files.path(frame)), blurred, write):
        finished(frame, comp_of(FrameRange(frame, frame)))
    return comp_of(frames)


MINI = (shoot, matte, blur)


def hashes(build: Path) -> dict[str, str]:
    """SHA-256 of every result below `build`; logs, locks and temporary files are not results."""
    files = [f for f in build.rglob("*") if f.is_file() and "logs" not in f.parts and not f.name.startswith(".")]
    return {f.relative_to(build).as_posix(): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def main() -> None:
    """Run the stages on a shot file, as the command line does."""
    from rich.console import Console

    from pipeline.config import load_shot
    from pipeline.log import Reporter
    from pipeline.run import Wish, run

    shot = load_shot(Path(sys.argv[1]))
    workers = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    with Reporter(Console(quiet=True), shot.build / "logs") as report:
        run(shot, MINI, Wish(workers=workers), report)


if __name__ == "__main__":
    main()
