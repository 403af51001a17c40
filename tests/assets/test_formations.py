"""Places of people: exact counts, kept distances, nobody outside, nobody moved by another's leaving."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from assets.formations import (
    COLUMN_FILES,
    FORMATIONS,
    Body,
    area_m2,
    axes,
    chance,
    gauss,
    inside,
    long_axis,
    middle,
    places,
)
from pipeline.errors import AssetError

SKEWED = np.array([[-9.0, -20.0], [8.0, -22.0], [12.0, -4.0], [-6.0, -5.0]])
ELL = np.array([[0.0, 0.0], [20.0, 0.0], [20.0, 8.0], [8.0, 8.0], [8.0, 20.0], [0.0, 20.0]])


def body(formation="phalanx", polygon=SKEWED, count=100, **changes):
    return replace(Body("north", formation, polygon, 0.3, count, 1.1, seed=4), **changes)


@pytest.mark.parametrize("formation", FORMATIONS)
@pytest.mark.parametrize("polygon", [SKEWED, ELL, ELL[::-1]])
def test_places_are_exactly_as_many_as_asked_and_all_inside(formation, polygon):
    found = places(body(formation, polygon, count=40))

    assert found.shape == (40, 2)
    assert inside(found, polygon).all()


@pytest.mark.parametrize(("formation", "least_m"), [("phalanx", 1.1 * 0.8), ("column", 1.1 * 0.8), ("loose", 1.1)])
def test_nobody_stands_closer_than_the_spacing_less_the_untidiness(formation, least_m):
    found = places(body(formation, count=50))

    nearest = cKDTree(found).query(found, k=2)[0][:, 1]

    assert nearest.min() >= least_m - 1e-9


@pytest.mark.parametrize("formation", FORMATIONS)
def test_one_fewer_moves_no_other(formation):
    many, fewer = places(body(formation, count=50)), places(body(formation, count=49))

    np.testing.assert_array_equal(many[:49], fewer)


def test_another_zone_or_seed_stands_otherwise():
    here = places(body())

    assert not np.allclose(here, places(body(zone="south")))
    assert not np.allclose(here, places(body(seed=5)))


def test_ranks_of_a_phalanx_lie_across_the_heading_a_spacing_apart():
    tidy = body(count=60, untidiness=0.0)

    along = places(tidy) @ axes(tidy.heading_rad)[0]

    ranks = np.unique(along.round(6))
    np.testing.assert_allclose(np.diff(ranks), tidy.spacing_m, atol=1e-6)


def test_front_ranks_are_full_before_the_next_begins():
    tidy = body(polygon=np.array([[-5.0, -5.0], [5.0, -5.0], [5.0, 5.0], [-5.0, 5.0]]), count=20, heading_rad=0.0)

    z = places(replace(tidy, untidiness=0.0))[:, 1]

    assert (np.diff(z) < 1e-9).all()
    assert z[0] == pytest.approx(5 - 0.55)
    assert len(np.unique(z.round(6))) == 3  # nine and ten files wide


def test_each_rank_stands_in_the_gaps_of_the_one_before():
    square = np.array([[-5.0, -5.0], [5.0, -5.0], [5.0, 5.0], [-5.0, 5.0]])

    x, z = places(body(polygon=square, count=40, heading_rad=0.0, untidiness=0.0)).T

    first, second = (np.sort(x[np.isclose(z, 5 - 0.55 - 1.1 * rank)]) for rank in (0, 1))
    np.testing.assert_allclose(second[: len(first)] + 0.55, first, atol=1e-6)


def test_column_is_four_files_through_the_middle():
    tidy = body("column", count=40, untidiness=0.0)

    across = places(tidy) @ axes(tidy.heading_rad)[1]

    files = np.unique(across.round(6))
    assert len(files) == COLUMN_FILES
    assert files.mean() == pytest.approx(middle(SKEWED) @ axes(tidy.heading_rad)[1], abs=1e-6)


@pytest.mark.parametrize("formation", FORMATIONS)
def test_too_small_a_polygon_says_how_many_fit_and_they_do_fit(formation):
    with pytest.raises(AssetError, match=r"crowd zone north: .* holds (\d+) people") as caught:
        places(body(formation, count=5000))

    fits = int(str(caught.value).split(" holds ")[1].split()[0])
    assert 0 < fits < 5000
    assert len(places(body(formation, count=min(fits, 120)))) == min(fits, 120)


def test_unknown_formation_names_the_known_ones():
    with pytest.raises(AssetError, match="phalanx, column, loose"):
        places(body("wedgie"))


def test_area_and_middle_of_an_ell():
    assert area_m2(ELL) == pytest.approx(20 * 8 + 8 * 12)
    np.testing.assert_allclose(middle(ELL), (160 * np.array([10, 4]) + 96 * np.array([4, 14])) / 256)


@pytest.mark.parametrize("turn", [0.0, 0.4, 2.0])
def test_long_axis_of_a_turned_rectangle_is_its_long_side(turn):
    rectangle = np.add([[-6.0, -1.0], [6.0, -1.0], [6.0, 1.0], [-6.0, 1.0]], [3.0, 9.0])
    c, s = np.cos(turn), np.sin(turn)
    turned = rectangle @ np.array([[c, s], [-s, c]])

    for polygon in (turned, turned[::-1]):
        assert abs(long_axis(polygon) @ [c, s]) == pytest.approx(1)


def test_chance_is_uniform_and_gauss_is_normal():
    numbers = np.arange(200_000)

    flat, bell = chance(3, "north", numbers, "phase"), gauss(3, "north", numbers, "pace")

    assert np.histogram(flat, 20, (0, 1))[0] == pytest.approx(np.full(20, 10_000), rel=0.04)
    assert abs(np.corrcoef(flat[:-1], flat[1:])[0, 1]) < 0.01
    assert abs(np.corrcoef(flat, chance(3, "north", numbers, "pace"))[0, 1]) < 0.01
    assert abs(np.corrcoef(flat, chance(4, "north", numbers, "phase"))[0, 1]) < 0.01
    assert bell.mean() == pytest.approx(0, abs=0.01)
    assert bell.std() == pytest.approx(1, abs=0.02)


def test_chance_of_one_member_does_not_depend_on_who_else_is_asked():
    all_of_them = chance(1, "north", np.arange(100), "phase")

    assert chance(1, "north", [57], "phase")[0] == all_of_them[57]
