"""deliver: the same bytes under delivery names, and movies that say their frame."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.frames import FrameRange
from pipeline.io import exr, images, video
from pipeline.output_sections import OutputBrief
from pipeline.review import slate
from pipeline.sections import DeliveryBrief
from pipeline.types import Comp
from stages.deliver import Params
from tests.stages.delivering import FRAMES, Made, read_page, whole_shot


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Every receipt that deliver takes. Shared: a test that changes files changes a copy."""
    return whole_shot(tmp_path_factory.mktemp("shot"))


@pytest.fixture
def made(given: dict[str, Any], tmp_path: Path) -> Made:
    return Made(given, tmp_path / "out")


def test_frames_are_handed_on_byte_for_byte(made: Made) -> None:
    delivery = made.deliver()

    assert delivery.comp.path(1001).name == "ridge_010_comp_v003.1001.exr"
    for got, source in zip(delivery.comp, made.given["comp"].files, strict=True):
        assert got.read_bytes() == source.read_bytes()


def test_every_file_is_named_by_the_receipt(made: Made) -> None:
    delivery = made.deliver()

    named = {*delivery.comp, delivery.movie, delivery.contact_sheet, delivery.report, delivery.page, delivery.ab}
    named |= {*delivery.crops.iterdir(), *delivery.track.iterdir()}
    assert {f for f in made.out.rglob("*") if f.is_file()} == named


def test_the_movie_has_every_frame_and_a_band_below(made: Made) -> None:
    delivery = made.deliver()
    info, frames = video.probe(delivery.movie), list(video.read_frames(delivery.movie))

    assert (info.frame_count, len(frames), info.timecode) == (FRAMES, FRAMES, "01:00:00:22")
    assert (info.width, info.height) == (320, 180 + slate.band_height(180))
    band = frames[2][180:]
    assert band.max() > 0.7  # letters
    assert np.median(band) == pytest.approx(slate.PAPER[1] / 255, abs=0.02)
    assert np.abs(frames[1][180:] - frames[2][180:]).max() > 0.3  # the frame number counts


def test_nothing_of_this_machine_is_written(made: Made, tmp_path: Path) -> None:
    delivery = made.deliver()

    for file in (delivery.report, delivery.page):
        assert str(tmp_path) not in file.read_text()


def test_the_same_shot_gives_the_same_bytes(made: Made, tmp_path: Path) -> None:
    first, second = made.deliver(), made.deliver(out=tmp_path / "again")

    for name in ("movie", "ab", "contact_sheet", "report", "page"):
        assert getattr(first, name).read_bytes() == getattr(second, name).read_bytes()


def test_one_movie_shows_plate_and_comp_side_by_side(made: Made) -> None:
    """Left the plate, right the comp, of the same frame: where the box was added the halves differ, elsewhere they agree."""
    pictures = list(video.read_frames(made.deliver().ab))

    assert len(pictures) == FRAMES
    for picture in pictures:
        rgb = np.asarray(picture, np.float32)
        left, right = rgb[:180, : rgb.shape[1] // 2], rgb[:180, rgb.shape[1] // 2 :]
        change = np.abs(left - right).max(axis=2)
        assert change[70:110, 110:130].mean() > 0.1
        assert np.median(change) < 0.02


def test_what_changed_is_shown_to_the_last_bit(made: Made) -> None:
    delivery = made.deliver()
    [file] = delivery.crops.glob("*_difference.png")
    frame = int(file.name.split("_")[0])

    shown = np.rint(images.read_png(file) * 255)
    changed = np.zeros(shown.shape[:2], bool)
    changed[60:120, 100 + frame - 1001 : 140 + frame - 1001] = True
    assert (shown[~changed] == 0).all()
    assert (shown[changed].max(axis=1) >= 64).all()


def test_a_lossy_delivery_is_a_copy_and_says_what_it_lost(made: Made) -> None:
    delivery = made.deliver(output=OutputBrief("dwaa:100"))

    comp, lost = made.given["comp"].files, []
    for frame in delivery.comp.frames:
        first, copy = (exr.read(files.path(frame)) for files in (comp, delivery.comp))
        assert (first.compression, copy.compression) == ("zip", "dwaa")
        assert np.array_equal(first.channels["depth.Z"], copy.channels["depth.Z"])
        lost.append(max(np.abs(first.channels[c].astype(float) - copy.channels[c].astype(float)).max() for c in "RGB"))
    said = json.loads(delivery.report.read_text())["delivery"]
    assert said == {"compression": "dwaa:100", "most_lost_by_compression": pytest.approx(max(lost))}
    assert 0 < max(lost) < 0.1
    assert "dwaa:100" in read_page(delivery).text


def test_a_part_of_the_shot_can_be_delivered(made: Made) -> None:
    comp = made.given["comp"]
    part = FrameRange(1003, 1004)
    some = Comp(replace(comp.files, frames=part), replace(comp.figures, frames=part))

    delivery = made.deliver(comp=some)

    assert delivery.comp.frames == part
    assert video.probe(delivery.movie).timecode == "01:00:01:00"
    assert json.loads(delivery.report.read_text())["shot"]["frames"] == "1003-1004"


def test_an_anamorphic_plate_is_shown_square(made: Made) -> None:
    delivery = made.deliver(plate=replace(made.given["plate"], pixel_aspect=2.0))

    assert video.probe(delivery.movie).width == 640


def test_a_large_plate_is_shown_smaller(made: Made) -> None:
    delivery = made.deliver(params=Params(review_width_px=160))

    assert video.probe(delivery.movie).width == 160


@pytest.mark.parametrize("wrong", [{"review_width_px": 1}, {"sheet_frames": 0}, {"review_crf": 60}])
def test_params_are_checked(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigError, match="stage deliver"):
        Params(**wrong)


def test_a_wrong_view_is_named(made: Made) -> None:
    with pytest.raises(ConfigError, match=r"\[delivery\]\.view"):
        made.deliver(brief=DeliveryBrief(view="Film look"))
