"""The demo plate against its own truth: the photo, the camera, the depth and the mattes must tell one story."""

import json
from functools import lru_cache
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from assets.demo import camera, film
from assets.demo.actors import CAST
from assets.demo.camera import FRAMES, LENS, rays
from pipeline.io import exr, images, video
from pipeline.io.color import log_8bit, to_acescg
from pipeline.kernels.shade import see

DEMO = Path(camera.__file__).parent
TRUTH = DEMO / "truth"
NUMBERS = (LENS.focal_x_px, LENS.focal_y_px, LENS.centre_x_px, LENS.centre_y_px, LENS.k1, LENS.k2)


@lru_cache(maxsize=1)
def plate():
    """The first 24 frames as 8-bit grey log pictures."""
    return [
        cv2.cvtColor(log_8bit(to_acescg(log, film.LOG)), cv2.COLOR_RGB2GRAY).astype(np.float32)
        for log in islice(video.read_frames(DEMO / "plate.mov"), 24)
    ]


def truth():
    return json.loads((TRUTH / "camera.json").read_text())


def pose(frame):
    return np.array(truth()["camera_from_world"][str(frame)])


def depth(frame):
    return exr.read(TRUTH / "depth" / f"depth.{frame}.exr").channels["Z"].astype(np.float32)


def matte(frame):
    return images.read_png(TRUTH / "mattes" / f"matte.{frame}.png").reshape(LENS.height, LENS.width, -1)[..., 0]


def world_points(frame):
    """(H, W, 3) where each pixel's surface stands, by the truth."""
    table = rays(LENS)
    local = np.concatenate([table, np.ones_like(table[..., :1])], -1) * depth(frame)[..., None]
    matrix = pose(frame)
    return (local - matrix[:3, 3]) @ matrix[:3, :3]


def test_plate_and_truth_stay_small():
    files = [DEMO / "plate.mov", *(path for path in TRUTH.rglob("*") if path.is_file())]

    assert sum(path.stat().st_size for path in files) < 25e6
    assert (DEMO / "plate.mov").stat().st_size < 8e6


def test_the_movie_is_ten_bit_log_at_24_frames():
    info = video.probe(DEMO / "plate.mov")

    assert (info.width, info.height) == (LENS.width, LENS.height)
    assert str(info.rate) == "24"
    assert sum(1 for _ in video.read_frames(DEMO / "plate.mov")) == len(FRAMES)


def test_the_written_camera_is_the_one_that_filmed():
    written = truth()

    assert written["lens"]["k1"] == LENS.k1
    assert written["colorspace"] == film.LOG
    for frame in FRAMES:
        np.testing.assert_allclose(pose(frame), camera.camera_from_world(frame), atol=1e-12)
    centres = np.array([-pose(f)[:3, :3].T @ pose(f)[:3, 3] for f in FRAMES])
    assert 3 < np.linalg.norm(centres[-1] - centres[0]) < 5


@pytest.mark.parametrize(("frame", "other"), [(1004, 1010), (1022, 1014)])
def test_the_photo_moves_as_depth_and_camera_say(frame, other):
    """Static ground, warped from another frame by the truth, lies within 0.3 px of the photo (measured patch by patch)."""
    pixels = see(world_points(frame).reshape(-1, 3).astype(np.float32), pose(other), NUMBERS)[1]
    pixels = pixels.reshape(LENS.height, LENS.width, 2) - 0.5  # cv2 counts from pixel centres
    warped = cv2.remap(plate()[other - 1001], pixels[..., 0], pixels[..., 1], cv2.INTER_CUBIC)
    window = cv2.createHanningWindow((48, 48), cv2.CV_32F)
    shifts = []
    for y in range(220, 480, 40):
        for x in range(24, 880, 40):
            patch = np.s_[y : y + 48, x : x + 48]
            apart = cv2.dilate(np.maximum(matte(frame), 0)[patch], np.ones((9, 9))).max()
            inside = pixels[patch].min() > 1 and (pixels[patch] < [LENS.width - 2, LENS.height - 2]).all()
            relief = depth(frame)[patch]
            if apart > 0 or not inside or relief.max() > 1.6 * relief.min() or plate()[frame - 1001][patch].std() < 3:
                continue
            (dx, dy), response = cv2.phaseCorrelate(plate()[frame - 1001][patch].copy(), warped[patch].copy(), window)
            if response > 0.15:
                shifts.append(np.hypot(dx, dy))

    assert len(shifts) > 25
    assert np.median(shifts) < 0.15
    assert np.percentile(shifts, 80) < 0.3


def test_every_visible_actor_is_in_the_matte_and_nothing_else():
    for frame in (FRAMES.first, 1024, FRAMES.last):
        cover = matte(frame)
        allowed = np.zeros(cover.shape, np.uint8)
        for actor in CAST:
            across, away = actor.place(frame)
            body = np.array([[across, 0.1, -away], [across, 1.0, -away], [across, 1.9, -away]], np.float32)
            local, pixels = see(body, pose(frame), NUMBERS)
            x, y = pixels[1]
            tall = pixels[0, 1] - pixels[2, 1]
            if 0 < x < LENS.width - 1 and 0 < y < LENS.height - 1:
                box = cover[
                    int(y - 0.1 * tall) : int(y + 0.1 * tall) + 1, int(max(x - 0.1 * tall, 0)) : int(x + 0.1 * tall)
                ]
                assert box.max() > 0.9, (actor.character, frame)
                near = depth(frame)[int(y), int(x)]
                assert near < local[1, 2] + 0.6, (actor.character, frame)
            cv2.circle(allowed, (int(x), int(y)), int(0.95 * tall) + 4, 1, -1)

        assert not cover[allowed == 0].any()
        assert 0.003 < cover.mean() < 0.2


def test_sky_is_infinitely_far_and_ground_is_not():
    far = depth(FRAMES.first)

    assert np.isposinf(far[3, 600:]).any()
    assert np.isfinite(far[300:]).all()
    assert far[np.isfinite(far)].min() > 3


def test_the_ground_is_exposed_as_a_camera_operator_would():
    log = next(iter(video.read_frames(DEMO / "plate.mov")))
    linear = to_acescg(log, film.LOG)
    ground = linear[300:]

    assert 0.12 < np.median(ground) < 0.40
    assert np.percentile(ground, 2) > 0.01
    assert 0.5 < np.percentile(linear, 99) < 4


def test_a_frame_is_made_the_same_twice():
    from assets.demo.light import bake
    from assets.demo.render import prepare, render_frame
    from assets.demo.terrain import build_terrain

    def still():
        mesh = build_terrain(0.08)
        scene = prepare(mesh, bake(mesh, sun_samples=1, sky_samples=3, sun_px=256, sky_px=128))
        shot = render_frame(scene, camera.scaled(LENS, 0.125), 1003, samples=2, cast=())
        return film.develop(shot.rgb, 1003), shot.depth

    first, second = still(), still()

    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()
