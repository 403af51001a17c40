"""ingest: every kind of camera original against its truth, and every flaw named with its frame."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.errors import BattleplateError, ConfigError, PlateError
from pipeline.frames import FrameRange, FrameRate
from pipeline.io import color, exr, images, video
from pipeline.sections import PlateSource, ShotInfo
from pipeline.stage import silent
from pipeline.types import Plate
from stages.ingest import Params, ingest
from tests.movies import encode, flat

H, W = 36, 64
LOSSLESS = {"qp": "0", "preset": "ultrafast"}


def run(path: Path, out: Path, params: Params | None = None, first_frame: int = 1001, **source: Any) -> Plate:
    return ingest(
        source=PlateSource(path, **source),
        shot=ShotInfo("shot", first_frame=first_frame),
        params=params or Params(),
        out=out,
        progress=silent,
    )


def picture(number: int = 0, height: int = H, width: int = W) -> np.ndarray:
    """A smooth, coloured picture between 0.02 and 0.98 that differs from frame to frame."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    wave = np.sin((x + 3 * number) / 9) * np.cos(y / 7)
    return np.stack([x / width, y / height, 0.5 + 0.4 * wave], -1).astype(np.float32) * 0.9 + 0.05


def exr_frames(folder: Path, count: int = 3, **metadata: Any) -> Path:
    folder.mkdir(exist_ok=True)
    for i in range(count):
        exr.write_rgb(folder / f"src.{i + 1:04d}.exr", picture(i) * 4, metadata)
    return folder


def oiio_frame(path: Path, pixels: np.ndarray, kind: str, **attributes: Any) -> None:
    import OpenImageIO as oiio

    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], pixels.shape[2], kind)
    for key, value in attributes.items():
        spec.attribute(key.replace("__", ":"), *value) if isinstance(value, tuple) else spec.attribute(
            key.replace("__", ":"), value
        )
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(np.ascontiguousarray(pixels))
    assert out.close()


def relative(got: np.ndarray, truth: np.ndarray) -> float:
    return float((np.abs(got - truth) / np.maximum(np.abs(truth), 0.02)).max())


# ---------------------------------------------------------------- EXR


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


# ---------------------------------------------------------------- PNG, TIFF, JPEG, DPX


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


# ---------------------------------------------------------------- movies


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


# ---------------------------------------------------------------- flaws


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


# ---------------------------------------------------------------- the lens by the file


def test_a_zooms_headers_are_read_and_kept_frame_by_frame(tmp_path: Path):
    import OpenEXR

    source = exr_frames(tmp_path / "in")
    for i, focal in enumerate((32.0, 36.5, 41.0)):
        path = source / f"src.{i + 1:04d}.exr"
        part = OpenEXR.File(str(path))
        corners = (np.array([0, 0], np.int32), np.array([2879, 1619], np.int32))
        header = {**part.header(), "nominalFocalLength": focal, "sensorPhotositePitch": 8.25, "lensModel": "Zoom 28-76"}
        header["sensorAcquisitionRectangle"] = corners
        OpenEXR.File(header, part.channels()).write(str(path))

    plate = run(source, tmp_path / "out")

    assert plate.filmed is not None
    assert plate.filmed.focal_mm == (32.0, 36.5, 41.0)
    assert plate.filmed.sensor_width_mm == pytest.approx(23.76)
    assert "Zoom 28-76" in plate.metadata["filmed with"]
    kept = [exr.read(plate.files.path(frame)).metadata["nominalFocalLength"] for frame in plate.files.frames]
    assert kept == [32.0, 36.5, 41.0]


def test_a_phones_movie_tells_its_film_equivalent(tmp_path: Path):
    words = {"com.apple.quicktime.camera.focal_length.35mm_equivalent": "26", "com.apple.quicktime.make": "Apple"}
    shots = [flat((60 + 40 * i, 128, 128), H, W, "420", 8) for i in range(2)]
    path = encode(tmp_path / "phone.mov", shots, codec="libx264", pixel_format="yuv420p", options=LOSSLESS, words=words)

    plate = run(path, tmp_path / "out")

    assert plate.filmed is not None
    assert plate.filmed.focal_mm == (26.0,)
    assert plate.filmed.camera == "Apple"


def test_a_stills_exif_is_read(tmp_path: Path):
    for i in range(2):
        oiio_frame(
            tmp_path / f"still.{i:04d}.jpg", picture(i), "uint8",
            Exif__FocalLength=("float", 50.0), Exif__FocalLengthIn35mmFilm=75, Make="Maker", Model="Model"
        )  # fmt: skip

    plate = run(tmp_path, tmp_path / "out")

    assert plate.filmed is not None
    assert (plate.filmed.focal_mm, plate.filmed.camera) == ((75.0,), "Maker Model")


def test_a_file_without_a_lens_tells_none(tmp_path: Path):
    assert run(exr_frames(tmp_path / "in"), tmp_path / "out").filmed is None
