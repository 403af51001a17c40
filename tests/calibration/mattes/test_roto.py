"""Supplied mattes as roto programs write them: formats, channels, numbering; and how two mattes become one."""

import cv2
import numpy as np
import pytest

from calibration.mattes.roto import at_plate_size, files_of, join, read_matte
from pipeline.errors import CalibrationError, FormatError
from pipeline.frames import FrameRange
from pipeline.io import exr

FEATHERED = np.linspace(0, 1, 24, dtype=np.float32).reshape(4, 6)


@pytest.mark.parametrize(("name", "depth"), [("a.png", 255), ("a.png", 65535), ("a.tif", 255), ("a.tif", 65535)])
def test_feathers_come_through_in_8_and_16_bits(tmp_path, name, depth):
    codes = np.rint(FEATHERED * depth).astype(np.uint8 if depth == 255 else np.uint16)
    cv2.imwrite(str(tmp_path / name), codes)

    np.testing.assert_allclose(read_matte(tmp_path / name), FEATHERED, atol=0.6 / depth)


def test_alpha_counts_in_a_tiff_that_has_one(tmp_path):
    pixels = np.zeros((4, 6, 4), np.uint16)
    pixels[..., 3] = np.rint(FEATHERED * 65535)
    cv2.imwrite(str(tmp_path / "a.tiff"), pixels)

    np.testing.assert_allclose(read_matte(tmp_path / "a.tiff"), FEATHERED, atol=1e-4)


def test_any_channel_of_an_exr_can_be_chosen(tmp_path):
    exr.write(tmp_path / "a.exr", {"R": 0 * FEATHERED, "hero.A": FEATHERED, "A": FEATHERED[::-1].copy()})

    np.testing.assert_array_equal(read_matte(tmp_path / "a.exr", "hero.A"), FEATHERED)
    np.testing.assert_array_equal(read_matte(tmp_path / "a.exr"), FEATHERED[::-1])
    with pytest.raises(FormatError, match=r"no channel 'villain' but .*hero\.A.*\[mattes\] channel"):
        read_matte(tmp_path / "a.exr", "villain")


def test_a_channel_of_a_png_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 6), np.uint8))

    with pytest.raises(FormatError, match="can be chosen in EXR files only"):
        read_matte(tmp_path / "a.png", "A")


def sequence(folder, numbers):
    for number in numbers:
        cv2.imwrite(str(folder / f"roto.{number:04d}.png"), np.zeros((4, 6), np.uint8))
    return folder / "roto.####.png"


def test_handles_need_the_number_of_the_first_frame(tmp_path):
    """A roto of 1 to 20 for a shot of ten frames: five frames of handles before it."""
    path, shot = sequence(tmp_path, range(1, 21)), FrameRange(1001, 1010)

    files = files_of(path, shot, first=6)

    assert [files[f].name for f in (1001, 1010)] == ["roto.0006.png", "roto.0015.png"]
    with pytest.raises(CalibrationError, match=r"holds 20 mattes, 1-20, but the shot has frames .*\[mattes\] first"):
        files_of(path, shot)
    with pytest.raises(CalibrationError, match=r"from 15 on"):
        files_of(path, shot, first=15)


def test_another_shape_is_refused_and_another_size_is_not(tmp_path):
    assert at_plate_size(FEATHERED, 12, 8, tmp_path).shape == (8, 12)
    with pytest.raises(CalibrationError, match="6 x 4 pixels, another shape than the plate's 10 x 10"):
        at_plate_size(FEATHERED, 10, 10, tmp_path)


@pytest.mark.parametrize(("how", "found"), [("max", 0.8), ("min", 0.5), ("multiply", 0.4)])
def test_two_mattes_become_one(how, found):
    one, other = np.full((2, 2), 0.8, np.float32), np.full((2, 2), 0.5, np.float32)

    np.testing.assert_allclose(join(one, other, how), found)
