"""Timecode counts as the clock at whole rates, and drops numbers as SMPTE ST 12-1 says."""

from __future__ import annotations

import pytest

from pipeline.errors import FormatError
from pipeline.frames import FrameRate
from pipeline.io.timecode import Timecode, later

NTSC = FrameRate(30000, 1001)


@pytest.mark.parametrize(
    ("start", "frames", "rate", "end"),
    [
        ("01:00:00:00", 0, FrameRate(24), "01:00:00:00"),
        ("01:00:00:23", 1, FrameRate(24), "01:00:01:00"),
        ("01:00:00:23", 1, FrameRate(24000, 1001), "01:00:01:00"),
        ("23:59:59:24", 1, FrameRate(25), "00:00:00:00"),
        ("00:00:59;29", 1, NTSC, "00:01:00;02"),
        ("00:09:59;29", 1, NTSC, "00:10:00;00"),
        ("00:00:00;00", 17982, NTSC, "00:10:00;00"),
        ("00:00:00;00", 107892, NTSC, "01:00:00;00"),
        ("00:00:59;59", 1, FrameRate(60000, 1001), "00:01:00;04"),
        ("", 5, FrameRate(24), ""),
    ],
)
def test_frames_later(start: str, frames: int, rate: FrameRate, end: str) -> None:
    assert later(start, frames, rate) == end


def test_no_dropped_number_is_ever_counted() -> None:
    code = Timecode.parse("00:00:00;00")

    for _ in range(4000):
        code = code.plus(1, NTSC)
        assert code.frames > 1 or code.seconds or code.minutes % 10 == 0


def test_nonsense_is_refused() -> None:
    with pytest.raises(FormatError, match="Write it as 01:00:00:00"):
        Timecode.parse("1h 20m")
