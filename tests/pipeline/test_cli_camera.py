"""`battleplate export` and `battleplate calibrate-lens` as a person meets them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from calibration.cameras import world_from_camera
from calibration.lensfile import read_lens, write_lens
from calibration.solve import evaluate
from pipeline.io import images
from pipeline.io.chan import read_chan
from tests.calibration.test_chart import TILTS, TRUE, checkerboard, views
from tests.scenes import Scene

ROOT = Path(__file__).parent.parent.parent


def battleplate(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", "shot.toml"), "nothing is asked for. Add --chan FILE"),
        (("export", "shot.toml", "--chan", "c.chan", "--rotation-order", "XXY"), "must be one of XYZ"),
        (("calibrate-lens", "chart", "--board", "9", "--square-mm", "25"), "--board 9: write columns and rows"),
        (("calibrate-lens", "chart", "--board", "9x6", "--square-mm", "25"), "0 of 1 frames show the whole chart"),
    ],
)
def test_what_cannot_be_done_is_one_line(tmp_path: Path, arguments: tuple[str, ...], said: str):
    (tmp_path / "chart").mkdir()
    cv2.imwrite(str(tmp_path / "chart" / "IMG_0042.jpg"), np.full((90, 160, 3), 128, np.uint8))

    got = battleplate(*arguments, cwd=tmp_path)

    assert got.returncode == 1
    assert said in got.stderr
    assert got.stderr.count("\n") == 1


def test_a_chart_is_measured_and_the_lens_held_by_a_solve_that_is_exported(tmp_path: Path):
    """Chart to lens file, lens file into the solve, the solve out to three formats, one of them back in as the track."""
    scene = Scene(width=320, height=180, frames=8, step_m=(0.1, 0.0, -0.06))
    for number, (_, grey) in enumerate(views(checkerboard(), TILTS)):
        images.write_png(tmp_path / "chart" / f"view.{number:04d}.png", grey)
    for frame in scene.range:
        shown = np.clip(scene.picture(frame), 0, 1) ** (1 / 2.2)
        images.write_png(tmp_path / "plate" / f"p.{frame}.png", np.rint(255 * shown).astype(np.uint8))
    plate = '[plate]\npath = "plate/p.%04d.png"\ncolorspace = "sRGB - Texture"\n[camera]\nheight_m = 1.7\n'
    (tmp_path / "a.toml").write_text(f'[shot]\nname = "a"\n{plate}[solve]\nlens = "lens.json"\nmove = "free"\n')
    (tmp_path / "b.toml").write_text(f'[shot]\nname = "b"\n{plate}[solve]\ntrack = "cam.usda"\n')

    measured = battleplate("calibrate-lens", "chart", "--board", "9x6", "--square-mm", "25", cwd=tmp_path)
    lens = read_lens(tmp_path / "lens.json", 480, 270, 1.0)
    write_lens(tmp_path / "lens.json", scene.lens, {})  # the scene's own, in the file's own form
    outs = ("--chan", "cam.chan", "--colmap", "model", "--usd", "cam.usda", "--stmaps", "maps")
    exported = battleplate("export", "a.toml", *outs, cwd=tmp_path)
    again = battleplate("export", "b.toml", "--chan", "again.chan", cwd=tmp_path)

    assert (measured.returncode, exported.returncode, again.returncode) == (0, 0, 0)
    assert lens.focal_x_px == pytest.approx(TRUE.focal_x_px, rel=0.01)
    out, back = (read_chan(tmp_path / name) for name in ("cam.chan", "again.chan"))
    truth = np.stack([scene.camera_from_world(frame) for frame in scene.range])
    solved = world_from_camera(out.world_from_camera @ np.diag([1.0, -1.0, -1.0, 1.0]))
    assert evaluate.compare(solved, truth).ate_of_path < 0.02
    np.testing.assert_allclose(back.world_from_camera, out.world_from_camera, atol=1e-4)
    assert {p.name for p in (tmp_path / "model").iterdir()} >= {"cameras.txt", "images.txt", "points3D.txt"}
    assert (tmp_path / "maps" / "undistort.exr").is_file()
