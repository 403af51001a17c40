"""Facts of written guides: what the files say at the pixel where somebody stands, and what is refused."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest

from assets.guides.openpose import COLOURS, STROKES, half_width_px, stroke_of
from calibration.cameras import load_poses, to_camera
from calibration.lens import project
from pipeline.errors import AssetError, ConfigError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import cryptomatte, exr, images
from pipeline.stage import silent
from pipeline.types import CameraTrack, CrowdLayout, Ground, Plate
from stages.crowd_sequence import LAYER, write_guides
from tests.stages.dolly import FRAMES, LENS, ground_of, layout_of, track_of

PLACES = [(-2.0, 0.0, -9.0), (0.0, 0.0, -10.0), (2.2, 0.0, -11.0)]
FRAME = FRAMES.first + 1


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Three legionaries on open ground."""
    folder = tmp_path_factory.mktemp("shot")
    plate = FrameFiles(folder, "plate.%04d.exr", FRAMES)
    return {
        Plate: Plate(plate, LENS.width, LENS.height, 1.0, FrameRate(24), "", "ACEScg"),
        CameraTrack: track_of(folder),
        Ground: ground_of(folder),
        CrowdLayout: layout_of(folder / "layout", PLACES),
    }


@pytest.fixture(scope="module")
def written(made, tmp_path_factory):
    return write_guides(made, FrameRange(FRAME, FRAME), "sdxl", tmp_path_factory.mktemp("out"), 1, silent)


@pytest.mark.parametrize("agent", range(3))
def test_at_everyones_chest_the_files_say_who_he_is_and_how_far(made, written, agent):
    image = exr.read(written.exr.with_name(written.exr.name % FRAME))
    entry = json.loads(made[CrowdLayout].agents.read_text())[agent]
    chest = np.load(made[CrowdLayout].positions)[FRAMES.index(FRAME), agent] + (0.0, 1.15, 0.0)
    camera = to_camera(chest[None].astype(float), load_poses(made[CameraTrack])[FRAMES.index(FRAME)])
    x, y = project(camera, LENS)[0].astype(int)

    assert image.channels["id"][y, x] == entry["id"]
    assert abs(float(image.channels["Z"][y, x]) - camera[0, 2]) < 0.7
    assert image.channels[f"{LAYER}00.R"][y, x].view(np.uint32) == cryptomatte.id_of(entry["name"])
    assert image.channels[f"{LAYER}00.G"][y, x] == 1
    parts = json.loads(image.metadata["battleplate/parts"])
    assert parts[str(image.channels["part"][y, x])] != "none"
    assert image.channels["N.Z"][y, x] < 0  # towards the camera


def test_every_plane_is_32_bits_and_the_manifest_names_everyone(made, written):
    image = exr.read(written.exr.with_name(written.exr.name % FRAME))

    assert {plane.dtype for plane in image.channels.values()} == {np.dtype(np.float32), np.dtype(np.uint32)}
    manifest = next(value for key, value in image.metadata.items() if key.endswith("/manifest"))
    names = {entry["name"] for entry in json.loads(made[CrowdLayout].agents.read_text())}
    assert set(json.loads(manifest)) == names
    assert np.isinf(image.channels["Z"][0, 0])


def test_pose_map_movie_and_sheet_lie_beside_them(written):
    pose = np.rint(255 * images.read_png(written.pose.with_name(written.pose.name % FRAME)))
    joints = [(pose == colour).all(axis=2).any() for colour in COLOURS]

    assert pose.shape == (LENS.height, LENS.width, 3)
    assert sum(joints) >= 8
    with av.open(str(written.movie)) as movie:
        assert len(list(movie.decode(video=0))) == 1
    assert images.read_png(written.sheet).ndim == 3


def test_frames_that_the_crowd_lacks_are_refused(made, tmp_path):
    with pytest.raises(ConfigError, match="Choose frames inside them"):
        write_guides(made, FrameRange(1, 2), "sdxl", tmp_path, 1, silent)


@pytest.mark.parametrize(("model", "half_px"), [("sd15", 4), ("sdxl", 12), ("flux", 4), ("qwen", 4), ("wan", 5)])
def test_each_family_gets_the_stroke_it_learnt(model, half_px):
    """At 1920 x 1080, by the annotators' own rules."""
    assert half_width_px(stroke_of(model), 1080, 1920) == half_px
    assert model in STROKES


def test_an_unknown_family_is_named():
    with pytest.raises(AssetError, match="Take one of: sd15, sdxl, flux, qwen, wan"):
        stroke_of("sd9")
