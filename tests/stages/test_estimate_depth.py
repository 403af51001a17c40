"""The depth stage: files, figures, one frame at a time, the same bytes again."""

import json
from dataclasses import replace

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.provider_sections import DepthModel
from stages.estimate_depth import Params, estimate_depth
from tests.assets.providers.test_depthmodel import tiny
from tests.scenes import Scene, write_shot
from tests.zooming import Zoom, write_zoom


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    return write_shot(Scene(frames=12), tmp_path_factory.mktemp("shot"))


def test_one_frame_is_written_at_plate_size_with_its_figures(shot, tmp_path):
    maps = estimate_depth(
        plate=shot.plate, track=shot.track, params=Params(), frames=FrameRange(1006, 1006), out=tmp_path
    )

    channels = exr.read(maps.files.path(1006)).channels
    numbers = json.loads(maps.figures.path(1006).read_text())
    truth = shot.scene.depth_m(1006)
    sure = np.isfinite(truth) & (channels["C"] > 0.5)
    assert channels["Z"].dtype == channels["C"].dtype == np.float32
    assert channels["Z"].shape == (180, 320)
    assert np.isinf(channels["Z"]).mean() == pytest.approx(np.isinf(truth).mean(), abs=0.01)
    assert np.median(np.abs(channels["Z"][sure] / truth[sure] - 1)) < 0.03
    assert numbers["median_relative_error"] < 0.03
    assert numbers["points_measured"] > 100
    assert maps.error_m == 0


def test_a_zooms_depth_is_the_true_one(tmp_path):
    """Each frame is looked at, and looked up in, through its own focal length; through the first frame's it would be far off."""
    scene = Zoom(frames=12)
    shot = write_zoom(scene, tmp_path / "shot")
    fixed = replace(shot.track, zoom=())
    errors = {}
    for name, track in (("zoom", shot.track), ("first lens", fixed)):
        (tmp_path / name).mkdir()
        maps = estimate_depth(
            plate=shot.plate, track=track, params=Params(), frames=FrameRange(1006, 1006), out=tmp_path / name
        )
        truth, found = scene.depth_m(1006), exr.read(maps.files.path(1006)).channels["Z"]
        both = np.isfinite(truth) & np.isfinite(found)
        errors[name] = np.median(np.abs(found[both] / truth[both] - 1))

    assert errors["zoom"] < 0.03
    assert errors["first lens"] > 2 * errors["zoom"]


def test_a_shows_model_is_asked_and_its_agreement_told(shot, tmp_path):
    """Random weights agree with nothing: the figures say so, and the depth stays what neighbours tell."""
    model = tiny(tmp_path / "model")
    found = {}
    for name, guess in (("alone", DepthModel()), ("asked", DepthModel(model))):
        (tmp_path / name).mkdir()
        found[name] = estimate_depth(
            plate=shot.plate,
            track=shot.track,
            params=Params(),
            frames=FrameRange(1006, 1006),
            out=tmp_path / name,
            guess=guess,
        )

    told = json.loads(found["asked"].figures.path(1006).read_text())
    assert told.pop("guess_agreement") < 0.5
    assert told == json.loads(found["alone"].figures.path(1006).read_text())
    depths = [exr.read(maps.files.path(1006)).channels["Z"] for maps in found.values()]
    np.testing.assert_array_equal(*depths)


def test_equal_inputs_give_equal_bytes(shot, tmp_path):
    made = [
        estimate_depth(plate=shot.plate, track=shot.track, params=Params(), frames=FrameRange(1003, 1003), out=folder)
        for folder in (tmp_path / "a", tmp_path / "b")
    ]

    assert made[0].files.path(1003).read_bytes() == made[1].files.path(1003).read_bytes()
    assert made[0].figures.path(1003).read_bytes() == made[1].figures.path(1003).read_bytes()


def test_a_senseless_width_is_refused():
    with pytest.raises(ConfigError, match="width_px is 7"):
        Params(width_px=7)
