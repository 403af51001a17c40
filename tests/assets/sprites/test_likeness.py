"""How alike people are, on truth: the same character is near, another is far, and a tint of known size reads as that."""

import math
from dataclasses import replace

import numpy as np
import pytest

from assets.people.characters import Part, albedos, load_character
from assets.people.mesh import posed_mesh
from assets.providers.request import Light
from assets.providers.surfaces import light_on
from assets.sprites.guides import ROOT_M
from assets.sprites.likeness import distance, lab_of, likeness, sums_of
from assets.sprites.sprite import Sight, sun_seen
from assets.train.people import seen
from tests.sprites import sprite_request

VIEWS = (0, 4, 9, 12, 18)


def requests(character, azimuth_deg=40.0, views=VIEWS):
    light = Light(sun_seen(math.radians(azimuth_deg), math.radians(38), 0.0, 0.0))
    return [sprite_request(character, "idle", 0.0, Sight(2 * math.pi * view / 24), light) for view in views]


def painted(request, table):
    """The picture by the rule that the measure takes for true: albedo times light, without shadows."""
    given = {name: guide[0] for name, guide in request.guides.given().items()}
    metallic = np.zeros(len(Part))
    for each in request.identity.looks:
        metallic[each.part] = each.metallic
    straight = table[given["parts"]] * light_on(given["normals"], request.light, metallic[given["parts"]])
    return np.concatenate([straight, np.ones_like(straight[..., :1])], axis=-1) * given["coverage"][..., None]


def look(name, table=None, **how):
    character = load_character(name)
    asked = requests(character, **how)
    table = albedos(character) if table is None else table
    return likeness(
        [sums_of(r, painted(r, table), ROOT_M) for r in asked], [("idle", v) for v in how.get("views", VIEWS)]
    )


@pytest.fixture(scope="module")
def legionary():
    return look("legionary")


def test_the_light_is_taken_out_whole(legionary):
    """What is left are the recipe's albedos, and nothing of where the sun stood or how bright it was."""
    table = albedos(load_character("legionary"))

    for name, part in legionary["parts"].items():
        np.testing.assert_allclose(part["rgb"], table[Part[name.upper()]], rtol=1e-3)
        assert part["spread"] < 0.05
    assert distance(legionary, look("legionary", azimuth_deg=-120.0)).delta_e < 0.05


@pytest.mark.parametrize("delta_e", [1.0, 4.0, 12.0])
def test_a_tint_of_known_size_reads_as_that(legionary, delta_e):
    """A cloth shifted along a*, its brightness kept, so that the common exposure has nothing to explain."""
    table = albedos(load_character("legionary"))
    tinted = table.copy()
    low, high = 0.0, 1.0
    for _ in range(40):  # towards grey of the same brightness, until CIELAB says that it is so far
        share = (low + high) / 2
        tinted[Part.SHIELD] = table[Part.SHIELD] * (1 - share) + table[Part.SHIELD].mean() * share
        apart = np.linalg.norm(lab_of(tinted[Part.SHIELD]) - lab_of(table[Part.SHIELD]))
        low, high = (share, high) if apart < delta_e else (low, share)

    found = distance(legionary, look("legionary", tinted))

    assert found.worst == ("shield", pytest.approx(delta_e, abs=0.05))
    share = legionary["parts"]["shield"]["px"] / sum(part["px"] for part in legionary["parts"].values())
    assert found.delta_e == pytest.approx(delta_e * share, abs=0.05)
    assert found.stops == pytest.approx(0, abs=0.01)


def test_an_exposure_common_to_all_is_told_apart(legionary):
    brighter = look("legionary", albedos(load_character("legionary")) * 2.0**0.5)

    found = distance(legionary, brighter)

    assert found.stops == pytest.approx(0.5, abs=0.01)
    assert found.delta_e < 0.1


def test_one_person_is_himself_under_opposite_suns():
    """Rendered with shadows, wear and true metal. As if metal were cloth, helmet and cuirass would be 8 to 14 apart."""
    person, looks = load_character("legionary", 1), []
    mesh = posed_mesh(person, "idle", 0.0)
    for azimuth_deg in (40.0, -140.0):
        light = Light(sun_seen(math.radians(azimuth_deg), math.radians(38), 0.0, 0.0))
        drawn = [seen(mesh, person, 2 * math.pi * view / 24, 0.0, light) for view in (0, 3, 7, 12, 17, 21)]
        looks.append(
            likeness([sums_of(each.request, each.truth, ROOT_M) for each in drawn], [("idle", 0)] * len(drawn))
        )

    found = distance(*looks)

    assert found.delta_e < 2.5
    assert max(found.parts["helmet"], found.parts["cuirass"]) < 2
    assert abs(found.stops) < 0.1


def test_another_character_and_another_factions_colours_are_far(legionary):
    assert distance(legionary, look("legionary_in_azure")).delta_e > 12
    archer = distance(legionary, look("archer"))
    assert archer.delta_e > 12
    assert {"shield", "quiver"} <= set(archer.only_one)
    assert distance(legionary, look("legionary", views=(1, 5, 8, 13, 20))).delta_e < 1


def test_lab_is_cielab():
    """Linear ACEScg white and mid grey, and Rec.709's red (53.24, 80.09, 67.20: CIE 15, D65)."""
    from pipeline.io.color import to_acescg

    red = to_acescg(np.array([[[1.0, 0.0, 0.0]]], np.float32), "Linear Rec.709 (sRGB)")[0, 0]

    np.testing.assert_allclose(lab_of(np.array([1.0, 1.0, 1.0])), [100, 0, 0], atol=0.02)
    np.testing.assert_allclose(lab_of(np.array([0.18, 0.18, 0.18])), [49.5, 0, 0], atol=0.02)
    np.testing.assert_allclose(lab_of(red), [53.24, 80.09, 67.20], atol=0.1)


def test_a_head_is_as_high_as_its_owner(legionary):
    """With the helmet over it, and to a pixel of 2 cm."""
    assert legionary["shape"]["idle"]["0"][0] == pytest.approx(load_character("legionary").height_m + 0.03, abs=0.03)


def test_sizes_are_compared_where_motion_and_view_are_shared(legionary):
    tall = {**legionary, "shape": {"idle": {v: [h * 1.1, a * 1.2] for v, (h, a) in legionary["shape"]["idle"].items()}}}
    elsewhere = {**legionary, "shape": {"march": {"0": [9.0, 9.0]}}}

    assert distance(legionary, tall).head == pytest.approx(0.1, abs=1e-3)
    assert distance(legionary, tall).area == pytest.approx(0.2, abs=1e-3)
    assert (distance(legionary, elsewhere).head, distance(legionary, elsewhere).area) == (0, 0)


def test_nothing_in_common_is_no_distance(legionary):
    nothing = likeness([np.zeros_like(sums_of(r, painted(r, albedos(load_character("archer"))), ROOT_M)) for r in
                        requests(load_character("archer"), views=(0,))], [("idle", 0)])  # fmt: skip

    assert distance(legionary, nothing).delta_e == 0
    assert set(distance(legionary, nothing).only_one) == set(legionary["parts"])
    assert replace(distance(legionary, nothing), parts={}).worst == ("", 0.0)
