"""Guides of a set are true to its geometry, and what a painter answers is kept with its projector."""

import json
from dataclasses import replace

import numpy as np
import pytest

from assets.providers.request import SetPart
from assets.sets.paintings import load_paintings
from assets.sets.projection import Projector, read_pieces
from calibration.cameras import load_poses, look_at, to_camera
from pipeline.errors import AssetError, ConfigError
from pipeline.io import exr, images
from pipeline.sections import LightFacts
from stages.generate_set import Params, keyframes
from tests.stages.setpainting import LENS, WALL, LambertPainter, at_every_desk, laid, painted, world_of


@pytest.fixture
def painter(monkeypatch):
    return at_every_desk(LambertPainter(), monkeypatch)


@pytest.fixture
def world(tmp_path):
    return world_of(tmp_path)


def test_guides_are_what_a_generator_was_promised(world, painter):
    painted(world, WALL)

    [request] = painter.asked
    given = {name: guide[0] for name, guide in request.guides.given().items()}
    solid = given["coverage"] == 1
    assert solid.mean() > 0.2
    assert set(np.unique(given["parts"][solid])) <= {int(part) for part in SetPart}
    np.testing.assert_allclose(np.linalg.norm(given["normals"][solid], axis=-1), 1, atol=1e-4)
    assert given["normals"][solid][:, 2].mean() < -0.5  # faces look back at the camera
    assert np.median(given["depth"][solid]) == pytest.approx(0, abs=0.1)
    for guide in ("depth", "normals", "parts"):
        assert not given[guide][given["coverage"] == 0].any()
    assert request.identity.name == "stone"
    assert request.light.sun_direction[1] < 0


def test_a_camp_is_asked_for_in_cloth_and_a_street_in_plaster(world, painter):
    painted(world, replace(WALL, kind="camp", height_m=3.0), out="camp")
    painted(world, replace(WALL, kind="street", height_m=9.0), out="street")

    camp, street = ({look.part for look in asked.identity.looks} for asked in (painter.asked[0], painter.asked[-1]))
    assert SetPart.CLOTH in camp - street
    assert SetPart.PLASTER in street - camp
    shown = set(np.unique(painter.asked[0].guides.given()["parts"])) - {0}
    assert SetPart.CLOTH in shown
    assert shown <= camp


def test_stones_are_in_the_normals_of_walls_but_not_of_wood(world, painter):
    painted(world, replace(WALL, kind="fortress", width_m=40.0, height_m=16.0))

    given = {name: guide[0] for name, guide in painter.asked[0].guides.given().items()}
    face = given["parts"] == SetPart.WALL
    assert np.unique(given["normals"][face].round(3), axis=0).shape[0] > 2000
    wood = given["parts"] == SetPart.WOOD
    assert 0 < np.unique(given["normals"][wood].round(3), axis=0).shape[0] < 60


def test_depth_of_a_painting_is_the_geometry_seen_by_its_projector(world, painter):
    layout, paintings = painted(world, WALL)
    [entry] = json.loads(paintings.index.read_text())
    [piece] = read_pieces(layout)

    depth = exr.read(paintings.paintings / entry["file"]).channels["Z"]

    projector = Projector.from_entry(entry)
    np.testing.assert_allclose(projector.pose, load_poses(world["track"])[entry["keyframe"] - 1001], atol=1e-9)
    corners = piece.vertices.astype(float)
    camera = to_camera(corners, projector.pose)
    px = (projector.matrix @ np.column_stack([corners, np.ones(len(corners))]).T).T
    px = px[:, :2] / px[:, 2:]
    inside = ((px > 1) & (px < np.array(depth.shape[::-1]) - 1)).all(axis=1)
    x, y = px[inside].astype(int).T
    # No corner of the piece may lie in front of what its projector sees there.
    around = np.stack([depth[np.clip(y + j, 0, None), np.clip(x + i, 0, None)] for j in (-1, 0, 1) for i in (-1, 0, 1)])
    assert (camera[inside, 2] > around.min(axis=0) - 0.1).mean() > 0.99
    assert inside.mean() > 0.9


def test_painting_is_at_least_as_fine_as_the_plate_will_show_it(world, painter):
    _, paintings = painted(world, WALL)
    [entry] = json.loads(paintings.index.read_text())

    nearest = np.array([to_camera(np.array([WALL.base_m]), pose)[0, 2] for pose in load_poses(world["track"])])
    key = nearest[entry["keyframe"] - 1001]
    assert entry["lens"]["focal_x_px"] / key >= LENS.focal_x_px / nearest.min()


def test_limits_of_provider_and_settings_hold_the_size(world, painter):
    painted(world, replace(WALL, width_m=60.0), most_px=200)

    assert max(painter.asked[0].size_px) <= 200


def test_unseen_stone_gets_the_light_that_the_painting_has(world, painter):
    _, paintings = painted(world, WALL, light=LightFacts(sun_azimuth_deg=30.0))

    [painting] = load_paintings(paintings)
    np.testing.assert_allclose(painting.fill.means[SetPart.WALL], 0.3, rtol=0.15)
    np.testing.assert_allclose(painting.fill.albedo, 0.3, rtol=0.25)
    np.testing.assert_allclose(painting.fill.to_sun, LightFacts(sun_azimuth_deg=30.0).to_sun)


def test_a_second_keyframe_is_painted_only_where_it_shows_more(world, painter):
    layout = laid(world, WALL)
    [piece] = read_pieces(layout)
    still = keyframes(piece, world["track"], load_poses(world["track"]), Params(), 1024)
    assert len(still) == 1

    round_it = np.stack(
        [look_at((40 * np.sin(a), 2.0, -40 + 40 * np.cos(a)), WALL.base_m) for a in np.linspace(-2, 2, 9)]
    )
    both = keyframes(piece, world["track"], round_it, Params(), 1024)

    assert len(both) == 2
    assert both[0][0] != both[1][0]


def test_equal_requests_give_equal_bytes(world, painter):
    _, one = painted(world, WALL)
    _, two = painted(world, WALL, out="again")

    assert painter.asked[0].digest() == painter.asked[1].digest()
    assert one.index.read_bytes() == two.index.read_bytes()
    name = json.loads(one.index.read_text())[0]["file"]
    assert (one.paintings / name).read_bytes() == (two.paintings / name).read_bytes()


def test_receipt_names_the_painter_and_the_sheet_can_be_looked_at(world, painter):
    _, paintings = painted(world, WALL)

    assert (paintings.provider, paintings.licence, paintings.model_digest) == ("lambert", "CC0-1.0", "rule 1")
    assert images.read_png(paintings.contact_sheet).std() > 0.05


def test_shot_without_a_set_paints_nothing(world, painter):
    _, paintings = painted(world)

    assert json.loads(paintings.index.read_text()) == []
    assert load_paintings(paintings) == ()
    assert painter.asked == []


def test_unknown_material_and_settings_out_of_range_are_told(world, painter):
    with pytest.raises(AssetError, match="cheese"):
        painted(world, replace(WALL, material="cheese"))
    with pytest.raises(ConfigError, match=r"generate_set\.overscan"):
        Params(overscan=-1)
