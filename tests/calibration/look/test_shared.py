"""Materials that plate and layer share tell the grade, however often each is seen."""

import numpy as np
import pytest

from calibration.look.likeliest import likeliest
from calibration.look.shared import CLOUDS, Clouds, registered
from calibration.look.tonestats import Tones

GRADE = Tones(exposure_ev=0.5, red=0.15, blue=-0.2, contrast_ev=0.1)
COLOURS = np.array([(0.30, 0.05, 0.04), (0.08, 0.10, 0.20), (0.45, 0.40, 0.30), (0.05, 0.05, 0.05), (0.42, 0.30, 0.22)])
LIGHTS = np.array([(1.0, 0.95, 0.85), (0.22, 0.27, 0.36)])  # sun and shade


def people(counts, seed, lit=0.6, colours=COLOURS):
    """(N, 3) pixels: so many of each colour, a share of them in the sun."""
    rng = np.random.default_rng(seed)
    albedo = np.repeat(colours, counts, axis=0)
    light = LIGHTS[(rng.random(len(albedo)) > lit).astype(int)]
    return albedo * light * np.exp(rng.normal(0, 0.1, (len(albedo), 1)))


def laid(layer, plate):
    found, (apart,) = registered(likeliest([]), [], [Clouds.of(layer, plate)])
    return found.tones, apart


@pytest.mark.parametrize(("counts", "lit"), [((300, 300, 300, 300, 300), 0.6), ((20, 700, 60, 500, 220), 0.25)])
def test_the_grade_is_met_whatever_is_seen_how_often(counts, lit):
    tones, _ = laid(people((300,) * 5, 1), GRADE.applied(people(counts, 2, lit)))

    np.testing.assert_allclose(tones.values()[:3], GRADE.values()[:3], atol=0.06)


def test_a_colour_of_the_plate_that_the_layer_lacks_is_left_out():
    strange = np.concatenate([COLOURS, [(0.02, 0.4, 0.05)]])

    tones, _ = laid(people((300,) * 5, 1), GRADE.applied(people((200,) * 6, 2, colours=strange)))

    np.testing.assert_allclose(tones.values()[:3], GRADE.values()[:3], atol=0.08)


def test_other_colours_stay_apart():
    _, same = laid(people((300,) * 5, 1), GRADE.applied(people((100, 500, 50, 500, 350), 2, 0.3)))
    _, other = laid(people((300,) * 5, 1), GRADE.applied(people((300,) * 5, 2, colours=COLOURS[:, ::-1] ** 1.4)))

    assert same < 0.35 < 2 * same < other


def test_clouds_are_the_materials():
    """Four materials in one light each: no cloud mixes two of them."""
    layer = people((250,) * 4, 3, lit=1.0, colours=COLOURS[:4])
    clouds = Clouds.of(layer, layer)

    material = np.repeat(np.arange(4), 250)
    assert int(clouds.cloud.max()) < CLOUDS
    for k in range(int(clouds.cloud.max()) + 1):
        inside = material[clouds.cloud == k]
        assert (inside == np.bincount(inside).argmax()).mean() > 0.98


def test_one_flat_colour_is_one_cloud_and_does_no_harm():
    tones, apart = laid(np.full((200, 3), 0.2), np.full((200, 3), 0.2))

    assert abs(tones.exposure_ev) < 0.05
    assert np.isfinite(apart)
