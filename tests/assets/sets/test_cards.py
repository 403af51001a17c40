"""Cards against the projected truth: through a distorting lens, from where the camera goes, for planes, cylinders, relief."""

import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from assets.sets.cards import draw_cards, place_card, read_picture
from assets.view import View
from calibration.cameras import camera_centre, look_at, look_direction, pixel_rays_world
from calibration.lens import project
from pipeline.errors import AssetError, ConfigError
from pipeline.far_sections import FarCards, SetCard
from pipeline.io import exr
from pipeline.types import Lens
from stages.seen import rays_of

LENS = Lens(320, 180, 280.0, 280.0, 161.0, 88.0, -0.12, 0.03, 5e-4, -3e-4)
WIDE, HIGH = 256, 128
BLOBS = np.array([[40.3, 30.7], [128.0, 64.0], [214.6, 98.2]])
POSES = [
    look_at((0.0, 1.8, 0.0), (0.0, 2.2, -12.0)),
    look_at((4.0, 2.3, -3.0), (1.0, 2.6, -15.0), (0.04, 0.999, 0.0)),
]


def view_at(pose):
    return View(rays_of(LENS, 0, 0), lambda points: project(points, LENS), pose, pose, 1)


@pytest.fixture
def blobs(tmp_path):
    """A black opaque picture with three soft bright spots, and a relief of which each is 0, a half, 1."""
    y, x = np.mgrid[0:HIGH, 0:WIDE] + 0.5
    light = sum(np.exp(-((x - bx) ** 2 + (y - by) ** 2) / 18) for bx, by in BLOBS).astype(np.float32)
    planes = {c: exr.half(light) for c in "RGB"} | {"A": exr.half(np.ones_like(light))}
    exr.write(tmp_path / "blobs.exr", planes)
    grey = np.digitize(x, [84, 170]).astype(np.float32) / 2
    exr.write(tmp_path / "relief.exr", {c: exr.half(grey) for c in "RGB"})
    return tmp_path / "blobs.exr"


def card_of(picture, **said):
    return SetCard(
        "hills", picture, **({"distance_m": 60.0, "bearing_deg": 0.0, "rise_deg": -12.0, "width_deg": 50.0} | said)
    )


def placed(card, number=1):
    base = None if card.base_px is None else pixel_rays_world(np.array(card.base_px), LENS, POSES[0])[1]
    return place_card(card, number, camera_centre(POSES[0]), look_direction(POSES[0]), base)


def drawn(cards, pose):
    return draw_cards(view_at(pose), partial(rays_of, LENS), cards, LENS.focal_x_px)


def centroid(picture, about):
    """The centre of the light within 9 pixels of a place."""
    y, x = np.mgrid[0 : LENS.height, 0 : LENS.width] + 0.5
    light = picture[..., 1] * ((x - about[0]) ** 2 + (y - about[1]) ** 2 < 81)
    return np.array([(light * x).sum(), (light * y).sum()]) / light.sum()


def truth(shape, relief_m):
    """World points of the three spots, worked out by hand for a card of 50 degrees at 60 m."""
    eye = camera_centre(POSES[0])
    width = 60 * (math.radians(50) if shape == "cylinder" else 2 * math.tan(math.radians(25)))
    height, low = width * HIGH / WIDE, 60 * math.tan(math.radians(-12))
    points = []
    for k, (x, y) in enumerate(BLOBS):
        aside = (x / WIDE - 0.5) * width
        flat = (60 * math.sin(aside / 60), -60 * math.cos(aside / 60)) if shape == "cylinder" else (aside, -60.0)
        share = 1 - relief_m * k / 2 / 60
        points.append(eye + share * np.array([flat[0], low + (1 - y / HIGH) * height, flat[1]]))
    return np.array(points)


@pytest.mark.parametrize(
    ("shape", "relief_m"), [("plane", 0.0), ("cylinder", 0.0), ("plane", 20.0), ("cylinder", 20.0)]
)
def test_spots_stand_where_they_project_from_both_places(blobs, shape, relief_m):
    relief = {"depth": blobs.with_name("relief.exr"), "depth_m": relief_m} if relief_m else {}
    card = placed(card_of(blobs, shape=shape, **relief))
    view = [view_at(pose) for pose in POSES]
    wanted = [v.pixels(truth(shape, relief_m)) for v in view]
    assert np.abs(wanted[1] - wanted[0]).max() > 20  # there is a parallax to get wrong

    for pose, pixels in zip(POSES, wanted, strict=True):
        layer, _ = drawn((card,), pose)
        for about in pixels:
            np.testing.assert_allclose(centroid(layer.rgba, about), about, atol=0.1)


def test_depth_is_the_cards_and_motion_is_to_the_next_frame(blobs):
    card = placed(card_of(blobs))
    view = replace(view_at(POSES[0]), other=POSES[1])
    layer, air = draw_cards(view, partial(rays_of, LENS), (card,), LENS.focal_x_px)
    spots = truth("plane", 0.0)
    pixels = view.pixels(spots)
    there = tuple(np.floor(pixels).astype(int).T[::-1])

    np.testing.assert_allclose(layer.depth[there], view.to_camera(spots)[:, 2], rtol=2e-3)
    np.testing.assert_allclose(layer.motion[there], view_at(POSES[1]).pixels(spots) - pixels, atol=1.5)
    np.testing.assert_array_equal(air, layer.depth)
    assert (layer.ids[there] == 1).all()
    assert np.isinf(layer.depth[layer.rgba[..., 3] == 0]).all()


def test_its_lower_edge_stands_on_the_horizon_or_at_its_pixel(blobs):
    eye = camera_centre(POSES[0])
    level = placed(card_of(blobs, rise_deg=0.0))
    assert level.vertices[:, 1].min() == pytest.approx(eye[1])

    at = placed(card_of(blobs, bearing_deg=None, base_px=(120.0, 70.0)))
    low = at.vertices[np.isclose(at.vertices[:, 1], at.vertices[:, 1].min())].mean(axis=0)
    np.testing.assert_allclose(view_at(POSES[0]).pixels(low[None])[0], (120.0, 70.0), atol=0.02)
    assert math.hypot(low[0] - eye[0], low[2] - eye[2]) == pytest.approx(60)


def test_a_nearer_card_stands_before_a_farther_one_and_has_its_own_air(blobs):
    far, near = placed(card_of(blobs, haze_m=0.0), 1), placed(card_of(blobs, distance_m=40.0, width_deg=20.0), 2)
    for order in ((far, near), (near, far)):
        layer, air = drawn(order, POSES[0])
        spot = np.floor(view_at(POSES[0]).pixels(near.vertices.mean(axis=0)[None])[0]).astype(int)
        assert layer.ids[spot[1], spot[0]] == 2
        assert layer.depth[spot[1], spot[0]] == pytest.approx(40, rel=0.02)
        assert air[spot[1], spot[0]] == layer.depth[spot[1], spot[0]]
        assert (air[layer.ids == 1] == 0).all()
        assert (layer.ids == 1).any()


def test_fine_stripes_average_instead_of_shimmering(tmp_path):
    """A picture finer than the pixels reads as its mean, wherever the camera stands."""
    stripes = np.tile(np.arange(1024) % 2, (512, 1)).astype(np.float32)
    exr.write(tmp_path / "s.exr", {c: exr.half(stripes) for c in "RGB"} | {"A": exr.half(np.ones_like(stripes))})
    card = placed(card_of(tmp_path / "s.exr", width_deg=30.0))

    for pose in (POSES[0], POSES[1]):
        layer, _ = drawn((card,), pose)
        solid = layer.rgba[layer.rgba[..., 3] > 0.999]
        assert len(solid) > 5000
        assert np.abs(solid[:, 0] - 0.5).max() < 0.02


def test_an_edge_of_alpha_is_premultiplied(tmp_path):
    """Garbage under alpha 0 must not shine through at the edge."""
    picture = np.full((64, 64, 4), [9.0, 9.0, 9.0, 0.0], np.float32)
    picture[20:44, 20:44] = [0.2, 0.4, 0.6, 1.0]
    straight = picture[..., :3] * picture[..., 3:]
    planes = {c: exr.half(straight[..., i]) for i, c in enumerate("RGB")} | {"A": exr.half(picture[..., 3])}
    exr.write(tmp_path / "a.exr", planes)

    layer, _ = drawn((placed(card_of(tmp_path / "a.exr", width_deg=30.0)),), POSES[0])

    there = layer.rgba[..., 3] > 0.01
    np.testing.assert_allclose(
        layer.rgba[there][:, :3] / layer.rgba[there][:, 3:], [[0.2, 0.4, 0.6]] * there.sum(), rtol=2e-3
    )


def test_a_card_that_reaches_past_the_camera_is_drawn_where_it_is_ahead(blobs):
    """Its window is the whole picture then: what lies behind the camera bounds nothing."""
    round_about = placed(card_of(blobs, shape="cylinder", width_deg=340.0, height_deg=40.0, rise_deg=-20.0))
    layer, _ = drawn((round_about,), POSES[0])

    assert (layer.rgba[..., 3] > 0.99).mean() > 0.9
    assert np.isfinite(layer.motion).all()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"shape": "sphere"}, "shape"),
        ({"distance_m": 0.0}, "distance_m"),
        ({"base_px": (1.0, 2.0)}, "base_px and bearing_deg"),
        ({"width_deg": None}, "no size"),
        ({"width_m": 5.0}, "both given"),
        ({"depth_m": 5.0}, "belong together"),
        ({"haze_m": -1.0}, "haze_m"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(tmp_path, said, told):
    with pytest.raises(ConfigError, match=told):
        card_of(tmp_path / "x.png", **said)


def test_two_cards_of_a_name_and_a_lost_picture_are_refused(blobs):
    with pytest.raises(ConfigError, match="two cards"):
        FarCards((card_of(blobs), card_of(blobs)))
    with pytest.raises(Exception, match=r"set card hills: .*none.png"):
        placed(card_of(blobs.with_name("none.png")))
    with pytest.raises(AssetError, match="more than once round"):
        placed(card_of(blobs, shape="cylinder", width_deg=None, width_m=1000.0))


def test_a_picture_without_alpha_is_opaque(tmp_path):
    exr.write(tmp_path / "p.exr", {c: exr.half(np.full((4, 4), 0.5, np.float32)) for c in "RGB"})
    np.testing.assert_array_equal(read_picture(tmp_path / "p.exr")[..., 3], 1)
