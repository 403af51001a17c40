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
    far = np.minimum(depth(frame), 1e4)  # a sky at infinity has no place
    local = np.concatenate([table, np.ones_like(table[..., :1])], -1) * far[..., None]
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


def shift_px(photo, warped, trusted):
    """(dx, dy) between two patches by least squares over the trusted pixels (Lucas and Kanade, IJCAI 1981)."""
    middle = (photo + warped) / 2
    slopes = [cv2.Sobel(middle, cv2.CV_32F, dx, dy, scale=1 / 8)[trusted] for dx, dy in ((1, 0), (0, 1))]
    return np.linalg.lstsq(np.stack(slopes, axis=1), (photo - warped)[trusted], rcond=None)[0]


@pytest.mark.parametrize(("frame", "other"), [(1004, 1010), (1022, 1014)])
def test_the_photo_moves_as_depth_and_camera_say(frame, other):
    """Static ground, warped from another frame by the truth, lies on the photo to a fraction of a pixel."""
    points = world_points(frame).reshape(-1, 3).astype(np.float32)
    local, pixels = see(points, pose(other), NUMBERS)
    x, y = np.moveaxis(pixels.reshape(LENS.height, LENS.width, 2) - 0.5, -1, 0)  # cv2 counts from pixel centres
    photo = cv2.GaussianBlur(plate()[frame - 1001], (0, 0), 1)
    warped = cv2.GaussianBlur(cv2.remap(plate()[other - 1001], x, y, cv2.INTER_CUBIC), (0, 0), 1)
    # What the other frame hides behind a stone or a tuft cannot agree, and neither can actors.
    seen = cv2.remap(depth(other), x, y, cv2.INTER_NEAREST, borderValue=np.nan)
    hidden = ~(np.abs(seen / local[:, 2].reshape(seen.shape) - 1) < 0.015)
    grown = np.ones((15, 15), np.uint8)
    actors = np.maximum(
        cv2.dilate(matte(frame), grown), cv2.remap(cv2.dilate(matte(other), grown), x, y, cv2.INTER_LINEAR)
    )
    trusted = cv2.dilate(hidden.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    patches = [np.s_[top : top + 48, left : left + 48] for top in range(220, 480, 40) for left in range(24, 880, 40)]
    usable = [patch for patch in patches if trusted[patch].mean() > 0.4 and not actors[patch].any()]

    shifts = [np.hypot(*shift_px(photo[patch], warped[patch], trusted[patch])) for patch in usable]

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


@pytest.mark.slow
def test_a_frame_is_made_the_same_twice():
    from assets.demo.light import bake
    from assets.demo.render import prepare, render_frame
    from assets.demo.terrain import build_terrain

    mesh = build_terrain(0.06)
    light = [bake(mesh, sun_samples=1, sky_samples=2, sun_px=256, sky_px=128) for _ in range(2)]
    scene = prepare(mesh, light[0], sun_px=256)

    shots = [render_frame(scene, camera.scaled(LENS, 0.125), 1003, samples=2, cast=()) for _ in range(2)]

    assert light[0].ambient.tobytes() == light[1].ambient.tobytes()
    assert shots[0].depth.tobytes() == shots[1].depth.tobytes()
    assert film.develop(shots[0].rgb, 1003).tobytes() == film.develop(shots[1].rgb, 1003).tobytes()
