"""The matte stage: supplied roto first, else automatic; files as promised; errors of one line."""

import numpy as np
import pytest

from pipeline.errors import CalibrationError, ConfigError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr, images
from pipeline.sections import MatteSource
from pipeline.types import DepthMaps
from stages.estimate_depth import Params as DepthParams
from stages.estimate_depth import estimate_depth
from stages.pull_mattes import Params, pull_mattes
from tests.scenes import Scene, Shot, write_shot


@pytest.fixture(scope="module")
def shot(tmp_path_factory) -> Shot:
    return write_shot(Scene(frames=3, actor=True), tmp_path_factory.mktemp("shot"))


@pytest.fixture(scope="module")
def depth(shot) -> DepthMaps:
    files = FrameFiles(shot.folder / "depth", "depth.%04d.exr", shot.scene.range)
    for frame in shot.scene.range:
        z = shot.scene.depth_m(frame)
        exr.write(files.path(frame), {"Z": z, "C": np.isfinite(z).astype(np.float32)}, compression="zip")
    return DepthMaps(files)


def pull(shot, depth, source, out, frame=1002):
    return pull_mattes(
        plate=shot.plate,
        track=shot.track,
        depth=depth,
        source=source,
        params=Params(),
        frames=FrameRange(frame, frame),
        out=out,
    )


def write_roto(folder, size, first=1, value=255):
    width, height = size
    pixels = np.zeros((height, width), np.uint8)
    pixels[height // 2 :, : width // 2] = value
    for number in range(3):
        images.write_png(folder / f"roto.{first + number:04d}.png", pixels)
    return MatteSource(folder / "roto.####.png")


@pytest.mark.parametrize("first", [1, 1001])
def test_supplied_roto_of_any_numbering_is_taken_at_plate_size(shot, depth, tmp_path, first):
    mattes = pull(shot, depth, write_roto(tmp_path, (640, 360), first), tmp_path / "out")

    channels = exr.read(mattes.files.path(1002)).channels
    assert mattes.source == "supplied"
    assert channels["A"].dtype == np.float16
    assert channels["A"].shape == (180, 320)
    assert channels["A"][150, 40] == 1
    assert channels["A"][20, 300] == 0
    assert np.isfinite(channels["Z"][150, 40])
    assert np.isinf(channels["Z"][20, 300])


def test_a_roto_of_another_shape_is_refused(shot, depth, tmp_path):
    with pytest.raises(CalibrationError, match="another shape than the plate's 320 x 180"):
        pull(shot, depth, write_roto(tmp_path, (300, 300)), tmp_path / "out")


def test_too_few_roto_frames_are_refused(shot, depth, tmp_path):
    source = write_roto(tmp_path, (320, 180))
    (tmp_path / "roto.0003.png").unlink()

    with pytest.raises(CalibrationError, match="2 mattes"):
        pull(shot, depth, source, tmp_path / "out")


def test_senseless_settings_are_refused():
    with pytest.raises(ConfigError, match="looks"):
        Params(looks=1)


@pytest.mark.slow
def test_the_actor_is_found_with_our_own_depth(tmp_path):
    scene = Scene(width=640, height=360, frames=24, actor=True)
    shot = write_shot(scene, tmp_path)
    depth = estimate_depth(
        plate=shot.plate, track=shot.track, params=DepthParams(), frames=scene.range, out=tmp_path / "depth"
    )

    mattes = pull(shot, depth, MatteSource(), tmp_path / "out", 1008)

    channels = exr.read(mattes.files.path(1008)).channels
    found, truth = channels["A"] > 0.5, scene.matte(1008) > 0.5
    walking = found & truth
    assert mattes.source == "automatic"
    assert walking.sum() / (found | truth).sum() > 0.8
    assert np.median(channels["Z"][walking]) == pytest.approx(np.median(scene.depth_m(1008)[truth]), rel=0.1)
