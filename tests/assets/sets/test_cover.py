"""Rocks and bushes are closed bodies that lie in the ground over the whole rectangle."""

import numpy as np
import pytest

from assets.sets.pieces import build
from tests.closed import open_edges


def hill(x, z):
    return 0.2 * np.asarray(x) - 0.1 * np.asarray(z)


@pytest.fixture(scope="module", params=[("rocks", 2.0), ("scrub", 1.6)])
def mesh(request):
    kind, height = request.param
    return build(kind, 30, height, seed=4, foot=hill)


def test_every_body_is_watertight(mesh):
    assert max(open_edges(mesh, solid) for solid in np.unique(mesh.solids)) == 0


def test_every_body_is_partly_under_the_ground_and_partly_above(mesh):
    over = mesh.vertices[:, 1] - hill(mesh.vertices[:, 0], mesh.vertices[:, 2])
    corners = np.repeat(mesh.solids, 3)

    for solid in np.unique(mesh.solids):
        mine = over[corners == solid]
        assert mine.min() < 0 < mine.max()


def test_they_cover_the_rectangle_and_sizes_differ(mesh):
    corners = np.repeat(mesh.solids, 3)
    wide = [np.ptp(mesh.vertices[corners == solid, 0]) for solid in np.unique(mesh.solids)]
    columns, rows = np.floor(mesh.vertices[:, 0] / 7.5), np.floor(mesh.vertices[:, 2] / 6)

    assert max(wide) > 3 * np.median(wide) or len(wide) > 100
    assert {(c, r) for c in (-2, -1, 0, 1) for r in (-3, -2, -1)} <= set(zip(columns, rows, strict=True))


def test_boulders_do_not_overhang_the_ground_that_they_lie_in():
    """Seen from above its outline is about that of its foot: one that narrows downwards seems to hover."""
    mesh = build("rocks", 30, 2.0, seed=4, foot=lambda x, z: 0 * x)
    corners = np.repeat(mesh.solids, 3)

    shares = []
    for solid in np.unique(mesh.solids):
        points = mesh.vertices[corners == solid][:, [0, 2]]
        height = mesh.vertices[corners == solid, 1]
        foot, above = points[np.abs(height) < 0.12 * height.max()], points[height > 0]
        shares += (np.ptp(foot, axis=0) / np.ptp(above, axis=0)).tolist()

    assert np.median(shares) > 0.95


def test_large_boulders_are_as_finely_made_as_small_ones():
    """Within a factor: edges between cuts do not turn into saw teeth."""
    mesh = build("rocks", 30, 2.0, seed=4, foot=lambda x, z: 0 * x)
    largest = max(np.unique(mesh.solids), key=lambda n: mesh.vertices[np.repeat(mesh.solids, 3) == n, 1].max())
    triangles = mesh.vertices[mesh.triangles][mesh.solids == largest]

    longest = np.linalg.norm(triangles - np.roll(triangles, 1, axis=1), axis=2).max(axis=1)

    assert np.quantile(longest, 0.9) < 0.16 * np.ptp(triangles.reshape(-1, 3), axis=0).max()
