"""ingest: TIFF, PNG, JPEG and DPX frames against the light that they were made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipeline.frames import FrameRate
from pipeline.io import color, exr, images
from tests.stages.ingesting import oiio_frame, picture, relative, run


@pytest.mark.parametrize(
    ("suffix", "kind", "space", "limit"),
    [
        ("png", "uint8", "sRGB - Texture", 0.03),
        ("png", "uint16", "sRGB - Texture", 0.002),
        ("tif", "uint8", "sRGB - Texture", 0.03),
        ("tif", "uint16", "sRGB - Texture", 0.002),
        ("tif", "float", "ACEScg", 0.002),
        ("tif", "half", "ACEScg", 0.002),
    ],
)
def test_stills_become_their_scene_light(tmp_path: Path, suffix: str, kind: str, space: str, limit: float) -> None:
    for i in range(2):
        oiio_frame(tmp_path / f"a.{i}.{suffix}", picture(i), kind)

    plate = run(tmp_path / f"a.####.{suffix}", tmp_path / "out")

    assert plate.colorspace == color.known(space)
    for i, file in enumerate(plate.files):
        assert relative(exr.read_rgb(file), color.to_acescg(picture(i), space)) < limit


def test_jpeg_comes_near(tmp_path: Path) -> None:
    images.write_jpeg(tmp_path / "a.1.jpg", np.rint(picture() * 255).astype(np.uint8), quality=98)

    plate = run(tmp_path / "a.1.jpg", tmp_path / "out")

    error = np.abs(exr.read_rgb(plate.files.path(1001)) - color.to_acescg(picture(), "sRGB - Texture"))
    assert plate.colorspace == color.known("sRGB - Texture")
    assert error.mean() < 0.012


def negative(number: int) -> np.ndarray:
    """Log codes as film has them: little saturation, inside what half floats hold."""
    return picture(number) * 0.15 + 0.35


@pytest.mark.parametrize("space", ["", "ARRI LogC3 (EI800)"])
def test_ten_bit_dpx_is_log_film_or_what_is_declared(tmp_path: Path, space: str) -> None:
    import OpenImageIO as oiio

    told = {
        "oiio__BitsPerSample": 10,
        "dpx__Transfer": "Printing density",
        "dpx__FrameRate": 23.976,
        "smpte__TimeCode": (oiio.TypeDesc("timecode"), (0x01020304, 0)),
    }
    for i in range(2):
        oiio_frame(tmp_path / f"a.{i}.dpx", negative(i), "uint16", **told)

    plate = run(tmp_path / "a.####.dpx", tmp_path / "out", colorspace=space)

    assert plate.colorspace == (space or "ADX10")
    assert (plate.rate, plate.timecode) == (FrameRate(24000, 1001), "01:02:03:04")
    codes = color.from_acescg(exr.read_rgb(plate.files.path(1002)), space or "ADX10")
    assert np.abs(codes - negative(1)).max() < 1.7 / 1023  # the writer cuts to 10 bits, half floats round
