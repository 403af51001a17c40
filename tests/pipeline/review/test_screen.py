"""The screen: square even pixels, near bright, sky black, mattes tinted."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest

from pipeline.frames import FrameFiles, FrameRange, FrameRate
from pipeline.io import exr, images
from pipeline.review import screen
from pipeline.types import Plate


def plate(width: int, height: int, aspect: float = 1.0) -> Plate:
    files = FrameFiles(Path(), "p.%04d.exr", FrameRange(1, 1))
    return Plate(files, width, height, aspect, FrameRate(), "", "ACEScg")


@pytest.mark.parametrize(
    ("width", "height", "aspect", "shown"),
    [(960, 540, 1, (960, 540)), (4096, 2160, 1, (1920, 1012)), (2048, 1716, 2, (1920, 804)), (321, 181, 1, (320, 180))],
)
def test_pixels_are_square_and_even(width: int, height: int, aspect: float, shown: tuple[int, int]) -> None:
    got = screen.screen_for(plate(width, height, aspect), "", "", 1920)

    assert (got.width, got.height) == shown


def test_near_is_bright_and_sky_is_black(tmp_path: Path) -> None:
    z = np.array([[2.0, 20.0, 200.0, np.inf]], np.float32).repeat(4, 0)
    exr.write(tmp_path / "z.exr", {"Z": z})

    picture = screen.depth_picture(tmp_path / "z.exr")
    light = picture.astype(int).sum(axis=2)[0]

    assert light[0] > light[1] > light[2] > light[3] == 0


def test_depth_of_nothing_is_black(tmp_path: Path) -> None:
    exr.write(tmp_path / "z.exr", {"Z": np.full((4, 4), np.inf, np.float32)})

    assert screen.depth_picture(tmp_path / "z.exr").max() == 0


def test_the_matte_is_tinted() -> None:
    grey = np.full((2, 2, 3), 100, np.uint8)

    picture = screen.matte_picture(grey, np.array([[0, 1], [0, 1]], np.float32))

    assert np.ptp(picture[:, 0]) == 0
    assert (picture[:, 1, 0] > picture[:, 1, 1] + 50).all()


@pytest.mark.parametrize("shape", [(40, 60), (40, 60, 3), (40, 60, 4)])
def test_any_png_comes_into_the_page(tmp_path: Path, shape: tuple[int, ...]) -> None:
    images.write_png(tmp_path / "a.png", np.full(shape, 128, np.uint8))

    address = screen.inline_file(tmp_path / "a.png")

    head, _, data = address.partition(",")
    assert head == "data:image/jpeg;base64"
    assert base64.b64decode(data)[:2] == b"\xff\xd8"
