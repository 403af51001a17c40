"""What a recipe's [sizes] may set of each piece of kit, and within what limits; each maker has its own default."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pipeline.errors import AssetError

Sizes = tuple[tuple[str, tuple[tuple[str, float], ...]], ...]  # (kit, (name, value) pairs), both sorted

# Metres where the name ends in _m. sleeve: down the upper arm, 1 is the elbow. skirt: from hip joint (0) to knee (1) and on.
LIMITS: dict[str, dict[str, tuple[float, float]]] = {
    "tunic": {"sleeve": (0.3, 1.2), "skirt": (0.5, 1.5)},
    "long_tunic": {"sleeve": (0.6, 1.3), "skirt": (1.2, 1.9)},
    "cape": {"below_knee_m": (-0.45, 0.3), "fold_m": (0.0, 0.05)},
    "cuirass_segmented": {"thick_m": (0.022, 0.045), "sleeve": (0.0, 0.6), "hoops": (5, 13)},
    "cuirass_muscle": {"thick_m": (0.020, 0.045), "sleeve": (0.0, 0.5)},
    "cuirass_mail": {"thick_m": (0.020, 0.045), "sleeve": (0.0, 1.0)},
    "cuirass_linen": {"thick_m": (0.022, 0.045), "sleeve": (0.0, 0.5)},
    "strips": {"skirt": (0.3, 0.85)},
    "greaves": {"ends": (0.6, 0.95)},
    "helmet_crested": {"crest_m": (0.04, 0.17)},
    "helmet_greek": {"crest_m": (0.04, 0.17)},
    "helmet_cap": {"peak_m": (0.0, 0.12)},
    "shield_tall": {"height_m": (0.7, 1.25), "width_m": (0.45, 0.85)},
    "shield_round": {"across_m": (0.5, 1.0)},
    "spear": {"length_m": (1.7, 2.9)},
    "sword": {"length_m": (0.35, 0.85)},
    "bow": {"span_m": (0.9, 1.6)},
    "quiver": {"longer_m": (-0.15, 0.15)},
}


def read_sizes(table: Mapping[str, Any], kit: Collection[str], where: str) -> Sizes:
    """A recipe's [sizes] table, e.g. `spear = { length_m = 2.6 }`. Raises AssetError naming the field."""
    chosen = []
    for item, settings in sorted(table.items()):
        if item not in kit or item not in LIMITS:
            able = ", ".join(sorted(set(LIMITS) & set(kit))) or "none of this kit"
            raise AssetError(f"{where}: sizes.{item} is not of the kit, or has no sizes. Take one of: {able}.")
        if not isinstance(settings, Mapping):
            raise AssetError(f"{where}: sizes.{item} is {settings!r}. Write a table: {_example(item)}.")
        for name, value in settings.items():
            if name not in LIMITS[item]:
                raise AssetError(f"{where}: sizes.{item}.{name} is not known. Take one of: {', '.join(LIMITS[item])}.")
            low, high = LIMITS[item][name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise AssetError(f"{where}: sizes.{item}.{name} is {value!r}. Write a number from {low:g} to {high:g}.")
        chosen.append((item, tuple(sorted((name, float(value)) for name, value in settings.items()))))
    return tuple(chosen)


def _example(item: str) -> str:
    name, (low, _) = next(iter(LIMITS[item].items()))
    return f"{item} = {{ {name} = {low:g} }}"
