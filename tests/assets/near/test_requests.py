"""People near the camera: who they are, where their paintings land, how they stand, and what the model makes of them."""

from dataclasses import replace

import numpy as np
import pytest

from assets.motion.footlock import in_world
from assets.motion.motions import load_motion
from assets.near.bodies import Bodies, Placed
from assets.near.layer import Near, finer, lay_back, merge, unveiled
from assets.near.requests import Seen, choose, own_camera, own_guides, own_request
from assets.people.characters import load_character
from assets.people.figures import dressed
from assets.people.mesh import posed_mesh
from assets.providers.opening import open_provider
from assets.providers.request import Light
from assets.sprites import guides as drawing
from assets.sprites.cards import Agents
from assets.view import Buffers, View
from calibration.cameras import look_at
from calibration.lens import project, rays
from pipeline.types import Lens

LENS = Lens(240, 136, 210.0, 210.0, 121.0, 67.0, -0.12, 0.03, 5e-4, -3e-4)
SEEN = Seen(np.array([210.0]), np.array([[120 / 210, 68 / 210]]))
SLOPE = np.array([0.12, -0.07])  # rise of the ground along x and z


def agents_at(positions, motions=("idle",), doing=None, frames=4, scale=1.0):
    """Legionaries at positions (N, 3), in `doing` (F, N) of `motions`."""
    count = len(positions)
    return Agents(
        ids=np.arange(1, count + 1),
        names=[f"a{i}" for i in range(count)],
        characters=["legionary"] * count,
        motion_names=tuple(motions),
        motions=np.zeros((frames, count), np.uint8) if doing is None else np.asarray(doing, np.uint8),
        seeds=np.arange(count) + 3,
        scales=np.full(count, scale),
        positions=np.broadcast_to(np.asarray(positions, np.float32), (frames, count, 3)).copy(),
        yaws=np.full((frames, count), 0.4, np.float32),
        phases=np.full((frames, count), 0.3, np.float32),
    )


def bodies_of(agents, slope=(0.0, 0.0)):
    def height(x, z):
        return slope[0] * x + slope[1] * z

    def normal(x, z):
        way = np.array([-slope[0], 1.0, -slope[1]])
        return np.broadcast_to(way / np.linalg.norm(way), (len(np.atleast_1d(x)), 3))

    return Bodies(agents, 2, height, normal)


def view_from(eye, target=(0.0, 0.9, 0.0)):
    pose = look_at(np.asarray(eye, float), target, (0.03, 0.999, 0.0))
    other = look_at(np.add(eye, (0.2, 0.1, 0.0)), target, (0.03, 0.999, 0.0))
    return View(rays(LENS), lambda points: project(points, LENS), pose, other, 1)


def poses_of(*eyes):
    return np.stack([look_at(np.asarray(eye, float), (0.0, 1.0, -12.0), (0.0, 1.0, 0.0)) for eye in eyes])


# ---------------------------------------------------------------- who is near


def test_who_is_large_enough_on_any_frame_is_near_on_all():
    """The camera comes closer: he who is 60 px high in the end is painted from the first frame on."""
    agents = agents_at([[0, 0, -9.0], [0.5, 0, -30.0]], frames=2)

    chosen = choose(agents, poses_of((0, 1.7, 0), (0, 1.7, -3)), SEEN, 55, 9, 256)

    assert chosen.rows.tolist() == [0]
    assert chosen.shown.all()
    assert chosen.passed_over == 0


def test_of_too_many_in_a_picture_the_nearest_win():
    agents = agents_at([[0, 0, -7.0], [1.0, 0, -5.0], [-1.0, 0, -6.0]], frames=1)

    chosen = choose(agents, poses_of((0, 1.7, 0)), SEEN, 40, 2, 256)

    assert agents.ids[chosen.rows].tolist() == [2, 3]
    assert chosen.passed_over == 1


def test_heroes_are_chosen_however_small_and_take_nobodys_place():
    agents = agents_at([[0, 0, -7.0], [1.0, 0, -5.0], [-1.0, 0, -30.0], [0, 0, 9.0]], frames=1)

    chosen = choose(agents, poses_of((0, 1.7, 0)), SEEN, 40, 1, 256, frozenset({3, 4}))

    assert agents.ids[chosen.rows].tolist() == [2, 3]  # 4 stands behind the camera
    assert chosen.passed_over == 1


def test_who_is_out_of_the_picture_takes_nobodys_place():
    agents = agents_at([[0, 0, -7.0], [0, 0, 4.0], [30.0, 0, -5.0]], frames=1)

    chosen = choose(agents, poses_of((0, 1.7, 0)), SEEN, 40, 1, 256)

    assert chosen.rows.tolist() == [0]
    assert chosen.passed_over == 0


def test_of_nobody_nobody_is_near():
    chosen = choose(agents_at(np.zeros((0, 3))), poses_of((0, 1.7, 0))[[0] * 4], SEEN, 40, 9, 256)

    assert len(chosen.rows) == 0
    assert chosen.pictures.shape == (0, 2)


def test_the_picture_is_as_fine_as_the_plate_up_to_the_limit():
    agents = agents_at([[0, 0, -6.0], [0.6, 0, -3.5], [-0.5, 0, -2.0]], frames=1)

    chosen = choose(agents, poses_of((0, 1.7, 0)), SEEN, 40, 9, 192)

    assert chosen.pictures[:, 0].tolist() == [128, 192, 192]  # 59, 101 and 177 px high in the plate
    reach = np.hypot(*posed_mesh(load_character("legionary"), "idle", 0.3).vertices[:, [0, 2]].T).max()
    assert (chosen.pictures[:, 1] * drawing.TALL_M / chosen.pictures[:, 0] >= 2 * reach - 1e-3).all()


# ---------------------------------------------------------------- the person's own camera


def test_the_root_lies_where_it_does_in_a_sprite_and_a_metre_is_as_long():
    view, scale = view_from((1.0, 2.2, 6.0)), 1.1
    root, up = view.to_camera(np.array([0.3, 0.1, -0.5])), view.pose[:3, 1]

    own = own_camera(root, up, scale, (192, 96))

    def seen(point):
        flat = own.matrix @ point
        return flat[:2] / flat[2]

    per_px = drawing.TALL_M / 192
    np.testing.assert_allclose(seen(root), [48, 192 - drawing.ROOT_M / per_px], atol=1e-9)
    beside = root + own.rotation[0] * 0.5 * scale
    np.testing.assert_allclose(seen(beside) - seen(root), [0.5 / per_px, 0], atol=1e-9)
    assert abs(seen(root + up)[0] - 48) < 1e-9  # upright


def test_from_afar_its_guides_are_the_sprites():
    """Without perspective there is no difference: 400 m away, a long lens, the same body as a sprite is drawn of."""
    mesh, turn = posed_mesh(load_character("legionary"), "march", 0.37), 0.7
    c, s = np.cos(turn), np.sin(turn)
    placed = Placed(mesh, np.array([[c, 0, s, 0], [0, 1, 0, 0], [-s, 0, c, 0]], float))
    pose = look_at(np.array([0.0, 0.9 + 400 * np.tan(0.1), 400.0]), (0.0, 0.9, 0.0), (0.0, 1.0, 0.0))
    own = own_camera(pose[:3, 3], pose[:3, 1], 1.0, (128, 64))

    found = own_guides(placed, pose, own).given()

    sprite = drawing.sprite_guides(mesh, turn, 0.1)
    both = (found["coverage"][0] == 1) & (sprite.coverage == 1)
    assert np.abs(found["coverage"][0] - sprite.coverage).mean() < 0.005
    assert (found["parts"][0][both] == sprite.parts[both]).mean() > 0.97
    assert np.median(np.abs(found["depth"][0] - sprite.depth)[both]) < 0.005
    assert np.median(np.abs(found["normals"][0] * [1, -1, -1] - sprite.normals)[both]) < 0.02


# ---------------------------------------------------------------- back into the plate


@pytest.mark.parametrize("eye", [(0.4, 1.6, 3.2), (-2.5, 2.6, 4.0)])
def test_what_is_painted_on_a_joint_lands_where_the_lens_projects_the_joint(eye):
    """A dot painted at a joint's place in the picture must be seen within half a pixel of the joint's own projection."""
    bodies, view = bodies_of(agents_at([[0.0, 0.0, 0.0]])), view_from(eye)
    placed = bodies.placed(0, 0)
    frame = placed.world_from_person
    joints = view.to_camera(placed.mesh.joints.astype(float) @ frame[:, :3].T + frame[:, 3])
    own = own_camera(view.to_camera(np.zeros(3)), view.pose[:3, 1], 1.0, (256, 160))
    middle = np.array([0.0, 0.0])
    misses = []
    for joint in (1, 8, 11):  # neck and hips lie under a broad surface
        flat = own.matrix @ joints[joint]
        middle = flat[:2] / flat[2]
        y, x = np.mgrid[:256, :160] + 0.5
        dot = np.exp(-((x - middle[0]) ** 2 + (y - middle[1]) ** 2) / 18).astype(np.float32)
        near = Near.empty(*view.size)
        lay_back(near, view, placed, placed, own.matrix, np.dstack([dot, dot, dot, np.ones_like(dot)]), 7)
        light = near.pixels.rgba[..., 0].astype(float)
        rows, columns = np.mgrid[: view.size[0], : view.size[1]] + 0.5
        found = np.array([(light * columns).sum(), (light * rows).sum()]) / light.sum()
        misses.append(np.linalg.norm(found - project(joints[joint][None], LENS)[0]))

    assert max(misses) < 0.5


def test_edges_are_the_bodys_own_and_ids_exact():
    """Against every vertex's own projection: all lie in covered pixels, and what is covered hides nothing else."""
    bodies, view = bodies_of(agents_at([[0.0, 0.0, 0.0]])), view_from((0.4, 1.6, 3.2))
    placed, near = bodies.placed(0, 0), Near.empty(*view.size)
    own = own_camera(view.to_camera(np.zeros(3)), view.pose[:3, 1], 1.0, (256, 160))

    lay_back(near, view, placed, placed, own.matrix, np.ones((256, 160, 4), np.float32), 100_007)

    used = placed.world()[np.unique(placed.mesh.triangles)]
    pixels = view.pixels(used)
    inside = ((pixels > 1) & (pixels < [LENS.width - 1, LENS.height - 1])).all(axis=1)
    x, y = np.floor(pixels[inside]).astype(int).T
    around = np.max([near.pixels.rgba[y + j, x + i, 3] for j in (-1, 0, 1) for i in (-1, 0, 1)], axis=0)
    alpha = near.pixels.rgba[..., 3]
    assert (around > 0).all()
    assert (near.pixels.rgba[y, x, 3] > 0).mean() > 0.98
    assert set(np.unique(near.pixels.ids)) == {0, 100_007}
    np.testing.assert_array_equal(near.pixels.ids > 0, alpha > 0.5)
    np.testing.assert_array_equal(near.owner > 0, alpha > 0)
    assert ((alpha > 0) & (alpha < 1)).sum() > 100
    depths = view.to_camera(used)[:, 2]
    told = near.pixels.depth[alpha > 0]
    assert depths.min() - 1e-3 < told.min()
    assert told.max() < depths.max() + 1e-3


def test_who_stands_before_another_hides_him_whoever_comes_first():
    view = view_from((0.2, 1.6, 4.0))
    bodies = bodies_of(agents_at([[0.0, 0.0, 0.0], [0.25, 0.0, -1.2]]))
    made = []
    for order in ((0, 1), (1, 0)):
        near = Near.empty(*view.size)
        for agent in order:
            root = view.to_camera(bodies.agents.positions[0, agent].astype(float))
            own = own_camera(root, view.pose[:3, 1], 1.0, (256, 160))
            painting = np.zeros((256, 160, 4), np.float32) + np.array([agent, 1 - agent, 0, 1], np.float32)
            placed = bodies.placed(agent, 0)
            lay_back(near, view, placed, placed, own.matrix, painting, agent + 1)
        made.append(near)

    first, second = made
    np.testing.assert_array_equal(first.pixels.ids, second.pixels.ids)
    np.testing.assert_array_equal(first.pixels.depth, second.pixels.depth)
    np.testing.assert_allclose(first.pixels.rgba, second.pixels.rgba, atol=1e-6)
    assert set(np.unique(first.pixels.ids)) == {0, 1, 2}
    solid = first.pixels.rgba[..., 3] == 1
    np.testing.assert_array_equal(first.pixels.rgba[..., 0][solid & (first.pixels.ids == 1)] < 0.5, True)


def test_motion_is_the_bodys_own():
    """He stands, the camera moves: a pixel moves as the world point that it shows."""
    view, bodies = view_from((0.4, 1.6, 3.2)), bodies_of(agents_at([[0.0, 0.0, 0.0]]))
    placed, near = bodies.placed(0, 0), Near.empty(*view.size)
    own = own_camera(view.to_camera(np.zeros(3)), view.pose[:3, 1], 1.0, (128, 80))

    lay_back(near, view, placed, placed, own.matrix, np.ones((128, 80, 4), np.float32), 1)

    whole = near.pixels.rgba[..., 3] == 1
    z = near.pixels.depth[whole].astype(float)[:, None]
    points = (np.concatenate([view.rays[whole] * z, z], axis=1) - view.pose[:3, 3]) @ view.pose[:3, :3]
    away = np.linalg.norm(near.pixels.motion[whole] - view.motion(points, points), axis=1)
    # Depth is the nearest of nine samples', motion their mean: on a slanted surface they are not one point.
    assert np.median(away) < 0.05
    assert np.quantile(away, 0.95) < 0.2
    assert np.abs(near.pixels.motion[whole]).mean() > 0.5


def test_rays_between_pixels_are_the_lenss_own():
    whole = rays(LENS)

    fine = finer(whole, slice(20, 60), slice(0, 50))

    off = 1 / 3
    moved = rays(replace(LENS, centre_x_px=LENS.centre_x_px - off, centre_y_px=LENS.centre_y_px + off))
    np.testing.assert_allclose(fine[1::3, 1::3], whole[20:60, 0:50], atol=1e-7)
    np.testing.assert_allclose(fine[0::3, 2::3], moved[20:60, 0:50], atol=2e-5)


def test_colours_go_on_over_the_edges_of_a_painting():
    painting = np.zeros((40, 30, 4), np.float32)
    painting[10:30, 10:20] = (0.4, 0.2, 0.1, 1)
    painting[10:30, 9] = (0.02, 0.01, 0.005, 0.05)

    np.testing.assert_allclose(unveiled(painting), np.broadcast_to([0.4, 0.2, 0.1], (40, 30, 3)), atol=1e-5)


def test_a_thin_edge_takes_no_pixel_from_one_who_fills_it():
    def pixel(alpha, z, number):
        return Buffers(np.full((1, 1, 4), alpha, np.float32), np.full((1, 1), z, np.float32),
                       np.full((1, 1), number, np.int32), np.zeros((1, 1, 2), np.float32))  # fmt: skip

    into, cover = pixel(1.0, 9.0, 1), np.ones((1, 1), np.float32)
    wins = merge(into, cover, pixel(0.25, 4.0, 2), np.full((1, 1), 0.25, np.float32))

    assert not wins.any()
    assert into.ids[0, 0] == 1
    assert into.depth[0, 0] == 9
    assert into.rgba[0, 0, 3] == 1


# ---------------------------------------------------------------- bodies


def test_feet_stand_on_the_slope():
    """Each planted sole's lowest point lies within a centimetre of the ground there."""
    agents = agents_at([[2.0, 0, -3.0]], motions=("brace",), scale=1.05)
    agents.positions[..., 1] = agents.positions[..., 0] * SLOPE[0] + agents.positions[..., 2] * SLOPE[1]
    bodies = bodies_of(agents, SLOPE)

    world = bodies.placed(0, 1).world()

    figure = dressed(bodies.character(0))
    soles = world[figure.soles]
    clear = soles[:, 1] - soles[:, 0] * SLOPE[0] - soles[:, 2] * SLOPE[1]
    for side in (1, -1):
        assert abs(clear[np.sign(figure.vertices[figure.soles][:, 0]) == side].min()) < 0.01


def test_a_change_of_motion_is_a_way_and_not_a_jump():
    """From idling to a march: no joint jumps, where the bare change of clips does."""
    frames, begun = 36, 6
    doing = (np.arange(frames) >= begun)[:, None]
    agents = agents_at([[0.0, 0, 0.0]], motions=("idle", "march"), doing=doing, frames=frames)
    speed = 1.3 * np.clip((np.arange(frames) - begun + 1) / 14, 0, 1)
    gone = np.cumsum(speed / 24)
    agents.positions[:, 0] = np.stack([gone * np.sin(0.4), 0 * gone, gone * np.cos(0.4)], axis=1)
    stride = 1.3 * 1.0
    agents.phases[:, 0] = np.where(doing[:, 0], gone / stride % 1, 0.3 + np.arange(frames) / 96)
    bodies = bodies_of(agents)

    def joints(row):
        placed = bodies.placed(0, row)
        return placed.mesh.joints @ placed.world_from_person[:, :3].T + placed.world_from_person[:, 3]

    crossed = np.stack([joints(row) for row in range(begun - 2, begun + 4)])
    bodies._crossings[0, begun] = None
    bodies._parts.clear()
    cut = np.linalg.norm(joints(begun) - crossed[1], axis=1).max()
    steps = np.linalg.norm(np.diff(crossed, axis=0), axis=-1).max()
    assert steps < 0.5 * cut


def test_planted_feet_of_one_who_walks_a_bend_stay_put():
    """Each foot's spot in the world, while it is down; the bare cycle would turn it along with the body."""
    frames = 48
    speed, radius = load_motion("march").speed_mps, 3.0
    turn = np.arange(frames) * speed / 24 / radius
    agents = agents_at([[0.0, 0, 0.0]], motions=("march",), frames=frames)
    agents.positions[:, 0] = np.stack([radius * np.cos(turn), 0 * turn, -radius * np.sin(turn)], axis=1)
    agents.yaws[:, 0] = np.pi + turn
    agents.phases[:, 0] = np.arange(frames) / 24 / load_motion("march").cycle_s % 1
    bodies, build = bodies_of(agents), dressed(load_character("legionary", 1)).build

    plan = agents.positions[:, 0].astype(float)[:, [0, 2]]
    slides = []
    for poses in ([bodies.pose(0, row) for row in range(frames)], [bodies._step(0, row)[0] for row in range(frames)]):
        spots = in_world(build, poses, plan, agents.yaws[:, 0].astype(float), 1.0)
        down = np.array([bodies._step(0, row)[1] for row in range(frames)])
        steps = np.linalg.norm(np.diff(spots[..., :2], axis=0), axis=-1)
        slides.append(np.percentile(steps[down[1:] & down[:-1]], 90))
    assert slides[0] < 1e-3 < 3e-3 < slides[1]


# ---------------------------------------------------------------- what the model makes of it


def test_a_painting_is_near_the_true_picture():
    """Display values inside the figure, against the lit mesh; moments and headings that no sprite has."""
    requests, truths = [], []
    light = drawing.Light(sun=(0.85, 0.78, 0.68), sky=(0.22, 0.26, 0.33))
    x, y, z = np.array(light.sun_direction) / np.linalg.norm(light.sun_direction)
    for name, motion, phase, turn in (("legionary", "march", 0.413, 0.55), ("spearman", "idle", 0.171, -2.2),
                                      ("officer", "brace", 0.637, 1.3), ("archer", "march", 0.89, -0.9)):  # fmt: skip
        character = load_character(name, 1)
        mesh, (c, s) = posed_mesh(character, motion, phase), (np.cos(turn), np.sin(turn))
        placed = Placed(mesh, np.array([[c, 0, s, 0], [0, 1, 0, 0], [-s, 0, c, 0]], float))
        pose = look_at(np.array([0.0, 0.9 + 400 * np.tan(0.1), 400.0]), (0.0, 0.9, 0.0), (0.0, 1.0, 0.0))
        own = own_camera(pose[:3, 3], pose[:3, 1], 1.0, (192, 96))
        seen = np.linalg.solve(own.rotation, np.array([x, -y, -z]))
        asked = Light((float(seen[0]), float(seen[1]), float(seen[2])), light.sun, light.sky)
        requests.append(own_request(placed, character, pose, own, asked, seed=1, steps=2))
        truths.append(drawing.beauty(mesh, character, turn, 0.1, light, 192, 96))

    results = open_provider().generate(requests)

    misses = []
    for result, truth in zip(results, truths, strict=True):
        inside = truth[..., 3] == 1
        found, wanted = (np.clip(a[inside], 0, 1) ** (1 / 2.2) for a in (unveiled(result.takes[0, 0]), truth[..., :3]))
        misses.append(-10 * np.log10(((found - wanted) ** 2).mean()))
    assert np.mean(misses) > 24
    assert min(misses) > 22
