"""The layout from above, as a picture and as a page in which everybody can be found."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from assets.preview.figures import Crowd
from assets.preview.page import page, svg
from assets.preview.topview import arrow, chart_of, picture, walkers
from calibration.cameras import look_at

COUNT = 12


def crowd_of(count=COUNT):
    """North stands; south walks 2 m along +X."""
    x, z = np.arange(count) % 4 * 2.0, -10.0 - np.arange(count) // 4 * 2.0
    positions = np.zeros((3, count, 3))
    positions[..., 0], positions[..., 2] = x, z
    positions[:, count // 2 :, 0] += np.array([0.0, 1.0, 2.0])[:, None]
    return Crowd(
        ids=np.arange(count) + 100_001,
        names=[f"n.{i:05d}" for i in range(count)],
        zones=["north" if i < count // 2 else 'so"uth<' for i in range(count)],
        characters=["archer"] * count,
        seeds=np.arange(count),
        scales=np.ones(count),
        greys=np.ones(count),
        positions=positions,
        yaws=np.full((3, count), np.pi / 2),
        phases=np.zeros((3, count)),
        motions=np.zeros((3, count), np.intp),
        motion_names=("idle",),
    )


@pytest.fixture
def chart():
    poses = np.stack([look_at((0.2 * i, 1.8, 0.0), (0.2 * i, 1.0, -10.0)) for i in range(3)])
    zones = {"north": np.array([[-1.0, -9.0], [8.0, -9.0], [8.0, -13.0], [-1.0, -13.0]])}
    return chart_of(crowd_of(), poses, (-0.5, 0.5), zones, "bp <1>", 1001)


def test_the_page_holds_every_id_once(chart):
    text = page(chart, "crowd.mp4")

    assert sorted(re.findall(r'data-id="(\d+)"', text)) == [str(100_001 + i) for i in range(COUNT)]
    assert "@" not in re.sub(r"@media", "", text), "every placeholder is filled"
    assert "http" not in text.replace("http://www.w3.org/2000/svg", ""), "it needs no network"
    assert 'src="crowd.mp4"' in text


def test_names_with_marks_do_not_break_the_page(chart):
    drawing = ElementTree.fromstring(svg(chart))

    zones = {element.get("data-zone") for element in drawing.iter() if element.get("data-id")}
    assert zones == {"north", 'so"uth<'}
    assert "<title>bp &lt;1&gt; crowd</title>" in page(chart, "")


def test_each_agent_stands_at_its_place_in_metres(chart):
    drawing = ElementTree.fromstring(svg(chart))

    for i, element in enumerate(e for e in drawing.iter() if e.get("data-id")):
        corners = np.array([list(map(float, pair.split())) for pair in element.get("d")[1:-1].split("L")])
        assert np.linalg.norm(corners.mean(axis=0) - chart.crowd.positions[0, i][[0, 2]]) < 0.2
        assert element.find("{http://www.w3.org/2000/svg}title").text.startswith(str(chart.crowd.ids[i]))


@pytest.mark.parametrize(("yaw", "ahead"), [(0.0, (0, 1)), (np.pi / 2, (1, 0)), (np.pi, (0, -1))])
def test_a_dart_points_where_the_agent_faces(yaw, ahead):
    tip = arrow(3.0, -4.0, yaw, 1.0)[0]

    np.testing.assert_allclose((tip - (3.0, -4.0)) / np.linalg.norm(tip - (3.0, -4.0)), ahead, atol=1e-9)


def test_only_those_who_walk_have_a_way(chart):
    assert walkers(chart.crowd).tolist() == list(range(COUNT // 2, COUNT))


def test_the_chart_holds_everybody_the_camera_and_the_zones(chart):
    x0, z0, x1, z1 = chart.bounds

    for x, z in (*chart.crowd.positions[..., [0, 2]].reshape(-1, 2), *chart.centres, *chart.zones["north"]):
        assert x0 < x < x1
        assert z0 < z < z1
    np.testing.assert_allclose(chart.centres[:, 0], [0.0, 0.2, 0.4], atol=1e-9)


def test_the_field_of_view_opens_to_both_sides_of_the_look(chart):
    left, right = chart.views[0][1] - chart.views[0][0], chart.views[0][3] - chart.views[0][2]

    assert left[0] < 0 < right[0]
    assert max(left[1], right[1]) < 0, "the first camera looks along -Z, which is up"
    np.testing.assert_allclose(abs(left[0] / left[1]), 0.5, rtol=0.02)


def test_the_picture_shows_agents_in_their_zones_colours(chart):
    drawn = picture(chart)

    scale = 2000 / max(chart.bounds[2] - chart.bounds[0], chart.bounds[3] - chart.bounds[1])
    for agent in (0, COUNT - 1):
        x, z = chart.crowd.positions[0, agent][[0, 2]]
        at = round((z - chart.bounds[1]) * scale), round((x - chart.bounds[0]) * scale)
        assert tuple(drawn[at]) == chart.colours[chart.crowd.zones[agent]]
