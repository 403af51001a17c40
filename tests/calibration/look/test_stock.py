"""A grain profile as an asset: what is written comes back, what is no profile is said so."""

from __future__ import annotations

import json

import numpy as np
import pytest

from calibration.look.measured import GRAIN, LATER
from calibration.look.stock import GrainStock, beside, fitting, read_stock, write_stock
from pipeline.errors import FormatError
from pipeline.kernels.grain import Grain
from pipeline.kernels.grainrows import TAPS


def profile(size: float = 1.0) -> Grain:
    kernel = np.zeros((3, TAPS, TAPS), np.float32)
    kernel[:, TAPS // 2, TAPS // 2 - 1 : TAPS // 2 + 2] = np.float32(1 / np.sqrt(3))
    levels = np.tile(np.float32([0.0, 0.1, 1.0]), (3, 1))
    sigmas = np.float32(size) * np.float32([[0.003, 0.01, 0.03], [0.002, 0.007, 0.02], [0.004, 0.012, 0.04]])
    mix = np.float32([[1, 0, 0], [0.6, 0.8, 0], [0.36, 0.48, 0.8]])
    matrix = np.float32([[0.9, 0.08, 0.02], [0.05, 0.9, 0.05], [0.0, 0.1, 0.9]])
    blend = np.float32([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1]])
    patches, flecks, texture = np.float32([0.3, 24]), np.float32([0.2, 6]), np.float32([[0.2, 2], [1, 1.5], [1, 1.25]])
    return Grain(levels, sigmas, kernel, mix, matrix, blend, np.float32([0, 0.01, 0.02]), patches, texture, flecks)


def test_a_profile_comes_back_bit_for_bit(tmp_path):
    path = tmp_path / "stock.json"
    rng = np.random.default_rng(3)
    grain = profile()
    grain.sigmas[:] *= rng.uniform(0.9, 1.1, grain.sigmas.shape).astype(np.float32)

    write_stock(path, GrainStock("ALEXA 35 EI800", grain, 960, "bp_010, 960 x 540", "measured", "CC0-1.0"))
    back = read_stock(path)

    assert (back.name, back.width_px, back.licence) == ("ALEXA 35 EI800", 960, "CC0-1.0")
    for name in GRAIN:
        np.testing.assert_array_equal(getattr(back.grain, name), getattr(grain, name))


def test_a_profile_of_the_first_form_is_read_as_what_it_was(tmp_path):
    path = tmp_path / "stock.json"
    write_stock(path, GrainStock("one", profile(), 960))
    content = json.loads(path.read_text())
    for later in LATER:
        del content["grain"][later]
    path.write_text(json.dumps(content | {"format": "battleplate grain 1"}))

    back = read_stock(path).grain

    np.testing.assert_array_equal(back.blend, np.eye(3))
    np.testing.assert_array_equal(back.white_share, np.zeros(3))
    np.testing.assert_array_equal(back.patchiness, np.zeros(2))
    assert back.texture.shape == (3, 0)
    np.testing.assert_array_equal(back.kernels, profile().kernels)


def test_texture_of_the_fourth_form_which_was_told_otherwise_is_left_out(tmp_path):
    path = tmp_path / "stock.json"
    write_stock(path, GrainStock("one", profile(), 960))
    content = json.loads(path.read_text())
    content["grain"]["texture"] = [[0.02, 0.2], [1.0, 1.5]]
    del content["grain"]["flecks"]
    path.write_text(json.dumps(content | {"format": "battleplate grain 4"}))

    back = read_stock(path).grain

    assert back.texture.size == 0
    np.testing.assert_array_equal(back.patchiness, profile().patchiness)


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda content: content.pop("grain"), "lacks 'grain'"),
        (lambda content: content.update(format="else"), "format"),
        (lambda content: content["grain"].update(sigmas=[[1.0]]), "sigmas"),
        (lambda content: content["grain"]["sigmas"][0].__setitem__(0, float("nan")), "finite"),
        (lambda content: content["grain"]["levels"][0].reverse(), "rise"),
        (lambda content: content["grain"].update(white_share=[0, 1.5, 0]), "below 1"),
    ],
)
def test_what_is_no_profile_is_refused_in_a_line(tmp_path, break_it, said):
    path = tmp_path / "stock.json"
    write_stock(path, GrainStock("one", profile(), 960))
    content = json.loads(path.read_text())
    break_it(content)
    path.write_text(json.dumps(content))

    with pytest.raises(FormatError, match=said) as error:
        read_stock(path)
    assert "\n" not in str(error.value)
    assert "grain save" in str(error.value)


def test_a_plate_of_another_width_is_refused(tmp_path):
    stock = GrainStock("one", profile(), 3840)
    with pytest.raises(FormatError, match="3840 px wide, this one has 960"):
        fitting(tmp_path / "stock.json", stock, 960)
    fitting(tmp_path / "stock.json", stock, 3840)


def test_the_plate_is_held_against_the_profile():
    picture = np.random.default_rng(1).uniform(0.02, 0.9, (20, 20, 3)).astype(np.float32)
    assert beside(profile(), profile(1.25), picture) == pytest.approx(1.25, abs=1e-4)
