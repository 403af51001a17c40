"""Shadows of near bodies against rays cast at their meshes, and against where their soles are."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from assets.near.bodies import Placed
from assets.near.merge import add_shadows
from assets.near.shades import Shades, facing, shades_of, throwing
from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from assets.sprites.layer import Looks, Taken
from assets.view import View
from calibration.cameras import look_at
from calibration.lens import project, rays
from pipeline.errors import AssetError
from pipeline.kernels.shadow import cast_shadows
from pipeline.kernels.splat import Cards, pyramid
from pipeline.types import Lens

LENS = Lens(150, 100, 150.0, 150.0, 75.0, 50.0)
SUN = np.array([0.62, 0.55, 0.56]) / np.linalg.norm([0.62, 0.55, 0.56])
UP = np.array([0.0, 1.0, 0.0])
SCALE, YAW, ROOT = 1.05, 0.7, np.array([0.4, 0.0, -6.0])


def level(x, z):
    return np.zeros(len(x))


def upright(x, z):
    return np.tile([0.0, 1.0, 0.0], (len(x), 1))


def body(motion="thrust", phase=0.5, lifted_m=0.0):
    c, s = np.cos(YAW), np.sin(YAW)
    turned = SCALE * np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    frame = np.concatenate([turned, (ROOT + lifted_m * UP)[:, None]], axis=1)
    return Placed(posed_mesh(load_character("legionary"), motion, phase), frame)


def view(eye=(0.0, 2.5, 0.0), target=(0.0, 0.3, -6.2), lens=LENS):
    pose = look_at(np.array(eye), target)
    return View(rays(lens), lambda points: project(points, lens), pose, pose, 0)


def ground_points(seen):
    """(H, W, 3) where each pixel sees the ground at height 0; NaN above the horizon."""
    ways = np.concatenate([seen.rays, np.ones((*seen.size, 1))], axis=-1) @ seen.pose[:3, :3]
    rate = np.where(ways[..., 1] < 0, -seen.centre[1] / ways[..., 1], np.nan)
    return seen.centre + rate[..., None] * ways


def covered(points, to, placed):
    """Whether a ray from each point (N, 3) towards `to` meets the mesh (Moeller and Trumbore)."""
    a, b, c = (placed.world()[placed.mesh.triangles[:, k]] for k in range(3))
    across, down = b - a, c - a
    p = np.cross(to, down)
    det = (across * p).sum(axis=1)
    some = np.abs(det) > 1e-12
    a, across, down, p, det = a[some], across[some], down[some], p[some], det[some]
    found = np.zeros(len(points), bool)
    for n, point in enumerate(points):
        t = point - a
        u = (t * p).sum(axis=1) / det
        near = np.flatnonzero((u >= 0) & (u <= 1))
        q = np.cross(t[near], across[near])
        v, way = (q @ to) / det[near], (down[near] * q).sum(axis=1) / det[near]
        found[n] = ((v >= 0) & (u[near] + v <= 1) & (way > 0)).any()
    return found


def taken_by(placed, seen, softness=0.0, to_sun=SUN):
    taken = Taken.nothing(seen.size)
    add_shadows(taken, shades_of([1], [placed], to_sun, level, upright), seen, to_sun, Looks(softness=softness))
    return taken


def test_axes_are_as_the_light_sees_them():
    for direction in ([0.3, 0.4, -0.5], [0.0, 1.0, 0.0], [0.0, 0.97, 0.2]):
        axes = facing(np.array(direction))
        np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(axes) == pytest.approx(1)
    np.testing.assert_allclose(facing(np.array([0, 0, 1.0])), np.eye(3), atol=1e-12)


@pytest.mark.parametrize(("motion", "phase"), [("thrust", 0.5), ("fall", 1.0)])
def test_hard_shadow_is_the_one_that_rays_cast_at_the_mesh_find(motion, phase):
    placed, seen = body(motion, phase), view(target=(-0.4, 0.3, -6.2), lens=Lens(180, 90, 250.0, 250.0, 90.0, 45.0))
    points = ground_points(seen)[::2, ::2]
    looked = np.linalg.norm(points - ROOT, axis=-1) < 3
    truth = np.zeros(looked.shape, bool)
    truth[looked] = covered(points[looked], SUN, placed)

    found = taken_by(placed, seen).sun[::2, ::2] > 0.5

    assert truth.sum() > 100
    assert not truth[:, [0, -1]].any()
    assert (truth & found).sum() / (truth | found).sum() > 0.85


@pytest.mark.parametrize("softness", [0.03, 0.1])
def test_a_shadow_is_as_soft_as_a_sprites(softness):
    """A plate that faces the sun, once as a mesh and once as the sprite of a plate."""
    flat = SUN * [1, 0, 1] / np.hypot(SUN[0], SUN[2])
    right, up = np.cross([0, 1.0, 0], flat), np.array([0, 1.0, 0])
    corners = np.array([ROOT + x * right + y * up for x, y in ((-0.24, 0), (0.24, 0), (0.24, 1.92), (-0.24, 1.92))])
    plate = _Moved(_Triangles(np.array([[0, 1, 2], [0, 2, 3]], np.int32)), corners)
    seen, count = view(), np.zeros(1, np.int32)
    sprite = np.zeros((1, 128, 64, 4), np.float32)
    sprite[0, 24:120, 20:44] = 1
    turned = (np.array([right, up, flat, UP, SUN]) @ seen.pose[:3, :3].T).astype(np.float32)
    card = Cards(
        roots=seen.to_camera(ROOT[None]).astype(np.float32), rights=turned[:1], ups=turned[1:2], normals=turned[2:3],
        metres_per_px=np.full(1, 0.02, np.float32), sprites=count, boxes=np.array([[0, 150, 0, 100]], np.int32),
        tints=np.ones((1, 3), np.float32), dims=np.zeros(1, np.float32), leans=np.zeros((1, 2), np.float32), ids=count,
        motions=np.zeros((1, 6), np.float32),
    )  # fmt: skip
    theirs = np.zeros(seen.size, np.float32)
    images = pyramid(sprite, np.zeros(sprite.shape[:3], np.float32))
    cast_shadows(seen.rays, card, images, (32.0, 120.0), turned[3:4], turned[4], softness, theirs)

    ours = taken_by(plate, seen, softness).sun

    assert theirs.max() > 0.95
    edge = ((theirs > 0.05) & (theirs < 0.95)).sum(), ((ours > 0.05) & (ours < 0.95)).sum()
    assert edge[1] == pytest.approx(edge[0], rel=0.25, abs=12)
    assert ours.sum() == pytest.approx(theirs.sum(), rel=0.04)
    # Pixels are filtered across the sun's rays here, on the upright card there: edges differ by fractions of a pixel.
    assert np.abs(ours - theirs).sum() < 0.16 * theirs.sum()


# ---------------------------------------------------------------- contact


def soles(placed):
    """The middle of each sole that is down: its outline's centroid on the ground, world x, z."""
    world = placed.world()
    down = world[world[:, 1] < 0.015]
    side = (down - ROOT) @ placed.world_from_person[:, 0] > 0
    middles = []
    for mine in (down[side], down[~side]):
        hull = cv2.convexHull(mine[:, [0, 2]].astype(np.float32))
        moments = cv2.moments(hull * 1000)
        middles.append(np.array([moments["m10"], moments["m01"]]) / moments["m00"] / 1000)
    return middles


ABOVE = {"eye": (0.4, 7.0, -5.2), "target": (0.4, 0.0, -6.0), "lens": Lens(320, 240, 500.0, 500.0, 160.0, 120.0)}


@pytest.mark.parametrize(("motion", "phase"), [("thrust", 0.5), ("brace", 0.2)])
def test_each_planted_foot_is_dark_where_its_sole_is(motion, phase):
    placed, seen = body(motion, phase), view(**ABOVE)
    contact, points = taken_by(placed, seen).contact, ground_points(seen)[..., [0, 2]]

    left, right = soles(placed)

    assert np.linalg.norm(left - right) > 0.3
    for sole in (left, right):
        dark = (contact > 0.75) & (np.linalg.norm(points - sole, axis=-1) < 0.22)
        weight = (contact * dark)[..., None]
        assert dark.sum() >= 8
        centre = (points * weight).sum(axis=(0, 1)) / weight.sum()
        assert np.linalg.norm(centre - sole) < 0.03
    assert contact[np.linalg.norm(points - (left + right) / 2, axis=-1) < 0.05].max() < 0.6


def test_contact_fades_as_feet_leave_the_ground_and_is_gone_in_the_air():
    deepest = [float(taken_by(body("brace", 0.2, up), view(**ABOVE)).contact.max()) for up in (0, 0.03, 0.06, 0.2, 1.5)]

    assert deepest[0] > 0.85
    assert all(later < sooner - 0.05 for sooner, later in pairwise(deepest))
    assert deepest[-1] == 0


def test_who_lies_is_dark_under_all_of_his_body():
    placed, seen = body("fall", 1.0), view(**ABOVE)
    contact, points = taken_by(placed, seen).contact, ground_points(seen)

    hips = placed.mesh.joints[[8, 11]].mean(axis=0) @ placed.world_from_person[:, :3].T + ROOT

    there = np.linalg.norm((points - hips)[..., [0, 2]], axis=-1) < 0.08
    assert contact[there].min() > 0.7


# ---------------------------------------------------------------- on slopes, in files


def test_the_plane_goes_through_both_soles_on_uneven_ground():
    """A step between the feet: neither the height nor the slope under the root would do."""
    placed = body("brace", 0.2)
    left, right = soles(placed)
    along = (left - right) / np.linalg.norm(left - right)

    def height(x, z):
        return np.where((np.stack([x, z], axis=-1) - (left + right) / 2) @ along > 0, 0.08, 0.0)

    world = placed.world()
    off = world + np.stack([np.zeros(len(world)), height(world[:, 0], world[:, 2]), np.zeros(len(world))], axis=1)
    made = shades_of([1], [_Moved(placed.mesh, off)], SUN, height, upright)

    for sole in (left, right):
        point = np.array([sole[0], float(height(*sole)), sole[1]])
        assert abs((point - made.roots[0]) @ made.normals[0]) < 0.01


class _Triangles:
    """Of a mesh, what shadows need."""

    def __init__(self, triangles):
        self.triangles = triangles


class _Moved:
    """A body with its vertices given."""

    def __init__(self, mesh, vertices):
        self.mesh, self.vertices = mesh, vertices

    def world(self):
        return self.vertices


def test_shades_are_read_as_they_were_written(tmp_path):
    made = shades_of([7, 3], [body(), body("idle", 0.0)], SUN, level, upright)
    (tmp_path / "shades.npz").write_bytes(made.packed())

    found = Shades.read(tmp_path / "shades.npz")

    assert made.packed() == found.packed()
    np.testing.assert_array_equal(found.ids, [7, 3])
    np.testing.assert_array_equal(found.sun, made.sun)
    (tmp_path / "shades.npz").write_bytes(b"PK")
    with pytest.raises(AssetError, match="Run generate_near again"):
        Shades.read(tmp_path / "shades.npz")


def test_nobody_takes_nothing():
    seen, taken = view(), Taken.nothing((LENS.height, LENS.width))
    add_shadows(taken, shades_of([], [], SUN, level, upright), seen, SUN, Looks())
    assert not taken.sun.any()
    assert not taken.contact.any()


def test_who_stands_outside_throws_into_the_picture_when_the_sun_is_behind_him():
    seen = view()
    places = np.array([[0.0, 0.0, -6.0], [-5.0, 0.0, -6.0], [-5.0, 0.0, -6.0], [0.0, 0.0, 30.0]])

    assert throwing(seen, places[:1], SUN)[0]
    assert throwing(seen, places[1:2], np.array([-0.95, 0.312, 0.0]))[0]
    assert not throwing(seen, places[2:3] * [3, 1, 1], np.array([0.95, 0.312, 0.0]))[0]
    assert not throwing(seen, places[3:], SUN)[0]
