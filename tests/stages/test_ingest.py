"""ingest: EXR frames pass untouched, what a file and the shot say is kept, and a run can be repeated to the byte."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.frames import FrameRange, FrameRate
from pipeline.io import color, exr, video
from tests.stages.ingesting import H, W, exr_frames, oiio_frame, picture, relative, run


def test_acescg_exr_passes_untouched_and_is_numbered_anew(tmp_path: Path) -> None:
    plate = run(exr_frames(tmp_path / "in"), tmp_path / "out", first_frame=2001)

    assert plate.files.frames == FrameRange(2001, 2003)
    assert (plate.width, plate.height, plate.colorspace, plate.rate) == (W, H, "ACEScg", FrameRate())
    for i, file in enumerate(plate.files):
        assert np.array_equal(exr.read_rgb(file), (picture(i) * 4).astype(np.float16).astype(np.float32))
    assert sorted(f.name for f in (tmp_path / "out").iterdir()) == [f"plate.{n}.exr" for n in (2001, 2002, 2003)]


def test_camera_metadata_timecode_and_rate_are_kept(tmp_path: Path) -> None:
    told = {
        "timeCode": "01:00:00:22", "framesPerSecond": Fraction(24000, 1001), "cameraModel": "Alexa 35", "isoSpeed": 800.0,
        "pixelAspectRatio": 2.0, "reelName": "A001",
    }  # fmt: skip

    plate = run(exr_frames(tmp_path / "in", **told), tmp_path / "out")
    last = exr.read(plate.files.path(1003))

    assert (plate.timecode, plate.rate, plate.pixel_aspect) == ("01:00:00:22", FrameRate(24000, 1001), 2.0)
    assert plate.metadata["cameraModel"] == "Alexa 35"
    assert last.metadata["timeCode"] == "01:00:01:00"
    assert (last.metadata["isoSpeed"], last.metadata["reelName"], last.pixel_aspect) == (800.0, "A001", 2.0)
    assert last.metadata["colorInteropID"] == "lin_ap1_scene"


@pytest.mark.parametrize(
    ("told", "space"),
    [
        ({"colorInteropID": "lin_rec709_scene"}, "Linear Rec.709 (sRGB)"),
        ({"chromaticities": (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)}, "Linear Rec.709 (sRGB)"),
        ({"chromaticities": (0.7347, 0.2653, 0.0, 1.0, 0.0001, -0.0770, 0.32168, 0.33767)}, "ACES2065-1"),
        ({"acesImageContainerFlag": 1}, "ACES2065-1"),
    ],
)
def test_an_exr_is_believed_about_its_colour(tmp_path: Path, told: dict[str, Any], space: str) -> None:
    plate = run(exr_frames(tmp_path / "in", 1, **told), tmp_path / "out")

    source = exr.read_rgb(tmp_path / "in" / "src.0001.exr")
    assert plate.colorspace == space
    assert relative(exr.read_rgb(plate.files.path(1001)), color.to_acescg(source, space)) < 0.002


def test_any_channel_naming_and_a_smaller_data_window(tmp_path: Path) -> None:
    import OpenEXR

    (tmp_path / "in").mkdir()
    pixels = picture()[4:-4, 6:-6].astype(np.float16)
    planes = {f"beauty.{n}": np.ascontiguousarray(pixels[..., i]) for i, n in enumerate(("red", "green", "blue"))}
    box = lambda *v: (np.array(v[:2], np.int32), np.array(v[2:], np.int32))  # noqa: E731
    header = {
        "dataWindow": box(6, 4, W - 7, H - 5),
        "displayWindow": box(0, 0, W - 1, H - 1),
        "type": OpenEXR.scanlineimage,
    }
    OpenEXR.File(header, planes).write(str(tmp_path / "in" / "a.1.exr"))

    plate = run(tmp_path / "in", tmp_path / "out")
    got = exr.read_rgb(plate.files.path(1001))

    assert (plate.width, plate.height) == (W, H)
    assert np.array_equal(got[4:-4, 6:-6], pixels.astype(np.float32))
    assert got[:4].max() == got[:, :6].max() == 0


def test_alpha_stays_premultiplied(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    alpha = np.linspace(0, 1, W, dtype=np.float32)[None].repeat(H, 0)
    premultiplied = np.dstack([picture() * alpha[..., None], alpha])
    exr.write(tmp_path / "in" / "a.1.exr", exr.rgba_channels(premultiplied))
    oiio_frame(tmp_path / "straight.1.png", np.dstack([picture(), alpha]), "uint16", oiio__UnassociatedAlpha=1)

    from_exr = exr.read_rgba(run(tmp_path / "in", tmp_path / "a").files.path(1001))
    from_png = exr.read_rgba(run(tmp_path / "straight.1.png", tmp_path / "b").files.path(1001))

    assert np.abs(from_exr - premultiplied).max() < 1e-3
    assert np.abs(from_png[..., :3] - color.to_acescg(picture(), "sRGB - Texture") * alpha[..., None]).max() < 1e-3


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    frames = [np.rint(picture(i) * 255).astype(np.uint8) for i in range(3)]
    video.write_review(tmp_path / "a.mp4", frames, FrameRate(24))

    a, b = run(tmp_path / "a.mp4", tmp_path / "a"), run(tmp_path / "a.mp4", tmp_path / "b")

    assert [f.read_bytes() for f in a.files] == [f.read_bytes() for f in b.files]


def test_declared_facts_overrule_the_file(tmp_path: Path) -> None:
    source = exr_frames(tmp_path / "in", framesPerSecond=Fraction(25))

    plate = run(source, tmp_path / "out", frame_rate="23.976", pixel_aspect=1.5, colorspace="aces")

    assert (plate.rate, plate.pixel_aspect, plate.colorspace) == (FrameRate(24000, 1001), 1.5, "ACES2065-1")
    assert plate.metadata["colorspace chosen"] == "declared in the shot file"
