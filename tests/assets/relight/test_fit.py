"""The light that pictures were painted in, against the one they were rendered in."""

import json
from dataclasses import replace

import numpy as np
import pytest

from assets.relight.answers import Pool, entries, read_lights
from assets.relight.fit import fit
from assets.relight.sums import ACROSS, cell_of, sums_of
from tests.assets.relight.litpeople import LIGHTS, apart_deg, people


def found_in(name, under, asked=None):
    """The light of somebody's pictures."""
    samples = people(name, under)
    sums = sum(sums_of(sample.request, sample.truth[None]) for sample in samples)
    return fit({LIGHTS[asked or under]: sums}, samples[0].request.identity)


@pytest.mark.parametrize("name", ["peasant", "legionary"])
@pytest.mark.parametrize("under", ["left", "right", "low"])
def test_a_strong_sun_is_found_within_15_degrees_without_knowing_any_colour(name, under):
    found = found_in(name, under, asked="behind")

    assert apart_deg(found.to_sun, LIGHTS[under].sun_direction) < 15
    assert found.sun_share > 0.6
    assert not found.right


@pytest.mark.parametrize("under", ["left", "low", "overcast"])
def test_what_was_asked_for_is_known_to_be_right(under):
    assert found_in("peasant", under).right


def test_clouds_are_told_from_sun_and_the_colours_of_both_are_found():
    clouds, low = found_in("peasant", "overcast", asked="left"), found_in("peasant", "low")

    assert clouds.sun_share < 0.5 < low.sun_share
    assert clouds.confidence > 0.9
    assert not clouds.right
    assert low.sun_rgb[2] / low.sun_rgb[0] == pytest.approx(0.4, abs=0.2)  # of a setting sun, (1.0, 0.7, 0.4)
    assert low.around[0][2] > low.around[0][0]  # and its sky's


def test_each_part_may_have_any_albedo():
    """A painter's red is his own: parts brighter and darker than was asked for change nothing in the sun's place."""
    samples = people("peasant", "left")
    sums = sum(sums_of(sample.request, sample.truth[None]) for sample in samples)
    dyed = sums.copy()
    dyed[..., 1:4] *= np.exp(np.random.default_rng(1).normal(0, 0.5, (len(sums), 1, 3)))

    found = fit({LIGHTS["left"]: dyed}, samples[0].request.identity)

    assert apart_deg(found.to_sun, LIGHTS["left"].sun_direction) < 15


def test_noise_leaves_little_confidence_and_nobody_leaves_none():
    samples = people("peasant", "left")
    rng, sums = np.random.default_rng(2), 0
    for sample in samples:
        noisy = sample.truth.copy()
        noisy[..., :3] = rng.lognormal(-2, 1.2, noisy.shape[:2])[..., None] * noisy[..., 3:]
        sums = sums + sums_of(sample.request, noisy[None])
    request = samples[0].request

    # Noise that follows no surface: cells are means of many pixels, so shuffle what each cell shows.
    shuffled = sums.copy()
    for part in range(len(sums)):
        shown = np.flatnonzero(sums[part, :, 0])
        count = sums[part, shown, :1]
        level = rng.lognormal(0, 0.8, (len(shown), 1))
        shuffled[part, shown, 1:4] = count * level
    assert fit({request.light: shuffled}, request.identity).confidence < 0.5
    assert fit({request.light: np.zeros_like(sums)}, request.identity) is None


def test_a_pool_finds_one_light_for_each_identity_and_painter(tmp_path):
    pool = Pool()
    for under in ("left", "right"):
        for sample in people("peasant", under):
            pool.add(replace(sample.request, light=LIGHTS["behind"]), under, sample.truth[None])

    lights = pool.lights()

    name = people("peasant", "left")[0].request.identity.name
    assert set(lights) == {(name, "left"), (name, "right")}
    assert lights[name, "left"].to_sun[0] < 0 < lights[name, "right"].to_sun[0]
    index = tmp_path / "index.json"
    index.write_text(json.dumps({"lights": entries(lights)}))
    assert read_lights(index) == lights


def test_cells_share_the_half_sphere_evenly():
    rng = np.random.default_rng(3)
    normals = rng.normal(size=(200_000, 3))
    normals[:, 2] = -np.abs(normals[:, 2])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)

    count = np.bincount(cell_of(normals), minlength=ACROSS**2)

    full = count.reshape(ACROSS, ACROSS)[5:11, 5:11]  # cells that lie wholly inside the disc
    assert full.std() / full.mean() < 0.06
