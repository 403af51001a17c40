"""OpenEXR: what is written is read, by us and by an independent reader; what is damaged is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import FormatError
from pipeline.io import exr

H, W = 21, 37


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def oiio_file(
    path: Path, pixels: np.ndarray, names: tuple[str, ...], origin: tuple[int, int], full: tuple[int, int]
) -> Path:
    import OpenImageIO as oiio

    height, width, count = pixels.shape
    spec = oiio.ImageSpec(width, height, count, oiio.FLOAT)
    spec.x, spec.y = origin
    spec.full_width, spec.full_height = full
    spec.channelnames = names
    out = oiio.ImageOutput.create(str(path))
    assert out.open(str(path), spec)
    assert out.write_image(pixels)
    assert out.close()
    return path


def test_every_channel_type_comes_back_exactly(tmp_path: Path, rng: np.random.Generator) -> None:
    rgba = rng.random((H, W, 4), np.float32)
    depth = rng.random((H, W), np.float32) * 1e4
    depth[3, 4] = np.inf
    ids = np.arange(H * W, dtype=np.uint32).reshape(H, W)

    exr.write(tmp_path / "a.exr", {**exr.rgba_channels(rgba, "crowd."), "Z": depth, "id": ids})
    image = exr.read(tmp_path / "a.exr")

    assert {n: c.dtype.name for n, c in image.channels.items()} == {
        **{f"crowd.{c}": "float16" for c in "RGBA"},
        **{"Z": "float32", "id": "uint32"},
    }
    assert np.array_equal(image.channels["Z"], depth)
    assert np.array_equal(image.channels["id"], ids)
    assert np.array_equal(exr.read_rgba(tmp_path / "a.exr"), rgba.astype(np.float16).astype(np.float32))


def test_strided_and_flipped_planes_are_written_right(tmp_path: Path, rng: np.random.Generator) -> None:
    """openexr#1929: handed over as they are, strided planes come out wrong and flipped ones end the process."""
    rgb = rng.random((H, W, 3)).astype(np.float32)

    exr.write(tmp_path / "a.exr", {"R": rgb[::-1, ::-1, 0], "G": rgb.transpose(1, 0, 2)[..., 1].T, "B": rgb[..., 2]})

    expected = np.stack([rgb[::-1, ::-1, 0], rgb[..., 1], rgb[..., 2]], -1)
    assert np.array_equal(exr.read_rgb(tmp_path / "a.exr"), expected)


def test_an_independent_reader_sees_the_same(tmp_path: Path, rng: np.random.Generator) -> None:
    import OpenImageIO as oiio

    rgb = rng.random((H, W, 3)).astype(np.float32)

    exr.write_rgb(tmp_path / "a.exr", rgb, {"framesPerSecond": Fraction(24000, 1001), "timeCode": "01:02:03:04"})

    buffer = oiio.ImageBuf(str(tmp_path / "a.exr"))
    assert np.array_equal(buffer.get_pixels(oiio.FLOAT), rgb.astype(np.float16).astype(np.float32))
    assert buffer.spec().getattribute("FramesPerSecond") == (24000, 1001)
    assert buffer.spec().get_string_attribute("smpte:TimeCode") in ("01:02:03:04", "")
    assert buffer.spec().channelnames == ("R", "G", "B")


def test_equal_input_gives_equal_bytes(tmp_path: Path, rng: np.random.Generator) -> None:
    planes = exr.rgba_channels(rng.random((H, W, 4), np.float32))

    exr.write(tmp_path / "a.exr", planes, metadata={"b": "1", "a": 2})
    exr.write(tmp_path / "b.exr", dict(reversed(planes.items())), metadata={"a": 2, "b": "1"})

    assert (tmp_path / "a.exr").read_bytes() == (tmp_path / "b.exr").read_bytes()


def test_metadata_comes_back(tmp_path: Path) -> None:
    told = {
        "framesPerSecond": Fraction(30000, 1001),
        "timeCode": "01:02:03;04",
        "owner": "a studio",
        "isoSpeed": 800.0,
        "chromaticities": (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767),
        "pixelAspectRatio": 2.0,
    }

    exr.write(tmp_path / "a.exr", {"R": np.zeros((H, W), np.float16)}, metadata=told)
    image = exr.read(tmp_path / "a.exr")

    assert image.pixel_aspect == 2.0
    assert image.metadata["chromaticities"] == pytest.approx(told["chromaticities"])
    assert {k: image.metadata[k] for k in list(told)[:4]} == {k: told[k] for k in list(told)[:4]}


@pytest.mark.parametrize(
    ("origin", "size"), [((5, 3), (8, 4)), ((-2, -1), (8, 4)), ((-3, -2), (30, 20)), ((17, 9), (8, 4))]
)
def test_pixels_come_over_the_display_window(tmp_path: Path, origin: tuple[int, int], size: tuple[int, int]) -> None:
    width, height = size
    pixels = np.arange(1, width * height + 1, dtype=np.float32).reshape(height, width, 1)
    oiio_file(tmp_path / "a.exr", pixels, ("Y",), origin, (20, 10))
    truth = np.zeros((10, 20), np.float32)
    for y in range(10):
        for x in range(20):
            j, i = y - origin[1], x - origin[0]
            if 0 <= j < height and 0 <= i < width:
                truth[y, x] = pixels[j, i, 0]

    image = exr.read(tmp_path / "a.exr")

    assert np.array_equal(image.channels["Y"], truth)
    assert (image.width, image.height) == (20, 10)
    assert image.data_window == (*origin, origin[0] + width - 1, origin[1] + height - 1)


def test_channels_of_later_parts_carry_the_part_name(tmp_path: Path, rng: np.random.Generator) -> None:
    import OpenEXR

    color, depth = rng.random((H, W)).astype(np.float16), rng.random((H, W)).astype(np.float32)
    rgb = {n: color for n in "RGB"}
    parts = [
        OpenEXR.Part({}, rgb, "rgba"),
        OpenEXR.Part({}, {"Z": depth}, "depth"),
        OpenEXR.Part({}, {"id.X": depth}, "id"),
    ]
    OpenEXR.File(parts).write(str(tmp_path / "a.exr"))

    image = exr.read(tmp_path / "a.exr")

    assert sorted(image.channels) == ["B", "G", "R", "depth.Z", "id.X"]
    assert np.array_equal(image.channels["depth.Z"], depth)


def test_a_file_cut_anywhere_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    exr.write(tmp_path / "whole.exr", exr.rgba_channels(rng.random((H, W, 4), np.float32)))
    data = (tmp_path / "whole.exr").read_bytes()
    cut = tmp_path / "cut.exr"

    for size in (0, 3, 60, 300, len(data) // 2, len(data) - 1):
        cut.write_bytes(data[:size])
        with pytest.raises(FormatError, match=r"cut.exr: (not a readable EXR|truncated or damaged)"):
            exr.read(cut)


def test_other_files_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "text.exr").write_text("hello")

    with pytest.raises(FormatError, match=r"text.exr: not a readable EXR"):
        exr.read(tmp_path / "text.exr")
    with pytest.raises(FormatError, match=r"none.exr: no such file"):
        exr.read(tmp_path / "none.exr")


def test_a_file_without_picture_is_refused_as_picture(tmp_path: Path) -> None:
    exr.write(tmp_path / "a.exr", {"Z": np.zeros((H, W), np.float32), "N.X": np.zeros((H, W), np.float32)})

    with pytest.raises(FormatError, match=r"no picture among its channels \['N.X', 'Z'\]"):
        exr.read_rgb(tmp_path / "a.exr")


def test_half_keeps_nan_and_never_makes_infinity() -> None:
    plane = np.array([[1e6, -1e6, np.nan, np.inf]], np.float32)

    got = exr.half(plane)

    assert got[0, :2].tolist() == [65504.0, -65504.0]
    assert np.isnan(got[0, 2])
    assert np.isinf(got[0, 3])


def test_wrong_planes_are_refused_before_writing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="float64"):
        exr.write(tmp_path / "a.exr", {"R": np.zeros((2, 2))})
    with pytest.raises(ValueError, match="one \\(H, W\\)"):
        exr.write(tmp_path / "a.exr", {"R": np.zeros((2, 2), np.float32), "G": np.zeros((2, 3), np.float32)})
    with pytest.raises(ValueError, match="at least one"):
        exr.write(tmp_path / "a.exr", {})

    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    exr.write(tmp_path / "a.exr", {"R": np.ones((2, 2), np.float32)})
    before = (tmp_path / "a.exr").read_bytes()

    with pytest.raises(FormatError, match="cannot be written"):
        exr.write(tmp_path / "a.exr", {"R": np.ones((2, 2), np.float32)}, metadata={"owner": object()})

    assert (tmp_path / "a.exr").read_bytes() == before
    assert [f.name for f in tmp_path.iterdir()] == ["a.exr"]


def test_a_header_that_claims_too_much_is_refused_before_decoding(tmp_path: Path) -> None:
    """A few bytes can ask for gigabytes; the header is read first."""
    exr.write(tmp_path / "a.exr", {"Y": np.zeros((H, W), np.float16)})
    data = bytearray((tmp_path / "a.exr").read_bytes())
    for name in (b"dataWindow", b"displayWindow"):
        at = data.index(name + b"\0box2i\0") + len(name) + 11 + 8
        data[at : at + 8] = np.array([99_999, 99_999], "<i4").tobytes()
    (tmp_path / "a.exr").write_bytes(data)

    with pytest.raises(
        FormatError, match=r"a\.exr: (damaged: its header claims 100000 x 100000|not a readable|truncated)"
    ):
        exr.read(tmp_path / "a.exr")
