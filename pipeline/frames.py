"""Frames and time: ranges of plate frames, rates as ratios, one file per frame."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from pipeline.errors import ConfigError


@dataclass(frozen=True, slots=True)
class FrameRange:
    """Frames `first` to `last`, both included."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ConfigError(
                f"frame range {self.first}-{self.last}: the last frame comes before the first. Swap them."
            )

    @classmethod
    def parse(cls, text: str) -> FrameRange:
        """Read "1001-1010" or "1007". Raises ConfigError on anything else."""
        match = re.fullmatch(r"\s*(\d+)(?:\s*-\s*(\d+))?\s*", text)
        if not match:
            raise ConfigError(f"frame range {text!r} is not understood. Write it as 1001-1010, or 1007 for one frame.")
        return cls(int(match[1]), int(match[2] or match[1]))

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.first, self.last + 1))

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __contains__(self, frame: object) -> bool:
        return isinstance(frame, int) and self.first <= frame <= self.last

    def index(self, frame: int) -> int:
        """Row of `frame` in arrays that hold one row per frame of this range."""
        if frame not in self:
            raise IndexError(f"frame {frame} is outside {self}")
        return frame - self.first

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.last > self.first else str(self.first)


def frames_in(text: str) -> tuple[int, ...]:
    """The frames of "1001-1004, 1009", sorted; none of "". Raises ConfigError on anything else."""
    parts = [part for part in text.split(",") if part.strip()]
    return tuple(sorted({frame for part in parts for frame in FrameRange.parse(part)}))


@dataclass(frozen=True, slots=True)
class FrameRate:
    """Frames per second as a ratio: 24000/1001, never 23.976."""

    numerator: int = 24
    denominator: int = 1

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.numerator, self.denominator)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}" if self.denominator != 1 else str(self.numerator)


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """One file per frame: `folder / (name % frame)`, e.g. name "comp.%04d.exr"."""

    folder: Path
    name: str
    frames: FrameRange

    def path(self, frame: int) -> Path:
        return self.folder / (self.name % frame)

    def __iter__(self) -> Iterator[Path]:
        return (self.path(frame) for frame in self.frames)
