"""`battleplate export` and `battleplate calibrate-lens` as a person meets them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

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
