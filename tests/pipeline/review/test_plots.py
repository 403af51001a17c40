"""Plots: valid SVG, lines inside the axes, gaps where nothing was measured."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from pipeline.review import plots
from pipeline.review.plots import Series

LEFT, RIGHT = 46, plots.WIDTH - 10


def points(svg: str) -> list[list[tuple[float, float]]]:
    paths = [p.get("d", "") for p in ElementTree.fromstring(svg).iter("path")]
    return [[(float(x), float(y)) for x, y in re.findall(r"([\d.]+) ([\d.]+)", p)] for p in paths]


def test_a_line_runs_from_the_first_frame_to_the_last() -> None:
    (line,) = points(plots.plot(Series("error_px", (1001, 1002, 1003), ((0.0, 1.0, 0.5),))))

    assert [x for x, _ in line] == [LEFT, (LEFT + RIGHT) / 2, RIGHT]
    assert line[1][1] < line[2][1] < line[0][1]  # up is more


def test_what_was_not_measured_is_a_gap() -> None:
    values = (1.0, 2.0, math.nan, 3.0, 4.0)

    assert [len(p) for p in points(plots.plot(Series("a", (1, 2, 3, 4, 5), (values,))))] == [2, 2]


def test_three_channels_have_three_inks() -> None:
    svg = plots.plot(Series("grain", (1, 2), ((1, 2), (2, 3), (3, 4))))

    assert len({p.get("stroke") for p in ElementTree.fromstring(svg).iter("path")}) == 3


@pytest.mark.parametrize("values", [(1e-9, 2e-9), (-5.0, 5.0), (0.0, 1e9), (3.0, 3.0), (-2.0, -1.0)])
def test_any_range_stays_inside_the_picture(values: tuple[float, float]) -> None:
    (line,) = points(plots.plot(Series("a", (1, 2), (values,))))

    assert all(0 <= x <= plots.WIDTH and 0 <= y <= plots.HEIGHT for x, y in line)


def test_names_are_no_markup() -> None:
    ElementTree.fromstring(plots.plot(Series('<b a="', (1, 2), ((1, 2),))))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (12, "12"), (0.01234, "0.0123"), (1234.6, "1235"), (1.2e-5, "1.2e-05"), (math.nan, "none")],
)
def test_numbers_are_short(value: float, text: str) -> None:
    assert plots.short(value) == text
