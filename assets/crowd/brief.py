"""The director's words for the crowd, checked before anyone is called up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from assets.crowd.formations import FORMATIONS
from assets.crowd.members import CLOSEST_M, ID_BLOCK, spacing_of
from assets.mocap.load import is_capture
from assets.motion.motions import MOTIONS
from assets.people.characters import character_names, is_character, load_character
from assets.people.recipes import Names, called
from pipeline.crowd_sections import CrowdBrief, Override, Zone
from pipeline.errors import AssetError, ConfigError

FACINGS = ("", "camera", "centre", "outward", "path")
_ROUND = ("loose", "ring", "path")  # formations in which everyone may look another way


def check_brief(brief: CrowdBrief, own: Names = MappingProxyType({})) -> None:
    """Raise ConfigError or AssetError for words that make no sense, whatever the ground is like.

    own: the show's own characters, learnt.
    """
    for name, often in Counter(zone.name for zone in brief.zones).items():
        if often > 1:
            raise ConfigError(f"crowd: two zones are called {name!r}. Give each its own name.")
    for number, often in Counter(change.id for change in brief.overrides).items():
        if often > 1:
            raise ConfigError(f"crowd override {number}: the id is named {often} times. Write one override for it.")
    known = sorted({*MOTIONS, *brief.captures})
    for zone in brief.zones:
        _check_zone(zone)
        for character in zone.characters:
            _check_character(character, own)
        for motion in (*zone.weights, zone.waits, zone.fights):
            _check_motion(f"crowd zone {zone.name}", motion, known)
    for change in brief.overrides:
        if change.character:
            _check_character(change.character, own)
        if change.motion:
            _check_motion(f"crowd override {change.id}", change.motion, known)
    for name, motion in brief.layout_motions.items():
        _check_motion(f"crowd layout_motions {name!r}", motion, known)


def changes_of(brief: CrowdBrief, number: int, there: Mapping[int, object]) -> dict[int, Override]:
    """The overrides of zone `number` (from 1) by place number. there: the place numbers that are taken.

    Raises ConfigError for an id that nobody of the zone has.
    """
    zone, found = brief.zones[number - 1], {}
    for change in brief.overrides:
        if change.id // ID_BLOCK != number:
            continue
        place = change.id % ID_BLOCK - 1
        if place not in there:
            last = number * ID_BLOCK + 1 + max(there, default=0)
            why = "" if change.id > last else ", or its place lies in a keep-out area"
            raise ConfigError(
                f"crowd override {change.id}: nobody has this id; zone {zone.name} has {number * ID_BLOCK + 1} to "
                f"{last}{why}. Correct the id, or remove the override."
            )
        found[place] = change
    return found


def check_override_zones(brief: CrowdBrief) -> None:
    """Raise ConfigError for an override whose id belongs to no zone."""
    for change in brief.overrides:
        if not 1 <= change.id // ID_BLOCK <= len(brief.zones):
            blocks = ", ".join(f"{zone.name} from {i * ID_BLOCK + 1}" for i, zone in enumerate(brief.zones, start=1))
            raise ConfigError(
                f"crowd override {change.id}: no zone has this id; zones have {blocks or 'none'}. Correct the id."
            )


def _check_zone(zone: Zone) -> None:
    where = f"crowd zone {zone.name}"
    if zone.formation not in FORMATIONS:
        known = ", ".join(FORMATIONS)
        raise AssetError(f"{where}: formation {zone.formation!r} is not known. Use one of {known}.")
    if zone.facing not in FACINGS:
        raise ConfigError(
            f"{where}: facing {zone.facing!r} is not known. Use one of {', '.join(FACINGS[1:])}, or facing_deg."
        )
    if zone.facing in ("centre", "outward") and zone.formation not in _ROUND:
        raise ConfigError(
            f"{where}: ranks look one way, facing {zone.facing!r} is for {', '.join(_ROUND)}. Use another facing."
        )
    if zone.facing == "path" and not (zone.path_px or zone.path_m):
        raise ConfigError(f"{where}: facing 'path' needs a path. Write path_px or path_m.")
    if zone.count is not None and zone.count >= ID_BLOCK:
        raise ConfigError(f"{where}: count is {zone.count}, must be below {ID_BLOCK}. Split the zone.")
    if zone.density is not None and zone.formation == "path":
        raise ConfigError(f"{where}: density fills a polygon, a path has no area. Write count.")
    if zone.spacing_m is None and spacing_of(zone) < CLOSEST_M:
        raise ConfigError(
            f"{where}: density {zone.density:g} leaves {spacing_of(zone):.2f} m between people, {CLOSEST_M:g} m is the "
            "least. Lower it."
        )


def _check_character(name: str, own: Names) -> None:
    if not is_character(called(name, own)) and own:
        raise AssetError(f"character {name!r} is not known. Take one of: {', '.join([*own, *character_names()])}.")
    load_character(called(name, own))


def _check_motion(where: str, name: str, known: list[str]) -> None:
    if name in known:
        return
    if is_capture(name):
        raise ConfigError(
            f"{where}: motion {name!r} is a file, a motion has a name. Write it under [crowd.captures], such as "
            f'salute = "{name}", and motion = "salute".'
        )
    raise AssetError(f"{where}: motion {name!r} is not known. Use one of {', '.join(known)}.")
