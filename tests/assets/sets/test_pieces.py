"""Set pieces are closed, face outwards, measure what was asked, and stand on their ground without a gap."""

from functools import cache

import numpy as np
import pytest

from assets.providers.request import SetPart
from assets.sets.masonry import Mason, ring, turned
from assets.sets.pieces import KINDS, build
from pipeline.errors import AssetError

SIZES = {
    "fortress": (60.0, 20.0), "wall": (25.0, 6.0), "tower": (9.0, 14.0), "keep": (14.0, 20.0), "gate": (16.0, 14.0),
    "camp": (60.0, 4.0), "street": (22.0, 10.0), "ridge": (900.0, 200.0), "terrain": (400.0, 30.0), "rocks": (30.0, 2.0), "scrub": (30.0, 1.6),
}  # fmt: skip
SOWN = ("rocks", "scrub")  # lie in the ground, are not founded in it


@cache
def built(kind, seed=1, rising=False):
    return build(kind, *SIZES[kind], seed=seed, sink_m=1.5, **({"foot": slope} if rising else {}))


def slope(x, z):
    return 0.15 * np.asarray(x) + 0.05 * np.asarray(z) + 0.4 * np.sin(np.asarray(x) / 3)


def solids(mesh):
    corners = mesh.vertices[mesh.triangles].astype(np.float64)
    areas = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    for solid in np.unique(mesh.solids):
        mine = mesh.solids == solid
        yield corners[mine], areas[mine]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_solid_is_closed_and_faces_outwards(kind):
    """The area vectors of a closed surface cancel; seen from inside its faces, its volume is positive."""
    for corners, areas in solids(built(kind)):
        np.testing.assert_allclose(areas.sum(axis=0), 0, atol=2e-4 * np.abs(areas).sum())
        from_within = corners.mean(axis=1) - corners.reshape(-1, 3).mean(axis=0)
        assert (from_within * areas).sum() > 0


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_normals_are_unit_and_agree_with_the_winding(kind):
    mesh = built(kind)
    corners = mesh.vertices[mesh.triangles]

    wound = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])

    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    assert ((wound * mesh.normals).sum(axis=1) > 0).all()  # so no triangle is without area


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_piece_measures_what_was_asked(kind):
    width, height = SIZES[kind]

    mesh = built(kind)

    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    assert high[0] - low[0] == pytest.approx(width, rel=0.06)
    assert high[1] == pytest.approx(height, rel=0.04)
    assert low[1] == pytest.approx(-1.5, abs=1e-4) or kind in SOWN
    assert len(mesh.triangles) < 30_000


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_piece_stands_in_rising_ground_everywhere(kind):
    """No solid that begins at the ground may begin above it."""
    for corners, _ in solids(built(kind, rising=True)):
        points = corners.reshape(-1, 3)
        bottom = points[points[:, 1] < points[:, 1].min() + 0.01]
        if (points[:, 1].min() - slope(points[:, 0], points[:, 2])).min() < 0:  # a founded solid
            assert (bottom[:, 1] < slope(bottom[:, 0], bottom[:, 2])).all()


def test_walls_are_as_thick_as_walls():
    mesh = build("wall", 20, 6)

    walls = mesh.vertices[mesh.triangles[mesh.parts == SetPart.WALL]]

    assert np.ptp(walls[..., 2]) >= 2.4


def test_fortress_has_a_wooden_gate_with_a_round_head():
    mesh = build("fortress", 70, 24, sink_m=0.5)
    wood = mesh.vertices[mesh.triangles[mesh.parts == SetPart.WOOD]]

    doors = wood[np.ptp(wood[..., 1], axis=1) > 2.5]

    assert len(doors) >= 8
    assert len(np.unique(doors[..., 1].max(axis=1).round(2))) >= 4


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"tower", "gate"}))  # whose few merlons may all stand
def test_the_same_seed_builds_the_same_and_another_another(kind):
    one, same, other = built(kind), build(kind, *SIZES[kind], seed=1, sink_m=1.5), built(kind, seed=2)

    np.testing.assert_array_equal(one.vertices, same.vertices)
    assert one.vertices.shape != other.vertices.shape or not np.array_equal(one.vertices, other.vertices)


@pytest.mark.parametrize(
    ("kind", "width", "height", "words"),
    [
        ("castle", 60, 14, "fortress, wall"),
        ("fortress", 5, 14, "24 to 2000"),
        ("wall", 60, float("nan"), "3.5 to 300"),
        ("camp", 500, 3, "15 to 400"),
        ("ridge", 900, 4000, "5 to 3000"),
        ("rocks", 20, 0, "0.1 to 8"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line(kind, width, height, words):
    with pytest.raises(AssetError, match=words) as caught:
        build(kind, width, height)

    assert "\n" not in str(caught.value)


def test_prism_of_either_winding_faces_outwards():
    for plan in (ring((3, 4), 2, 5), ring((3, 4), 2, 5)[::-1]):
        mason = Mason()
        mason.prism(plan, 0, 1, 32, 33)
        mesh = mason.mesh()
        middles = mesh.vertices[mesh.triangles].mean(axis=1)
        assert ((middles - [3, 0.5, 4]) * mesh.normals).sum(axis=1).min() > 0


def test_turned_follows_a_heading():
    np.testing.assert_allclose(turned(np.array([[0.0, 1.0]]), np.pi / 2), [[1, 0]], atol=1e-12)
