"""What is told of a set piece: its pick's seed, and the pick's picture to who reads references."""

from __future__ import annotations

from dataclasses import replace

from assets.providers.base import Provider
from assets.takes.names import first_piece_seed, seed_of
from assets.takes.record import folder_of, proposed, read_pictures
from assets.takes.told import Telling
from pipeline.errors import AssetError
from pipeline.sections import SetPicks


def piece_telling(name: str, seed: int, picks: SetPicks, provider: Provider, *, otherwise: int) -> Telling:
    """What is told of a set piece. seed: the piece's; otherwise: the seed without a pick.

    Raises AssetError for a take that is not among those proposed, or whose picture is needed and not there.
    """
    take = dict(picks.takes).get(name)
    if take is None:
        return Telling(otherwise)
    folder = folder_of(picks.folder, provider.name, name)
    sheet = proposed(folder, f'set piece {name}, take = "{take}"', name, take)
    told = Telling(seed_of(first_piece_seed(seed), take))
    if not provider.capabilities.reads_references:
        return told
    if take not in sheet.names:
        raise AssetError(
            f'set piece {name}, take = "{take}": {provider.name} paints after the picture of the take, which is not here '
            f"({folder}). Propose it again: battleplate takes propose SHOT.toml --of {name} --count {int(take[1:])}"
        )
    return replace(told, references=tuple(read_pictures(folder, sheet, sheet.take(take))))
