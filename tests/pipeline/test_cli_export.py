"""`battleplate crowd export` as a person meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def export(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    command = [sys.executable, "-m", "pipeline", "crowd", "export", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=120)


def test_help_says_what_each_form_is_good_for():
    said = export("--help")

    assert said.returncode == 0
    assert "--skel" in said.stdout
    assert "few hundred" in said.stdout


def test_a_wrong_ending_is_told_before_the_shot_is_solved(tmp_path):
    said = export("nothing.toml", "--usd", "crowd.fbx", cwd=tmp_path)

    assert said.returncode == 1
    assert "crowd.fbx: a stage is written as .usdc" in said.stderr
    assert said.stderr.count("\n") == 1
