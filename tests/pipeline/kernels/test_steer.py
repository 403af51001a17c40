"""The steering kernels against slow twins: every pair for the grid, sampled velocities for ORCA, one loop for a step."""

import numpy as np
import pytest

from assets.crowd.simulation import Steering
from pipeline.kernels.crowding import overlaps, pieces, settle, sort_cells, span, stretch
from pipeline.kernels.detour import build_walls, nearest_wall, push_out, way_round
from pipeline.kernels.foes import nearest_foes
from pipeline.kernels.orca import allowed_velocity, half_plane
from pipeline.kernels.steer import FREE, Flock, Room, advance

RULES = Steering().rules()
STEP_S = 1 / 24
NO_WALLS = build_walls([], 0.3)
SQUARE = np.array([(-1.0, -1), (1, -1), (1, 1), (-1, 1)])


def crowd(count, seed, extent=6.0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-extent, extent, (count, 2)), rng.normal(0, 1, (count, 2))


def flock(places, velocities):
    n = len(places)
    return Flock(places, velocities, np.zeros(n), np.zeros(n), np.full(n, FREE, np.int64), np.zeros((n, 2)),
                 np.zeros(n, bool), np.zeros(n, bool), np.zeros((n, 2)), np.zeros((n, 2)), np.zeros(n))  # fmt: skip


def collide_within(place, velocity, reach, horizon_s):
    """Whether a point that moves on at `velocity` comes within `reach` of `place` before the horizon: sampled."""
    at_s = np.linspace(0, horizon_s, 2000)[:, None]
    return bool((np.linalg.norm(at_s * velocity - place, axis=1) < reach).any())


def solved_slowly(planes, hard, fastest, wish):
    """Best velocity of a fine raster: nearest to the wish if any is allowed, else the one that breaks least."""
    axis = np.linspace(-fastest, fastest, 801)
    grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
    grid = grid[(grid**2).sum(axis=1) <= fastest**2]
    lack = planes[:, 2] - grid @ planes[:, :2].T
    walls = (lack[:, :hard] <= 0).all(axis=1)
    good = walls & (lack <= 0).all(axis=1)
    if good.any():
        return grid[good][np.argmin(((grid[good] - wish) ** 2).sum(axis=1))], 0.0
    worst = lack[walls][:, hard:].max(axis=1)
    return grid[walls][np.argmin(worst)], worst.min()


def stepped_slowly(places, velocities, slots, next_slots, radii):
    """One step without enemies, walls or overlaps, in NumPy, every pair looked at; ORCA's programme from the kernel."""
    moved = np.empty_like(places)
    ease = 1 - np.exp(-STEP_S / RULES.lag_s)
    for i in range(len(places)):
        back = (slots[i] - places[i]) / RULES.follow_s
        back *= min(1, RULES.hurry_mps / max(np.linalg.norm(back), 1e-12))
        wish = (next_slots[i] - slots[i]) / STEP_S + back
        far = np.linalg.norm(places - places[i], axis=1)
        far[i] = np.inf
        planes = []
        for j in [j for j in np.argsort(far)[: RULES.neighbours] if far[j] < RULES.look_m]:
            u = half_plane(*(places[j] - places[i]), *(velocities[i] - velocities[j]),
                           radii[i] + radii[j] + 2 * RULES.berth_m, RULES.horizon_s, RULES.contact_s)  # fmt: skip
            n = np.array(u[2:])
            planes.append([*n, n @ (velocities[i] + 0.5 * np.array(u[:2]))])
        rows = np.array(planes).reshape(-1, 3)
        best = np.array(allowed_velocity(rows, 0, len(rows), RULES.fastest_mps, *wish, np.empty_like(rows)))
        add = (best - velocities[i]) * ease
        add *= min(1, RULES.strongest_mps2 * STEP_S / max(np.linalg.norm(add), 1e-12))
        moved[i] = places[i] + (velocities[i] + add) * STEP_S
    return moved


def test_a_step_agrees_with_its_slow_twin():
    places, velocities = crowd(40, seed=4, extent=9)
    radii = np.full(40, 0.25)
    places = settle(places, radii + 0.25, NO_WALLS, 60)  # far enough apart for nobody to be pushed
    slots = places + np.random.default_rng(5).normal(0, 1, places.shape)

    now = advance(
        flock(places, velocities), slots, slots + 0.05, radii, np.zeros(40, np.int64), NO_WALLS, RULES, STEP_S
    )

    np.testing.assert_allclose(now.places, stepped_slowly(places, velocities, slots, slots + 0.05, radii), atol=1e-9)


def test_between_two_choices_everybody_bends_his_wish_as_he_did():
    places, velocities = crowd(40, seed=4, extent=9)
    radii, sides = np.full(40, 0.25), np.zeros(40, np.int64)
    places = settle(places, radii + 0.25, NO_WALLS, 60)
    slots = places + np.random.default_rng(5).normal(0, 1, places.shape)

    one = advance(flock(places, velocities), slots, slots + 0.05, radii, sides, NO_WALLS, RULES, STEP_S)
    two = advance(one, slots + 0.05, slots + 0.08, radii, sides, NO_WALLS, RULES, STEP_S)

    def wish(here, at, then):
        back = (at - here) / RULES.follow_s
        return (then - at) / STEP_S + back * np.minimum(1, RULES.hurry_mps / np.linalg.norm(back, axis=1))[:, None]

    ease = 1 - np.exp(-STEP_S / RULES.lag_s)
    add = wish(one.places, slots + 0.05, slots + 0.08) + one.bends - one.velocities
    add *= ease * np.minimum(1, RULES.strongest_mps2 * STEP_S / np.linalg.norm(add * ease, axis=1))[:, None]
    added = (one.velocities - velocities) / ease  # whoever was not cut short has told his choice so
    free = np.linalg.norm(added * ease, axis=1) < RULES.strongest_mps2 * STEP_S - 1e-9
    chosen = wish(places, slots, slots + 0.05) + one.bends
    np.testing.assert_allclose((velocities + added)[free], chosen[free], atol=1e-9)
    assert (np.linalg.norm(one.bends, axis=1) > 0.1).any()
    np.testing.assert_allclose(two.velocities, one.velocities + add, atol=1e-9)
    assert two.touches is one.touches


def test_nobody_chooses_anew_before_his_time():
    places, velocities = crowd(10, seed=4, extent=9)
    now, ages = flock(places, velocities), []

    for _ in range(7):
        now = advance(now, places, places, np.full(10, 0.25), np.zeros(10, np.int64), NO_WALLS, RULES, STEP_S)
        ages.append(round(float(now.age_s) / STEP_S))

    assert ages == [1, 2, 3, 1, 2, 3, 1]


def test_a_room_used_again_gives_the_same_steps_and_leaves_what_came_in_alone():
    places, velocities = crowd(300, seed=9)
    radii, sides = np.full(300, 0.25), np.arange(300) % 3
    since, room = flock(settle(places, radii, NO_WALLS, 60), velocities), Room(300)
    before = since.places.copy()
    ours = theirs = since

    for n in range(4):
        slots, next_slots = places + 0.05 * n, places + 0.05 * (n + 1)
        ours = advance(ours, slots, next_slots, radii, sides, NO_WALLS, RULES, STEP_S, room)
        theirs = advance(theirs, slots, next_slots, radii, sides, NO_WALLS, RULES, STEP_S)

    for name in Flock.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    np.testing.assert_array_equal(since.places, before)
    assert not np.array_equal(ours.places, before)


@pytest.mark.parametrize("count", [0, 1, 64, 65, 1023, 1025, 5000])
def test_the_pieces_hold_everybody_once(count):
    taken = [range(*stretch(n, count)) for n in range(pieces(count))]

    assert sorted(i for members in taken for i in members) == list(range(count))


@pytest.mark.parametrize("seed", range(8))
def test_the_half_plane_lies_on_the_edge_of_what_collides(seed):
    rng = np.random.default_rng(seed)
    place, velocity, reach = rng.uniform(0.8, 2, 2) * rng.choice([-1, 1], 2), rng.normal(0, 1.5, 2), 0.6

    change_x, change_z, nx, nz = half_plane(*place, *velocity, reach, 2.0, 0.5)

    edge, out = velocity + np.array([change_x, change_z]), np.array([nx, nz])
    assert np.hypot(nx, nz) == pytest.approx(1)
    assert not collide_within(place, edge + 1e-3 * out, reach, 2.0)
    assert collide_within(place, edge - 2e-2 * out, reach, 2.0)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("hard", [0, 1])
def test_the_allowed_velocity_is_the_best_of_a_fine_raster(seed, hard):
    rng = np.random.default_rng(seed)
    turns = rng.uniform(0, 2 * np.pi, 6)
    planes = np.stack([np.cos(turns), np.sin(turns), rng.normal(-0.3, 0.5, 6)], axis=1)
    planes[0, 2] = min(planes[0, 2], 0.5)
    wish = rng.normal(0, 1.5, 2)

    found = np.array(allowed_velocity(planes, hard, 6, 2.0, *wish, np.empty_like(planes)))

    best, broken = solved_slowly(planes, hard, 2.0, wish)
    lack = planes[:, 2] - planes[:, :2] @ found
    assert lack[hard:].max() <= broken + 0.01
    assert lack[:hard].max(initial=-1) <= 1e-6
    if broken == 0:
        assert np.linalg.norm(found - wish) <= np.linalg.norm(best - wish) + 1e-6


@pytest.mark.parametrize(("count", "cell_m"), [(1, 1.0), (200, 0.7), (200, 30.0)])
def test_cells_around_a_place_hold_all_that_is_near(count, cell_m):
    places, _ = crowd(count, seed=1)

    order, bounds, grid = sort_cells(places, cell_m)

    assert sorted(order) == list(range(count))
    for here in places[::7]:
        spans = [span(*here, row, bounds, grid) for row in (-1, 0, 1)]
        found = {int(order[k]) for first, last in spans for k in range(first, last)}
        assert set(np.flatnonzero(np.linalg.norm(places - here, axis=1) < cell_m)) <= found


def test_the_grid_does_not_eat_the_memory_for_a_lone_rider():
    _, bounds, _ = sort_cells(np.array([(0.0, 0), (1e6, 1e6), (0.1, 0)]), 2.0)

    assert len(bounds) < 5_000_000


def foes_of(places, sides, sights):
    order, bounds, grid = sort_cells(places, 1.5)
    found = np.empty((len(places), 3))
    found[order] = nearest_foes(places[order], sides[order], sights[order], bounds, grid)
    return found


def test_the_nearest_foe_is_the_nearest_of_all():
    places, _ = crowd(60, seed=2)
    sides = np.arange(60) % 4  # 0: at peace
    sights = np.linspace(0.5, 3.0, 60)

    found = foes_of(places, sides, sights)

    far = np.linalg.norm(places[:, None] - places, axis=-1)
    far[(sides[:, None] == sides) | (sides[:, None] == 0) | (sides == 0)] = np.inf
    nearest = np.where(far.min(axis=1) < sights, far.min(axis=1), np.inf)
    np.testing.assert_allclose(found[:, 0], nearest)


def test_the_way_to_the_enemy_leads_to_the_near_ones_and_does_not_jump():
    """Weights 1 / d^5 fade to nothing at twice the nearest: a raster of all pairs says so, and so do small moves."""
    theirs = np.random.default_rng(8).uniform((-4, 2), (4, 10), (40, 2))
    sides = np.r_[1, np.full(40, 2)]

    def way(here):
        places, sights = np.concatenate([[here], theirs]), np.full(41, 7.0)
        return foes_of(places, sides, sights)[0, 1:]

    here = np.array([0.3, 0.1])
    d2 = ((theirs - here) ** 2).sum(axis=1)
    reach2 = min(49.0, 4 * d2.min())
    weights = np.where(d2 < reach2, (1 - d2 / reach2) ** 2 / d2**3, 0)
    mean = weights @ (theirs - here)
    np.testing.assert_allclose(way(here), mean / np.linalg.norm(mean), atol=1e-9)
    ways = np.array([way((x, 0.1)) for x in np.linspace(-3, 3, 600)])
    assert np.linalg.norm(np.diff(ways, axis=0), axis=1).max() < 0.03


def test_overlaps_agree_with_every_pair():
    places, _ = crowd(120, seed=3)
    radii = np.random.default_rng(3).uniform(0.2, 0.5, 120)

    pairs, deepest = overlaps(places, radii)

    lacks = (radii[:, None] + radii - np.linalg.norm(places[:, None] - places, axis=-1))[np.triu_indices(120, 1)]
    assert (pairs, deepest) == ((lacks > 0.005).sum(), pytest.approx(lacks.max()))


def test_a_heap_is_pushed_apart_beside_the_wall():
    places, _ = crowd(80, seed=6, extent=1.2)
    radii = np.full(80, 0.25)

    apart = settle(places, radii, build_walls([SQUARE], 0.3), 100)

    assert overlaps(apart, radii)[1] < 0.005
    assert min(nearest_wall(x, z, SQUARE, 0, 4)[0] for x, z in apart) > 0.25 - 1e-3


def test_walls_are_as_far_as_they_look():
    l_shape = np.array([(0.0, 0), (4, 0), (4, 1), (1, 1), (1, 4), (0, 4)])

    found = [nearest_wall(x, z, l_shape, 0, 6) for x, z in [(2, -1), (0.5, 0.5), (2, 2), (5, 2)]]

    np.testing.assert_allclose([f[0] for f in found], [1, -0.5, 1, np.sqrt(2)])
    np.testing.assert_allclose(found[0][1:], [0, -1], atol=1e-12)


def test_who_is_inside_is_put_out_by_the_nearest_wall():
    np.testing.assert_allclose(push_out(0.9, 0.1, 0.25, *build_walls([SQUARE], 0.3)[:2]), (1.25, 0.1))


@pytest.mark.parametrize(("goal", "side"), [((0.2, 5.0), 1), ((-0.2, 5.0), -1)])
def test_the_way_round_is_the_shorter_one(goal, side):
    walls = build_walls([SQUARE], 0.3)

    x, _, turned = way_round(0.0, -5.0, *goal, walls.hulls, walls.hull_starts)

    assert turned
    assert np.sign(x) == side
    assert abs(x) >= 1.3 - 1e-6


def test_the_way_is_straight_where_nothing_is_between():
    walls = build_walls([SQUARE], 0.3)

    assert way_round(3.0, -5.0, 3.0, 5.0, walls.hulls, walls.hull_starts) == (3.0, 5.0, False)


def test_a_walker_comes_round_and_through_no_wall():
    """Waypoint after waypoint, from many sides, ends at the goal."""
    walls = build_walls([SQUARE, SQUARE + np.array([4, 1])], 0.3)
    for turn in np.linspace(0, 2 * np.pi, 17):
        here, goal = (
            np.array([8 * np.cos(turn) + 2, 8 * np.sin(turn)]),
            np.array([2 - 8 * np.cos(turn), -8 * np.sin(turn)]),
        )
        for _ in range(400):
            x, z, _ = way_round(*here, *goal, walls.hulls, walls.hull_starts)
            way = np.array([x, z]) - here
            here = here + way * min(1, 0.1 / max(np.linalg.norm(way), 1e-9))
            assert min(nearest_wall(*here, walls.corners, *walls.starts[k : k + 2])[0] for k in (0, 1)) > 0

        assert np.linalg.norm(here - goal) < 0.05


def test_wrong_shapes_are_refused():
    places, velocities = crowd(3, seed=1)

    with pytest.raises(ValueError, match="radii"):
        advance(flock(places, velocities), places, places, np.ones(2), np.zeros(3, int), NO_WALLS, RULES, STEP_S)


@pytest.mark.parametrize("polygon", [[(0, 0), (1, 1)], [(0, 0), (1, 1), (2, 2)], [(0, 0), (1, np.nan), (2, 0)]])
def test_an_area_without_an_inside_is_refused(polygon):
    with pytest.raises(ValueError, match="no inside"):
        build_walls([np.array(polygon, float)], 0.3)
