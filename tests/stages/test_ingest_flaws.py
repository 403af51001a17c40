"""ingest: every flaw of a source is named with its frame and the cure, every slip in a brief in one line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import BattleplateError, ConfigError, PlateError
from pipeline.frames import FrameRate
from pipeline.io import exr, video
from pipeline.sections import PlateSource, ShotInfo
from pipeline.stage import silent
from stages.ingest import Params, ingest
from tests.stages.ingesting import H, W, exr_frames, oiio_frame, picture, run


def flawed(folder: Path, flaw: str) -> Path:
    exr_frames(folder, 4)
    third = folder / "src.0003.exr"
    match flaw:
        case "missing":
            third.unlink()
        case "double":
            (folder / "src.3.exr").write_bytes(third.read_bytes())
        case "truncated":
            third.write_bytes(third.read_bytes()[:700])
        case "text":
            third.write_text("not pixels")
        case "nan":
            rgb = picture(2)
            rgb[5, 7, 1] = np.nan
            exr.write_rgb(third, rgb)
        case "size":
            exr.write_rgb(third, picture(2, H, W + 2))
        case "aspect":
            exr.write_rgb(third, picture(2), {"pixelAspectRatio": 2.0})
        case "alpha":
            exr.write(third, exr.rgba_channels(np.dstack([picture(2), np.ones((H, W), np.float32)])))
        case "repeat":
            third.write_bytes((folder / "src.0002.exr").read_bytes())
    return folder


@pytest.mark.parametrize(
    ("flaw", "message"),
    [
        ("missing", r"frame 3 is missing between 1 and 4\. Copy or render"),
        ("double", r"frame 3 is there twice: src\.0003\.exr and src\.3\.exr\. Remove"),
        ("truncated", r"frame 3 \(src\.0003\.exr\): .*Copy or render it again"),
        ("text", r"frame 3 \(src\.0003\.exr\): .*not a readable EXR"),
        ("nan", r"frame 3 \(src\.0003\.exr\): 1 pixels are NaN or infinite, the first at x 7, y 5\. Render"),
        ("size", r"frame 3 \(src\.0003\.exr\): 66 x 36 pixels, the first frame has 64 x 36"),
        ("aspect", r"frame 3 .*pixel aspect 2, the first frame has 1"),
        ("alpha", r"frame 3 .*alpha in some frames only"),
        ("repeat", r"frame 3 .*the same picture as the frame before"),
    ],
)
def test_a_flaw_names_its_frame_and_the_cure(tmp_path: Path, flaw: str, message: str) -> None:
    with pytest.raises(PlateError, match=message) as caught:
        run(flawed(tmp_path / "in", flaw), tmp_path / "out")

    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["png", "tif", "jpg", "dpx"])
def test_a_truncated_still_names_its_frame(tmp_path: Path, suffix: str) -> None:
    for i in range(3):
        oiio_frame(tmp_path / f"a.{i}.{suffix}", picture(i), "uint8")
    data = (tmp_path / f"a.1.{suffix}").read_bytes()
    (tmp_path / f"a.1.{suffix}").write_bytes(data[: len(data) // 2])

    with pytest.raises(PlateError, match=rf"frame 1 \(a\.1\.{suffix}\): .*again"):
        run(tmp_path / f"a.####.{suffix}", tmp_path / "out")


def test_bad_pixels_can_be_filled_from_around(tmp_path: Path) -> None:
    source = flawed(tmp_path / "in", "nan")

    plate = run(source, tmp_path / "out", Params(bad_pixels="fill"))

    got, truth = exr.read_rgb(plate.files.path(1003)), picture(2)
    assert np.abs(got[5, 7] - truth[5, 7]).max() < 0.01
    assert np.abs(got - truth).max() < 0.01


def test_repeats_can_be_accepted(tmp_path: Path) -> None:
    plate = run(flawed(tmp_path / "in", "repeat"), tmp_path / "out", Params(allow_repeats=True))

    assert len(plate.files.frames) == 4


def test_a_cut_movie_names_the_frame(tmp_path: Path) -> None:
    frames = [np.rint(picture(i) * 255).astype(np.uint8) for i in range(12)]
    video.write_review(tmp_path / "a.mp4", frames, FrameRate(24))
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) * 3 // 4])

    with pytest.raises(PlateError, match=r"a\.mp4: .*frame"):
        run(tmp_path / "a.mp4", tmp_path / "out")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ({"path": "plate.txt"}, "neither a movie nor a picture"),
        ({"path": "nothing.mov"}, "not found"),
        ({"path": "empty"}, "the folder is empty"),
        ({"path": "text.mov"}, "not a readable movie"),
        ({"path": "in", "colorspace": "ARRI Log C3"}, "Did you mean .*ARRI LogC3"),
        ({"path": "in", "frame_rate": "fast"}, r"plate\.frame_rate 'fast' is no rate"),
        ({"path": "in", "frame_rate": "24/0"}, "is no rate"),
    ],
)
def test_a_wrong_brief_is_one_line(tmp_path: Path, source: dict[str, str], message: str) -> None:
    exr_frames(tmp_path / "in")
    (tmp_path / "empty").mkdir()
    (tmp_path / "plate.txt").write_text("hello")
    (tmp_path / "text.mov").write_text("hello")
    told = replace(PlateSource(Path()), **{**source, "path": tmp_path / source["path"]})

    with pytest.raises(BattleplateError, match=message) as caught:
        ingest(source=told, shot=ShotInfo("s"), params=Params(), out=tmp_path / "out", progress=silent)

    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("wrong", [{"bad_pixels": "hide"}, {"movie_matrix": "709"}, {"movie_range": "tv"}])
def test_params_are_checked(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="Choose one of"):
        Params(**wrong)
