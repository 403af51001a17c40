"""A ridge is one closed height field that rises to what was asked, runs out at its foot, and is rock where it is steep."""

import numpy as np
import pytest

from assets.providers.request import SetPart
from assets.sets.pieces import build
from tests.closed import open_edges


def hill(x, z):
    return 0.02 * np.asarray(x) + 8 * np.sin(np.asarray(z) / 90)


@pytest.fixture(scope="module")
def mesh():
    return build("ridge", 900, 200, seed=4, foot=hill, sink_m=3)


def test_it_is_one_watertight_solid(mesh):
    assert set(mesh.solids) == {1}
    assert open_edges(mesh, 1) == 0


def test_its_rim_lies_under_the_ground_and_its_crest_as_high_as_asked(mesh):
    over = mesh.vertices[:, 1] - hill(mesh.vertices[:, 0], mesh.vertices[:, 2])
    x, z = np.abs(mesh.vertices[:, 0]), np.abs(mesh.vertices[:, 2])
    rim = (x > x.max() - 1e-3) | (z > z.max() - 1e-3)

    assert over[rim].max() < 0
    assert over.max() == pytest.approx(200, abs=0.1)


def test_it_runs_out_without_a_step(mesh):
    """Near the rim it is low: no cliff stands there."""
    over = mesh.vertices[:, 1] - hill(mesh.vertices[:, 0], mesh.vertices[:, 2])
    z = np.abs(mesh.vertices[:, 2])

    assert over[z > 0.97 * z.max()].max() < 0.06 * 200


def test_terrain_rolls_and_is_gentler_than_a_ridge(mesh):
    land = build("terrain", 900, 60, seed=4, foot=hill, sink_m=3)
    over = land.vertices[:, 1] - hill(land.vertices[:, 0], land.vertices[:, 2])
    upper = [each.normals[(each.parts != SetPart.WALL) & (each.normals[:, 1] > 0.05), 1] for each in (land, mesh)]

    assert open_edges(land, 1) == 0
    assert over.max() == pytest.approx(60, abs=0.1)
    assert np.median(upper[0]) > np.median(upper[1]) + 0.05
    inner = over[np.abs(land.vertices[:, [0, 2]]).max(axis=1) < 300]
    assert np.percentile(inner, 10) < 20 < np.percentile(inner, 85)


def test_bare_rock_is_steeper_than_what_is_grown(mesh):
    steep = {part: mesh.normals[(mesh.parts == part) & (mesh.normals[:, 1] > 0), 1].mean()
             for part in (SetPart.ROCK, SetPart.LEAF)}  # fmt: skip

    assert steep[SetPart.ROCK] < steep[SetPart.LEAF] - 0.1
    assert (mesh.parts == SetPart.LEAF).mean() > 0.1


def test_detail_goes_down_to_its_grid(mesh):
    """A smooth hill would have no peaks along its crest."""
    crest = [mesh.vertices[np.abs(mesh.vertices[:, 0] - x) < 2.5, 1].max() for x in np.arange(-200, 201, 4.6)]

    turns = np.sign(np.diff(crest))

    assert (turns[1:] != turns[:-1]).sum() >= 6
