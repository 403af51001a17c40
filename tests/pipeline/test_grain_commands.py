"""`battleplate grain`: a profile leaves a finished shot and is read again, by the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from calibration.look.color import Tone
from calibration.look.haze import Haze
from calibration.look.measured import LookFigures, write_look
from calibration.look.stock import read_stock
from pipeline.__main__ import app
from pipeline.io import exr
from pipeline.io.images import read_png
from tests.calibration.look.test_stock import profile

SHOT = '[shot]\nname = "a_010"\n\n[plate]\npath = "plate.exr"\n'


@pytest.fixture
def shot(tmp_path):
    """A shot whose plate was taken in and measured."""
    (tmp_path / "shot.toml").write_text(SHOT)
    (tmp_path / "show.toml").write_text('[show]\nname = "a"\n')
    for stage in ("ingest", "measure_look"):
        folder = tmp_path / "build" / "a_010" / stage / "0123"
        folder.mkdir(parents=True)
        (folder.parent / "latest.json").write_text(json.dumps({"fingerprint": "0123"}))
        (folder / "receipt.json").write_text("{}")
        if stage == "ingest":
            exr.write_rgb(folder / "plate.1001.exr", np.zeros((4, 480, 3), np.float32))
        else:
            tone = Tone(0.2, (0.0,) * 3, (1.0,) * 3)
            write_look(
                folder / "look.json", LookFigures(profile(), tone, Haze((0.5,) * 3, 0.0, "none"), 0.7, 9, "9 blocks")
            )
    return tmp_path / "shot.toml"


def test_what_was_measured_is_kept_shown_and_drawn(shot, tmp_path):
    file, picture = tmp_path / "stock.json", tmp_path / "stock.png"
    saved = CliRunner().invoke(app, ["grain", "save", str(shot), str(file), "--name", "Test stock"])
    assert saved.exit_code == 0, saved.output
    stock = read_stock(file)
    assert (stock.name, stock.width_px, stock.note) == ("Test stock", 480, "9 blocks")
    np.testing.assert_allclose(stock.grain.sigmas, profile().sigmas, atol=1e-8)

    shown = CliRunner().invoke(app, ["grain", "show", str(file), "--picture", str(picture)])
    assert shown.exit_code == 0, shown.output
    assert "Test stock: 480 px wide" in shown.output
    assert "correlation red-green" in shown.output
    assert "patches of 24 px: the size scatters by 35% from place to place" in shown.output
    assert "flecks of 6 px over them: by 22%" in shown.output
    assert "over the picture's activity: 1.00 / 1.00 at 0.2, 1.50 / 1.25 at 2" in shown.output
    assert read_png(picture).shape[:2] == (96, 480)


def test_a_shot_that_was_not_measured_says_so(tmp_path):
    (tmp_path / "shot.toml").write_text(SHOT)
    failed = CliRunner().invoke(app, ["grain", "save", str(tmp_path / "shot.toml"), str(tmp_path / "stock.json")])
    assert failed.exit_code == 1
    assert "Run the shot" in str(failed.exception)
