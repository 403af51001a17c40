"""Layers take on the plate's colour, air, blur and softness; without a look they stay as rendered."""

import json

import numpy as np
import pytest

from calibration.look.haze import Haze
from calibration.look.tonestats import Tones
from pipeline.errors import ConfigError, StageError
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.kernels.color import LUMINANCE
from pipeline.optics_sections import LensFacts
from pipeline.sections import CameraFacts
from stages.layer_optics import grown_depth, softness_px
from stages.match_look import Params
from tests.layers import write_layers
from tests.looks import match_by_hand, write_hand_grades, write_hand_look
from tests.scenes import Scene

SCENE = Scene(width=192, height=108, frames=2)
ONE = FrameRange(1001, 1001)
PLAIN = Params(motion_blur=0)


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    return write_layers(SCENE, tmp_path_factory.mktemp("raw"))


def matched(raw, out, look, params=PLAIN, **facts):
    layers = match_by_hand(SCENE, raw, look, out, params, ONE, **facts)
    return {layer.name: exr.read(layer.files.path(1001)).channels for layer in layers.layers}


def rendered(raw, name):
    return next(exr.read(r.files.path(1001)).channels for r in raw.layers if r.name == name)


def unpremultiplied(channels, inside):
    return np.stack(
        [channels[c].astype(np.float32)[inside] / channels["A"].astype(np.float32)[inside] for c in "RGB"], -1
    )


def test_without_a_look_layers_stay_as_rendered(raw, tmp_path):
    made = matched(raw, tmp_path, write_hand_look(tmp_path / "look"))

    for name in ("crowd", "set"):
        for channel in ("R", "G", "B", "A", "Z", "id"):
            np.testing.assert_array_equal(made[name][channel], rendered(raw, name)[channel])


def test_what_is_darker_than_the_plates_black_is_lifted_but_not_where_a_person_says_no(raw, tmp_path):
    inside = rendered(raw, "set")["A"] == 1
    before = unpremultiplied(rendered(raw, "set"), inside) @ LUMINANCE
    black = float(np.quantile(before, 0.5))
    grades = write_hand_grades(tmp_path / "grades", SCENE.range, black=(black, black, black))

    made = matched(raw, tmp_path, write_hand_look(tmp_path / "look"), grades=grades)
    same = matched(raw, tmp_path, write_hand_look(tmp_path / "look"), Params(motion_blur=0, black=0), grades=grades)

    after = unpremultiplied(made["set"], inside) @ LUMINANCE
    dark = before < 0.74 * black
    assert dark.any() or (before < black).any()
    np.testing.assert_allclose(after[dark], before[dark] + 2 / 3 * (black - before[dark]), rtol=3e-3)
    assert (after >= before - 1e-3).all()
    for channel in "RGBA":
        np.testing.assert_array_equal(same["set"][channel], rendered(raw, "set")[channel])


def test_the_measured_grade_and_a_persons_word_multiply(raw, tmp_path):
    tones = Tones(exposure_ev=1.0, red=0.3, blue=-0.2)
    grades = write_hand_grades(tmp_path / "grades", SCENE.range, tones)
    said = Params(motion_blur=0, crowd_exposure_ev=-1.0)
    made = matched(raw, tmp_path, write_hand_look(tmp_path / "look"), said, grades=grades)

    for name, gain in (("crowd", 1.0), ("set", 2.0)):
        inside = rendered(raw, name)["A"] > 0.9
        ratio = unpremultiplied(made[name], inside) / unpremultiplied(rendered(raw, name), inside)
        np.testing.assert_allclose(ratio @ LUMINANCE / LUMINANCE.sum() / gain, 1, rtol=0.12)  # white keeps its light
        np.testing.assert_allclose(ratio[:, [0, 2]] / ratio[:, [1]], np.tile(2.0 ** np.array([0.3, -0.2]), (len(ratio), 1)), rtol=5e-3)  # fmt: skip


@pytest.mark.parametrize(
    "off",
    [
        {"exposure": 0.0, "balance": 0.0, "lift": 0.0, "contrast": 0.0, "saturation": 0.0},
        {"crowd_match": 0.0, "set_match": 0.0},
    ],
)
def test_each_measured_part_can_be_turned_off(raw, tmp_path, off):
    grades = write_hand_grades(tmp_path / "grades", SCENE.range, Tones(0.7, 0.2, -0.1, 0.004, 0.1, -0.2))
    made = matched(raw, tmp_path, write_hand_look(tmp_path / "look"), Params(motion_blur=0, **off), grades=grades)

    for name in ("crowd", "set"):
        np.testing.assert_array_equal(made[name]["R"], rendered(raw, name)["R"])


def test_layers_follow_the_plates_exposure_after_its_air(raw, tmp_path):
    stops = np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    grades = write_hand_grades(tmp_path / "grades", SCENE.range, Tones(lift=0.01), stops)
    look = write_hand_look(tmp_path / "look", haze=Haze((0.5, 0.6, 0.8), 0.004))
    strayed, steady = (
        matched(raw, tmp_path / str(k), look, Params(motion_blur=0, follow=k), grades=grades) for k in (1, 0)
    )

    for name in ("crowd", "set"):
        np.testing.assert_allclose(strayed[name]["B"].astype(float), 2 * steady[name]["B"].astype(float), rtol=2e-3)


def test_haze_follows_each_layers_depth(raw, tmp_path):
    air = (0.5, 0.6, 0.8)
    made = matched(raw, tmp_path, write_hand_look(tmp_path / "look", haze=Haze(air, 0.004)))

    for name in ("crowd", "set"):
        before = rendered(raw, name)
        inside = before["A"] > 0.9
        through = np.exp(-0.004 * before["Z"][inside])[:, None]
        wanted = unpremultiplied(before, inside) * through + np.array(air) * (1 - through)
        np.testing.assert_allclose(unpremultiplied(made[name], inside), wanted, rtol=5e-3)


def test_softness_adds_as_squares_and_depth_grows_along(raw, tmp_path):
    assert softness_px(1.3, 0.5) == pytest.approx(1.2)
    assert softness_px(0.4, 0.5) == 0

    made = matched(raw, tmp_path, write_hand_look(tmp_path / "look", edge_sigma_px=1.3))["crowd"]

    alpha, before = made["A"].astype(np.float64), rendered(raw, "crowd")["A"].astype(np.float64)
    assert alpha.sum() == pytest.approx(before.sum(), rel=0.01)
    assert (alpha > 0).sum() > (before > 0).sum()
    assert np.isfinite(made["Z"][alpha > 0]).all()
    assert np.isinf(made["Z"][alpha == 0]).all()


def test_the_shutter_smears_along_the_motion(raw, tmp_path):
    look = write_hand_look(tmp_path / "look")
    sharp = matched(raw, tmp_path / "a", look)["crowd"]
    smeared = matched(raw, tmp_path / "b", look, Params(motion_blur=8))["crowd"]

    across = [np.abs(np.diff(m["A"].astype(np.float64), axis=1)).sum() for m in (sharp, smeared)]
    assert across[1] < 0.92 * across[0]
    assert smeared["A"].astype(np.float64).sum() == pytest.approx(sharp["A"].astype(np.float64).sum(), rel=0.03)


def test_focus_follows_what_the_shot_file_says(raw, tmp_path):
    """The crowd stands 13 to 30 m away: in focus there it is sharp, at 2 m it is soft, and its light is kept."""
    look, facts = write_hand_look(tmp_path / "look"), CameraFacts(focal_mm=35)

    def at(focus_m, name):
        return matched(raw, tmp_path / name, look, facts=facts, said=LensFacts(f_number=0.7, focus_m=focus_m))

    sharp, pulled = at(20.0, "a"), at(((1001, 2.0), (1002, 20.0)), "b")

    before = rendered(raw, "crowd")["A"].astype(np.float64)
    edges = [np.abs(np.diff(m["A"].astype(np.float64), axis=1)).sum() for m in (sharp["crowd"], pulled["crowd"])]
    assert edges[0] == pytest.approx(np.abs(np.diff(before, axis=1)).sum(), rel=0.02)
    assert edges[1] < 0.8 * edges[0]
    alpha = pulled["crowd"]["A"].astype(np.float64)
    assert alpha.sum() == pytest.approx(before.sum(), rel=0.05)
    assert np.isfinite(pulled["crowd"]["Z"][alpha > 0]).all()
    told = [json.loads((tmp_path / name / "match.1001.json").read_text())["focus_m"] for name in "ab"]
    assert told == [20.0, 2.0]


def test_the_corners_darken_as_the_plates_do(raw, tmp_path):
    look = write_hand_look(tmp_path / "look")
    made = matched(raw, tmp_path, look, said=LensFacts(vignette=(0.4, 0.0)))["set"]

    before = rendered(raw, "set")
    inside = before["A"] > 0.9
    y, x = np.nonzero(inside)
    lens = SCENE.lens
    corner = max(lens.centre_x_px, 192 - lens.centre_x_px) ** 2 + max(lens.centre_y_px, 108 - lens.centre_y_px) ** 2
    square = ((x + 0.5 - lens.centre_x_px) ** 2 + (y + 0.5 - lens.centre_y_px) ** 2) / corner
    ratio = unpremultiplied(made, inside) / unpremultiplied(before, inside)
    np.testing.assert_allclose(ratio, np.exp(-0.4 * square)[:, None].repeat(3, axis=1), rtol=5e-3)
    np.testing.assert_array_equal(made["A"], before["A"])


def test_equal_layers_give_equal_bytes(raw, tmp_path):
    look = write_hand_look(tmp_path / "look", edge_sigma_px=0.9)
    for n in "ab":
        matched(raw, tmp_path / n, look, Params())

    for name in ("crowd.1001.exr", "set.1001.exr", "shadow.1001.exr", "match.1001.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_every_part_of_the_shadow_is_as_soft_as_the_plate(raw, tmp_path):
    look = write_hand_look(tmp_path / "look", edge_sigma_px=2.0)
    rendered = exr.read(raw.shadow.path(1001)).channels
    matched(raw, tmp_path / "soft", look, Params())

    found = exr.read(tmp_path / "soft" / "shadow.1001.exr").channels

    assert set(found) == {"Y", "sun"} == set(rendered)
    np.testing.assert_array_equal(found["sun"], found["Y"])  # as rendered here
    assert (found["Y"] != rendered["Y"]).any()


def test_a_broken_render_stops_here_by_name(tmp_path):
    raw = write_layers(Scene(width=64, height=36, frames=1), tmp_path / "raw")
    path = raw.layers[1].files.path(1001)
    channels = dict(exr.read(path).channels)
    channels["G"] = channels["G"].copy()
    channels["G"][7, 5] = np.nan
    exr.write(path, channels)

    with pytest.raises(StageError, match="frame 1001: layer crowd holds 1 NaN, the first at 5, 7"):
        matched(raw, tmp_path / "out", write_hand_look(tmp_path / "look"))


def test_wrong_settings_name_the_layer():
    with pytest.raises(ConfigError, match=r"match_look\.set_\*.*slope"):
        Params(set_slope=(0.0, 1.0, 1.0))


def test_depth_grows_to_where_the_alpha_went():
    depth = np.full((5, 7), np.inf, np.float32)
    depth[2, 3] = 9
    alpha = np.zeros((5, 7), np.float32)
    alpha[1:4, 1:6] = 0.5

    grown = grown_depth(depth, alpha)

    assert (grown[1:4, 1:6] == 9).all()
    assert np.isinf(grown[alpha == 0]).all()
