"""ingest: movies of every codec against the light that they were made of."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import PlateError
from pipeline.frames import FrameRate
from pipeline.io import color, exr, video
from tests.movies import encode, flat
from tests.stages.ingesting import LOSSLESS, H, W, picture, run


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix", "options"),
    [
        ("libx264", "yuv420p", ".mp4", LOSSLESS),
        ("libx264", "yuv420p10le", ".mov", LOSSLESS),
        ("libx265", "yuv420p", ".mp4", {"x265-params": "lossless=1:log-level=none"}),
        ("libx265", "yuv420p10le", ".mp4", {"x265-params": "lossless=1:log-level=none"}),
        ("prores_ks", "yuv422p10le", ".mov", {"profile": "hq"}),
        ("dnxhd", "yuv422p10le", ".mxf", {"profile": "dnxhr_hqx"}),
    ],
)
@pytest.mark.parametrize("space", ["", "ARRI LogC4"])
def test_movies_become_their_scene_light(
    tmp_path: Path, codec: str, pixel_format: str, suffix: str, options: dict[str, str], space: str
) -> None:
    bits, chroma = (10 if "10" in pixel_format else 8), pixel_format[3:6]
    scale = 1 << (bits - 8)
    codes = [
        tuple(c * scale for c in bar) for bar in ((168, 44, 136), (51, 109, 212), (145, 147, 44))
    ]  # BT.709 75% bars
    frames = [flat(c, 128, 256, chroma, bits) for c in codes]
    tags = {"colorspace": 1, "color_range": 1, "color_primaries": 1, "color_trc": 1}
    movie = encode(
        tmp_path / f"a{suffix}", frames, codec=codec, pixel_format=pixel_format, options=options, tags=tags,
        rate=Fraction(24000, 1001), timecode="10:00:00:00",
    )  # fmt: skip

    plate = run(movie, tmp_path / "out", colorspace=space)

    taken = space or "Gamma 2.4 Encoded Rec.709"
    assert (plate.colorspace, plate.rate, len(plate.files.frames)) == (taken, FrameRate(24000, 1001), 3)
    for file, bar in zip(plate.files, [(0.75, 0.75, 0), (0.75, 0, 0), (0, 0.75, 0.75)], strict=True):
        patch = np.array(bar, np.float32).reshape(1, 1, 3)
        low, high = (color.to_acescg(np.maximum(patch + d, 0), taken) for d in (-0.012, 0.012))
        got = exr.read_rgb(file)[32:96, 64:192].reshape(-1, 3)
        reach = np.abs(high - low).sum()
        assert np.abs(got - color.to_acescg(patch, taken).ravel()).max() < reach


def test_a_camera_log_movie_round_trips(tmp_path: Path) -> None:
    """What the demo ships: ACEScg to LogC3 in a 10-bit movie and back, mid grey within 1%."""
    scenes = [picture(i, 72, 128) * 2 for i in range(3)]
    logs = [color.from_acescg(s, "ARRI LogC3 (EI800)") for s in scenes]
    video.write_log_movie(tmp_path / "a.mov", logs, FrameRate(24), crf=2, chroma="422", timecode="01:00:00:00")

    plate = run(tmp_path / "a.mov", tmp_path / "out", colorspace="ARRI LogC3 (EI800)")

    assert plate.timecode == "01:00:00:00"
    for file, truth in zip(plate.files, scenes, strict=True):
        error = np.abs(exr.read_rgb(file) / truth - 1)[4:-4, 4:-4]
        assert np.median(error) < 0.01
        assert np.percentile(error, 99) < 0.06


def test_an_hdr_movie_is_known_by_its_tag(tmp_path: Path) -> None:
    frames = [flat((502, 512, 512), H, W, "420", 10)]
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": 16}
    movie = encode(
        tmp_path / "a.mp4", frames, codec="libx264", pixel_format="yuv420p10le", options=LOSSLESS, tags=tags
    )  # fmt: skip

    assert run(movie, tmp_path / "out").colorspace == "Rec.2100-PQ - Display"


def test_an_ambiguous_wide_gamut_movie_asks(tmp_path: Path) -> None:
    frames = [flat((502, 512, 512), H, W, "420", 10)]
    tags = {"colorspace": 9, "color_primaries": 9, "color_trc": 14}
    movie = encode(
        tmp_path / "a.mp4", frames, codec="libx264", pixel_format="yuv420p10le", options=LOSSLESS, tags=tags
    )  # fmt: skip

    with pytest.raises(PlateError, match=r"Set plate\.colorspace"):
        run(movie, tmp_path / "out")
