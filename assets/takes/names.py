"""What a take's name means: t01, t02, ... are seeds counted from a first one, which belongs to who or what is painted.

A character's first seed is its recipe's `seed`, or 1; a set piece's is 1 + its own `seed`. Nothing of it comes from a shot,
so t02 of a character is the same request in every shot of a show, and t01 is what is painted where nothing was picked and
no setting says otherwise.
"""

from __future__ import annotations

from pipeline.errors import AssetError
from pipeline.sections import TAKE

MOST_TAKES = 64


def take_name(number: int) -> str:
    """t01 for 1."""
    return f"t{number:02d}"


def take_number(name: str) -> int:
    """1 for t01. Raises AssetError when it is no take's name."""
    if not TAKE.fullmatch(name):
        raise AssetError(f"{name!r} is no take's name. Write t01 to t{MOST_TAKES}.")
    return int(name[1:])


def seed_of(first: int, take: str) -> int:
    """The seed of a take, whose identity's first seed is `first`."""
    return first + take_number(take) - 1


def first_seed(said: int) -> int:
    """The seed of a character's t01. said: by its recipe, 0 for nothing."""
    return said or 1


def first_piece_seed(seed: int) -> int:
    """The seed of a set piece's t01. seed: as pieces.json has it, the brief's mixed in."""
    return 1 + seed % 1_000_003
