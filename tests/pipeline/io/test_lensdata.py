"""Focal lengths and sensors as files tell them, in the names of OpenEXR, Exif and QuickTime."""

from __future__ import annotations

import math

import pytest

from pipeline.io.lensdata import CALIBRATED, EQUIVALENT, NOMINAL, focal_tags, lens_data


def test_openexrs_sensor_is_the_part_that_was_read():
    """3414 photosites of 8.25 um: an open gate's middle."""
    header = {
        "nominalFocalLength": 32.0,
        "sensorPhotositePitch": 8.25,
        "sensorAcquisitionRectangle": ((7, 0), (3420, 2201)),
        "sensorOverallDimensions": (30.0, 20.0),
        "cameraMake": "ARRI",
        "cameraModel": "Alexa EV",
        "lensModel": "UP32",
    }

    got = lens_data(header, 1920, 1080)

    assert got is not None
    assert got.sensor_width_mm == pytest.approx(28.1655)
    assert (got.focal_mm, got.sigma, got.tag) == ((32.0,), NOMINAL, "nominalFocalLength")
    assert (got.camera, got.lens) == ("ARRI Alexa EV", "UP32")


def test_a_calibrated_length_goes_before_the_engraved_one():
    got = lens_data({"nominalFocalLength": 32.0, "pinholeFocalLength": 31.4}, 1920, 1080)

    assert got is not None
    assert (got.focal_mm, got.sigma, got.sensor_width_mm) == ((31.4,), CALIBRATED, 0.0)


def test_exif_tells_the_sensor_by_pixels_an_inch():
    """Exif 2.32: 5472 pixels at 3849.2 to the inch are 36.1 mm."""
    tags = {
        "Exif:FocalLength": "50 mm",
        "Exif:FocalPlaneXResolution": "3849.2",
        "Exif:FocalPlaneResolutionUnit": "2",
        "Exif:PixelXDimension": "5472",
        "Make": "Canon",
        "Model": "EOS",
    }

    got = lens_data(tags, 1368, 912)

    assert got is not None
    assert got.focal_mm == (50.0,)
    assert got.sensor_width_mm == pytest.approx(36.108, abs=0.001)
    assert got.camera == "Canon EOS"


def test_a_film_equivalent_is_measured_by_the_pictures_diagonal():
    """26 mm on 43.27 mm of diagonal: a 16:9 picture is 37.7 mm wide there, not 36."""
    got = lens_data({"com.apple.quicktime.camera.focal_length.35mm_equivalent": "26"}, 1920, 1080)
    exif = lens_data({"Exif:FocalLength": "5.7", "Exif:FocalLengthIn35mmFilm": "26"}, 1920, 1080)

    assert got is not None
    assert got.sensor_width_mm == pytest.approx(math.hypot(36, 24) * 16 / math.hypot(16, 9), abs=1e-3)
    assert (got.focal_mm, got.sigma) == ((26.0,), EQUIVALENT)
    assert exif is not None
    assert (exif.focal_mm, exif.sensor_width_mm) == (got.focal_mm, got.sensor_width_mm)


@pytest.mark.parametrize("value", ["", "unknown", "0", "-35", "1/0", float("nan"), 1e9])
def test_a_tag_that_is_no_length_tells_nothing(value: object):
    assert lens_data({"focalLength": value}, 1920, 1080) is None


def test_numbers_of_one_frame_are_told_from_the_words():
    assert focal_tags({"exr/focalLength": 35, "lensModel": "35 mm", "com.arri.camera.LensFocalLength": 32.5}) == {
        "exr/focalLength": 35.0,
        "com.arri.camera.LensFocalLength": 32.5,
    }
