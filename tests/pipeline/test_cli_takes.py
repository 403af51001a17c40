"""`battleplate takes` as a person meets it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.__main__ import app
from pipeline.io.images import read_png

ROOT = Path(__file__).parent.parent.parent
SHOT = """
[shot]
name = "sh_0010"
[plate]
path = "plate.mov"
[[crowd.zones]]
name = "a"
count = 3
polygon_m = [[0, 8], [4, 8], [4, 12]]
characters = { peasant = 1, archer = 1 }
[[set.pieces]]
name = "gate"
base_px = [10, 10]
"""


def battleplate(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "160"}
    command = [sys.executable, "-m", "pipeline", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=environment, timeout=120)


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    """A show of which one character has two takes."""
    folder = tmp_path_factory.mktemp("show")
    (folder / "show.toml").write_text('[crowd.picks]\npeasant = "t02"\n[stages.generate_crowd]\nsteps = 1\n')
    (folder / "shot.toml").write_text(SHOT)
    said = CliRunner().invoke(app, ["takes", "propose", str(folder / "shot.toml"), "--of", "peasant", "--count", "2"])
    assert said.exit_code == 0, said.output
    return folder


def test_a_proposal_is_a_sheet_to_pick_from(show):
    folder = show / "build/_show/takes/builtin/peasant"

    assert read_png(folder / "contact_sheet.png").shape[1] > 6 * 128
    assert len(list(folder.glob("t0?.*.exr"))) == 2


def test_takes_are_listed_with_the_pick(show):
    said = battleplate("takes", "list", "shot.toml", cwd=show)

    lines = [line.split() for line in said.stdout.splitlines()]
    assert lines[1:] == [
        ["peasant", "t01", "1", "builtin", "0.00"],
        ["peasant", "t02", "picked", "2", "builtin", "0.00"],
    ]


def test_a_take_is_explained(show):
    said = battleplate("takes", "explain", "shot.toml", "peasant", "t02", cwd=show)

    assert said.returncode == 0
    for word in ("seed         2", "builtin", "request 6", "version 1", "propose shot.toml --of peasant --count 2"):
        assert word in said.stdout
    assert "recipe has changed" not in said.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["explain", "shot.toml", "peasant", "t09"], "peasant has no take 't09'. Takes: t01, t02."),
        (["explain", "shot.toml", "gate", "t01"], "gate: no takes were proposed. Run: battleplate takes propose"),
        (["propose", "shot.toml", "--of", "moat"], "In this shot: archer, peasant, gate"),
        (["propose", "nothing.toml"], "there is no such file"),
    ],
)
def test_bad_input_gets_one_line_and_exit_1(show, arguments, message):
    said = battleplate("takes", *arguments, cwd=show)

    assert said.returncode == 1
    assert message in said.stderr
    assert said.stderr.count("\n") == 1, said.stderr


def test_help_tells_how_to_pick():
    assert 'legionary = "t02"' in battleplate("takes", "propose", "--help").stdout
