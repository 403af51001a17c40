"""What of flicker reaches the report: of the plate along the solved camera, of layers along their own motion."""

import json

import pytest

from pipeline.frames import FrameRange
from pipeline.io import exr
from stages.match_look import Params
from stages.steadiness import plate_flicker
from tests.layers import write_depth, write_layers, write_mattes
from tests.looks import match_by_hand, write_hand_look
from tests.scenes import Scene, write_plate, write_track

SCENE = Scene(width=256, height=144, frames=3, actor=True)


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    """A moving camera over still ground, a walker in the matte; its third frame is a tenth brighter."""
    folder = tmp_path_factory.mktemp("plate")
    given = {
        "plate": write_plate(SCENE, folder / "plate"),
        "mattes": write_mattes(SCENE, folder / "mattes"),
        "depth": write_depth(SCENE, folder / "depth"),
        "track": write_track(SCENE, folder / "track"),
    }
    path = given["plate"].files.path(1003)
    exr.write_rgb(path, exr.read_rgb(path).astype("float32") * 1.1)
    return given


def test_a_still_world_seen_by_a_moving_camera_is_steady(plate):
    found = plate_flicker(**plate, frame=1002)["flicker"]

    assert found["mean"] < 0.03
    assert abs(found["whole"]) < 0.005
    assert found["followed"] > 0.8


def test_a_plate_that_brightens_is_told(plate):
    found = plate_flicker(**plate, frame=1003)["flicker"]

    assert found["whole"] == pytest.approx(0.095, abs=0.01)


def test_the_first_frame_has_nothing_before_it(plate):
    assert plate_flicker(**plate, frame=1001) == {}


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return write_layers(SCENE, tmp_path_factory.mktemp("raw"))


def figures_of(raw, out, frames):
    look = write_hand_look(out / "look")
    layers = match_by_hand(SCENE, raw, look, out, Params(motion_blur=0), frames)
    return {frame: json.loads(layers.figures.path(frame).read_text()) for frame in frames}


def test_layers_that_only_move_are_steady(raw, tmp_path):
    found = figures_of(raw, tmp_path, FrameRange(1001, 1003))

    assert "flicker" not in found[1001]["crowd"]
    assert found[1003]["crowd"]["flicker"]["mean"] < 0.01
    assert found[1003]["set"]["flicker"]["followed"] > 0.5


def test_a_frame_made_alone_has_the_figures_of_a_whole_run(raw, tmp_path):
    """Workers get single frames."""
    whole, alone = (
        figures_of(raw, tmp_path / "a", FrameRange(1001, 1003)),
        figures_of(raw, tmp_path / "b", FrameRange(1003, 1003)),
    )

    assert alone[1003] == whole[1003]


def test_a_layer_that_darkens_is_told(tmp_path):
    raw = write_layers(SCENE, tmp_path / "raw")
    path = raw.layers[1].files.path(1002)
    channels = dict(exr.read(path).channels)
    exr.write(path, channels | {c: exr.half(channels[c].astype("float32") * 0.9) for c in "RGB"})

    found = figures_of(raw, tmp_path / "out", FrameRange(1002, 1002))[1002]

    assert found["crowd"]["flicker"]["whole"] == pytest.approx(-0.105, abs=0.015)
    assert abs(found["set"]["flicker"]["whole"]) < 0.01
