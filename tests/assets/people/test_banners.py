"""Facts of what recipes may say of banners, and of the geometry that is cut from it."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

from assets.people.banner_kit import HELD_M, banner
from assets.people.banners import DEVICES, FORMS, Banner, read_banner
from assets.people.bodies import Body, rest_body
from assets.people.characters import FOLDER, Part, load_character, read_recipe
from pipeline.errors import AssetError


def body() -> Body:
    character = load_character("legionary")
    return rest_body(character.phenotype, character.height_m)


def cloth_of(cut: Banner):
    """(front's triangles' areas, front's parts, everything's vertices)."""
    (piece,) = banner(body(), cut)
    assert piece.flown is not None
    front = np.zeros(len(piece.vertices), bool)
    front[piece.flown.rows[piece.flown.side > 0]] = True
    own = front[piece.triangles].all(axis=1)
    a, b, c = (piece.vertices[piece.triangles[own, k]] for k in range(3))
    return np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2, piece.parts[own], piece.vertices


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"form": "kite"}, "banner.form is 'kite'. Write one of: vexillum, flag"),
        ({"device": "cat"}, "banner.device is 'cat'"),
        ({"pole_m": 3.4}, "banner.pole_m is 3.4. Write metres from 1.9 to 2.3"),
        ({"drop_m": "long"}, "banner.drop_m is 'long'"),
        ({"colour": 3}, "banner.colour is not known"),
    ],
)
def test_a_wrong_banner_is_an_error_that_names_the_field(table, told: str):
    with pytest.raises(AssetError, match=rf"x.toml: {told}"):
        read_banner(table, "x.toml")


def test_only_who_carries_one_has_a_banner():
    recipe = tomllib.loads((FOLDER / "standard_bearer.toml").read_text(encoding="utf-8"))
    recipe["kit"].remove("banner")

    assert read_recipe(recipe, "x.toml").banner is None
    assert load_character("standard_bearer").banner == Banner("vexillum", "disc", width_m=0.48, drop_m=0.54)
    assert load_character("flag_bearer").banner.form == "flag"
    assert load_character("legionary").banner is None


@pytest.mark.parametrize("form", FORMS)
def test_sizes_are_those_asked_for(form: str):
    cut = Banner(form, "plain", pole_m=2.1, width_m=0.6, drop_m=0.4)

    areas, _, vertices = cloth_of(cut)

    hand = np.asarray(vertices)
    (piece,) = banner(body(), cut)
    stiff = hand[: int(piece.flown.rows.min())]
    assert areas.sum() == pytest.approx(0.6 * 0.4, rel=1e-6)
    assert np.linalg.norm(stiff.max(axis=0) - stiff.min(axis=0)) >= 2.1
    along = stiff @ piece.slides
    assert np.ptp(along) == pytest.approx(2.1, abs=0.002)
    assert HELD_M < 2.1


@pytest.mark.parametrize("device", DEVICES)
def test_a_device_is_painted_on_some_of_the_field(device: str):
    areas, parts, _ = cloth_of(Banner(device=device, fringe_m=0.0))

    share = areas[parts == Part.BANNER_MARK].sum() / areas.sum()

    assert share == 0 if device == "plain" else 0.08 < share < 0.45
    assert set(np.unique(parts)) <= {Part.BANNER, Part.BANNER_MARK}


def test_a_painted_disc_has_its_area():
    """Against the circle's own formula: a disc of 0.17 and a ring from 0.26 to 0.34 of the smaller side."""
    areas, parts, _ = cloth_of(Banner(device="disc", width_m=0.9, drop_m=0.9, fringe_m=0.0))

    painted = areas[parts == Part.BANNER_MARK].sum()

    assert painted == pytest.approx(np.pi * 0.81 * (0.17**2 + 0.34**2 - 0.26**2), rel=0.02)


def test_a_recipe_s_banner_is_the_one_that_is_worn():
    from assets.people.mesh import dressed

    plain = load_character("standard_bearer")
    wider = replace(plain, banner=replace(plain.banner, width_m=0.7))

    assert np.ptp(dressed(wider).flown.across) == pytest.approx(0.7)
    assert np.ptp(dressed(plain).flown.across) == pytest.approx(0.48)
