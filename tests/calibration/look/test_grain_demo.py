"""Grain measured on the demo's plate, 10 bit H.264, against the law by which its sensor made it."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from assets.demo import film
from calibration.look.grain import measure_grain
from pipeline.io.color import from_acescg, to_acescg
from pipeline.io.decode import read_frames
from pipeline.kernels.fused import finish

PLATE = Path(film.__file__).with_name("plate.mov")
COLOURS = ((0.06, 0.015, 0.01), (0.15, 0.04, 0.02), (0.1, 0.1, 0.1), (0.3, 0.25, 0.2), (0.05, 0.1, 0.05))


@pytest.fixture(scope="module")
def measured():
    frames = [to_acescg(frame, film.LOG) for frame in islice(read_frames(PLATE), 26)]
    return measure_grain([(frames[k], frames[k + 1]) for k in (0, 8, 16, 24)]).grain


@pytest.mark.parametrize("colour", COLOURS)
def test_grain_is_as_strong_as_the_sensor_made_it(measured, colour):
    picture = np.tile(np.float32(colour), (192, 192, 1))

    grained, _ = finish(picture.astype(np.float16), picture, np.zeros(picture.shape[:2], np.float16), measured, 1, 1001)

    ratio = (grained - picture).std(axis=(0, 1)) / _true(picture)
    assert (ratio > 0.45).all()  # the codec took some
    assert (ratio < 1.5).all()


def _true(picture):
    light = from_acescg(picture, film.SENSOR)
    noise = np.random.default_rng(1).standard_normal(light.shape).astype(np.float32)
    sigma = np.sqrt(film.READ_NOISE**2 + film.SHOT_NOISE * np.maximum(light, 0))
    return (to_acescg((light + noise * sigma).astype(np.float32), film.SENSOR) - picture).std(axis=(0, 1))
