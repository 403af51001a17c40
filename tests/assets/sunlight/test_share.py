"""What a surface loses with the sun, against the light that was said."""

import numpy as np
import pytest

from assets.providers.request import Light
from assets.providers.surfaces import lights_on
from assets.sunlight.maps import SunMaps
from assets.sunlight.share import Sunlight

SUN_RGB, SKY_RGB = np.array([0.93, 0.79, 0.63]), np.array([0.17, 0.20, 0.25])


def sunlight(elevation_deg=25.0, strength=1.0) -> Sunlight:
    """A clear day whose shadows on level ground are what its sun and sky say."""
    e = np.radians(elevation_deg)
    to_sun = np.array([np.cos(e) * 0.6, np.sin(e), np.cos(e) * 0.8])
    left = SKY_RGB / (SKY_RGB + np.sin(e) * SUN_RGB)
    return Sunlight(SunMaps.of([], to_sun, 0.03), tuple(left), strength)


def test_level_ground_is_left_what_the_plates_shadows_leave():
    light = sunlight()

    np.testing.assert_allclose(light.left(np.array([0.0, 1.0, 0.0])), light.left_rgb, rtol=1e-6)


def test_what_faces_away_loses_nothing():
    light = sunlight()

    np.testing.assert_array_equal(light.left(-light.maps.to_sun), 1)


def test_a_part_is_taken_of_what_is_painted_in_the_sun():
    """The light that the painters paint in, without its sun, is what is left."""
    light, normals = sunlight(), np.random.default_rng(2).normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    down = np.array([1, -1, -1])
    sun, around = lights_on(normals * down, Light(tuple(light.maps.to_sun * down), tuple(SUN_RGB), tuple(SKY_RGB)))

    np.testing.assert_allclose(light.left(normals), around / (sun + around), rtol=1e-4)


def test_strength_counts_of_what_is_taken():
    normals = np.array([[0.0, 1.0, 0.0], [0.6, 0.0, 0.8]])

    np.testing.assert_allclose(
        1 - sunlight(strength=0.25).left(normals), 0.25 * (1 - sunlight().left(normals)), rtol=1e-5
    )


@pytest.mark.parametrize("left", [(0.0, 0.0, 0.0), (1.0, 1.0, 1.0)])
def test_the_darkest_and_no_shadow_stay_numbers(left):
    light = Sunlight(sunlight().maps, left)

    found = light.left(np.array([[0.0, 1.0, 0.0], [0.0, -1.0, 0.0]]))

    assert np.isfinite(found).all()
    assert ((found > 0) & (found <= 1)).all()
