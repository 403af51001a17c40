"""Places of people: exact counts, kept distances, nobody outside, nobody moved by another's leaving."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from assets.crowd.formations import FORMATIONS, Body, chance, gauss, places
from assets.crowd.shapes import area_m2, axes, inside, long_axis, middle, ways
from assets.crowd.slots import COLUMN_FILES
from pipeline.errors import AssetError

SKEWED = np.array([[-9.0, -20.0], [8.0, -22.0], [12.0, -4.0], [-6.0, -5.0]])
ELL = np.array([[0.0, 0.0], [20.0, 0.0], [20.0, 8.0], [8.0, 8.0], [8.0, 20.0], [0.0, 20.0]])


def plan(body):
    return places(body).plan


PATH = np.array([[-6.0, -20.0], [0.0, -15.0], [0.0, 10.0], [25.0, 14.0]])


def body(formation="phalanx", polygon=SKEWED, count=100, **changes):
    made = Body("north", formation, polygon, 0.3, count, 1.1, seed=4)
    if formation == "path":
        made = replace(made, polygon_m=polygon[:0], path_m=PATH)
    return replace(made, **changes)


IN_POLYGON = [formation for formation in FORMATIONS if formation != "path"]


@pytest.mark.parametrize("formation", IN_POLYGON)
@pytest.mark.parametrize("polygon", [SKEWED, ELL, ELL[::-1]])
def test_places_are_exactly_as_many_as_asked_and_all_inside(formation, polygon):
    if formation == "ring":
        polygon = SKEWED  # the middle of the ell lies at its edge

    found = plan(body(formation, polygon, count=12))

    assert found.shape == (12, 2)
    assert inside(found, polygon).all()


@pytest.mark.parametrize("formation", FORMATIONS)
def test_nobody_stands_closer_than_the_spacing_less_the_untidiness(formation):
    least_m = 1.1 if formation == "loose" else 1.1 * (1 - 2 * 2**0.5 * 0.1)
    found = plan(body(formation, count=None, density=0.3))

    nearest = cKDTree(found).query(found, k=2)[0][:, 1]

    assert nearest.min() >= least_m - 1e-9


@pytest.mark.parametrize("formation", FORMATIONS)
def test_one_fewer_moves_no_other(formation):
    many, fewer = plan(body(formation, count=15)), plan(body(formation, count=14))

    np.testing.assert_array_equal(many[:14], fewer)


@pytest.mark.parametrize("formation", FORMATIONS)
def test_a_keep_out_area_moves_only_those_whose_place_it_takes(formation):
    area = plan(body(formation, count=15))[7] + 0.8 * np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])

    free, kept = places(body(formation, count=15)), places(body(formation, count=15, keep_out=(area,)))

    taken = set(free.numbers) - set(kept.numbers)
    assert len(kept.numbers) == 15
    assert 7 in taken
    assert not inside(kept.plan, area).any()
    assert inside(free.plan[sorted(taken)], area).all()
    for number in set(free.numbers) & set(kept.numbers):
        np.testing.assert_array_equal(free.plan[free.numbers == number], kept.plan[kept.numbers == number])


@pytest.mark.parametrize("formation", IN_POLYGON)
def test_one_fewer_moves_no_other_beside_a_keep_out_area_either(formation):
    area = (np.array([[-2.0, -12.0], [3.0, -12.0], [3.0, -8.0], [-2.0, -8.0]]),)

    many, fewer = (places(body(formation, count=count, keep_out=area)) for count in (15, 14))

    np.testing.assert_array_equal(many.numbers[:14], fewer.numbers)
    np.testing.assert_array_equal(many.plan[:14], fewer.plan)


def test_a_mob_by_density_thins_where_it_is_kept_out_and_nowhere_else():
    area = (np.array([[-2.0, -12.0], [3.0, -12.0], [3.0, -8.0], [-2.0, -8.0]]),)
    mob = body("loose", count=None, density=0.4)

    free, kept = places(mob), places(replace(mob, keep_out=area))

    assert len(free.numbers) == round(0.4 * area_m2(SKEWED))
    np.testing.assert_array_equal(free.plan[~inside(free.plan, area[0])], kept.plan)


def test_line_is_as_deep_as_asked_and_stands_across_its_heading():
    tidy = body("line", count=24, untidiness=0.0, ranks=2)

    along, across = (plan(tidy) @ axis for axis in axes(tidy.heading_rad))

    assert len(np.unique(along.round(6))) == 2
    assert np.ptp(across) == pytest.approx(11.5 * 1.1)
    assert along.mean() == pytest.approx(middle(SKEWED) @ axes(tidy.heading_rad)[0])


def test_each_rank_of_a_wedge_is_one_wider_and_its_point_is_in_front():
    tidy = body("wedge", count=36, untidiness=0.0)

    along, across = (plan(tidy) @ axis for axis in axes(tidy.heading_rad))

    ranks = [across[np.isclose(along, depth)] for depth in np.unique(along.round(9))[::-1]]
    assert [len(rank) for rank in ranks] == list(range(1, 9))
    np.testing.assert_allclose([rank.mean() for rank in ranks], middle(SKEWED) @ axes(tidy.heading_rad)[1], atol=1e-6)


@pytest.mark.parametrize("count", [5, 9, 21, 30])
def test_a_ring_of_any_count_stands_all_round_its_middle_and_looks_inwards(count):
    found = places(body("ring", count=count, untidiness=0.0, ranks=1))

    out = found.plan - middle(SKEWED)
    radii, turns = np.linalg.norm(out, axis=1), np.sort(np.arctan2(out[:, 0], out[:, 1]))
    gaps = np.diff(np.append(turns, turns[0] + 2 * np.pi))
    np.testing.assert_allclose(radii, radii[0])
    assert gaps.max() < 2.2 * 2 * np.pi / count
    np.testing.assert_allclose((ways(found.headings) * out).sum(axis=1), -radii)


def test_a_file_follows_its_path_and_looks_along_it():
    found = places(body("path", count=40, untidiness=0.0))

    np.testing.assert_allclose(found.plan[0], PATH[0])
    np.testing.assert_allclose(np.linalg.norm(np.diff(found.plan, axis=0), axis=1), 1.1, atol=0.1)
    np.testing.assert_allclose(found.headings[0], np.arctan2(6, 5))
    np.testing.assert_allclose(found.headings[-1], np.arctan2(25, 4))


def test_two_abreast_walk_side_by_side():
    found = places(body("path", count=20, untidiness=0.0, ranks=2)).plan

    np.testing.assert_allclose(np.linalg.norm(found[::2] - found[1::2], axis=1), 1.1)


def test_another_zone_or_seed_stands_otherwise():
    here = plan(body())

    assert not np.allclose(here, plan(body(zone="south")))
    assert not np.allclose(here, plan(body(seed=5)))


def test_ranks_of_a_phalanx_lie_across_the_heading_a_spacing_apart():
    tidy = body(count=60, untidiness=0.0)

    along = plan(tidy) @ axes(tidy.heading_rad)[0]

    ranks = np.unique(along.round(6))
    np.testing.assert_allclose(np.diff(ranks), tidy.spacing_m, atol=1e-6)


def test_front_ranks_are_full_before_the_next_begins():
    tidy = body(polygon=np.array([[-5.0, -5.0], [5.0, -5.0], [5.0, 5.0], [-5.0, 5.0]]), count=20, heading_rad=0.0)

    z = plan(replace(tidy, untidiness=0.0))[:, 1]

    assert (np.diff(z) < 1e-9).all()
    assert z[0] == pytest.approx(5 - 0.55)
    assert len(np.unique(z.round(6))) == 3  # nine and ten files wide


def test_each_rank_stands_in_the_gaps_of_the_one_before():
    square = np.array([[-5.0, -5.0], [5.0, -5.0], [5.0, 5.0], [-5.0, 5.0]])

    x, z = plan(body(polygon=square, count=40, heading_rad=0.0, untidiness=0.0)).T

    first, second = (np.sort(x[np.isclose(z, 5 - 0.55 - 1.1 * rank)]) for rank in (0, 1))
    np.testing.assert_allclose(second[: len(first)] + 0.55, first, atol=1e-6)


def test_column_is_four_files_through_the_middle():
    tidy = body("column", count=40, untidiness=0.0)

    across = plan(tidy) @ axes(tidy.heading_rad)[1]

    files = np.unique(across.round(6))
    assert len(files) == COLUMN_FILES
    assert files.mean() == pytest.approx(middle(SKEWED) @ axes(tidy.heading_rad)[1], abs=1e-6)


@pytest.mark.parametrize("formation", FORMATIONS)
def test_too_small_a_polygon_says_how_many_fit_and_they_do_fit(formation):
    with pytest.raises(AssetError, match=r"crowd zone north: .* holds (\d+) people") as caught:
        plan(body(formation, count=5000))

    fits = int(str(caught.value).split(" holds ")[1].split()[0])
    assert 0 < fits < 5000
    assert len(plan(body(formation, count=min(fits, 120)))) == min(fits, 120)


def test_unknown_formation_names_the_known_ones():
    with pytest.raises(AssetError, match="phalanx, line, column"):
        plan(body("wedgie"))


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
