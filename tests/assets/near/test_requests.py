"""Who is near the camera, the picture that is asked for of each, and what the model makes of it."""

import numpy as np

from assets.near.bodies import Placed
from assets.near.layer import unveiled
from assets.near.requests import Seen, choose, own_camera, own_guides, own_request
from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from assets.providers.opening import open_provider
from assets.providers.request import Light
from assets.sprites import guides as drawing
from calibration.cameras import look_at
from tests.assets.near.nearpeople import agents_at, view_from

SEEN = Seen(np.array([210.0]), np.array([[120 / 210, 68 / 210]]))


def poses_of(*eyes):
    return np.stack([look_at(np.asarray(eye, float), (0.0, 1.0, -12.0), (0.0, 1.0, 0.0)) for eye in eyes])


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
