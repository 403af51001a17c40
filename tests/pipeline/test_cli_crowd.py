"""`battleplate crowd` as a person meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def battleplate(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.parametrize(
    ("command", "word"), [("preview", "crowd.html"), ("pick", "overrides"), ("guides", "Cryptomatte")]
)
def test_help_tells_what_a_crowd_command_is_for(command, word):
    said = battleplate("crowd", command, "--help")

    assert said.returncode == 0
    assert word in said.stdout
    assert len(said.stdout.split()) > 40


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pick", "arena/shot.toml", "--frame", "1001", "--at", "ten"], "Write a pixel of the plate as X,Y"),
        (["pick", "arena/shot.toml", "--frame", "1001", "--at", "1,2,3"], "Write a pixel of the plate as X,Y"),
        (["preview", "arena/shot.toml", "--frames", "ten"], "is not understood"),
        (["preview", "nothing.toml"], "there is no such file"),
        (["guides", "arena/shot.toml"], "Run first: battleplate run arena/shot.toml --until lay_out_crowd"),
        (["guides", "arena/shot.toml", "--family", "sd9"], "Take one of: sd15, sdxl, flux, qwen, wan"),
        (["preview", "arena/shot.toml"], "plate.mov"),
    ],
)
def test_bad_input_gets_one_line_and_exit_1(tmp_path, arguments, message):
    assert battleplate("init", "arena", cwd=tmp_path).returncode == 0

    said = battleplate("crowd", *arguments, cwd=tmp_path)

    assert said.returncode == 1
    assert message in said.stderr
    assert said.stderr.count("\n") == 1, said.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["preview", "nothing.toml"], "there is no such file"), (["preview", "arena/shot.toml", "--frames", "ten"], "is not understood")],
)  # fmt: skip
def test_a_set_that_cannot_be_shown_gets_one_line(tmp_path, arguments, message):
    assert battleplate("init", "arena", cwd=tmp_path).returncode == 0

    said = battleplate("set", *arguments, cwd=tmp_path)

    assert said.returncode == 1
    assert message in said.stderr
    assert said.stderr.count("\n") == 1, said.stderr
