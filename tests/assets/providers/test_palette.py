"""Hues are kept to the palette: what is drifted comes back, what is true stays, and nothing else is touched."""

from dataclasses import replace

import numpy as np
import pytest

from assets.people.characters import Part, load_character
from assets.people.mesh import posed_mesh
from assets.providers.builtin import Builtin
from assets.providers.palette import inner_pixels, kept_to_palette
from assets.providers.request import Light
from assets.train.differences import delta_e_2000, lab_of
from assets.train.drift import drift
from assets.train.masonry import masonry_sample
from assets.train.people import seen
from pipeline.kernels.color import LUMINANCE

EVENING = Light((-0.7, -0.5, -0.5), (0.93, 0.79, 0.63), (0.17, 0.20, 0.25))
TINT = np.array([0.7, 1.3, 0.8], np.float32)  # as gilding in shade turns green


@pytest.fixture(scope="module")
def sample():
    who = load_character("legionary")
    return seen(posed_mesh(who, "idle", 0.25), who, 0.7, 0.1, EVENING, near=2)


def straight(picture):
    return picture[..., :3] / np.maximum(picture[..., 3:], 1e-3)


def hues_off(sample, picture, part):
    """CIEDE2000 between a part's mean colours in picture and truth, at the truth's luminance."""
    given = sample.request.guides.given()
    here = inner_pixels(given["parts"][0], given["coverage"][0]) & (given["parts"][0] == part)
    said, true = straight(picture)[here].mean(0), straight(sample.truth)[here].mean(0)
    said = said * (true @ LUMINANCE) / (said @ LUMINANCE)
    return float(delta_e_2000(lab_of(said), lab_of(true)))


def large_parts(sample):
    given = sample.request.guides.given()
    inner = given["parts"][0][inner_pixels(given["parts"][0], given["coverage"][0])]
    return [part for part in np.unique(inner) if (inner == part).sum() >= 60]


def test_a_true_picture_keeps_its_hues(sample):
    kept = kept_to_palette(sample.request, 0, sample.truth)

    off = [hues_off(sample, kept, part) for part in large_parts(sample)]

    assert len(off) >= 6
    assert np.median(off) < 1.0
    assert max(off) < 3.0


@pytest.mark.parametrize("part", [Part.SHIELD_MARK, Part.CUIRASS, Part.STRIPS])
def test_a_drifted_part_comes_back_and_its_neighbours_stay(sample, part):
    parts = sample.request.guides.given()["parts"][0]
    drifted = sample.truth.copy()
    drifted[parts == part, :3] *= TINT

    kept = kept_to_palette(sample.request, 0, drifted)

    assert hues_off(sample, drifted, part) > 15
    assert hues_off(sample, kept, part) < 2.5
    others = (parts > 0) & (parts != part)
    assert np.array_equal(kept[others], kept_to_palette(sample.request, 0, sample.truth)[others])


def test_alpha_and_luminance_stay_in_every_pixel(sample):
    drifted = sample.truth * np.array([*TINT, 1], np.float32)

    kept = kept_to_palette(sample.request, 0, drifted)

    assert np.array_equal(kept[..., 3], drifted[..., 3])
    np.testing.assert_allclose(kept[..., :3] @ LUMINANCE, drifted[..., :3] @ LUMINANCE, rtol=1e-4, atol=1e-6)
    empty = sample.request.guides.given()["parts"][0] == 0
    assert np.array_equal(kept[empty], drifted[empty])


def test_a_little_more_drift_changes_little(sample):
    """What follows the picture continuously adds no flicker."""
    amounts = np.linspace(0, 1, 9)
    tints = np.array([*TINT, 1], np.float32) ** amounts[:, None]

    kept = np.stack([kept_to_palette(sample.request, 0, sample.truth * tint.astype(np.float32)) for tint in tints])

    steps = np.abs(np.diff(kept, axis=0)).mean(axis=(1, 2, 3))
    asked = np.abs(np.diff(sample.truth * tints[:, None, None], axis=0)).mean(axis=(1, 2, 3))
    assert (steps < asked).all()


def test_what_tells_no_parts_and_what_is_no_person_is_left_alone(sample):
    only_pose = replace(sample.request, guides=sample.request.guides.only({"pose", "depth"}))
    stone = masonry_sample(np.random.default_rng(1), 64, 64)

    assert kept_to_palette(only_pose, 0, sample.truth) is sample.truth
    assert kept_to_palette(stone.request, 0, stone.truth) is stone.truth


def test_the_shipped_model_drifts_less_than_its_network_alone():
    """The figures of every character stand in docs/characters.md; here one, from few sides."""
    told = drift(Builtin.open(), ["legionary"], views=4, sizes=(1,))["off palette"]

    for shade in ("", ", in shade"):
        alone, shipped = told[f"network alone{shade}"], told[f"as shipped{shade}"]
        assert shipped["hue"] < 0.8 * alone["hue"]
        assert shipped["hue_p90"] < 0.8 * alone["hue_p90"]
        assert shipped["between_p90"] < 0.8 * alone["between_p90"]
    assert told["as shipped"]["hue"] <= 1.0
    assert told["as shipped"]["hue_p90"] <= 2.5
