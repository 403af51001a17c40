"""What a shadow leaves is measured, said, or follows from the light that was said; disagreement is told."""

import json

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr
from pipeline.sections import LightFacts
from pipeline.types import CameraTrack, DepthMaps, Ground, Mattes, Plate
from stages.measure_light import Params, measure_light
from tests.suns import SCENE, filmed

LEFT = (0.25, 0.33, 0.45)
ONE = FrameRange(1001, 1001)
NEAR = LightFacts(sun_azimuth_deg=270.0, sun_elevation_deg=28.0)


def shot(folder, left=LEFT):
    sample = filmed(274.0, 25.0, left).sample
    plate, depth, matte = (FrameFiles(folder, f"{n}.%04d.exr", ONE) for n in ("plate", "depth", "matte"))
    exr.write_rgb(plate.path(1001), sample.rgb)
    exr.write(depth.path(1001), {"Z": sample.depth_m, "C": sample.confidence})
    exr.write(matte.path(1001), {"A": exr.half(sample.matte), "Z": np.full_like(sample.depth_m, np.inf)})
    np.save(folder / "poses.npy", SCENE.camera_from_world(1001)[None])
    np.save(folder / "heights.npy", np.zeros((2, 2), np.float32))
    track = CameraTrack(folder / "poses.npy", folder, folder, folder, folder, ONE, SCENE.lens, 0.1, "truth")
    return {
        "plate": Plate(plate, SCENE.width, SCENE.height, 1.0, FrameRate(24), "", "ACEScg"),
        "track": track,
        "depth": DepthMaps(depth),
        "mattes": Mattes(matte, "supplied"),
        "ground": Ground(folder / "heights.npy", 0.0, 0.0, 1.0, folder / "g.json"),
        "params": Params(),
        "out": folder / "light",
    }


def measured(folder, facts, left=LEFT):
    light = measure_light(**shot(folder, left), facts=facts)
    return light, json.loads(light.figures.read_text())


def test_the_plate_tells_its_shadow_and_how_far_the_said_sun_is_off(tmp_path):
    light, told = measured(tmp_path, NEAR)

    np.testing.assert_allclose(light.shadow_rgb, LEFT, atol=0.06)
    assert told["shadow_from"] == "the plate"
    assert told["disagreement_deg"] < 9
    assert told["said_azimuth_deg"] == 270.0


def test_a_sun_that_was_said_wrongly_is_told(tmp_path):
    _, told = measured(tmp_path, LightFacts(sun_azimuth_deg=90.0, sun_elevation_deg=30.0))

    assert told["disagreement_deg"] > 90


def test_what_a_person_says_of_the_shadow_comes_first(tmp_path):
    light, told = measured(tmp_path, LightFacts(shadow_rgb=(0.5, 0.5, 0.6)))

    assert light.shadow_rgb == (0.5, 0.5, 0.6)
    assert told["shadow_from"] == "the shot file"


def test_an_overcast_plate_falls_back_to_the_light_that_was_said(tmp_path):
    facts = LightFacts(sun_elevation_deg=30.0, sun_rgb=(0.8, 0.8, 0.8), sky_rgb=(0.2, 0.2, 0.4))
    light, told = measured(tmp_path, facts, (1.0, 1.0, 1.0))

    np.testing.assert_allclose(light.shadow_rgb, (1 / 3, 1 / 3, 0.5), atol=1e-3)
    assert told["shadow_from"] == "the shot file's sun and sky"
    assert told["disagreement_deg"] is None


def test_equal_plates_give_equal_bytes(tmp_path):
    first, second = (measured(tmp_path / n, NEAR)[0] for n in "ab")

    assert first.figures.read_bytes() == second.figures.read_bytes()


def test_wrong_settings_say_so():
    with pytest.raises(ConfigError, match=r"measure_light\.frames is 0"):
        Params(frames=0)
    with pytest.raises(ConfigError, match="light source is 'sun'"):
        LightFacts(source="sun")
    with pytest.raises(ConfigError, match="shadow_rgb is"):
        LightFacts(shadow_rgb=(0.0, 0.5, 0.5))
