"""How a sprite is asked for: axes, light, identity."""

import math

import numpy as np
import pytest

from assets.motion.motions import MOTIONS
from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from assets.providers.request import Light
from assets.sprites.guides import sprite_guides
from assets.sprites.sprite import (
    HEIGHT_PX,
    METRES_PER_PX,
    NARROW_REACH_M,
    WIDE_PX,
    WIDTH_PX,
    Sight,
    fitting_px,
    frame_width_px,
    reach_m,
    sun_seen,
)
from tests.sprites import sprite_request

TALL, RIGHT_OF_PICTURE = math.radians(30), math.radians(90)


def test_sun_behind_the_camera_shines_on_what_faces_it():
    x, y, z = sun_seen(0.4, TALL, heading_rad=0.4, camera_elevation_rad=0.0)

    assert np.allclose((x, y, z), (0, -math.sin(TALL), -math.cos(TALL)), atol=1e-6)


def test_sun_to_the_right_of_the_camera_is_at_plus_x():
    """Seen from +Z, world +X is the picture's right."""
    x, _, z = sun_seen(RIGHT_OF_PICTURE, 0.0, heading_rad=0.0, camera_elevation_rad=0.0)

    assert np.allclose((x, z), (1, 0), atol=1e-6)


def test_a_camera_overhead_sees_the_zenith_sun_behind_itself():
    direction = sun_seen(0.0, math.pi / 2, heading_rad=0.0, camera_elevation_rad=math.pi / 2)

    assert np.allclose(direction, (0, 0, -1), atol=1e-6)


def test_a_request_shows_the_person_where_the_frame_says():
    request = sprite_request(load_character("peasant"), "idle", 0.0, Sight(0.0), Light())
    coverage, given = request.guides.coverage[0], request.guides.given()
    rows = np.flatnonzero((coverage > 0.5).any(axis=1))
    facing = given["normals"][0][coverage > 0.99]

    assert coverage.shape == (HEIGHT_PX, WIDTH_PX)
    assert abs((HEIGHT_PX - rows[-1] - 1) * METRES_PER_PX - 0.15) < 0.06  # soles on the ground
    assert 1.5 < (rows[-1] - rows[0]) * METRES_PER_PX < 2.0
    assert (facing[:, 2] < 0.05).mean() > 0.97  # towards the viewer
    assert facing[:6, 1].mean() < -0.5  # the crown of the head looks up, which is -y


def test_relief_is_larger_nearer_to_the_viewer():
    request = sprite_request(load_character("legionary"), "idle", 0.0, Sight(0.0), Light())
    given = request.guides.given()
    shield, tunic = (given["depth"][0][given["parts"][0] == part].mean() for part in (15, 4))

    assert shield > tunic


@pytest.mark.parametrize("motion", sorted(MOTIONS))
def test_a_motion_has_the_wide_frame_when_somebody_reaches_out_of_the_narrow_one(motion):
    reach = max(reach_m(name, motion, 4) for name in ("legionary", "officer", "archer"))

    assert frame_width_px(motion) == (WIDE_PX if reach > NARROW_REACH_M else WIDTH_PX), reach


@pytest.mark.parametrize("motion", ["thrust", "blow", "fall", "charge", "draw"])
def test_no_spear_is_cut_off(motion):
    """Seen from the side, in every moment: nothing touches the frame's edges."""
    cut = []
    for k in range(6):
        mesh = posed_mesh(load_character("legionary"), motion, min(k / 6, 0.999))
        drawn = sprite_guides(mesh, math.pi / 2, 0.0, HEIGHT_PX, fitting_px(frame_width_px(motion), mesh, math.pi / 2))
        cut.append(drawn.coverage[:, [0, -1]].any())

    assert not any(cut)
