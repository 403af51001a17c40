"""The clean plate: depth without walkers, how steady it is; the same for a frame alone as in a whole run."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.types import DepthMaps
from stages.clean_plate import clean_plate
from tests.layers import write_ground, write_mattes
from tests.scenes import Scene, write_plate, write_track

SCENE = Scene(width=256, height=144, frames=9, actor=False)


@pytest.fixture(scope="module")
def given(tmp_path_factory):
    """Each frame's depth has a near, untrusted blot where somebody stood."""
    folder = tmp_path_factory.mktemp("plate")
    files = FrameFiles(folder / "depth", "depth.%04d.exr", SCENE.range)
    for number, frame in enumerate(SCENE.range):
        z = SCENE.depth_m(frame).astype(np.float32)
        confidence = np.isfinite(z).astype(np.float32)
        blot = (slice(70, 110), slice(30 + 20 * number, 58 + 20 * number))
        z[blot], confidence[blot] = 2.0, 0.1
        exr.write(files.path(frame), {"Z": z, "C": confidence})
    return {
        "plate": write_plate(SCENE, folder / "plate"),
        "track": write_track(SCENE, folder / "track"),
        "depth": DepthMaps(files),
        "mattes": write_mattes(SCENE, folder / "mattes"),
        "ground": write_ground(SCENE, folder / "ground"),
    }


def test_who_walked_through_is_gone_and_the_plate_is_steady(given, tmp_path):
    told = {}

    clean = clean_plate(**given, frames=FrameRange(1005, 1006), out=tmp_path, finished=told.__setitem__)

    channels = exr.read(clean.depth.path(1005)).channels
    blot = (slice(74, 106), slice(114, 134))
    assert np.median(np.abs(channels["Z"][blot] / SCENE.depth_m(1005)[blot] - 1)) < 0.05
    assert channels["Z"].dtype == channels["C"].dtype == np.float32
    assert json.loads(clean.figures.path(1006).read_text())["flicker"]["mean"] < 0.03
    assert list(told) == [1005, 1006]


def test_a_frame_made_alone_has_the_bytes_of_a_whole_run(given, tmp_path):
    """Workers get single frames."""
    whole = clean_plate(**given, frames=FrameRange(1001, 1002), out=tmp_path / "whole")
    alone = clean_plate(**given, frames=FrameRange(1002, 1002), out=tmp_path / "alone")

    for files in ("depth", "figures"):
        assert getattr(whole, files).path(1002).read_bytes() == getattr(alone, files).path(1002).read_bytes()
    assert json.loads(whole.figures.path(1001).read_text()) == {}
