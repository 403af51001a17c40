"""`battleplate set` on the command line: what cannot be shown gets one line."""

from __future__ import annotations

import pytest

from tests.commandline import battleplate


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
