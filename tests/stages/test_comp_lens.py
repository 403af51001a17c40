"""Colour fringes and glow where a layer meets the plate; what neither reaches keeps its bits."""

import numpy as np
import pytest

from calibration.look.aberration import Aberration
from calibration.look.glow import Glow
from calibration.look.optics import Optics
from pipeline.kernels import fused
from pipeline.optics_sections import LensFacts
from pipeline.types import Lens
from stages.comp_lens import LensOver, add_glow, lay_over

LENS = Lens(80, 40, 90.0, 90.0, 20.0, 20.0)


def scene(light=0.8, behind=0.2):
    """A white board at the right over a flat plate."""
    layer = np.zeros((40, 80, 4), np.float32)
    layer[8:32, 50:70] = (light, light, light, 1)
    picture = np.full((40, 80, 3), behind, np.float32)
    return layer, picture, np.ones((40, 80), np.float16)


def test_red_is_larger_and_blue_smaller_than_green():
    layer, picture, kept = scene()

    lay_over(layer, picture, kept, LensOver((0.02, -0.02), (20.0, 20.0)))

    right = (picture[20] - 0.2).sum(axis=0) / 0.6  # widths in pixels; edges at 30 and 50 from the centre
    np.testing.assert_allclose(right, (20.4, 20, 19.6), atol=0.15)
    assert picture[20, 70, 0] > 0.6
    assert picture[20, 69, 2] < 0.4
    assert (kept[picture.max(axis=2) > 0.2001] < 1).all()
    assert (picture[kept == 1] == np.float32(0.2)).all()


def test_like_over_like_shows_no_fringe():
    layer, picture, kept = scene(light=0.2)

    lay_over(layer, picture, kept, LensOver((0.02, -0.02), (20.0, 20.0)))

    np.testing.assert_allclose(picture, 0.2, rtol=1e-5)


def test_a_lens_without_faults_is_plain_over():
    layer, picture, kept = scene()
    wanted, left = picture.copy(), kept.copy()
    fused.lay_over(layer, wanted, left)

    lay_over(layer, picture, kept, LensOver())
    add_glow([layer * 9], picture, kept, LensOver())

    assert picture.tobytes() == wanted.tobytes()
    assert kept.tobytes() == left.tobytes()


def test_a_lamp_glows_over_the_plate_and_a_board_does_not():
    layer, picture, kept = scene(light=0.9)
    add_glow([layer], picture, kept, LensOver(glow=(0.1, 0.05, 0.02), glow_px=3.0))
    assert (kept == 1).all()

    layer[18:22, 58:62, :3] = 30
    add_glow([layer], picture, kept, LensOver(glow=(0.1, 0.05, 0.02), glow_px=3.0))

    added = picture - 0.2
    assert added[20, 45, 0] > added[20, 45, 2]
    np.testing.assert_allclose(added.sum(axis=(0, 1)), 16 * 29 * np.float32([0.1, 0.05, 0.02]), rtol=0.05)
    assert (added[kept == 1] == 0).all()
    assert (kept[:, :20] == 1).all()


def test_what_a_nearer_layer_hides_does_not_glow():
    lamp, picture, kept = scene(light=30)
    board = np.zeros_like(lamp)
    board[..., 3] = 1

    add_glow([lamp, board], picture, kept, LensOver(glow=(0.1, 0.1, 0.1), glow_px=3.0))

    assert (picture == np.float32(0.2)).all()


def test_what_was_said_goes_before_what_was_measured():
    measured = Optics(aberration=Aberration(0.001, 0.002), glow=Glow((0.1, 0.2, 0.3), 7.0))

    found = LensOver.of(LensFacts(), measured, LENS)
    assert (found.aberration, found.glow, found.glow_px) == ((0.001, 0.002), (0.1, 0.2, 0.3), 7.0)
    said = LensOver.of(LensFacts(aberration=(0.0, 0.0), glow=(0.05, 4.0)), measured, LENS)
    assert (said.aberration, said.glow, said.glow_px) == ((0, 0), pytest.approx((0.05,) * 3), 4.0)
