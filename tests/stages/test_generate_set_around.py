"""A painter goes on from what is there: the plate around a piece without its people, and the keyframe before."""

import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from assets.providers.base import Capabilities
from assets.providers.request import GUIDE_CHANNELS
from assets.sets.projection import Projector
from calibration.mattes.pulled import Pulled
from pipeline.io import exr
from stages.generate_set import Params
from tests.stages.setpainting import (
    LENS,
    WALL,
    LambertPainter,
    at_every_desk,
    desk_of,
    painted,
    sky,
    walked_round,
    world_of,
)


@pytest.fixture
def painter(monkeypatch):
    return at_every_desk(LambertPainter(), monkeypatch)


@pytest.fixture
def world(tmp_path):
    return world_of(tmp_path)


class Stubborn(LambertPainter):
    """Reads no picture to go on from, and each of its paintings is of another colour."""

    capabilities = Capabilities(frozenset(GUIDE_CHANNELS) - {"init", "mask"}, frozenset({"coverage"}), max_side_px=1024)

    def _answer(self, request):
        result = super()._answer(request)
        tint = np.array([1.0, 1.2 ** len(self.asked), 1.0, 1.0], np.float32)
        return replace(result, takes=result.takes * tint)


def test_painters_that_fill_in_are_given_the_plate_around_as_it_lies_without_distortion(world, painter):
    painted(world, WALL)

    [request] = painter.asked
    given = {name: guide[0] for name, guide in request.guides.given().items()}
    [entry] = json.loads((world["folder"] / "paintings/index.json").read_text())
    lens = Projector.from_entry(entry).lens
    y, x = np.mgrid[0 : lens.height, 0 : lens.width] + 0.5
    ways = np.stack([(x - lens.centre_x_px) / lens.focal_x_px, (y - lens.centre_y_px) / lens.focal_y_px], axis=-1)
    shown = (given["init"][..., 3] == 1) & (given["coverage"] == 0)
    assert shown.mean() > 0.05
    np.testing.assert_allclose(given["init"][shown][:, :3], sky(ways[shown]), atol=2e-3)
    assert (given["mask"][given["coverage"] > 0] == 1).all()
    assert given["mask"][shown].min() == 0
    assert (given["mask"][given["init"][..., 3] == 0] == 1).all()


def test_people_and_a_screen_are_cut_out_of_what_a_painter_goes_on_from(world, painter):
    """Red people before the wall and beside it, and a keyed screen: none of their light is shown, and there it paints."""
    y, x = np.mgrid[0 : LENS.height, 0 : LENS.width]
    person = ((abs(x - 150) < 6) & (abs(y - 90) < 30)) | ((abs(x - 60) < 5) & (abs(y - 120) < 25))
    screen = (x > 250) & ~person
    for path in world["plate"].files:
        rgb = np.stack([exr.read(path).channels[c] for c in "RGB"], axis=-1)
        rgb[person], rgb[screen] = (30.0, 0.0, 0.0), (0.0, 30.0, 0.0)
        exr.write(path, {c: exr.half(rgb[..., k]) for k, c in enumerate("RGB")})
    none, soft = np.zeros(x.shape, np.float32), person.astype(np.float32)
    pulled = Pulled(soft, np.zeros((*x.shape, 3), np.float32), np.zeros((*x.shape, 3), np.float32), none,
                    screen.astype(np.float32))  # fmt: skip
    for path in world["mattes"].files:
        exr.write(path, {**pulled.channels(), "Z": np.where(person, 5.0, np.inf).astype(np.float32)})

    painted(world, WALL)

    given = {name: guide[0] for name, guide in painter.asked[0].guides.given().items()}
    hole = (given["init"][..., 3] == 0) & (given["coverage"] == 0)
    assert given["init"][..., :3].max() < 1.5
    assert (given["mask"][given["init"][..., 3] == 0] == 1).all()
    assert 0.01 < hole.mean() < 0.6
    shown = (given["init"][..., 3] == 1) & (given["coverage"] == 0)
    assert shown.mean() > 0.05


def test_a_second_keyframe_is_asked_to_go_on_from_the_first(world, painter):
    walked_round(world)
    painted(world, replace(WALL, kind="fortress", width_m=30.0), sharpness=1.0)

    first, second = ({n: g[0] for n, g in asked.guides.given().items()} for asked in painter.asked)
    solid = second["coverage"] == 1
    assert (first["mask"][first["coverage"] > 0] == 1).all()
    kept = solid & (second["mask"] < 0.01)
    assert 0.03 < kept.sum() / solid.sum() < 0.95
    assert second["init"][kept][:, :3].mean() == pytest.approx(0.2, abs=0.15)  # stone, no sky
    assert second["init"][kept][:, 3].min() > 0.9


def test_paintings_of_a_painter_that_cannot_go_on_are_brought_together(world, monkeypatch):
    """One and a fifth times as green each time: carried over and brought to it, no seam is left between them."""
    walked_round(world)
    painter = Stubborn()
    monkeypatch.setattr(sys.modules[Params.__module__], "open_desk", lambda *a, **k: desk_of(painter, world["folder"]))
    _, paintings = painted(world, replace(WALL, kind="fortress", width_m=30.0), sharpness=1.0)

    entries = json.loads(paintings.index.read_text())
    greens = []
    for entry in entries:
        planes = exr.read(paintings.paintings / entry["file"]).channels
        solid = planes["A"] > 0.99
        greens.append(np.median(planes["G"][solid].astype(float) / planes["R"][solid]))

    assert len(entries) == 2
    assert set(painter.asked[0].guides.given()) == {"coverage", "depth", "normals", "parts", "edges"}
    assert greens[1] == pytest.approx(greens[0], rel=0.04)
