"""Which of the ground's light is a shadow's, against ground whose shadows are known."""

import numpy as np
import pytest

from calibration.look.shade import find_shade

LEFT = (0.24, 0.31, 0.42)
SOIL, GRASS = (0.42, 0.36, 0.27), (0.2, 0.2, 0.11)


def ground(count=8000, shaded=0.1, left=LEFT, rough=0.25, seed=1):
    """(N, 3) light of soil with a third of grass, and (N,) what truly lacks of the sun."""
    chance = np.random.default_rng(seed)
    grass = chance.random(count) < 0.33
    albedo = np.where(grass[:, None], GRASS, SOIL) * np.exp(chance.normal(0, rough, (count, 1)))
    albedo = albedo * np.exp(chance.normal(0, rough / 5, (count, 3)))
    lacks = np.where(chance.random(count) < shaded, 1.0, 0.0)
    return (albedo * (1 - lacks[:, None] * (1 - np.array(left)))).astype(np.float32), lacks


@pytest.mark.parametrize("shaded", [0.01, 0.1, 0.4])
def test_shade_is_told_from_dark_ground(shaded):
    light, lacks = ground(shaded=shaded)

    found = find_shade(light, LEFT)

    assert found is not None
    share = found.share(light)
    assert share[lacks == 1].mean() > 0.85
    assert share[lacks == 0].mean() < 0.02
    assert 1 - found.lit == pytest.approx(shaded, rel=0.2)


def test_in_the_edge_of_a_shadow_some_of_the_sun_lacks():
    light, _ = ground()
    found = find_shade(light, LEFT)
    lacks = np.linspace(0, 1, 9)[:, None]
    edge = np.array(SOIL) * (1 - lacks * (1 - np.array(LEFT)))

    share = found.share(edge.astype(np.float32))

    assert (np.diff(share) >= 0).all()
    assert share[0] < 0.05
    assert share[-1] > 0.95


def test_ground_without_shade_has_none():
    light, _ = ground(shaded=0.0)

    found = find_shade(light, LEFT)

    assert found is None or found.share(light).mean() < 0.005


@pytest.mark.parametrize("left", [(0.66, 0.69, 0.73), (0.97, 0.97, 0.98)])
def test_a_weak_shadow_on_rough_ground_is_not_guessed_at(left):
    light, _ = ground(left=left, rough=0.5)

    assert find_shade(light, left) is None


def test_few_places_tell_nothing():
    light, _ = ground(count=100)

    assert find_shade(light, LEFT) is None
