"""The sky's matte against a tree line of known alpha, and the comps that it makes against the true ones."""

import cv2
import numpy as np
import pytest

from calibration.mattes.foreground import separate
from calibration.mattes.skyline import not_sky, sky_trimap
from calibration.mattes.skypull import without_sky
from pipeline.kernels.matting import BACK, FRONT
from tests import treeline

NOBODY = np.zeros((treeline.HEIGHT, treeline.WIDTH), np.float32)


def by_depth(alpha):
    """What a depth map tells: blind for twigs and gaps, its edge two pixels off."""
    solid = cv2.morphologyEx((alpha > 0.5).astype(np.uint8), cv2.MORPH_OPEN, np.ones((7, 7), np.uint8))
    solid = cv2.morphologyEx(solid, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    return np.roll(solid, 2, axis=1) == 0


@pytest.fixture(scope="module")
def pulled():
    """Of the plate before each of two skies: true alpha, found alpha, and what stands before the sky, premultiplied."""
    true, found = treeline.alpha(), []
    for sky in (treeline.bright_sky(), treeline.dusk_sky()):
        plate = treeline.over(sky, true)
        alpha, behind = not_sky(plate, by_depth(true), NOBODY)
        front, _ = separate(plate, alpha, behind)
        front = without_sky(front, plate, alpha, 1.0, treeline.WIDTH / 960)
        found.append((alpha, np.where(alpha[..., None] >= 1, plate, alpha[..., None] * front)))
    return true, found


def test_leaves_twigs_and_spear_are_found_before_a_bright_sky(pulled):
    true, ((alpha, _), _) = pulled
    coarse = 1 - by_depth(true).astype(np.float32)

    band = (true > 0.01) & (true < 0.99)
    assert np.abs(alpha - true).sum() < 0.25 * np.abs(coarse - true).sum()
    assert ((alpha - true)[band] ** 2).mean() < 0.009
    spear = (slice(62, 110), slice(286, 300))
    assert alpha[spear].sum() == pytest.approx(true[spear].sum(), rel=0.25)


def test_open_sky_and_solid_ground_are_exactly_so(pulled):
    true, ((alpha, _), _) = pulled
    far = cv2.dilate((true > 0).astype(np.uint8), np.ones((25, 25), np.uint8)) == 0

    assert (alpha[far] == 0).mean() > 0.999
    assert (alpha[150:] == 1).all()


def test_the_comp_before_another_sky_is_nearly_the_true_one(pulled):
    """Exchanging the skies: a pixel of the skyline is off by few just noticeable differences, and no rim stays."""
    true, found = pulled
    skies = treeline.bright_sky(), treeline.dusk_sky()
    edge = cv2.dilate(((true > 0.01) & (true < 0.99)).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    for (alpha, own), other, limit in ((found[0], skies[1], 6.0), (found[1], skies[0], 12.0)):
        apart = treeline.delta_e(own + (1 - alpha[..., None]) * other, treeline.over(other, true))
        plain = treeline.delta_e(
            treeline.over(skies[0] if other is skies[1] else skies[1], true), treeline.over(other, true)
        )
        assert apart[edge].mean() < limit
        assert apart[edge].mean() < 0.35 * plain[edge].mean()


def test_streaks_between_clouds_are_no_twigs():
    true = treeline.alpha()
    sky = treeline.bright_sky()
    sky[40:42, 30:200] *= 0.88

    trimap, _ = sky_trimap(treeline.over(sky, true), by_depth(true), NOBODY)

    assert (trimap[36:46, 40:190] == BACK).all()


def test_the_blue_between_two_banks_of_cloud_is_no_twig_though_twigs_join_it():
    true = treeline.alpha()
    sky = treeline.bright_sky()
    sky[50:56, 180:300] *= 1.4
    sky[62:68, 180:300] *= 1.4
    true[56:105, 268:270] = 1  # a pole from the ridge into it

    trimap, _ = sky_trimap(treeline.over(sky, true), by_depth(true), NOBODY)

    assert (trimap[57:61, 185:258] == BACK).all()
    assert (trimap[72:90, 268:270] != BACK).all()


def test_a_person_of_the_matte_is_never_sky():
    true = treeline.alpha()
    person = NOBODY.copy()
    person[20:60, 30:40] = 1
    plate = treeline.over(treeline.bright_sky(), true)

    trimap, _ = sky_trimap(plate, by_depth(true), person)
    alpha, _ = not_sky(plate, by_depth(true), person)

    assert (trimap[20:60, 30:40] == FRONT).all()
    assert (alpha[20:60, 30:40] == 1).all()


def test_a_plate_without_sky_is_left_whole():
    plate = treeline.front()

    alpha, _ = not_sky(plate, np.zeros(NOBODY.shape, np.bool_), NOBODY)

    assert (alpha == 1).all()
