"""The stage render_layers: dust and cards are layers of their own, nobody and nothing, settings out of range."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline.crowd_sections import CrowdDust
from pipeline.errors import ConfigError
from pipeline.far_sections import FarCards, SetCard
from pipeline.io import exr
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
