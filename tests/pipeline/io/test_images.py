"""PNG and JPEG: exact where the format is, refused where damaged."""

from __future__ import annotations

import struct
import zlib
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


@pytest.mark.parametrize(("shape", "kind"), [((5, 7), "u1"), ((5, 7, 3), "u1"), ((5, 7, 4), "u1"), ((5, 7, 4), "u2")])
def test_a_png_in_memory_comes_back_exactly(shape: tuple[int, ...], kind: str) -> None:
    pixels = np.random.default_rng(3).integers(0, np.iinfo(kind).max, shape).astype(kind)

    read = images.decode_png(images.png(pixels), "answer")

    assert read.dtype == kind
    assert np.array_equal(read, pixels)


def claiming(width: int, height: int) -> bytes:
    """A small, whole PNG whose header claims another size."""
    data = images.png(np.zeros((2, 2, 3), np.uint8))
    header = b"IHDR" + struct.pack(">II", width, height) + data[24:29]
    return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]


@pytest.mark.parametrize("sides", [(60000, 60000), (2**31 - 1, 1), (1, 20000), (0, 5)])
def test_a_png_that_claims_gigapixels_is_refused_by_its_header(sides: tuple[int, int]) -> None:
    with pytest.raises(FormatError, match="answer: a PNG that claims"):
        images.decode_png(claiming(*sides), "answer")


def test_a_png_that_claims_other_sides_than_it_holds_is_refused() -> None:
    with pytest.raises(FormatError, match="answer: a PNG that cannot be decoded"):
        images.decode_png(claiming(300, 200), "answer")


def test_a_png_cut_anywhere_or_changed_is_refused() -> None:
    data = images.png(np.random.default_rng(1).integers(0, 255, (9, 9, 3)).astype(np.uint8))

    for end in (0, 5, 8, 20, 40, len(data) // 2, len(data) - 1):
        with pytest.raises(FormatError, match="not a whole PNG"):
            images.decode_png(data[:end], "answer")
    with pytest.raises(FormatError, match="not a whole PNG"):
        images.decode_png(data[:50] + bytes([data[50] ^ 1]) + data[51:], "answer")
