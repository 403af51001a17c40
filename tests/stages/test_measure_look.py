"""The look of a plate with known grain and light is measured, whole, and the same every time."""

from dataclasses import replace

import numpy as np
import pytest

from calibration.look.graincorrelation import MAX_LAG, lags_of
from calibration.look.measured import read_look
from calibration.look.stock import GrainStock, read_stock, write_stock
from pipeline.errors import ConfigError, FormatError, StoreError
from pipeline.io.images import read_png
from pipeline.kernels.grain import sigma_at
from pipeline.look_sections import NOTHING_KNOWN, LookFacts
from pipeline.stage import silent
from stages.measure_look import Params, measure_look, spread
from tests.layers import write_depth, write_mattes
from tests.scenes import Scene, write_plate, write_track

SCENE = Scene(width=352, height=198, frames=4, actor=True, grain=0.01)


@pytest.fixture(scope="module")
def plate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shot")
    return (
        write_plate(SCENE, folder / "plate"),
        write_depth(SCENE, folder / "z"),
        write_mattes(SCENE, folder / "m"),
        write_track(SCENE, folder / "track"),
    )


def measured(plate, out, known=NOTHING_KNOWN):
    files, depth, mattes, track = plate
    given = {"plate": files, "track": track, "depth": depth, "mattes": mattes}
    return measure_look(**given, params=Params(), out=out, progress=silent, known=known)


def test_the_plates_grain_and_air_are_found(plate, tmp_path):
    look = measured(plate, tmp_path)

    found = read_look(look.figures)
    levels = np.array([0.12, 0.2, 0.35])
    for c in range(3):  # the scene's grain is white and grows with the root of the light
        assert sigma_at(levels, c, found.grain) == pytest.approx(0.01 * np.sqrt(levels / 0.18), rel=0.15)
        alike = lags_of(found.grain)[..., c, c].copy()
        alike[0, MAX_LAG] = 0
        assert np.abs(alike).max() < 0.1
    assert found.haze.extinction_per_m == 0  # the scene's air is clear
    assert 0.4 < found.edge_sigma_px < 1.0
    assert read_png(look.swatch).ndim == 3


def test_equal_plates_give_equal_bytes(plate, tmp_path):
    first, second = (measured(plate, tmp_path / n) for n in "ab")

    assert first.figures.read_bytes() == second.figures.read_bytes()
    assert first.swatch.read_bytes() == second.swatch.read_bytes()


def test_a_known_profile_stands_and_the_plates_own_is_held_against_it(plate, tmp_path):
    own = read_look(measured(plate, tmp_path / "own").figures).grain
    twice = replace(own, sigmas=2 * own.sigmas)
    write_stock(tmp_path / "stock.json", GrainStock("twice as coarse", twice, SCENE.width))

    found = read_look(measured(plate, tmp_path / "look", LookFacts(tmp_path / "stock.json")).figures)

    for name in ("levels", "sigmas", "kernels", "mix", "acescg_from_camera"):
        stored = getattr(read_stock(tmp_path / "stock.json").grain, name)
        np.testing.assert_allclose(getattr(found.grain, name), stored, atol=1e-8)
    assert "profile twice as coarse; the plate's own reads 50% of it" in found.grain_note


def test_a_profile_of_another_width_is_refused(plate, tmp_path):
    grain = read_look(measured(plate, tmp_path / "own").figures).grain
    write_stock(tmp_path / "stock.json", GrainStock("uhd", grain, 3840))
    with pytest.raises(FormatError, match="3840 px wide, this one has 352"):
        measured(plate, tmp_path / "look", LookFacts(tmp_path / "stock.json"))


def test_frames_are_spread_over_the_shot():
    assert spread(1001, 1048, 3) == [1001, 1024, 1048]
    assert spread(1001, 1003, 6) == [1001, 1002, 1003]
    assert spread(1001, 1000, 6) == [1001]


def test_wrong_settings_and_files_say_so(tmp_path):
    with pytest.raises(ConfigError, match=r"measure_look\.frames is 0"):
        Params(frames=0)
    (tmp_path / "look.json").write_text("{}")
    with pytest.raises(StoreError, match="Run measure_look again"):
        read_look(tmp_path / "look.json")
