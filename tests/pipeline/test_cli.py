"""The command line as a person meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def battleplate(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=120)


@pytest.mark.parametrize("command", ["init", "run", "status", "explain", "doctor", "demo"])
def test_help_tells_what_a_command_is_for(command):
    said = battleplate(command, "--help")

    assert said.returncode == 0
    assert len(said.stdout.split()) > 20


def test_a_new_show_says_what_is_missing(tmp_path):
    assert battleplate("init", "arena", cwd=tmp_path).returncode == 0

    said = battleplate("run", "arena/shot.toml", cwd=tmp_path)

    assert said.returncode == 1
    assert "plate.mov" in said.stderr
    assert said.stderr.count("\n") == 1


def test_status_and_explain_of_a_shot_that_was_never_run(tmp_path):
    battleplate("init", "arena", cwd=tmp_path)
    (tmp_path / "arena/plate.mov").write_bytes(b"not a movie")

    status = battleplate("status", "arena/shot.toml", cwd=tmp_path)
    explain = battleplate("explain", "arena/shot.toml", "ingest", cwd=tmp_path)

    assert status.stdout.count("waiting") >= 5
    assert "never been made" in explain.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "nothing.toml"], "there is no such file"),
        (["run", "arena"], "is a folder"),
        (["run", "arena/words.txt"], "is not valid TOML"),
        (["run", "arena/shot.toml", "--until", "compp"], "there is no such stage"),
        (["run", "arena/shot.toml", "--frames", "ten"], "is not understood"),
        (["run", "arena/shot.toml", "--set", "composite.light_wrap_pix=2"], "Did you mean 'light_wrap_px'"),
        (["run", "arena/shot.toml", "--set", "nonsense"], "write it as stage.setting=value"),
        (["explain", "arena/shot.toml", "ingst"], "there is no such stage"),
        (["init", "arena"], "is there already"),
    ],
)
def test_bad_input_gets_one_line_and_exit_1(tmp_path, arguments, message):
    battleplate("init", "arena", cwd=tmp_path)
    (tmp_path / "arena/plate.mov").write_bytes(b"not a movie")
    (tmp_path / "arena/words.txt").write_text("this is no shot file")

    said = battleplate(*arguments, cwd=tmp_path)

    assert said.returncode == 1
    assert message in said.stderr
    assert said.stderr.count("\n") == 1, said.stderr


def test_doctor_lists_versions_codecs_and_disk():
    said = battleplate("doctor")

    for word in ("torch", "pycolmap", "libx264", "GB free", "colour spaces"):
        assert word in said.stdout
