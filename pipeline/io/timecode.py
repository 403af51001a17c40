"""SMPTE timecode: hours, minutes, seconds, frames, with or without dropped numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.errors import FormatError
from pipeline.frames import FrameRate


@dataclass(frozen=True, slots=True)
class Timecode:
    """Written "01:02:03:04", or "01:02:03;04" when numbers are dropped to follow the clock at 29.97 or 59.94."""

    hours: int
    minutes: int
    seconds: int
    frames: int
    drop: bool = False

    @classmethod
    def parse(cls, text: str) -> Timecode:
        """Read a timecode. Raises FormatError on anything else."""
        match = re.fullmatch(r"\s*(\d{1,2}):([0-5]?\d):([0-5]?\d)([:;.,])(\d{1,3})\s*", text)
        if not match:
            raise FormatError(f"timecode {text!r} is not understood. Write it as 01:00:00:00.")
        return cls(int(match[1]), int(match[2]), int(match[3]), int(match[5]), match[4] in ";,")

    def __str__(self) -> str:
        mark = ";" if self.drop else ":"
        return f"{self.hours:02d}:{self.minutes:02d}:{self.seconds:02d}{mark}{self.frames:02d}"

    def plus(self, frames: int, rate: FrameRate) -> Timecode:
        """The timecode `frames` later at `rate`. Passes midnight. Source: SMPTE ST 12-1 (drop frame counting)."""
        base = max(1, round(rate.fraction))
        dropped = base // 15 if self.drop else 0  # 2 numbers a minute at 30, 4 at 60
        minute, ten_minutes = base * 60 - dropped, base * 600 - dropped * 9
        minutes = self.hours * 60 + self.minutes
        count = (minutes * 60 + self.seconds) * base + self.frames - dropped * (minutes - minutes // 10) + frames
        count %= ten_minutes * 6 * 24
        tens, rest = divmod(count, ten_minutes)
        count += dropped * 9 * tens + (dropped * ((rest - dropped) // minute) if rest >= dropped else 0)
        seconds, frame = divmod(count, base)
        return Timecode(seconds // 3600, seconds // 60 % 60, seconds % 60, frame, self.drop)


def later(timecode: str, frames: int, rate: FrameRate) -> str:
    """`timecode` plus `frames`; "" stays "". Raises FormatError on what is no timecode."""
    return str(Timecode.parse(timecode).plus(frames, rate)) if timecode else ""
