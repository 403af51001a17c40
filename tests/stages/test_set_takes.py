"""`battleplate takes propose` for a set piece, by the command line: the shot is run as far as its set, and a pick is painted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import stages
from assets.takes.record import read_sheet
from pipeline.__main__ import app
from pipeline.frames import FrameFiles
from pipeline.io.images import read_png
from pipeline.run import Wish, run
from pipeline.stage import stage
from pipeline.types import Mattes, Plate
from stages.choose_light import choose_light
from stages.generate_set import generate_set
from stages.lay_out_set import lay_out_set
from tests.stages.test_captures_shot import shade, shoot, survey, track

SHOT = """
[shot]
name = "mini"
[plate]
path = "none.mov"
[[set.pieces]]
name = "gate"
kind = "wall"
base_m = [0.0, 0.0, -12.0]
width_m = 8.0
height_m = 4.0
yaw_deg = 10.0
[stages.generate_set]
steps = 1
sharpness = 0.25
overscan = 0.0
keyframes = 1
"""


@stage
def nobody(plate: Plate, out: Path) -> Mattes:
    """Nobody stands in front; the painter that ships is not shown the plate."""
    files = FrameFiles(out, "matte.%04d.exr", plate.files.frames)
    for file in files:
        file.write_bytes(b"")
    return Mattes(files, "nobody")


STAGES = (shoot, track, nobody, survey, shade, choose_light, lay_out_set, generate_set)


def battleplate(*arguments):
    said = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})
    if said.exception and not isinstance(said.exception, SystemExit):
        raise said.exception
    return said.output


@pytest.fixture(scope="module")
def proposed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("show")
    (folder / "show.toml").write_text('[show]\nname = "arena"\n')
    (folder / "shot.toml").write_text(SHOT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stages, "SHOT", STAGES)
        said = battleplate("takes", "propose", folder / "shot.toml", "--of", "gate", "--count", 2)
    return folder, said


def test_takes_lie_side_by_side(proposed):
    folder, said = proposed
    takes = folder / "build/mini/takes/builtin/gate"
    sheet = read_sheet(takes)

    assert str(takes / "contact_sheet.png") in said
    assert sheet.names == ["t01", "t02"]
    assert [take.seed - sheet.takes[0].seed for take in sheet.takes] == [0, 1]
    assert len({take.pictures_sha256 for take in sheet.takes}) == 2
    assert read_png(takes / "contact_sheet.png").shape[0] > 2 * sheet.sizes_px[0][0]


def test_nothing_was_painted_for_the_shot_itself(proposed):
    assert not (proposed[0] / "build/mini/generate_set").exists()


def test_a_pick_is_listed_explained_and_painted(proposed):
    """The wall that the shot gets is made with the seed of the take."""
    from rich.console import Console

    from pipeline.config import load_shot
    from pipeline.log import Reporter
    from pipeline.types import SetPaintings

    folder, _ = proposed
    file = folder / "shot.toml"
    file.write_text(SHOT.replace("yaw_deg", 'take = "t02"\nyaw_deg'))
    picked = read_sheet(folder / "build/mini/takes/builtin/gate").take("t02")

    shot = load_shot(file)
    with Reporter(Console(quiet=True), shot.build / "logs") as report:
        made = run(shot, STAGES, Wish("", None, workers=1), report)

    assert "picked" in next(line for line in battleplate("takes", "list", file).splitlines() if "t02" in line)
    assert f"seed         {picked.seed}" in battleplate("takes", "explain", file, "gate", "t02")
    [entry] = json.loads(made[SetPaintings].index.read_text())
    assert entry["piece"] == "gate"
    assert str(picked.seed) in json.dumps(entry)
