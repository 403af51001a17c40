"""Plots of a camera as SVG: where a value lands on the page."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from pipeline.review import charts


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def points(path: str) -> np.ndarray:
    return np.array(re.findall(r"[\d.-]+", path), float).reshape(-1, 2)


def test_curves_run_through_their_values_and_break_where_there_is_none():
    svg = drawn(charts.curves([1001, 1002, 1003, 1004], {"mean": [0.0, 1.0, np.nan, 0.5], "95%": [1.0] * 4}, [1003]))
    mean = [points(p.get("d") or "") for p in svg.iter("path") if p.get("class") == "ink0"]
    flat = next(points(p.get("d") or "") for p in svg.iter("path") if p.get("class") == "ink1")

    assert [len(stretch) for stretch in mean] == [2, 2]
    assert mean[0][1, 1] == flat[0, 1]  # both are 1
    assert mean[1][0, 1] == pytest.approx(0.5 * (mean[0][0, 1] + flat[0, 1]), abs=0.1)
    [alarm] = [line for line in svg.iter("line") if line.get("class") == "alarm"]
    assert float(alarm.get("x1") or 0) == pytest.approx(flat[2, 0], abs=0.1)
    assert [t.text for t in svg.iter("text") if t.text in ("mean", "95%")] == ["mean", "95%"]


def test_bars_hold_every_value():
    values = [*range(1, 90), 500.0]

    svg = drawn(charts.counts(values, "frames", bins=10))

    told = [re.search(r": (\d+)$", t.text or "") for t in svg.iter("title")]
    assert sum(int(m[1]) for m in told if m) == len(values)
    assert any("median 45.5 frames" in (t.text or "") for t in svg.iter("text"))


def test_a_path_from_above_keeps_its_shape_and_its_scale():
    """Three metres to the right, four ahead (-z, which is up on the page)."""
    path = np.array([[0.0, 0.0], [3.0, 0.0], [3.0, -4.0]])

    svg = drawn(charts.from_above(path, np.tile([0.0, -1.0], (3, 1)), np.zeros((0, 2))))

    way = next(points(p.get("d") or "") for p in svg.iter("path") if p.get("class") == "ink0")
    bar = next(line for line in svg.iter("line") if line.get("class") == "bar-of-scale")
    label = next(t.text for t in svg.iter("text"))
    per_m = (float(bar.get("x2") or 0) - float(bar.get("x1") or 0)) / float((label or "").removesuffix(" m"))
    assert way[1] - way[0] == pytest.approx([3 * per_m, 0], abs=0.2)
    assert way[2] - way[1] == pytest.approx([0, -4 * per_m], abs=0.2)


def test_cells_are_as_bright_as_their_share():
    svg = drawn(charts.cells([[0.0, 1.0], [0.5, 0.25]]))

    shown = [float((cell.get("style") or "").removeprefix("opacity:")) for cell in svg.iter("rect")]
    assert shown == pytest.approx([0.06, 1.0, 0.53, 0.295], abs=0.01)


def test_limits_are_broken_lines_or_told_at_the_edge_and_frames_are_links():
    limits = {"at most": 2.0, "unusual above": 100.0, "unusual below": -100.0}
    svg = drawn(charts.curves([1001, 1002], {"error": [0.0, 1.0]}, [1002], limits, "/play?frame="))
    links = [e for e in svg.iter() if e.tag.endswith("}a") or e.tag == "a"]
    texts = [e.text for e in svg.iter() if e.tag.endswith("text")]

    assert [e.get("href") for e in links] == ["/play?frame=1001", "/play?frame=1002"]
    assert len([e for e in svg.iter() if e.get("class") == "limit"]) == 1
    assert [t for t in texts if "at most" in t or "unusual" in t] == [
        "at most 2",
        "▲ unusual above 100",
        "▼ unusual below -100",
    ]
    assert len([e for e in svg.iter() if e.get("class") == "sign"]) == 1
    assert (svg.get("data-first"), svg.get("data-last")) == ("1001", "1002")
