"""What the trackers see: range, size, supplied mattes by number, and the lens back in plate pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.mattes.roto import read_matte, supplied_files
from calibration.solve.trackview import open_view
from pipeline.errors import CalibrationError, FormatError
from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr, images
from pipeline.sections import MatteSource
from pipeline.types import Lens, Plate

FRAMES = FrameRange(1001, 1004)


def plate(folder: Path, level: float = 0.2, contrast: float = 0.5, aspect: float = 1.0) -> Plate:
    files = FrameFiles(folder, "plate.%04d.exr", FRAMES)
    for frame in FRAMES:
        rgb = level * (1 + contrast * np.sin(np.arange(64 * 48 * 3).reshape(48, 64, 3) / 7.0 + frame))
        exr.write_rgb(files.path(frame), rgb.astype(np.float32))
    return Plate(files, 64, 48, aspect, FrameRate(24), "", "ACEScg")


def mattes(folder: Path, numbers: range, width: int = 64) -> Path:
    for number in numbers:
        matte = np.zeros((48, width), np.uint8)
        matte[10:30, 20:40] = 255
        images.write_png(folder / f"roto.{number:04d}.png", matte)
    return folder / "roto.%04d.png"


def test_a_dim_plate_is_stretched_to_its_own_range(tmp_path: Path):
    view = open_view(plate(tmp_path, level=0.004), MatteSource(), None, 1920)

    grey = view.grey(1002)

    assert grey.dtype == np.uint8
    assert np.percentile(grey, 98) - np.percentile(grey, 2) > 150


@pytest.mark.parametrize("level", [0.0, 0.18])
def test_a_black_or_flat_plate_is_refused_in_one_line(tmp_path: Path, level: float):
    with pytest.raises(CalibrationError, match="frames 1001-1004 are black or flat") as caught:
        open_view(plate(tmp_path, level=level, contrast=0.0), MatteSource(), None, 1920)

    assert "\n" not in str(caught.value)


def test_large_and_anamorphic_plates_are_solved_small_and_square(tmp_path: Path):
    view = open_view(plate(tmp_path, aspect=2.0), MatteSource(), None, 64)

    assert (view.width, view.height) == (64, 24)
    assert view.grey(1001).shape == (24, 64)
    np.testing.assert_allclose(view.to_plate, [1.0, 2.0])
    lens = view.plate_lens(Lens(64, 24, 50, 50, 32, 12, k1=-0.1))
    assert lens == Lens(64, 48, 50, 100, 32, 24, k1=-0.1)


@pytest.mark.parametrize("first", [1001, 1, 87])
def test_mattes_are_found_by_shot_or_source_number(tmp_path: Path, first: int):
    source = MatteSource(mattes(tmp_path / "roto", range(first, first + 4)))

    view = open_view(plate(tmp_path), source, None, 1920)
    mask = view.mask(1003)

    assert mask is not None
    assert mask[20, 30] == 0
    assert mask[20, 19] == 0  # a pixel's margin
    assert mask[5, 5] == 255
    assert supplied_files(source, FRAMES)[1001].name == f"roto.{first:04d}.png"


def test_too_few_mattes_are_refused_by_number(tmp_path: Path):
    source = MatteSource(mattes(tmp_path / "roto", range(1, 4)))

    with pytest.raises(CalibrationError, match=r"holds 3 mattes, 1-3, but the shot has frames 1001-1004 \(4\)"):
        supplied_files(source, FRAMES)


def test_one_matte_holds_for_every_frame(tmp_path: Path):
    source = MatteSource(mattes(tmp_path / "roto", range(1, 2)))

    assert len(set(supplied_files(source, FRAMES).values())) == 1


def test_without_mattes_there_is_no_mask(tmp_path: Path):
    assert open_view(plate(tmp_path), MatteSource(), None, 1920).mask(1001) is None


def test_mattes_of_exr_and_png_read_the_same(tmp_path: Path):
    shape = np.zeros((8, 9), np.float32)
    shape[2:5, 3:6] = 1
    exr.write(tmp_path / "a.exr", {"A": shape.astype(np.float16)})
    images.write_png(tmp_path / "luma.png", np.uint8(255 * shape))
    images.write_png(tmp_path / "rgba.png", np.uint8(255 * np.dstack([1 - shape] * 3 + [shape])))

    for name in ("a.exr", "luma.png", "rgba.png"):
        np.testing.assert_array_equal(read_matte(tmp_path / name), shape)


def test_an_exr_without_a_matte_says_what_it_holds(tmp_path: Path):
    exr.write(tmp_path / "z.exr", {"Z": np.zeros((4, 4), np.float32)})

    with pytest.raises(FormatError, match="no channel A, Y or R but Z"):
        read_matte(tmp_path / "z.exr")
