"""Cut edges against the shapes they are said by: on a coarse lattice, on shields and helmets as they are worn."""

import numpy as np
import pytest

from assets.people.arms import KIT, Hand
from assets.people.banner_kit import HELD_M, banner
from assets.people.characters import Part
from assets.people.cutting import cut_along, cut_shapes
from assets.people.helmets import KIT as HELMETS
from assets.people.helmets import measure
from assets.people.kit import grid
from tests.assets.people.test_banners import body

SLANTED = np.array([0.6, 0.8])


def lattice():
    """A square metre in 7 x 5 cells."""
    y, x = np.meshgrid(np.linspace(0, 1, 8), np.linspace(0, 1, 6), indexing="ij")
    return np.stack([x, y], axis=-1).reshape(-1, 2), grid(8, 6, closed=False)


def areas_of(points, faces):
    one, other = points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]]
    return (one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]) / 2


@pytest.mark.parametrize("away", [0.5, 0.613, 0.84])
def test_a_slanted_edge_is_met_exactly_and_nothing_gapes(away):
    points, faces = lattice()

    cut, pieces, inside = cut_along(points, faces, points @ SLANTED - away)

    areas = areas_of(cut, pieces)
    assert (np.sign(areas) == np.sign(areas_of(points, faces)[0])).all()
    assert np.abs(areas).sum() == pytest.approx(1)
    apart = cut[pieces] @ SLANTED - away
    assert apart[inside].min() > -1e-4
    assert apart[~inside].max() < 1e-4
    sides = np.sort(np.concatenate([pieces[:, [0, 1]], pieces[:, [1, 2]], pieces[:, [2, 0]]]), axis=1)
    edges, uses = np.unique(sides, axis=0, return_counts=True)
    rim = ((cut[edges] == 0).all(axis=1) | (cut[edges] == 1).all(axis=1)).any(axis=1)
    np.testing.assert_array_equal(uses, np.where(rim, 1, 2))


def test_an_edge_that_is_cut_twice_leaves_no_slivers():
    points, faces = lattice()
    cut, pieces, _ = cut_along(points, faces, points @ SLANTED - 0.613)

    again = cut_along(cut, pieces, cut @ SLANTED - 0.613)

    np.testing.assert_array_equal(again[0], cut)
    assert len(again[1]) == len(pieces)


def test_a_stripe_thinner_than_the_lattice_has_its_own_width():
    points, faces = lattice()

    def stripe(at):
        return [[at @ SLANTED - 0.70, 0.73 - at @ SLANTED, at[:, 0] - 0.31, 0.66 - at[:, 0]]]

    cut, pieces, painted = cut_shapes(points, faces, stripe)

    assert np.abs(areas_of(cut, pieces[painted])).sum() == pytest.approx(0.35 * 0.03 / 0.8)


def wings(x, y):
    """What is painted on a tall shield of 1.06 x 0.66 m, in words of its own."""
    u, v, ring = np.abs(x) / 0.33, np.abs(y) / 0.53, np.hypot(x, y)
    border = ((u > 0.86) | (v > 0.915)) & (u < 0.93) & (v < 0.955)
    rays = (np.abs(v - 0.18 - 0.72 * u) < 0.045) & (u < 0.8)
    return ((ring > 0.135) & (ring < 0.165)) | ((u < 0.07) & (v < 0.86)) | rays | border


def sun(x, y):
    """And on a round one of 0.86 m."""
    far, angle = np.hypot(x, y) / 0.43, np.arctan2(x, y)
    rays = np.abs(((angle * 8 / np.pi) % 2) - 1)
    return ((far > 0.76) & (far < 0.86)) | ((far < 0.62) & (rays > 0.25 + far * 1.1))


@pytest.mark.parametrize("name", ["shield_tall", "shield_round"])
def test_a_shields_paint_ends_within_half_a_millimetre_of_its_shapes(name):
    """Points all over its face: none further than that from an edge has the wrong colour."""
    hand = Hand(body(), "L")
    if name == "shield_tall":
        middle, across, up, painted = (
            hand.centre + hand.knuckles * 0.10 + hand.palm * 0.04,
            -hand.shaft,
            -hand.palm,
            wings,
        )
    else:
        middle, across, up, painted = (
            hand.wrist - hand.knuckles * 0.10 - hand.palm * 0.05,
            -hand.knuckles,
            hand.shaft,
            sun,
        )
    (piece,) = KIT[name](body())
    face = piece.triangles[np.isin(piece.parts, [Part.SHIELD, Part.SHIELD_MARK])]
    told = piece.parts[np.isin(piece.parts, [Part.SHIELD, Part.SHIELD_MARK])] == Part.SHIELD_MARK
    shares = np.random.default_rng(5).dirichlet((1, 1, 1), (len(face), 60))
    points = np.einsum("tnc,tcd->tnd", shares, piece.vertices[face] - middle)
    x, y = points @ across, points @ up
    round_about = [(np.cos(a) * 5e-4, np.sin(a) * 5e-4) for a in np.arange(8) * np.pi / 4]
    right = painted(x, y)
    sure = np.all([painted(x + dx, y + dy) == right for dx, dy in round_about], axis=0)

    assert 0.2 < right[sure].mean() < 0.6
    np.testing.assert_array_equal(np.broadcast_to(told[:, None], right.shape)[sure], right[sure])


def test_a_helmets_openings_end_where_they_are_said_to():
    """The bowl's inner edges: none further than a millimetre from the lines of eyes and mouth."""
    head = measure(body())
    piece = HELMETS["helmet_greek"](body())[0]
    sides = np.sort(
        np.concatenate([piece.triangles[:, [0, 1]], piece.triangles[:, [1, 2]], piece.triangles[:, [2, 0]]]), 1
    )
    edges, uses = np.unique(sides, axis=0, return_counts=True)
    shares = np.linspace(0, 1, 9)[:, None, None]
    ends = piece.vertices[edges[uses == 1]]
    x, y, z = (shares * ends[:, 0] + (1 - shares) * ends[:, 1]).reshape(-1, 3).T
    out, angle = np.hypot(x, z - head.centre_z), np.abs(np.arctan2(x, z - head.centre_z))
    around_eyes = (y > head.nose) & (y < head.brow) & (angle < 0.85)

    lines = [np.abs(y - head.eyes - 0.017), np.abs(y - head.eyes + 0.020), np.abs(y - head.eyes + 0.012)]
    lines += [np.abs(angle - a) * out for a in (0.13, 0.32, 0.78)]

    assert around_eyes.sum() > 300
    assert np.min(lines, axis=0)[around_eyes].max() < 1e-3


@pytest.mark.parametrize(("name", "below_m"), [("spear", 1.0), ("banner", HELD_M)])
def test_the_spike_at_a_shafts_foot_encloses_it(name, below_m):
    hand = Hand(body(), "R")
    (piece,) = (KIT | {"banner": banner})[name](body())
    away = piece.vertices - hand.centre
    along = away @ hand.shaft
    out = np.linalg.norm(away - along[:, None] * hand.shaft, axis=1)
    wood, metal = (
        np.isin(np.arange(len(out)), piece.triangles[piece.parts == part]) for part in (Part.SHAFT, Part.BLADE)
    )
    low, high = along[metal].min(), along[metal & (along < -below_m + 0.12)].max()
    radii = [out[metal & (np.abs(along - end) < 1e-3)].max() for end in (low, high)]
    within = wood & (along < high)

    assert within.sum() >= 20
    assert (out < np.cos(np.pi / 10) * np.interp(along, [low, high], radii))[within].all()
