"""Make the demo plate and its truth again: `python -m assets.demo.make_plate`.

Writes plate.mov (10-bit camera log) and truth/ (camera.json, depth/, mattes/) beside this file, or into --out. Equal seeds,
equal bytes. Takes about 3 minutes to build and light the valley, then 6 s a frame, all of one core; 3 GB of memory.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from assets.demo import camera
from assets.demo.film import LOG, develop, soften
from assets.demo.light import bake
from assets.demo.mesh import Floats
from assets.demo.render import Set, prepare, render_frame
from assets.demo.scene import build_scene
from assets.demo.terrain import height_m
from pipeline.frames import FrameRange, FrameRate

HERE = Path(__file__).parent
CRF = 8  # of the movie: 4 MB, with the grain still in it


def camera_truth() -> dict[str, object]:
    """Everything about the camera: lens, one pose per frame, and what a camera report would say."""
    poses = {str(frame): camera.camera_from_world(frame).tolist() for frame in camera.FRAMES}
    first = camera.camera_from_world(camera.FRAMES.first)
    eye = -first[:3, :3].T @ first[:3, 3]
    ground = float(height_m(eye[:1], -eye[2:], 0.5)[0])
    return {
        "conventions": "metres, Y up; camera_from_world, x right, y down, z into the scene; pixel centres at .5; "
        "a frame's pose is that of the middle of its shutter",
        "lens": asdict(camera.LENS),
        "frames": [camera.FRAMES.first, camera.FRAMES.last],
        "frame_rate": str(FrameRate(camera.RATE)),
        "shutter_deg": 360 * camera.SHUTTER,
        "focal_mm": camera.FOCAL_MM,
        "sensor_width_mm": camera.SENSOR_WIDTH_MM,
        "height_m": round(float(eye[1]) - ground, 4),
        "colorspace": LOG,
        "camera_from_world": poses,
        "depth": "depth/depth.%04d.exr, channel Z, half: metres along camera z at the pixel's centre, +inf for sky",
        "mattes": "mattes/matte.%04d.png, 8 bit: the part of the pixel and of the shutter that the actors cover",
    }


def frames(scene: Set, which: FrameRange, samples: int, truth: Path) -> Iterator[Floats]:
    """Camera log frames one by one; each one's truth is written on the way."""
    from pipeline.io import exr, images

    for frame in which:
        shot = render_frame(scene, camera.LENS, frame, samples)
        exr.write(truth / "depth" / f"depth.{frame:04d}.exr", {"Z": shot.depth.astype(np.float16)})
        matte = (np.clip(soften(shot.matte), 0, 1) * 255 + 0.5).astype(np.uint8)
        images.write_png(truth / "mattes" / f"matte.{frame:04d}.png", matte)
        yield develop(shot.rgb, frame)


def main() -> None:
    """Build, light, film."""
    from pipeline.io.files import write_bytes
    from pipeline.io.video import write_log_movie

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE)
    parser.add_argument("--frames", type=FrameRange.parse, default=camera.FRAMES)
    parser.add_argument("--samples", type=int, default=8, help="moments of the open shutter")
    parser.add_argument("--detail", type=float, default=1.0, help="mesh density; less is quicker")
    chosen = parser.parse_args()
    truth = chosen.out / "truth"
    for folder in ("depth", "mattes"):
        (truth / folder).mkdir(parents=True, exist_ok=True)
    mesh = build_scene(chosen.detail)
    scene = prepare(mesh, bake(mesh))
    plate = frames(scene, chosen.frames, chosen.samples, truth)
    write_log_movie(chosen.out / "plate.mov", plate, FrameRate(camera.RATE), crf=CRF, timecode="10:00:00:00")
    write_bytes(truth / "camera.json", json.dumps(camera_truth(), indent=1, sort_keys=True).encode())


if __name__ == "__main__":
    main()
