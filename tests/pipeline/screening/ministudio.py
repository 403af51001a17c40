"""A tiny show on disk with delivered versions: 64 x 36 px, 8 frames from 1001, real EXR files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from pipeline.io import exr

WIDTH, HEIGHT, FIRST, LAST = 64, 36, 1001, 1008


def make_show(root: Path, shots: tuple[str, ...] = ("bp_010_0010",), versions: int = 1, pixels: bool = True) -> Path:
    """A show file with shots below it, each with `versions` deliveries. pixels: without, only reports are written."""
    root.mkdir(parents=True, exist_ok=True)
    show = root / "show.toml"
    show.write_text('[show]\nname = "mini"\n', "utf-8")
    for name in shots:
        place = root / name
        place.mkdir()
        text = f'[shot]\nname = "{name}"\nversion = {versions}\n\n[plate]\npath = "plate.mov"\n'
        (place / "shot.toml").write_text(text, "utf-8")
        for version in range(1, versions + 1):
            deliver(place / "delivery", name, version, pixels)
    return show


def deliver(place: Path, name: str, version: int, pixels: bool = True) -> Path:
    """A delivery folder with report.json of the pipeline's shape; returns it."""
    folder = place / f"{name}_v{version:03d}"
    (folder / "exr").mkdir(parents=True)
    files = {}
    for frame in range(FIRST, LAST + 1):
        file = folder / "exr" / f"{name}_comp_v{version:03d}.{frame}.exr"
        if pixels:
            exr.write(file, {c: picture(frame, version)[..., i] for i, c in enumerate("RGB")})
            files[f"exr/{file.name}"] = hashlib.sha256(file.read_bytes()).hexdigest()
    report = {
        "shot": {"name": name, "version": version, "frames": f"{FIRST}-{LAST}", "rate": "24000/1001"},
        "plate": {"size_px": [WIDTH, HEIGHT], "pixel_aspect": 1.0, "timecode": "10:00:00:00"},
        "checks": [
            {"name": "frozen frames", "good": True, "said": "none", "limit": "no frame repeats the one before"},
            {"name": "reprojection error", "good": False, "said": "1.9 px", "limit": "at most 1 px"},
        ],
        "camera": {
            "solve": {
                "frames": [
                    {"frame": f, "error_px": 1.9 if f == 1005 else 0.1 + 0.01 * (f % 3)} for f in range(FIRST, LAST + 1)
                ]
            }
        },
        "comp": {"frames": {str(f): _figures(f) for f in range(FIRST, LAST + 1)}},
        "files": files,
    }
    (folder / "report.json").write_text(json.dumps(report), "utf-8")
    return folder


def picture(frame: int, version: int) -> np.ndarray:
    """Linear pixels (36, 64, 3): a ramp that moves with the frame."""
    ramp = (np.arange(WIDTH, dtype=np.float32)[None, :, None] + frame + 7 * version) % WIDTH / WIDTH
    return np.broadcast_to(ramp, (HEIGHT, WIDTH, 3)).astype(np.float32)


def _figures(frame: int) -> dict:
    off = 0.001 * (frame % 5)
    return {
        "grain_ratio": [1.0 + off, 1.0, 1.0 - off],
        "layers": {"crowd": {"black": [0.05, 0.05, 0.05 + off], "key": 0.18, "white": [0.7, 0.6, 0.5 + off]}},
        "plate": {"black": [0.04, 0.04, 0.04], "key": 0.18, "white": [1.2, 1.2, 1.2], "flicker": {"mean": 0.05 + off}},
    }
