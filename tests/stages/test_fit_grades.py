"""Layers get a grade from the plate, and a plate whose exposure ramps takes them along."""

import dataclasses
import json

import numpy as np
import pytest

from calibration.look.grades import read_grades
from pipeline.crowd_sections import CrowdDust
from pipeline.errors import ConfigError, StoreError
from pipeline.frames import FrameFiles
from pipeline.io import exr
from pipeline.sections import LightFacts
from pipeline.stage import silent
from pipeline.types import VEIL, CharacterAtlas, SetPaintings
from stages.fit_grades import Params, fit_grades
from tests.layers import write_depth, write_ground, write_mattes
from tests.looks import write_hand_look
from tests.scenes import Scene, write_shot

SCENE = Scene(width=320, height=180, frames=8, actor=True, grain=0.002)
RAMP = np.linspace(0.0, 0.7, 8)[:, None] * [1.0, 1.0, 0.7]  # stops


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shot")
    return {
        "shot": write_shot(SCENE, folder),
        "depth": write_depth(SCENE, folder / "z"),
        "mattes": write_mattes(SCENE, folder / "m"),
        "ground": write_ground(SCENE, folder / "g"),
        "look": write_hand_look(folder / "look"),
        "atlas": atlas(folder / "atlas"),
        "paintings": paintings(folder / "set"),
    }


def atlas(folder):
    folder.mkdir()
    rng = np.random.default_rng(1)
    sprites = np.zeros((4, 32, 16, 4), np.float16)
    sprites[:, 4:30, 4:12] = np.concatenate([rng.uniform(0.03, 0.3, (4, 26, 8, 3)), np.ones((4, 26, 8, 1))], -1)
    np.save(folder / "sprites.npy", sprites)
    return CharacterAtlas(folder / "sprites.npy", folder / "r.npy", folder / "i.json", folder / "c.png", "", "", "")


def paintings(folder):
    folder.mkdir()
    rng = np.random.default_rng(2)
    rgba = np.concatenate([rng.uniform(0.1, 0.4, (40, 60, 3)), np.ones((40, 60, 1))], -1).astype(np.float32)
    exr.write(folder / "wall.exr", exr.rgba_channels(rgba))
    (folder / "index.json").write_text(json.dumps([{"file": "wall.exr"}]))
    return SetPaintings(folder, folder / "index.json", folder / "c.png", "", "", "")


def graded(plate, folder, stops):
    """The plate through a camera whose exposure strays."""
    files = FrameFiles(folder, "plate.%04d.exr", plate.files.frames)
    for row, frame in zip(stops, plate.files.frames, strict=True):
        exr.write_rgb(files.path(frame), (exr.read_rgb(plate.files.path(frame)) * 2.0**row).astype(np.float32))
    return dataclasses.replace(plate, files=files)


def fitted(shot, out, stops=None, params=None, **said):
    plate = shot["shot"].plate if stops is None else graded(shot["shot"].plate, out / "plate", stops)
    told = {name: shot[name] for name in ("depth", "mattes", "ground", "look", "atlas", "paintings")}
    track = shot["shot"].track
    made = fit_grades(
        plate=plate,
        track=track,
        light=LightFacts(),
        params=params or Params(),
        out=out,
        progress=silent,
        **told,
        **said,
    )
    return read_grades(made.figures)


def test_a_lighter_and_warmer_plate_lightens_and_warms_both_layers(shot, tmp_path):
    plain = fitted(shot, tmp_path / "a")
    warm = fitted(shot, tmp_path / "b", np.tile([1.6, 1.0, 0.3], (8, 1)))

    for layer in ("crowd", "set"):
        before, after = plain.of(layer), warm.of(layer)
        assert 0.3 < after.exposure_ev - before.exposure_ev < 1.3
        assert after.red - before.red > 0.05 > -0.05 > after.blue - before.blue


def test_dust_takes_the_colour_of_the_plates_ground_unless_it_is_said(shot, tmp_path):
    """A plate with twice the red gives dust with twice the red; ours alone is asked of the ground, not of people."""
    quick = Params(frames=1, followed=0)
    plain = fitted(shot, tmp_path / "a", params=quick, dust=CrowdDust(1.0))
    red = fitted(shot, tmp_path / "b", np.tile([1.0, 0.0, 0.0], (8, 1)), params=quick, dust=CrowdDust(1.0))
    said = fitted(shot, tmp_path / "c", params=quick, dust=CrowdDust(1.0, rgb=(0.3, 0.2, 0.1)))

    light = np.array([[0.1, 0.1, 0.1]])
    ratio = red.of(VEIL).applied(light) / plain.of(VEIL).applied(light)
    np.testing.assert_allclose(ratio[0], [2.0, 1.0, 1.0], rtol=0.02)
    assert VEIL not in said.matches
    assert plain.of("crowd") == said.of("crowd")


def test_a_ramp_of_exposure_is_followed_frame_by_frame(shot, tmp_path):
    found = fitted(shot, tmp_path, RAMP)

    stops = np.array([found.stops(frame) for frame in SCENE.range])
    np.testing.assert_allclose(stops - stops[0], RAMP, atol=0.02)


def test_a_steady_plate_has_one_grade_for_all_frames(shot, tmp_path):
    found = fitted(shot, tmp_path)

    assert "steady" in found.stray.note
    assert {found.stops(frame) for frame in SCENE.range} == {(0.0, 0.0, 0.0)}


def test_equal_shots_give_equal_bytes(shot, tmp_path):
    for name in "ab":
        fitted(shot, tmp_path / name)

    assert (tmp_path / "a/grades.json").read_bytes() == (tmp_path / "b/grades.json").read_bytes()


def test_following_can_be_left_out(shot, tmp_path):
    assert "not followed" in fitted(shot, tmp_path, RAMP, Params(followed=0)).stray.note


def test_wrong_settings_and_files_say_so(tmp_path):
    with pytest.raises(ConfigError, match=r"fit_grades\.frames is 0"):
        Params(frames=0)
    (tmp_path / "grades.json").write_text("{}")
    with pytest.raises(StoreError, match="Run fit_grades again"):
        read_grades(tmp_path / "grades.json")
