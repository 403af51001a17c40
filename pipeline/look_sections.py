"""[look] of the shot or show file: what of a plate's look is known before it is measured."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class LookFacts:
    """[look]: grain is a profile of `battleplate grain save`, used instead of the plate's own (docs/grain.md)."""

    grain: Path | None = None


NOTHING_KNOWN = LookFacts()
