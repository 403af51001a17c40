"""Ground, standing things and people are told apart by geometry, and the air before them is taken away."""

import numpy as np

from calibration.ground.heightfield import Heightfield
from calibration.look.classes import class_pixels, height_above
from calibration.look.color import Sample
from calibration.look.haze import Haze
from tests.scenes import COLOURS, FIRST_BOX, GROUND, Scene

SCENE = Scene(width=320, height=180, frames=2, actor=True, grain=0)
X, Z = np.meshgrid(np.arange(-60, 60.1, 0.5), np.arange(-80, 10.1, 0.5))
HEIGHTS = Heightfield(SCENE.ground_height_m(X, Z), -60.0, -80.0, 0.5)


def seen(air=None, extinction=0.0):
    depth, matte = SCENE.depth_m(1001), SCENE.matte(1001)
    rgb = SCENE.picture(1001)
    if air is not None:
        through = np.exp(-extinction * np.minimum(depth, 1e6))[..., None].astype(np.float32)
        rgb = rgb * through + np.float32(air) * (1 - through)
    sample = Sample(rgb, depth, np.isfinite(depth).astype(np.float32), matte)
    return sample, height_above(depth, SCENE.lens, SCENE.camera_from_world(1001), HEIGHTS)


def test_heights_above_the_ground_are_true():
    _, above = seen()
    surfaces = SCENE.surfaces(1001)

    near = (surfaces == GROUND) & (SCENE.depth_m(1001) < 30)
    assert np.nanmax(np.abs(above[near])) < 0.1
    walls = (surfaces >= FIRST_BOX) & (surfaces < FIRST_BOX + 4)
    assert np.nanmedian(above[walls]) > 0.5
    assert np.isnan(above[surfaces == 0]).all()


def test_each_class_has_its_own_colours():
    found = class_pixels([seen()], Haze())

    ratios = {name: np.log2(rgb.mean(0)[0] / rgb.mean(0)[2]) for name, rgb in found.items()}
    assert abs(ratios["ground"] - np.log2(COLOURS[GROUND][0] / COLOURS[GROUND][2])) < 0.1
    assert ratios["people"] > 2 > ratios["ground"] > ratios["standing"]


def test_the_air_is_taken_away():
    air = (0.5, 0.6, 0.8)
    clear, hazy = class_pixels([seen()], Haze()), class_pixels([seen(air, 0.01)], Haze(air, 0.01))

    np.testing.assert_allclose(hazy["standing"].mean(0), clear["standing"].mean(0), rtol=0.05)
    np.testing.assert_allclose(hazy["ground"].mean(0), clear["ground"].mean(0), rtol=0.05)
