"""The new sky: fixed in the world through the bent lens, as bright as the plate's, behind the plate's air."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.look.haze import Haze
from pipeline.errors import StageError
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.kernels.color import LUMINANCE
from pipeline.optics_sections import LensFacts
from pipeline.sections import CameraFacts
from pipeline.sky_sections import SkyBrief
from pipeline.types import SKY, SunLight
from stages.draw_sky import Params, draw_sky
from tests.layers import write_depth
from tests.looks import write_hand_grades, write_hand_look
from tests.scenes import Scene, _opencv, write_shot

SCENE = Scene(frames=16, step_m=(0.08, 0.0, -0.1))
SUN = SunLight(40.0, 35.0, (0.9, 0.8, 0.7), (0.2, 0.23, 0.29))
STARS_DEG = ((-12.0, 9.0), (3.0, 11.0), (14.0, 7.0))  # right of where the first frame looks, above the horizon
SPREAD = 0.006  # radians, of a star


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shot")
    made = write_shot(SCENE, folder)
    return {
        "plate": made.plate,
        "track": made.track,
        "depth": write_depth(SCENE, folder / "depth"),
        "light": SUN,
        "facts": CameraFacts(),
        "said": LensFacts(),
        "look": write_hand_look(folder / "look", edge_sigma_px=0.5),
        "grades": write_hand_grades(folder / "grades", SCENE.range),
    }


def drawn(shot, brief, out, frames=(1001,), **params):
    made = [draw_sky(**shot, brief=brief, params=Params(**params), frames=FrameRange(f, f), out=out) for f in frames]
    return [exr.read(m.layer.files.path(f)).channels for m, f in zip(made, frames, strict=True)]


def picture(channels):
    return np.stack([channels[c] for c in "RGB"], axis=2).astype(np.float32)


def towards(right_deg, up_deg):
    right, up = np.radians(right_deg), np.radians(up_deg)
    return np.array([np.sin(right) * np.cos(up), np.sin(up), -np.cos(right) * np.cos(up)])


@pytest.fixture(scope="module")
def starry(tmp_path_factory):
    """A panorama of three soft stars on black."""
    path, wide = tmp_path_factory.mktemp("art") / "stars.exr", 2048
    right, up = np.meshgrid((np.arange(wide) + 0.5) / wide * 360 - 180, 90 - (np.arange(wide // 2) + 0.5) / wide * 360)
    every = np.stack([np.sin(np.radians(right)) * np.cos(np.radians(up)), np.sin(np.radians(up)),
                      -np.cos(np.radians(right)) * np.cos(np.radians(up))], axis=-1).astype(np.float32)  # fmt: skip
    light = sum(np.exp((every @ towards(*s).astype(np.float32) - 1) / SPREAD**2) for s in STARS_DEG)
    exr.write_rgb(path, np.repeat(light[..., None], 3, axis=2).astype(np.float32))
    return path


def test_a_direction_of_the_world_stays_on_its_track_through_the_bent_lens(shot, starry, tmp_path):
    """Its pixel, by OpenCV's projection of the true poses, and the centre of the star that is drawn: within 0.1 px."""
    frames = (1001, 1006, 1011, 1016)
    pictures = drawn(shot, SkyBrief(picture=starry, level="file", haze=0.0), tmp_path, frames)
    matrix, bends = _opencv(SCENE.lens)
    first = SCENE.camera_from_world(1001)[2, :3]
    heading = np.degrees(np.arctan2(first[0], -first[2]))

    seen = 0
    for frame, channels in zip(frames, pictures, strict=True):
        light = picture(channels)[..., 1]
        for right, up in STARS_DEG:
            turned = SCENE.camera_from_world(frame)[:3, :3] @ towards(right + heading, up)
            x, y = cv2.projectPoints(turned[None], np.zeros(3), np.zeros(3), matrix, bends)[0][0, 0] + 0.5
            if not (8 < x < SCENE.width - 8 and 8 < y < SCENE.height - 8):
                continue
            left, top = int(x) - 6, int(y) - 6
            part = light[top : top + 13, left : left + 13].astype(np.float64)
            rows, columns = np.mgrid[top : top + 13, left : left + 13] + 0.5
            found = np.array([(part * columns).sum(), (part * rows).sum()]) / part.sum()
            assert np.hypot(*(found - (x, y))) < 0.1
            seen += 1
    assert seen >= 9


def test_its_motion_is_that_of_the_turning_camera(shot, starry, tmp_path):
    (channels,) = drawn(shot, SkyBrief(picture=starry, level="file"), tmp_path)
    matrix, bends = _opencv(SCENE.lens)
    at = SCENE.camera_from_world(1001)[:3, :3] @ towards(3.0, 11.0)
    then = SCENE.camera_from_world(1002)[:3, :3] @ towards(3.0, 11.0)
    before, after = (cv2.projectPoints(p[None], np.zeros(3), np.zeros(3), matrix, bends)[0][0, 0] for p in (at, then))

    x, y = (before + 0.5).astype(int)
    moved = [channels[f"motion.{c}"][y, x] for c in "xy"]

    np.testing.assert_allclose(moved, after - before, atol=0.02)
    assert np.isinf(channels["Z"]).all()
    assert (channels["A"] == 1).all()


def test_it_is_as_bright_as_the_plates_sky_was_then_as_is_said(shot, tmp_path):
    sky = np.isinf(SCENE.depth_m(1001))
    plate = exr.read_rgb(shot["plate"].files.path(1001))[sky] @ LUMINANCE

    (same,) = drawn(shot, SkyBrief(model="overcast", haze=0.0), tmp_path / "a")
    (darker,) = drawn(shot, SkyBrief(model="overcast", haze=0.0, exposure_ev=-1.0), tmp_path / "b")

    assert (picture(same)[sky] @ LUMINANCE).mean() == pytest.approx(plate.mean(), rel=0.03)
    np.testing.assert_allclose(picture(darker), picture(same) / 2, rtol=2e-3)


def test_the_clear_models_own_level_is_the_shots_skylight(shot, tmp_path):
    (found,) = drawn(shot, SkyBrief(model="overcast", level="file", haze=0.0), tmp_path)

    zenith_to_horizon = picture(found)[np.isinf(SCENE.depth_m(1001))] @ LUMINANCE
    lit = float(np.dot(SUN.sky_rgb, LUMINANCE))
    assert lit * 0.4 < zenith_to_horizon.min() < zenith_to_horizon.max() < lit * 1.3  # 3/7 at the horizon, 9/7 overhead


def test_the_plates_air_stands_before_it_at_the_horizon(shot, tmp_path):
    air = (0.6, 0.7, 0.9)
    hazy = {**shot, "look": write_hand_look(tmp_path / "look", haze=Haze(air, 1e-3, "by hand"))}
    brief = SkyBrief(model="overcast", exposure_ev=-3.0, haze=1.0, haze_deg=4.0)
    (found,) = drawn(hazy, brief, tmp_path / "a")
    (bare,) = drawn(hazy, replace(brief, haze=0.0), tmp_path / "b")
    (clear,) = drawn(shot, brief, tmp_path / "c")

    x, y = SCENE.width // 2, int(np.flatnonzero(np.isfinite(SCENE.depth_m(1001)[:, SCENE.width // 2]))[0])
    np.testing.assert_allclose(picture(found)[-1, x], air, rtol=2e-3)  # below the horizon it is thickest
    share = (picture(found) - picture(bare))[:, x, 2] / (air[2] - picture(bare)[:, x, 2])
    assert (np.diff(share[:y]) > 0).all()
    np.testing.assert_array_equal(picture(clear), picture(bare))  # a plate without air gives none


def test_a_persons_grade_counts(shot, tmp_path):
    brief = SkyBrief(model="overcast", haze=0.0)
    (plain,) = drawn(shot, brief, tmp_path / "a")
    (graded,) = drawn(shot, brief, tmp_path / "b", sky_slope=(0.5, 1.0, 2.0))

    np.testing.assert_allclose(picture(graded), picture(plain) * (0.5, 1.0, 2.0), rtol=3e-3)


def test_a_flat_picture_that_ends_within_the_sky_is_refused(shot, starry, tmp_path):
    with pytest.raises(
        StageError, match=r"ends within the plate's sky, \d+% of it .* frame 1001\. Make fov_deg \(12\)"
    ):
        drawn(shot, SkyBrief(picture=starry, fov_deg=12.0, rise_deg=10.0, level="file"), tmp_path)


def test_without_a_sky_nothing_is_written(shot, tmp_path):
    made = draw_sky(**shot, brief=SkyBrief(), params=Params(), frames=SCENE.range, out=tmp_path)

    assert made.layer is None
    assert not list(tmp_path.iterdir())


def test_the_figures_tell_the_level(shot, tmp_path):
    made = draw_sky(**shot, brief=SkyBrief(model="clear"), params=Params(), frames=FrameRange(1002, 1002), out=tmp_path)

    assert made.layer.name == SKY
    assert "as bright as the plate's sky" in json.loads(made.figures.path(1002).read_text())["level"]
