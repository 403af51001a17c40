"""Plates that cannot be solved, as a person meets them: one line that names the frames and the cure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.scenes import Scene

ROOT = Path(__file__).parent.parent.parent
SCENE = Scene(width=320, height=180, frames=8)


def pictures() -> list[np.ndarray]:
    shown = [np.clip(SCENE.picture(frame), 0, 1) ** (1 / 2.2) for frame in SCENE.range]
    return [np.rint(255 * picture[..., ::-1]).astype(np.uint8) for picture in shown]


@pytest.mark.parametrize(
    ("what", "frames", "cure"),
    [
        ("strobe", "at frames 1002, 1003, 1004, 1005, 1006", "Even it out"),
        ("sizes", "frame 1005 (p.1005.png): 240 x 180 pixels", "Export one size only"),
        ("truncated", "frame 1003 (p.1003.png)", "Copy or export it again"),
        ("cut", "frame 1005: a cut", "solve the frames before and after as two shots"),
    ],
)
def test_a_bad_plate_ends_in_one_line(tmp_path: Path, what: str, frames: str, cure: str):
    for number, picture in enumerate(pictures()):
        if what == "strobe" and number % 2:
            picture = picture // 20
        if what == "sizes" and number > 3:
            picture = cv2.resize(picture, (240, 180))
        if what == "cut" and number > 3:
            picture = picture[::-1, ::-1]
        cv2.imwrite(str(tmp_path / f"p.{1001 + number}.png"), picture)
    if what == "truncated":
        broken = tmp_path / "p.1003.png"
        broken.write_bytes(broken.read_bytes()[:9000])
    plate = '[plate]\npath = "p.%04d.png"\ncolorspace = "sRGB - Texture"\n'
    (tmp_path / "shot.toml").write_text(f'[shot]\nname = "bad"\n{plate}')

    got = subprocess.run(
        [sys.executable, "-m", "pipeline", "run", "shot.toml", "--until", "solve_camera"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"},
        timeout=120,
    )

    said = [line for line in got.stderr.splitlines() if line and not line.startswith("libpng")]
    assert got.returncode == 1
    assert len(said) == 1
    assert frames in said[0]
    assert cure in said[0]
