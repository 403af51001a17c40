"""A street is two rows of closed houses over a free lane, each founded, and each by its own seed."""

from dataclasses import replace

import numpy as np
import pytest

from assets.providers.request import SetPart
from assets.sets.houses import LENGTH, house, plots, street
from assets.sets.site import Site, flat
from tests.closed import open_edges


def hill(x, z):
    return 0.05 * np.asarray(x) - 0.12 * np.asarray(z)


def raised(plot, foot=flat):
    site = Site(foot, 1.5, 7)
    house(site, plot)
    return site.mason.mesh()


@pytest.fixture(scope="module")
def row():
    return plots(Site(hill, 1.5, 7), 22, 10)


def test_every_solid_of_a_house_is_watertight(row):
    mesh = raised(row[3], hill)

    assert max(open_edges(mesh, solid) for solid in np.unique(mesh.solids)) == 0


def test_another_seed_for_one_house_moves_no_other(row):
    changed = [replace(plot, seed=999) if number == 5 else plot for number, plot in enumerate(row)]

    for number, (before, after) in enumerate(zip(row, changed, strict=True)):
        one, other = raised(before), raised(after)
        same = one.vertices.shape == other.vertices.shape and np.array_equal(one.vertices, other.vertices)
        assert same == (number != 5)


def test_houses_of_a_row_keep_to_their_plots(row):
    """Walls of neighbours never meet: the roofs alone may."""
    for mine, following in zip(row, row[2:], strict=False):
        away = abs(mine.middle[1] - following.middle[1])
        assert (mine.frontage + following.frontage) / 2 < away - 0.2


def test_the_lane_is_free_from_end_to_end():
    site = Site(flat, 1.5, 7)
    street(site, 22, 10)
    vertices = site.mason.mesh().vertices

    assert np.abs(vertices[:, 0]).min() > 2.0
    assert np.ptp(vertices[:, 2]) == pytest.approx(LENGTH * 22, rel=0.1)


def test_doors_are_reached_by_steps_from_the_lane(row):
    """Uphill, the ground before a door may lie below its sill by no more than a step of the stairs before it."""
    for plot in row[:6]:
        mesh = raised(plot, hill)
        tops = mesh.vertices[mesh.triangles[(mesh.parts == SetPart.TOP) & (mesh.normals[:, 1] > 0.99)]].reshape(-1, 3)
        before = tops[np.sign(plot.out[0]) * (tops[:, 0] - plot.middle[0]) > 0.12]
        above = before[:, 1] - hill(before[:, 0], before[:, 2])
        assert above.min() < 0.3


def test_windows_are_recessed_behind_the_front(row):
    plot = row[0]
    mesh = raised(plot)
    middles = mesh.vertices[mesh.triangles].mean(axis=1)
    depth = plot.out[0] * (middles[:, 0] - plot.middle[0])

    panes = (mesh.parts == SetPart.WOOD) & (mesh.normals[:, 0] * plot.out[0] > 0.99) & (depth < -0.15) & (depth > -0.3)

    assert panes.sum() >= 4


def test_houses_differ(row):
    roofs = {tuple(np.round(np.ptp(raised(p).vertices, axis=0)[[0, 2]], 1)) for p in row[:8]}
    stuffs = {tuple(np.unique(raised(p).parts)) for p in row[:8]}

    assert len(roofs) == 8
    assert len(stuffs) >= 2


def test_a_rows_last_wall_has_windows(row):
    """The end of a row is seen from the field before it."""
    wooden = []
    for plot in row[:8]:
        mesh = raised(plot)
        middles = mesh.vertices[mesh.triangles].mean(axis=1)
        beside = np.abs(middles[:, 2] - plot.middle[1]) > plot.frontage / 2 + 0.01
        sideways = (mesh.parts == SetPart.WOOD) & (np.abs(mesh.normals[:, 2]) > 0.99) & beside
        wooden.append(int((sideways & (middles[:, 1] > 0.5) & (middles[:, 1] < 2.2)).sum()))

    assert np.count_nonzero(wooden) >= 5
