"""A show of a few bytes, for decisions: show.toml, a shot file, one delivered version. Its frames are no pictures."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

SHOT = """# bp_010_0010: the valley
[shot]
name = "bp_010_0010"

[plate]
path = "plate.mov" # the camera original

[crowd]
seed = 7 # of everybody
dust = 0.4

[[crowd.zones]] # front rank
name = "front"
count = 60 # of them
polygon_m = [[0.0, 5.0], [9.0, 5.0], [9.0, 14.0]]
formation = "phalanx"
characters = { legionary = 0.9, officer = 0.1 }

[[crowd.zones]]
name = "rear"
density = 0.5
polygon_m = [[0.0, 25.0], [9.0, 25.0], [9.0, 34.0]]

[set]
seed = 3

[[set.pieces]]
name = "keep"
kind = "keep"
distance_m = 150.0
width_m = 30.0 # to the ridge
seed = 1
"""


def write_show(root: Path, review: str = "", shot: str = SHOT) -> Path:
    """show.toml in `root` and the shot in root/shot; returns the shot file."""
    root.mkdir(exist_ok=True)
    (root / "show.toml").write_text(f'[show]\nname = "small"\n\n{review}')
    file = root / "shot" / "shot.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(shot)
    return file


def write_version(shot_file: Path, version: int = 1, frames: int = 8) -> Path:
    """A delivery beside the shot file, as `deliver` lays it out; returns its folder."""
    name = f"bp_010_0010_comp_v{version:03d}"
    folder = shot_file.parent / "delivery" / f"bp_010_0010_v{version:03d}"
    content = {f"exr/{name}.{1001 + i}.exr": f"pixels {version} {i}".encode() * 9 for i in range(frames)}
    content[f"{name}.mp4"] = b"a movie"
    for path, data in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    report = {
        "files": {path: hashlib.sha256(data).hexdigest() for path, data in content.items()},
        "shot": {"name": "bp_010_0010", "version": version, "rate": "24000/1001", "frames": [1001, 1000 + frames]},
    }
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "report.html").write_text("<p>report</p>")
    return folder


def frame_of(folder: Path, frame: int) -> Path:
    """The file of a delivered frame."""
    return next(folder.glob(f"exr/*.{frame}.exr"))
