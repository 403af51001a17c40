"""Movies: every codec's codes come back as the colour they mean, tags and time are kept, damage is named."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import FormatError
from pipeline.frames import FrameRate
from pipeline.io import video
from tests.movies import encode, flat

H, W = 128, 256
LOSSLESS = {"qp": "0", "preset": "ultrafast"}
RED_709, RED_601, RED_2020 = (51, 109, 212), (65, 100, 212), (59, 105, 212)  # 75% red, 8 bit limited


def bars(codes: list[tuple[int, int, int]], chroma: str, bits: int) -> tuple[np.ndarray, ...]:
    strips = [flat(c, H, W // len(codes), chroma, bits) for c in codes]
    return tuple(np.concatenate(planes, axis=1) for planes in zip(*strips, strict=True))


def ramps(count: int = 6, size: tuple[int, int] = (90, 160)) -> list[np.ndarray]:
    y, x = np.mgrid[0 : size[0], 0 : size[1]].astype(np.float32)
    return [
        np.stack([x / size[1], y / size[0], 0.5 + 0.4 * np.sin(x / 40 + y / 30 + i / 2)], -1).astype(np.float32)
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix", "options", "limit"),
    [
        ("libx264", "yuv420p", ".mp4", LOSSLESS, 0.005),
        ("libx264", "yuv422p10le", ".mov", LOSSLESS, 0.005),
        ("libx264", "yuv444p10le", ".mkv", LOSSLESS, 0.005),
        ("libx265", "yuv420p", ".mp4", {"x265-params": "lossless=1:log-level=none"}, 0.005),
        ("libx265", "yuv420p10le", ".mov", {"x265-params": "lossless=1:log-level=none"}, 0.005),
        ("prores_ks", "yuv422p10le", ".mov", {"profile": "hq"}, 0.006),
        ("prores_ks", "yuv444p10le", ".mov", {"profile": "4444"}, 0.006),
        ("dnxhd", "yuv422p", ".mov", {"profile": "dnxhr_hq"}, 0.01),
        ("dnxhd", "yuv422p10le", ".mxf", {"profile": "dnxhr_hqx"}, 0.006),
    ],
)
def test_colour_bars_decode_to_their_colours(
    tmp_path: Path, codec: str, pixel_format: str, suffix: str, options: dict[str, str], limit: float
) -> None:
    bits, chroma = (10 if "10" in pixel_format else 8), pixel_format[3:6]
    scale = 1 << (bits - 8)
    codes = [tuple(c * scale for c in bar) for bar in ((180, 128, 128), (168, 44, 136), (51, 109, 212), (28, 212, 120))]
    tags = {"colorspace": 1, "color_range": 1, "color_primaries": 1, "color_trc": 1}
    movie = encode(
        tmp_path / f"a{suffix}", [bars(codes, chroma, bits)] * 3, codec=codec, pixel_format=pixel_format,
        options=options, tags=tags,
    )  # fmt: skip

    info, frames = video.probe(movie), list(video.read_frames(movie))

    assert (info.width, info.height, info.matrix, info.full_range) == (W, H, "bt709", False)
    assert len(frames) == 3
    for strip, color in enumerate([(0.75, 0.75, 0.75), (0.75, 0.75, 0), (0.75, 0, 0), (0, 0, 0.75)]):
        inside = frames[0][8:-8, strip * 64 + 16 : strip * 64 + 48]
        assert np.abs(inside - color).max() < limit


@pytest.mark.parametrize(
    ("tag", "codes", "name"), [(1, RED_709, "bt709"), (6, RED_601, "bt601"), (9, RED_2020, "bt2020")]
)
def test_the_matrix_tag_is_honoured(tmp_path: Path, tag: int, codes: tuple[int, int, int], name: str) -> None:
    planes = flat(codes, H, W, "420", 8)
    movie = encode(
        tmp_path / "a.mp4",
        [planes],
        codec="libx264",
        pixel_format="yuv420p",
        options=LOSSLESS,
        tags={"colorspace": tag},
    )

    assert video.probe(movie).matrix == name
    assert np.abs(next(video.read_frames(movie)) - (0.75, 0, 0)).max() < 0.006


def test_full_range_is_honoured(tmp_path: Path) -> None:
    planes = [flat((code, 128, 128), H, W, "420", 8) for code in (0, 255)]
    movie = encode(
        tmp_path / "a.mp4", planes, codec="libx264", pixel_format="yuv420p", options=LOSSLESS, tags={"color_range": 2}
    )

    black, white = video.read_frames(movie)

    assert video.probe(movie).full_range
    assert (black.max(), white.min()) == (0, pytest.approx(1))


def test_values_past_white_survive(tmp_path: Path) -> None:
    """Superwhite carries highlights: limited range 8 bit reaches 1.09."""
    movie = encode(
        tmp_path / "a.mp4",
        [flat((254, 128, 128), H, W, "420", 8)],
        codec="libx264",
        pixel_format="yuv420p",
        options=LOSSLESS,
    )

    assert next(video.read_frames(movie)).min() == pytest.approx((254 - 16) / 219, abs=1e-5)


def test_tags_can_be_overruled(tmp_path: Path) -> None:
    movie = encode(
        tmp_path / "a.mp4", [flat(RED_601, H, W, "420", 8)], codec="libx264", pixel_format="yuv420p", options=LOSSLESS,
        tags={"colorspace": 1},
    )  # fmt: skip

    assert np.abs(next(video.decode(movie, matrix="bt601")).rgb - (0.75, 0, 0)).max() < 0.006


def test_alpha_of_prores_4444_is_kept(tmp_path: Path) -> None:
    planes = flat((502, 512, 512, 300), H, W, "444", 10)
    movie = encode(
        tmp_path / "a.mov", [planes], codec="prores_ks", pixel_format="yuva444p10le",
        options={"profile": "4444", "alpha_bits": "16"},
    )  # fmt: skip

    frame = next(video.decode(movie))

    assert frame.alpha is not None
    assert np.abs(frame.alpha - 300 / 1023).max() < 0.002
    assert np.abs(frame.rgb - 0.5).max() < 0.004


def test_a_phone_held_upright_is_turned(tmp_path: Path) -> None:
    planes = bars([(16, 128, 128), (235, 128, 128)], "420", 8)
    movie = encode(
        tmp_path / "a.mp4", [planes], codec="libx264", pixel_format="yuv420p", options=LOSSLESS, turned=90
    )  # fmt: skip

    info, frame = video.probe(movie), next(video.read_frames(movie))

    assert (info.width, info.height) == (H, W) == frame.shape[1::-1]
    assert abs(frame[: W // 2].mean() - frame[W // 2 :].mean()) == pytest.approx(1, abs=0.01)


def test_rate_aspect_and_timecode_are_kept(tmp_path: Path) -> None:
    movie = encode(
        tmp_path / "a.mov", [flat((100, 128, 128), H, W, "420", 8)] * 2, codec="libx264", pixel_format="yuv420p",
        rate=Fraction(24000, 1001), aspect=Fraction(2), timecode="10:20:30:04",
    )  # fmt: skip

    info = video.probe(movie)

    assert (info.rate, info.pixel_aspect, info.timecode) == (FrameRate(24000, 1001), 2.0, "10:20:30:04")
    assert info.frame_count == 2


@pytest.mark.parametrize(
    ("told", "exact"), [("23.976", "24000/1001"), ("29.97", "30000/1001"), ("25", "25"), ("2997/125", "24000/1001")]
)
def test_rates_are_made_exact(told: str, exact: str) -> None:
    assert str(video.exact_rate(Fraction(told))) == exact


def test_review_movie_is_what_was_shown_and_the_same_every_time(tmp_path: Path) -> None:
    frames = [np.rint(f * 255).astype(np.uint8) for f in ramps()]

    for name in ("a.mp4", "b.mp4"):
        video.write_review(tmp_path / name, frames, FrameRate(24000, 1001), timecode="01:00:00:00")
    info, got = video.probe(tmp_path / "a.mp4"), list(video.read_frames(tmp_path / "a.mp4"))

    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    assert (info.matrix, info.primaries, info.transfer, info.full_range) == ("bt709", "bt709", "bt709", False)
    assert (info.timecode, info.pixel_format, info.frame_count) == ("01:00:00:00", "yuv420p", len(frames))
    assert max(np.abs(g - f / 255).mean() for g, f in zip(got, frames, strict=True)) < 0.004


def test_every_review_frame_is_a_key_frame(tmp_path: Path) -> None:
    import av

    video.write_review(tmp_path / "a.mp4", [np.rint(f * 255).astype(np.uint8) for f in ramps()], FrameRate(24))

    with av.open(str(tmp_path / "a.mp4")) as container:
        assert all(packet.is_keyframe for packet in container.demux(video=0) if packet.size)


def test_odd_sizes_are_padded_with_the_last_pixels(tmp_path: Path) -> None:
    video.write_review(tmp_path / "a.mp4", [np.full((45, 79, 3), 200, np.uint8)], FrameRate(24))

    got = next(video.read_frames(tmp_path / "a.mp4"))

    assert got.shape == (46, 80, 3)
    assert np.abs(got - 200 / 255).max() < 0.01


@pytest.mark.parametrize("chroma", ["420", "422", "444"])
def test_log_movie_keeps_ten_bits(tmp_path: Path, chroma: str) -> None:
    frames = ramps()

    for name in ("a.mov", "b.mov"):
        video.write_log_movie(
            tmp_path / name, frames, FrameRate(24), chroma=chroma, timecode="01:00:00:00", metadata={"camera": "A"}
        )
    info, got = video.probe(tmp_path / "a.mov"), list(video.read_frames(tmp_path / "a.mov"))

    assert (tmp_path / "a.mov").read_bytes() == (tmp_path / "b.mov").read_bytes()
    assert (info.bits, info.matrix, info.transfer) == (10, "bt709", "")
    assert (info.timecode, info.metadata["camera"]) == ("01:00:00:00", "A")
    assert max(np.abs(g - f).mean() for g, f in zip(got, frames, strict=True)) < 0.0025


def test_an_empty_movie_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        video.write_review(tmp_path / "a.mp4", [], FrameRate(24))

    assert list(tmp_path.iterdir()) == []


def test_damage_is_named(tmp_path: Path) -> None:
    video.write_review(tmp_path / "whole.mp4", [np.rint(f * 255).astype(np.uint8) for f in ramps(12)], FrameRate(24))
    data = (tmp_path / "whole.mp4").read_bytes()
    (tmp_path / "header.mp4").write_bytes(data[:300])
    (tmp_path / "half.mp4").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.mov").write_text("hello")

    for name in ("header.mp4", "text.mov"):
        with pytest.raises(FormatError, match=f"{name}: (not a readable movie|holds no picture)"):
            video.probe(tmp_path / name)
    with pytest.raises(FormatError, match=r"half.mp4: .*frame"):
        list(video.read_frames(tmp_path / "half.mp4"))
    with pytest.raises(FormatError, match=r"none.mov: no such file"):
        video.probe(tmp_path / "none.mov")


@pytest.mark.parametrize("suffix", [".mov", ".mxf"])
def test_dnxhr_is_not_believed_when_the_container_says_bt2020(tmp_path: Path, suffix: str) -> None:
    """DNxHR's own header knows BT.709 only; FFmpeg reports that for every frame."""
    planes = flat(tuple(c * 4 for c in RED_2020), H, W, "422", 10)
    movie = encode(
        tmp_path / f"a{suffix}", [planes], codec="dnxhd", pixel_format="yuv422p10le", options={"profile": "dnxhr_hqx"},
        tags={"colorspace": 9, "color_primaries": 9, "color_trc": 16, "color_range": 1},
    )  # fmt: skip

    info = video.probe(movie)

    assert (info.matrix, info.primaries, info.transfer) == ("bt2020", "bt2020", "pq")
    assert np.abs(next(video.read_frames(movie)) - (0.75, 0, 0)).max() < 0.006


def test_an_interlaced_movie_is_refused(tmp_path: Path) -> None:
    planes = flat((100, 128, 128), H, W, "420", 8)
    movie = encode(
        tmp_path / "a.mp4", [planes] * 3, codec="libx264", pixel_format="yuv420p",
        options={"x264-params": "interlaced=1:tff=1", "preset": "ultrafast"},
    )  # fmt: skip

    with pytest.raises(FormatError, match=r"frame 1 is interlaced\. Deinterlace"):
        list(video.read_frames(movie))


def test_encoders_are_known_by_name() -> None:
    assert video.has_encoder("libx264")
    assert not video.has_encoder("no_such_codec")


def test_a_movie_written_beside_the_work_is_the_same_movie(tmp_path: Path) -> None:
    pictures = [np.full((36, 64, 3), 20 * n, np.uint8) for n in range(7)]
    video.write_review(tmp_path / "a.mp4", iter(pictures), FrameRate(25), timecode="01:00:00:00")

    with video.review_beside(tmp_path / "b.mp4", FrameRate(25), timecode="01:00:00:00") as give:
        for picture in pictures:
            give(picture)

    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_work_that_fails_leaves_no_movie(tmp_path: Path) -> None:
    def give_and_fail() -> None:
        with video.review_beside(tmp_path / "a.mp4", FrameRate(25)) as give:
            give(np.zeros((36, 64, 3), np.uint8))
            raise ArithmeticError("the work failed")

    with pytest.raises(ArithmeticError, match="the work failed"):
        give_and_fail()
    assert not list(tmp_path.iterdir())


def test_an_encoder_that_fails_is_heard(tmp_path: Path) -> None:
    """Its frames change their size: the next one that is given says so, and nobody waits for ever."""

    def give_many() -> None:
        with video.review_beside(tmp_path / "a.mp4", FrameRate(25)) as give:
            for side in (64, 64, 96, 96, 96, 96, 96, 96):
                give(np.zeros((36, side, 3), np.uint8))

    with pytest.raises(ValueError, match=r"larger|size|pad|negative|broadcast"):
        give_many()
    assert not list(tmp_path.iterdir())
