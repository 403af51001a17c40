"""The sky's matte of a plate: against truth, exact where nothing mixes, nothing written where nobody asks."""

import json

import numpy as np
import pytest

from pipeline.errors import ConfigError, StageError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.sky_sections import SkyWanted
from pipeline.types import DepthMaps
from stages.pull_sky import Params, pull_sky
from tests.layers import write_depth, write_mattes
from tests.scenes import SKY, Scene, write_shot

SCENE = Scene(frames=3)
FRAME = 1002


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    """The true depth, but for its sky: eight pixels of the hills' crest are taken for it, and a gap in them."""
    folder = tmp_path_factory.mktemp("shot")
    made = write_shot(SCENE, folder)
    depth = write_depth(SCENE, folder / "depth")
    for frame in SCENE.range:
        channels = exr.read(depth.files.path(frame)).channels
        z, sure = channels["Z"].copy(), channels["C"].copy()
        z[:, 200:208][: np.flatnonzero(np.isfinite(z[:, 204]))[0] + 8] = np.inf
        sure[np.isinf(z)] = 0
        exr.write(depth.files.path(frame), {"Z": z, "C": sure})
    return {"plate": made.plate, "track": made.track, "depth": depth, "mattes": write_mattes(SCENE, folder / "mattes")}


@pytest.fixture(scope="module")
def pulled(shot, tmp_path_factory):
    out = tmp_path_factory.mktemp("sky")
    made = pull_sky(**shot, wanted=SkyWanted(True), params=Params(), frames=FrameRange(FRAME, FRAME), out=out)
    return exr.read(made.files.path(FRAME)).channels


def true_share():
    """(H, W) of each pixel that is not sky, 3 x 3 samples."""
    return np.mean([SCENE._cast(FRAME, rays)[1] != SKY for rays in SCENE._rays(3)], axis=0)


def test_it_is_the_true_share_of_what_is_not_sky(pulled):
    true, found = true_share(), pulled["A"].astype(np.float32)

    band = (true > 0) & (true < 1)
    assert np.abs(found - true)[band].mean() < 0.15
    assert np.abs(found - true).sum() < 0.004 * true.size


def test_sky_and_ground_are_exact(pulled):
    true, found = true_share(), pulled["A"]

    assert (found[true == 0] == 0).mean() > 0.98
    assert (found[true == 1] == 1).mean() > 0.98
    assert (found[120:] == 1).all()


def test_what_stands_before_the_sky_is_kept_on_soft_edges_alone(shot, pulled):
    alpha, own = pulled["A"].astype(np.float32), np.stack([pulled[c] for c in "RGB"], axis=2).astype(np.float32)
    plate = exr.read_rgb(shot["plate"].files.path(FRAME))

    soft = (alpha > 0) & (alpha < 1)
    assert soft.sum() > 100
    assert (own[~soft] == 0).all()
    sky = plate[: plate.shape[0] // 8].mean(axis=(0, 1))
    mostly = (alpha > 0.3) & (alpha < 0.9)
    colour = own[mostly] / alpha[mostly][:, None]
    assert np.median(colour[:, 2]) < 0.5 * sky[2]  # hills, not sky


def test_nothing_is_written_where_nobody_asks(shot, tmp_path):
    made = pull_sky(**shot, wanted=SkyWanted(), params=Params(), frames=SCENE.range, out=tmp_path)

    assert made.files is None
    assert not list(tmp_path.iterdir())


def test_a_plate_without_sky_ends_in_one_line(shot, tmp_path):
    figures = FrameFiles(tmp_path, "depth.%04d.json", SCENE.range)
    for frame in SCENE.range:
        figures.path(frame).write_text(json.dumps({"share_sky": 0.0002}))
    blind = {**shot, "depth": DepthMaps(shot["depth"].files, figures=figures)}

    with pytest.raises(StageError, match=r"no frame of the plate shows any sky \(0\.02%.*Take \[sky\] out"):
        pull_sky(**blind, wanted=SkyWanted(True), params=Params(), frames=SCENE.range, out=tmp_path)


@pytest.mark.parametrize("wrong", [{"width_px": 10}, {"steady_frames": 9}, {"despill": 2.0}])
def test_settings_have_limits(wrong):
    with pytest.raises(ConfigError, match=r"pull_sky\."):
        Params(**wrong)
