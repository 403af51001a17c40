"""How the pixels of an EXR are packed, by the names that show and shot files use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.errors import ConfigError

LOSSLESS = ("none", "rle", "zips", "zip", "piz", "zstd", "htj2k32", "htj2k256")
LOSSY = ("dwaa", "dwab")  # colour only: depth, ids, motion and alpha stay exact
_CONSTANTS = {"none": "NO"}
MOST_LEVEL = 500.0
_WRITTEN = re.compile(r"([a-z0-9]+)(?::([0-9]+(?:\.[0-9]+)?))?")


@dataclass(frozen=True, slots=True)
class Compression:
    """One way to pack. name: of LOSSLESS or LOSSY. level: of the lossy ones, higher is smaller; None: OpenEXR's own 45."""

    name: str
    level: float | None = None

    @classmethod
    def parse(cls, text: str) -> Compression:
        """Read "zip" or "dwaa:45". Raises ConfigError on another name, or on a level that is not one."""
        match = _WRITTEN.fullmatch(text)
        if not match or match[1] not in (*LOSSLESS, *LOSSY):
            known = ", ".join((*LOSSLESS, *(f"{name}:45" for name in LOSSY)))
            raise ConfigError(f"compression {text!r} is unknown. Write one of {known}.")
        name, level = match[1], None if match[2] is None else float(match[2])
        if level is not None and name in LOSSLESS:
            raise ConfigError(f"compression {text!r}: {name} is lossless and has no level. Write {name!r}.")
        if level is not None and not 0 < level <= MOST_LEVEL:
            raise ConfigError(f"compression {text!r}: its level must be above 0 and at most {MOST_LEVEL:g}.")
        return cls(name, level)

    @property
    def lossless(self) -> bool:
        return self.name in LOSSLESS

    @property
    def constant(self) -> str:
        """OpenEXR's name for it."""
        return f"{_CONSTANTS.get(self.name, self.name.upper())}_COMPRESSION"
