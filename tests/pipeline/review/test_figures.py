"""Figures: every number is found, summed up and judged; what was not measured is never good."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from pipeline.errors import StoreError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.review import figures

PER_FRAME = {
    1001: {
        "frame": 1001,
        "layers": {"crowd": {"coverage": 0.1}},
        "grain": [1.0, 2.0, 3.0],
        "neighbours": [7, 8, 9],
        "good": True,
        "note": "x",
    },
    1002: {"frame": 1002, "layers": {"crowd": {"coverage": 0.3}}, "grain": [1.0, 2.0, 5.0], "good": True, "new": 7},
}


def test_every_number_is_found_by_its_name() -> None:
    assert figures.flat(PER_FRAME[1001]) == {
        "frame": 1001, "layers.crowd.coverage": 0.1, "grain.r": 1, "grain.g": 2, "grain.b": 3, "good": 1
    }  # fmt: skip
    assert figures.flat({"a": math.nan, "b": [1, 2], "c": None, "d": {}}) == {}


def test_red_green_and_blue_make_one_series() -> None:
    found = {s.name: s for s in figures.series_of(PER_FRAME)}

    assert list(found) == ["good", "grain", "layers.crowd.coverage", "new"]
    assert found["grain"].lines == ((1, 1), (2, 2), (3, 5))
    assert math.isnan(found["new"].lines[0][0])
    assert found["grain"].varies
    assert not found["good"].varies


def test_summary_is_least_median_and_most() -> None:
    found = figures.summary(PER_FRAME)

    assert found["layers.crowd.coverage"] == pytest.approx({"min": 0.1, "median": 0.2, "max": 0.3})
    assert figures.median(PER_FRAME, "layers.crowd.coverage") == pytest.approx(0.2)
    assert math.isnan(figures.median(PER_FRAME, "nobody.knows"))


@pytest.mark.parametrize(("value", "good"), [(0.5, True), (1.0, True), (1.01, False), (math.nan, False)])
def test_a_limit_is_held(value: float, good: bool) -> None:
    assert figures.at_most("error", value, 1.0, "px").good is good


def test_not_measured_is_said() -> None:
    assert figures.at_most("error", math.nan, 1.0).said == "not measured"


def test_long_lists_of_frames_are_cut() -> None:
    assert figures.none_of("frozen", list(range(20)), "none").said.endswith("8, 9 ...")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"comp\.1001\.json: cannot be read"):
        figures.read_frames(FrameFiles(tmp_path, "comp.%04d.json", FrameRange(1001, 1001)), FrameRange(1001, 1001))


def test_bad_frames_are_named_with_the_worst() -> None:
    found = figures.each_at_most("fringes", {1001: 0.01, 1002: 0.07, 1003: math.nan, 1004: 0.06}, 0.05)

    assert (found.said, found.good) == ("0.07 at 1002; beyond it: 1002, 1004", False)
    assert figures.each_at_most("fringes", {1001: 0.01}, 0.05).good
    assert not figures.each_at_most("fringes", {}, 0.05).good
