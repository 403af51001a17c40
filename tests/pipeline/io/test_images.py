"""PNG and JPEG: exact where the format is, refused where damaged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import FormatError
from pipeline.io import images


@pytest.mark.parametrize(("shape", "kind"), [((5, 7), "u1"), ((5, 7, 3), "u1"), ((5, 7, 4), "u1"), ((5, 7, 3), "u2")])
def test_png_comes_back_exactly(tmp_path: Path, shape: tuple[int, ...], kind: str) -> None:
    top = np.iinfo(kind).max
    pixels = np.random.default_rng(3).integers(0, top, shape).astype(kind)

    images.write_png(tmp_path / "a.png", pixels)

    assert np.array_equal(np.rint(images.read_png(tmp_path / "a.png") * top).astype(kind), pixels)


def test_png_channels_are_in_order_for_others(tmp_path: Path) -> None:
    import OpenImageIO as oiio

    images.write_png(tmp_path / "a.png", np.array([[[255, 128, 0]]], np.uint8))

    assert oiio.ImageBuf(str(tmp_path / "a.png")).get_pixels(oiio.UINT8).ravel().tolist() == [255, 128, 0]


def test_jpeg_is_near(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8)[None, :, None].repeat(48, 0).repeat(3, 2)

    images.write_jpeg(tmp_path / "a.jpg", ramp)

    assert np.abs(images.read_png(tmp_path / "a.jpg") * 255 - ramp).max() < 6


def test_damaged_or_missing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"not a png")

    with pytest.raises(FormatError, match=r"a\.png: not a readable PNG"):
        images.read_png(tmp_path / "a.png")
    with pytest.raises(FormatError, match=r"b\.png: no such file"):
        images.read_png(tmp_path / "b.png")


def test_floats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="uint8"):
        images.write_png(tmp_path / "a.png", np.zeros((2, 2, 3)))
