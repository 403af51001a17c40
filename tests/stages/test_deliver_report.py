"""A delivery's report and page hide nothing: every figure, every judgement, who painted what."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import StoreError
from pipeline.frames import FrameFiles
from pipeline.io import exr
from pipeline.io.files import sha256
from pipeline.types import Comp, SkyLayer
from tests.stages.delivering import DIGEST, Made, Page, read_page, whole_shot, write_json


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every receipt that deliver takes. Shared: a test that changes files changes a copy."""
    return whole_shot(tmp_path_factory.mktemp("shot"))


@pytest.fixture
def made(given: dict[str, Any], tmp_path: Path) -> Made:
    return Made(given, tmp_path / "out")


def test_the_report_holds_every_figure(made: Made) -> None:
    delivery = made.deliver()
    report = json.loads(delivery.report.read_text())

    assert report["shot"] == {"name": "ridge_010", "version": 3, "frames": "1001-1006", "rate": "24"}
    assert report["camera"]["reprojection_error_px"] == made.given["track"].reprojection_error_px
    assert report["comp"]["frames"]["1003"]["layers"]["crowd"]["coverage"] == pytest.approx(0.042)
    assert report["comp"]["summary"]["grain_ratio"]["max"] == pytest.approx(1.02)
    assert report["depth"]["summary"]["median_relative_error"]["max"] == pytest.approx(0.013)
    assert report["crowd"]["zone"] == {"left": 2, "right": 3}
    assert report["generation"]["crowd"] == {
        "provider": "builtin", "model_digest": DIGEST, "licence": "Apache-2.0", "sprites": 7
    }  # fmt: skip
    assert report["look"]["tone"]["key"] == 0.18
    assert report["ground"] == {"residual_m": 0.02}
    assert report["layers"]["summary"]["crowd.exposure_stops"]["max"] == pytest.approx(0.1)
    for name, digest in report["files"].items():
        assert sha256(made.out / name) == digest
    assert all(check["good"] for check in report["checks"])


def test_the_page_stands_by_itself(made: Made) -> None:
    delivery = made.deliver()
    page = read_page(delivery)

    outside = {s for s in page.sources if not s.startswith(("data:image/jpeg;base64,", "data:image/png;base64,"))}
    assert outside == {delivery.movie.name, delivery.ab.name, "track/track.html"}
    for words in ("ridge_010_comp_v003", "Apache-2.0", DIGEST, "crowd coverage", "reprojection error", "supplied"):
        assert words in page.text


def test_flicker_of_the_layers_stands_beside_the_plates_own(made: Made) -> None:
    page = read_page(made.deliver())

    chapter = page.text.split("Flicker, frame by frame")[1].split("Comp, frame by frame")[0]
    for words in ("crowd, median of the means", "0.07", "plate, median of the means", "0.045", "crowd whole"):
        assert words in chapter
    assert page.text.count("crowd whole") == 1


def test_each_character_stands_beside_itself_in_the_shows_other_shots(made: Made) -> None:
    """Half as much again in red is 0.18 stops as a whole and leaves 5.4 of CIELAB."""
    delivery = made.deliver()

    [(shot, apart)] = json.loads(delivery.report.read_text())["identity"]["legionary"]["shots"].items()
    assert (shot, apart["worst_part"], apart["take"]) == ("sh_0020", "tunic", "t02")
    assert apart["delta_e"] == apart["worst_delta_e"] > 1
    text = read_page(delivery).text
    for words in ("legionary, version 3, t02: over views and phases", "legionary: against sh_0020", "another recipe",
                  "0.700 from its references to the encoder", "0.001 to the encoder"):  # fmt: skip
        assert words in text


def test_names_from_outside_are_no_markup(made: Made) -> None:
    plate = replace(made.given["plate"], metadata={"source": "<script>alert(1)</script>"})

    page = made.deliver(plate=plate).page.read_text()

    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_what_is_wrong_is_said(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "comp"
    shutil.copytree(made.given["comp"].files.folder, folder)
    comp = Comp(*(replace(f, folder=folder) for f in (made.given["comp"].files, made.given["comp"].figures)))
    broken = exr.read_rgb(comp.files.path(1002))
    broken[3, 4, 0] = np.nan
    exr.write_rgb(comp.files.path(1002), broken)
    exr.write_rgb(comp.files.path(1005), exr.read_rgb(comp.files.path(1004)))
    write_json(comp.figures.path(1006), {"outside_bit_identical": False})

    delivery = made.deliver(comp=comp, track=replace(made.given["track"], reprojection_error_px=1.7))
    checks = {c["name"]: c for c in json.loads(delivery.report.read_text())["checks"]}

    assert checks["NaN or infinite values"]["said"] == "frames 1002"
    assert checks["frozen frames"]["said"] == "frames 1005"
    assert checks["plate outside the layers"]["said"] == "frames 1006"
    assert checks["reprojection error"]["said"] == "1.7 px"
    assert [c["good"] for c in checks.values()].count(False) == 4
    assert "look at it" in read_page(delivery).text


def test_a_supervisors_figures_are_judged_on_every_frame(made: Made, tmp_path: Path) -> None:
    folder = tmp_path / "comp"
    shutil.copytree(made.given["comp"].files.folder, folder)
    comp = Comp(*(replace(f, folder=folder) for f in (made.given["comp"].files, made.given["comp"].figures)))
    plate = {"black": [0.05, 0.05, 0.05], "white": [1.0, 1.0, 1.0]}
    crowd = {"black": [0.06, 0.04, 0.05], "white": [0.5, 0.5, 0.5], "fringe": [0.01, 0.02, 0.01]}
    for frame in comp.files.frames:
        good = {"plate": plate, "layers": {"crowd": crowd}, "grain_ratio": [1.0, 1.0, 1.0], "grain_repeats": 0.01}
        write_json(comp.figures.path(frame), good)
    wrong = {
        1002: {"layers": {"crowd": {**crowd, "fringe": [0.01, 0.01, 0.2]}}},
        1003: {"layers": {"crowd": {**crowd, "black": [0.05, 0.0, 0.05]}}},
        1004: {"layers": {"crowd": {**crowd, "white": [0.5, 0.5, 4.0]}}},
        1005: {"grain_bins": {"dark": [1.0, 1.5, 1.0]}},
        1006: {"grain_repeats": 0.99},
    }
    for frame, changes in wrong.items():
        write_json(comp.figures.path(frame), json.loads(comp.figures.path(frame).read_text()) | changes)

    checks = json.loads(made.deliver(comp=comp).report.read_text())["checks"]

    said = {c["name"].split(",")[0]: c["said"] for c in checks if not c["good"]}
    assert said == {
        "fringes along edges": "0.2 at 1002; beyond it: 1002",
        "layers darker than the plate's black": "0.05 at 1003; beyond it: 1003",
        "layers brighter than the plate's white": "2 at 1004; beyond it: 1004",
        "grain in the layers against the plate's": "0.5 at 1005; beyond it: 1005",
        "grain that stands still": "0.99 at 1006; beyond it: 1006",
    }


def test_a_damaged_figure_file_is_named(made: Made, tmp_path: Path) -> None:
    (tmp_path / "look.json").write_text("{")

    with pytest.raises(StoreError, match=r"look\.json: cannot be read as JSON"):
        made.deliver(look=replace(made.given["look"], figures=tmp_path / "look.json"))


def test_the_report_tells_of_a_new_sky_and_of_cards(made: Made, given: dict[str, Any], tmp_path: Path) -> None:
    """Layers sky and far lie in the comp: the report names them, their share and their level, and the frames keep them."""
    frames = given["comp"].files.frames
    comp = FrameFiles(tmp_path / "comp", "comp.%04d.exr", frames)
    numbers, levels = (FrameFiles(tmp_path / name, f"{name}.%04d.json", frames) for name in ("figures", "sky"))
    for frame in frames:
        planes = exr.read(given["comp"].files.path(frame)).channels
        planes |= {f"{layer}.A": np.full(planes["R"].shape, 0.5, np.float16) for layer in ("sky", "far")}
        exr.write(comp.path(frame), planes)
        found = json.loads(given["comp"].figures.path(frame).read_text())
        found["layers"] |= {"sky": {"coverage": 0.21}, "far": {"coverage": 0.03, "fringe": [0.01, 0.01, 0.01]}}
        write_json(numbers.path(frame), found)
        write_json(levels.path(frame), {"gain_ev": 0.5, "level": "as bright as the plate's sky, 0.9", "air": 0.5})

    done = made.deliver(comp=Comp(comp, numbers), sky=SkyLayer(None, levels))

    page, report = Page(), json.loads(done.report.read_text())
    page.feed(done.page.read_text())
    assert "as bright as the plate's sky, 0.9" in page.text
    assert "The plate's sky was replaced" in page.text
    assert report["comp"]["frames"]["1001"]["layers"]["far"]["coverage"] == 0.03
    assert report["sky"]["1001"]["gain_ev"] == 0.5
    assert {"sky.A", "far.A"} <= set(exr.read(done.comp.path(1001)).channels)
