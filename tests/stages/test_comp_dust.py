"""Dust over the comp: it veils picture and layers, takes nobody's matte, is held out, and gets grain."""

import dataclasses

import numpy as np
import pytest

from calibration.look.grades import read_grades
from calibration.look.tonestats import Tones
from pipeline.crowd_sections import CrowdDust
from pipeline.frames import FrameFiles, FrameRange
from pipeline.io import exr
from pipeline.io.files import write_bytes
from pipeline.types import VEIL, Layer
from stages import SHOT
from stages.composite import Params, composite
from stages.layer_grade import GradeParams
from tests.layers import write_clean, write_depth, write_ground, write_layers, write_mattes
from tests.looks import HAND_LIGHT, match_by_hand, write_hand_grades, write_hand_look
from tests.scenes import Scene, write_plate, write_track

SCENE = Scene(width=256, height=144, frames=2, actor=True)
FRAME, DEPTH_M, ALPHA = 1002, 9.0, 0.4
COLOUR = np.array([0.3, 0.25, 0.2])


def with_dust(raw, folder):
    """A band of dust across the picture, 9 m away."""
    files = FrameFiles(folder, "dust.%04d.exr", SCENE.range)
    write_bytes(folder / "dust.json", b"{}")
    rgba = np.zeros((SCENE.height, SCENE.width, 4), np.float32)
    rgba[70:110] = [*ALPHA * COLOUR, ALPHA]
    z = np.where(rgba[..., 3] > 0, np.float32(DEPTH_M), np.float32(np.inf))
    for frame in SCENE.range:
        exr.write(files.path(frame), {**exr.rgba_channels(rgba), "Z": z, "id": np.zeros(z.shape, np.uint32)})
    return dataclasses.replace(raw, layers=(*raw.layers, Layer(VEIL, files, folder / "dust.json")))


@pytest.fixture(scope="module")
def comps(tmp_path_factory):
    """Without dust, and with it."""
    folder = tmp_path_factory.mktemp("shot")
    look, raw = write_hand_look(folder / "look", sigma=0.01), write_layers(SCENE, folder / "raw")
    shot = {
        "plate": write_plate(SCENE, folder / "plate"),
        "mattes": write_mattes(SCENE, folder / "mattes"),
        "clean": write_clean(write_depth(SCENE, folder / "depth"), folder / "clean"),
        "look": look,
        "light_told": HAND_LIGHT,
        "track": write_track(SCENE, folder / "track"),
        "ground": write_ground(SCENE, folder / "ground"),
        "params": Params(grain=0.0),
        "frames": FrameRange(FRAME, FRAME),
    }
    found = []
    for name, layers in (("plain", raw), ("dusty", with_dust(raw, folder / "raw"))):
        matched = match_by_hand(SCENE, layers, look, folder / name)
        comp = composite(**shot, layers=matched, out=folder / name / "comp")
        found.append(exr.read(comp.files.path(FRAME)).channels)
    return found


def rgb_of(channels):
    return np.stack([channels[c] for c in "RGB"], axis=-1).astype(np.float32)


def test_it_lies_over_everything_by_its_alpha(comps):
    plain, dusty = comps
    alpha = dusty["dust.A"].astype(np.float32)[..., None]

    over = rgb_of(plain) * (1 - alpha) + np.stack([dusty[f"dust.{c}"] for c in "RGB"], axis=-1).astype(np.float32)
    assert (alpha > 0.3).mean() > 0.1
    np.testing.assert_allclose(rgb_of(dusty), over, atol=2e-3)


def test_the_plate_keeps_its_bits_where_there_is_none(comps):
    plain, dusty = comps

    free = dusty["dust.A"] == 0
    for channel in "RGB":
        np.testing.assert_array_equal(plain[channel][free], dusty[channel][free])


def test_no_dust_lies_on_who_stands_before_it(comps):
    _, dusty = comps
    matte = dusty["matte.A"].astype(np.float32)
    near = (matte > 0.99) & (SCENE.depth_m(FRAME) < DEPTH_M - 2)

    assert near[70:110].any()
    assert not dusty["dust.A"][near].any()
    assert dusty["holdout.dust"][near].min() == 1


def test_everyones_matte_and_id_stays(comps):
    plain, dusty = comps

    for name in (n for n in plain if n.startswith(("Crypto", "crowd.", "set.", "depth."))):
        np.testing.assert_array_equal(plain[name], dusty[name])


def test_its_grade_is_its_own_where_measured_else_the_crowds(tmp_path):
    said = GradeParams(crowd_exposure_ev=-1.0)
    grades = write_hand_grades(tmp_path, SCENE.range, Tones(exposure_ev=1.0))
    found = read_grades(grades.figures)
    assert said.counted(VEIL, found) == said.counted("crowd", found)
    assert said.said(VEIL) == said.said("crowd")
    own = dataclasses.replace(found, matches={**found.matches, VEIL: dataclasses.replace(
        found.matches["crowd"], tones=Tones(exposure_ev=0.3))})  # fmt: skip
    assert said.counted(VEIL, own) == Tones(exposure_ev=0.3)


def test_dust_decides_only_what_draws_and_grades_it():
    """Nobody is painted again for it."""
    assert {stage.name for stage in SHOT if CrowdDust in stage.inputs.values()} == {"render_layers", "fit_grades"}
