"""The camera of a hero area: steady, of one scale and size, and wide enough for all that the plate sees of its people."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from assets.near.area_camera import Room, Whereabouts, frame_people
from assets.view import View

FOCAL, SIZE, FRAMES = 500.0, (270, 480), 24
ROOMY, AHEAD = Room(4096), np.eye(3)


def view(eye, turned=AHEAD):
    """A pinhole camera that looks along -z, y up, turned."""
    pose = np.eye(4)
    pose[:3, :3] = turned @ np.diag([1.0, -1.0, -1.0])
    pose[:3, 3] = -pose[:3, :3] @ eye
    x, y = np.meshgrid(np.arange(SIZE[1]) + 0.5 - SIZE[1] / 2, np.arange(SIZE[0]) + 0.5 - SIZE[0] / 2)

    def project(points):
        return points[:, :2] / points[:, 2:] * FOCAL + np.array(SIZE[::-1]) / 2

    return View(np.dstack([x, y]).astype(np.float32) / np.float32(FOCAL), project, pose, pose, 0)


def shaken():
    """A dolly in by hand: 4 m, and up to 2 degrees to all sides."""
    angles = np.random.default_rng(3).uniform(-2, 2, (FRAMES, 3))
    return [
        view(np.array([0.05 * i, 1.7, -4 * i / FRAMES]), Rotation.from_euler("xyz", angle, degrees=True).as_matrix())
        for i, angle in enumerate(angles)
    ]


def standing(*places, shown=None):
    roots = np.broadcast_to(np.array(places, np.float64), (FRAMES, len(places), 3))
    shown = np.ones(roots.shape[:2], bool) if shown is None else shown
    return Whereabouts(roots, np.full(len(places), 0.6), np.ones(len(places)), shown)


def in_picture(camera, view, point):
    x, y, w = camera.matrix @ view.to_camera(np.asarray(point, np.float64))
    return np.array([x, y]) / w


def test_people_stand_still_in_the_picture_while_the_plate_shakes():
    views, people = shaken(), standing([-1.0, 0, -14.0], [1.0, 0, -14.0])
    framing = frame_people(views, people, FOCAL, 24, ROOMY)

    chest = [in_picture(own, v, [0, 0.9, -14]) for own, v in zip(framing.cameras, views, strict=True)]
    plate = [v.pixels(np.array([[0, 0.9, -14.0]]))[0] for v in views]

    assert np.ptp(plate, axis=0).min() > 15
    assert np.ptp(chest, axis=0).max() < 1e-6


def test_scale_and_size_stay_the_same_while_the_camera_comes_nearer():
    views, people = shaken(), standing([-1.0, 0, -14.0], [1.0, 0, -14.0])
    framing = frame_people(views, people, FOCAL, 24, ROOMY)

    tall = [
        np.linalg.norm(in_picture(own, v, [0, 1.8, -14]) - in_picture(own, v, [0, 0, -14]))
        for own, v in zip(framing.cameras, views, strict=True)
    ]

    assert {own.size for own in framing.cameras} == {framing.cameras[0].size}
    assert np.ptp(tall) < 0.01 * np.mean(tall)  # perspective alone: the camera is not far above
    closest = FOCAL / np.linalg.norm([0.05 * 23, 1.7 - 0.9, 14 - 4 * 23 / 24])
    assert framing.metres_per_px == pytest.approx(1 / closest, rel=1e-6)


def test_all_that_the_plate_sees_of_them_is_in_the_picture():
    """Heads and feet within the plate are within the picture; of who stands in the plate's edge, no more than that shows."""
    places = [[-3.0, 0, -9.0], [0.5, 0, -7.0], [2.0, 0, -12.0], [4.0, 0, -7.0]]
    views = shaken()
    framing = frame_people(views, standing(*places), FOCAL, 24, ROOMY)

    height, width = framing.cameras[0].size
    for own, each in zip(framing.cameras, views, strict=True):
        for x, _, z in places:
            for y in (0.0, 1.8):
                column, row = each.pixels(np.array([[x, y, z]]))[0]
                if 0 <= column <= SIZE[1] and 0 <= row <= SIZE[0]:
                    at = in_picture(own, each, [x, y, z])
                    assert (at > 0).all()
                    assert (at < (width, height)).all()
    assert width < 2 * SIZE[1]


def test_who_comes_in_moves_the_picture_bit_by_bit():
    shown = np.ones((FRAMES, 2), bool)
    shown[:12, 1] = False
    views = [view(np.array([0.0, 1.7, 0.0]))] * FRAMES
    framing = frame_people(views, standing([-1.0, 0, -14.0], [3.0, 0, -14.0], shown=shown), FOCAL, 24, ROOMY)

    column = [in_picture(own, v, [-1, 0.9, -14])[0] for own, v in zip(framing.cameras, views, strict=True)]

    assert column[0] - column[-1] > 20
    assert np.abs(np.diff(column)).max() < 0.12 * (column[0] - column[-1])


@pytest.mark.parametrize(("most", "step"), [(256, 16), (200, 32), (640, 8), (130, 64)])
def test_sides_keep_to_the_providers_limits(most, step):
    framing = frame_people(shaken(), standing([-4.0, 0, -9.0], [4.0, 0, -9.0]), FOCAL, 24, Room(most, step))

    height, width = framing.cameras[0].size
    assert max(height, width) <= most
    assert height % step == width % step == height % 16 == width % 16 == 0


def test_small_areas_are_enlarged_to_what_models_paint():
    framing = frame_people(shaken(), standing([0.0, 0, -60.0]), FOCAL, 24, ROOMY)

    assert max(framing.plate_px) < 30
    assert min(framing.cameras[0].size) >= 64


def test_somebody_at_the_lens_may_fill_the_plate_and_no_more():
    views = [view(np.array([0.0, 1.7, 0.0]))] * FRAMES
    framing = frame_people(views, standing([0.0, 0, -6.0], [0.1, 0, -0.1]), FOCAL, 24, ROOMY)

    assert np.isfinite([own.matrix for own in framing.cameras]).all()
    assert framing.plate_px[0] < 2 * SIZE[0]
    assert framing.plate_px[1] < 2 * SIZE[1]
