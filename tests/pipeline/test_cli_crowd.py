"""`battleplate crowd` as a person meets it."""

from __future__ import annotations

import pytest

from tests.commandline import battleplate


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
