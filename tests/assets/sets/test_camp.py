"""A camp is rows of closed tents on their ground: sagging ridges, aisles that are free, the pavilion the highest."""

from dataclasses import replace

import numpy as np
import pytest

from assets.providers.request import SetPart
from assets.sets.camp import Tent, camp, pitch, tents
from assets.sets.site import Site, flat
from tests.closed import open_edges

RIDGE, BELL = Tent((2.0, -3.0), 0.4, 3.0, False, 5), Tent((2.0, -3.0), 0.4, 3.0, True, 5)


def hill(x, z):
    return 0.1 * np.asarray(x) - 0.08 * np.asarray(z)


def pitched(tent, foot=flat):
    site = Site(foot, 1.5, 7)
    pitch(site, tent)
    return site.mason.mesh()


@pytest.mark.parametrize("tent", [RIDGE, BELL])
def test_every_solid_of_a_tent_is_watertight(tent):
    mesh = pitched(tent, hill)

    assert max(open_edges(mesh, solid) for solid in np.unique(mesh.solids)) == 0


def test_the_ridge_sags_between_its_poles():
    mesh = pitched(replace(RIDGE, middle=(0.0, 0.0), heading_rad=0.0))
    cloth = mesh.vertices[mesh.triangles[mesh.parts == SetPart.CLOTH]].reshape(-1, 3)
    ridge = cloth[np.abs(cloth[:, 0]) < 1e-6]

    ends = ridge[np.abs(ridge[:, 2]) > 0.95 * np.abs(ridge[:, 2]).max()][:, 1].max()
    middle = ridge[np.abs(ridge[:, 2]) < 0.05][:, 1].max()

    assert 0.03 < (ends - middle) / ends < 0.2


def test_a_tents_cloth_reaches_the_ground_that_it_stands_on():
    for tent in (RIDGE, BELL):
        cloth = pitched(tent, hill)
        low = cloth.vertices[cloth.triangles[cloth.solids == 1]].reshape(-1, 3)
        over = low[:, 1] - hill(low[:, 0], low[:, 2])
        assert over.min() == pytest.approx(-1.5, abs=1e-4)
        assert over.max() < 3.2


def test_another_seed_for_one_tent_moves_no_other():
    """A camp is its tents, one after the other."""
    site = Site(hill, 1.5, 7)
    camp(site, 40, 4)
    whole = site.mason.mesh()

    one_by_one = np.concatenate([pitched(tent, hill).vertices for tent in tents(Site(hill, 1.5, 7), 40, 4)])

    np.testing.assert_array_equal(whole.vertices, one_by_one)


def test_tents_stand_clear_of_each_other_and_of_the_middle_aisle():
    made = tents(Site(flat, 1.5, 3), 60, 4)
    places = np.array([tent.middle for tent in made])
    apart = np.linalg.norm(places[:, None] - places[None], axis=-1) + 99 * np.eye(len(made))

    assert len(made) > 20
    assert apart.min() > 2.0 * max(tent.height for tent in made[1:])
    assert np.abs(places[1:, 0]).min() > max(tent.height for tent in made[1:])
    assert {tent.bell for tent in made} == {True, False}


def test_doors_open_on_the_front():
    dark = pitched(replace(BELL, middle=(0.0, 0.0), heading_rad=0.0))
    wood = dark.vertices[dark.triangles[(dark.parts == SetPart.WOOD) & (dark.normals[:, 2] > 0.9)]]
    cloth = dark.vertices[dark.triangles[dark.solids == 1]]

    leaf = wood[np.ptp(wood[..., 1], axis=1) > 0.4]

    assert len(leaf)
    assert leaf[..., 2].max() > cloth[..., 2].max()
