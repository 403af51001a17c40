"""Shadows that a relief throws on itself, against a box and against a slow twin."""

import numpy as np
import pytest

from pipeline.kernels.reliefshadow import relief_lit

SETTINGS = {"reach_m": 0.5, "bias_m": 0.02, "thick_m": 0.3}


def wall_and_box():
    """A wall in the picture's plane, and a box 0.1 m thick before its middle; 1 cm a pixel."""
    relief = np.zeros((40, 60), np.float32)
    relief[10:30, 25:35] = 0.1
    return relief, np.ones_like(relief)


def towards(x, y, z):
    length = np.sqrt(x * x + y * y + z * z)
    return x / length, y / length, z / length


def test_a_box_throws_a_shadow_as_long_as_geometry_says():
    """The sun stands 45 degrees to the right: 0.1 m thick throws 0.1 m, ten pixels, to the left."""
    lit = relief_lit(*wall_and_box(), towards(1, 0, -1), 0.01, **SETTINGS)

    assert (lit[12:28, 19:25] == 0).all()
    assert (lit[12:28, :14] == 1).all()
    assert (lit[12:28, 25:] == 1).all()
    assert (lit[:9] == 1).all()
    assert (lit[31:] == 1).all()


def test_light_along_the_view_throws_none():
    assert (relief_lit(*wall_and_box(), (0.0, 0.0, -1.0), 0.01, **SETTINGS) == 1).all()


def test_light_passes_behind_what_stands_far_before():
    relief, cover = wall_and_box()
    relief[10:30, 25:35] = 0.9

    assert (relief_lit(relief, cover, towards(1, 0, -0.2), 0.01, **SETTINGS)[:, :25] == 1).all()


def test_what_is_empty_throws_none_and_gets_none():
    relief, cover = wall_and_box()
    cover[10:30, 25:35] = 0

    assert (relief_lit(relief, cover, towards(1, 0, -1), 0.01, **SETTINGS) == 1).all()


@pytest.mark.parametrize("sun", [(1, 0, -1), (-0.3, -1, -0.5), (0.2, 0.9, 0.4)])
def test_it_is_what_a_slow_twin_says(sun):
    rng = np.random.default_rng(4)
    relief = rng.uniform(-0.2, 0.2, (23, 17)).astype(np.float32)
    cover = (rng.random(relief.shape) > 0.2).astype(np.float32)
    x, y, z = towards(*sun)

    lit = relief_lit(relief, cover, (x, y, z), 0.02, **SETTINGS)

    assert np.allclose(lit, _slow(relief, cover, (x, y, z), 0.02), atol=1e-5)


def test_wrong_shapes_are_refused():
    relief, cover = wall_and_box()

    with pytest.raises(ValueError, match="coverage"):
        relief_lit(relief, cover[1:], (1.0, 0.0, 0.0), 0.01, **SETTINGS)


def _slow(relief, cover, sun, scale):
    height, width = relief.shape
    out, across = np.ones_like(relief), np.hypot(sun[0], sun[1])
    step = np.array([sun[0], sun[1], -sun[2] * scale], np.float32) / np.float32(across)
    for y, x in zip(*np.nonzero(cover), strict=True):
        hidden = 0.0
        for k in range(1, int(SETTINGS["reach_m"] * across / scale) + 1):
            j, i = int(np.floor(y + k * step[1] + 0.5)), int(np.floor(x + k * step[0] + 0.5))
            if not (0 <= i < width and 0 <= j < height):
                break
            before = relief[j, i] - relief[y, x] - k * step[2]
            if cover[j, i] and before < SETTINGS["thick_m"]:
                hidden = max(hidden, (before - SETTINGS["bias_m"]) / SETTINGS["bias_m"])
        out[y, x] = 1 - np.clip(hidden, 0, 1)
    return out
