"""The stage render_layers: dust and cards are layers of their own, nobody and nothing, settings out of range."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline.crowd_sections import CrowdDust
from pipeline.errors import ConfigError
from pipeline.far_sections import FarCards, SetCard
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.sections import LightFacts
from pipeline.types import FAR, VEIL
from stages.render_layers import Params, render_layers
from tests.stages.dolly import FRAMES, atlas_of, channels, figure, layout_of, shot_of


@pytest.fixture
def shot(tmp_path):
    return shot_of(tmp_path)


def test_shot_with_nobody_and_nothing_renders_empty_layers(shot, tmp_path):
    shot["layout"] = layout_of(tmp_path / "nobody", np.zeros((0, 3)))

    for name in ("set", "crowd"):
        made = channels(shot, name, 1001)
        assert not made["A"].any()
        assert np.isinf(made["Z"]).all()
        assert not made["id"].any()


@pytest.mark.parametrize("change", [{"contact": 1.5}, {"contact_m": 0.0}, {"softness": 3.0}])
def test_settings_out_of_range_are_named(change):
    with pytest.raises(ConfigError, match=rf"render_layers\.{next(iter(change))}"):
        Params(**change)


def test_dust_is_a_layer_of_its_own_and_only_where_it_is_asked_for(shot):
    plain = render_layers(**shot)
    assert [layer.name for layer in plain.layers] == ["set", "crowd"]

    dusty = render_layers(**{**shot, "out": shot["out"].parent / "dusty", "dust": CrowdDust(1.0)})

    assert [layer.name for layer in dusty.layers] == ["set", "crowd", VEIL]
    assert json.loads(dusty.layers[2].manifest.read_text()) == {}
    for before, after in zip(plain.layers, dusty.layers, strict=False):
        assert before.files.path(1002).read_bytes() == after.files.path(1002).read_bytes()


def test_a_zone_has_its_own_amount_of_dust(shot, tmp_path):
    """A marcher of zone north, amid dust that is nobody else's."""
    rows = np.arange(len(FRAMES))[:, None, None]
    shot["layout"] = layout_of(tmp_path / "march", np.array([[0.0, 0.0, -9.0]]) + rows * np.array([0.2, 0, 0]))
    np.save(tmp_path / "march/phases.npy", np.linspace(0, 0.2, len(FRAMES), dtype=np.float32)[:, None])
    layout = replace(shot["layout"], motion_names=("march",))
    veils = {
        name: channels(
            {**shot, "layout": layout, "atlas": atlas_of(tmp_path / "a", figure(), motion="march"), "dust": dust},
            VEIL,
            1003,
        )["A"]
        for name, dust in {
            "all": CrowdDust(1.0),
            "zone": CrowdDust(0.0, zones=(("north", 1.0),)),
            "none": CrowdDust(1.0, zones=(("north", 0.0),)),
        }.items()
    }

    assert veils["all"].max() > 0.05
    np.testing.assert_array_equal(veils["zone"], veils["all"])
    assert not veils["none"].any()


def test_cards_are_a_layer_of_their_own_behind_all_others(shot, tmp_path):
    picture = np.full((16, 32), 0.5, np.float32)
    exr.write(tmp_path / "hills.exr", {c: exr.half(picture) for c in "RGB"})
    card = SetCard("hills", tmp_path / "hills.exr", 900.0, bearing_deg=0.0, width_deg=40.0, haze_m=50.0)
    plain = render_layers(**shot)

    far = render_layers(**{**shot, "out": shot["out"].parent / "far", "far": FarCards((card,))})

    assert [layer.name for layer in far.layers] == [FAR, "set", "crowd"]
    assert json.loads(far.layers[0].manifest.read_text()) == {"1": "hills"}
    planes = exr.read(far.layers[0].files.path(1002)).channels
    there = planes["A"] > 0
    assert there.any()
    np.testing.assert_array_equal(planes["air"][there], 50.0)
    np.testing.assert_allclose(planes["Z"][there], 900.0, rtol=0.15)
    for before, after in zip(plain.layers, far.layers[1:], strict=True):
        assert before.files.path(1002).read_bytes() == after.files.path(1002).read_bytes()


def test_a_card_before_the_sun_darkens_ground_and_people_unless_it_is_said_not_to(shot, tmp_path):
    """A wood 30 m behind the legionary, the sun over it 20 degrees high: its shadow is 110 m long."""
    exr.write(tmp_path / "wood.exr", {c: exr.half(np.full((16, 64), 0.1, np.float32)) for c in "RGB"})
    card = SetCard("wood", tmp_path / "wood.exr", 40.0, bearing_deg=0.0, rise_deg=-4.0, width_m=160.0, height_m=40.0)
    light = LightFacts(sun_azimuth_deg=180.0, sun_elevation_deg=20.0)
    made = {}
    for name, cards in {"none": (), "one": (card,), "without": (replace(card, shadow=False),)}.items():
        some = {"far": FarCards(cards), "light": light, "out": tmp_path / name, "frames": FrameRange(1001, 1001)}
        (tmp_path / name).mkdir()
        raw = render_layers(**{**shot, **some})
        crowd = next(layer for layer in raw.layers if layer.name == "crowd")
        made[name] = [exr.read(files.path(1001)).channels for files in (raw.shadow, crowd.files)]

    shade, crowd = made["one"]
    there = made["none"][1]["A"] > 0.99
    assert shade["Y"][-10:].max() < 0.6  # 0.4 is left by a whole shadow
    assert (made["none"][0]["Y"][-10:] == 1).mean() > 0.5
    assert (crowd["G"][there] <= made["none"][1]["G"][there]).all()
    for kind in (0, 1):
        for name, plane in made["none"][kind].items():
            np.testing.assert_array_equal(made["without"][kind][name], plane)
