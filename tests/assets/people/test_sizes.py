"""Facts of sizes in recipes: every one changes its piece, by as much as it says, and nothing else."""

from __future__ import annotations

import copy
import tomllib

import numpy as np
import pytest

from assets.people.bodies import rest_body
from assets.people.characters import FOLDER, Part, load_character, read_recipe
from assets.people.mesh import dressed
from assets.people.sizes import LIMITS
from assets.people.wardrobe import KIT
from pipeline.errors import AssetError


def body():
    character = load_character("legionary")
    return rest_body(character.phenotype, character.height_m)


def made(item: str, **sizes: float):
    return np.concatenate([piece.vertices for piece in KIT[item](body(), **sizes)])


def recipe(**sizes: dict[str, float]):
    table = copy.deepcopy(tomllib.loads((FOLDER / "legionary.toml").read_text(encoding="utf-8")))
    return read_recipe({**table, "sizes": sizes}, "legionary.toml")


@pytest.mark.parametrize(("item", "name"), [(item, name) for item, names in LIMITS.items() for name in names])
def test_every_size_changes_its_piece_at_both_limits(item: str, name: str):
    usual = made(item)

    for value in LIMITS[item][name]:
        other = made(item, **{name: value})
        assert np.isfinite(other).all()
        assert other.shape != usual.shape or np.abs(other - usual).max() > 0.002


def across(points, axis):
    return np.ptp(points @ axis)


def test_a_spear_is_as_long_as_asked_above_the_hand():
    (usual,), (longer,) = KIT["spear"](body()), KIT["spear"](body(), length_m=2.8)

    assert across(usual.vertices, usual.slides) == pytest.approx(2.35, abs=0.002)
    assert across(longer.vertices, longer.slides) == pytest.approx(2.8, abs=0.002)
    assert (usual.vertices @ usual.slides).min() == pytest.approx((longer.vertices @ longer.slides).min(), abs=1e-9)


@pytest.mark.parametrize(
    ("item", "sizes", "size"), [("shield_round", {"across_m": 0.6}, 0.6), ("bow", {"span_m": 1.0}, 1.0)]
)
def test_shields_and_bows_measure_what_was_asked(item: str, sizes: dict[str, float], size: float):
    points = made(item, **sizes)

    longest = np.linalg.norm(points - points[np.linalg.norm(points - points[0], axis=1).argmax()], axis=1).max()
    assert longest == pytest.approx(size, abs=0.05)  # rims and tips add a finger


def test_a_tall_shield_s_height_and_width_are_its_own():
    usual, lower, narrower = (
        np.sort(np.sqrt(np.linalg.eigvalsh(np.cov(made("shield_tall", **sizes).T))))
        for sizes in ({}, {"height_m": 0.8}, {"width_m": 0.5})
    )

    assert lower[2] < 0.85 * usual[2]
    assert lower[1] == pytest.approx(usual[1], rel=0.05)
    assert narrower[1] < 0.85 * usual[1]
    assert narrower[2] == pytest.approx(usual[2], rel=0.05)


def test_a_recipe_s_sizes_reach_the_figure_and_no_other_part():
    usual, longer = dressed(load_character("legionary")), dressed(recipe(spear={"length_m": 2.9}))

    moved = np.abs(longer.vertices - usual.vertices).max(axis=1) > 1e-9
    parts = set(np.unique(usual.parts[moved[usual.triangles].any(axis=1)]))
    assert parts == {Part.SHAFT, Part.BLADE}


@pytest.mark.parametrize(
    ("sizes", "told"),
    [
        ({"bow": {"span_m": 1.2}}, "sizes.bow is not of the kit"),
        ({"beard": {"length_m": 1.2}}, "sizes.beard is not of the kit"),
        ({"spear": {"width_m": 1.2}}, "sizes.spear.width_m is not known. Take one of: length_m"),
        ({"spear": {"length_m": 5}}, "sizes.spear.length_m is 5. Write a number from 1.7 to 2.9"),
        ({"spear": 2.0}, "sizes.spear is 2.0. Write a table: spear = { length_m = 1.7 }"),
    ],
)
def test_a_wrong_size_is_an_error_that_names_the_field(sizes, told: str):
    with pytest.raises(AssetError, match=rf"legionary.toml: {told}"):
        recipe(**sizes)
