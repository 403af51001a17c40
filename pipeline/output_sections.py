"""The sections [output] and [work]: how EXR frames are packed."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import ConfigError
from pipeline.io.compression import Compression

MASTER = "zip"  # what the comp is kept in where the frames handed on lose something


@dataclass(frozen=True, slots=True)
class OutputBrief:
    """[output]: the finished frames. compression: zip, zips, piz, zstd, htj2k256, rle, none; or lossy, dwaa:45, dwab:45.

    A lossy one is only ever a copy that is handed on: the comp itself stays lossless, and is what is checked.
    """

    compression: str = "zip"

    def __post_init__(self) -> None:
        Compression.parse(self.compression)

    @property
    def master(self) -> str:
        """What the comp itself is packed by: never lossy."""
        return self.compression if self.lossless else MASTER

    @property
    def lossless(self) -> bool:
        return Compression.parse(self.compression).lossless


@dataclass(frozen=True, slots=True)
class WorkFiles:
    """[work]: the layers between stages. compression: a lossless one."""

    compression: str = "zips"

    def __post_init__(self) -> None:
        if not Compression.parse(self.compression).lossless:
            raise ConfigError(
                f"compression {self.compression!r} loses colour at every stage it passes. Write zip, zips, piz or zstd."
            )


OUTPUT, WORK = OutputBrief(), WorkFiles()  # as a shot gets them that says nothing
