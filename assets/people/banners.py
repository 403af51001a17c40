"""What a recipe says of a banner: its form, sizes and device. Its colours are the palette's `banner` and `banner_mark`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from pipeline.errors import AssetError

FORMS = ("vexillum", "flag")
DEVICES = ("plain", "border", "disc", "cross", "bars", "chevron")
# A raised banner of 2.3 m ends at 2.5 m, and a sprite's frame at 2.55 m (assets.sprites.guides).
_LIMITS = {"pole_m": (1.9, 2.3), "width_m": (0.25, 0.9), "drop_m": (0.25, 0.9)}


@dataclass(frozen=True, slots=True)
class Banner:
    """form: "vexillum" hangs from a cross-bar, "flag" from the pole itself. pole_m: butt to tip. width_m, drop_m: of the
    cloth. device: what is painted on it. fringe_m: a fringe in the device's colour at the lower hem."""

    form: str = "vexillum"
    device: str = "disc"
    pole_m: float = 2.3
    width_m: float = 0.48
    drop_m: float = 0.54
    fringe_m: float = 0.04


def read_banner(table: Mapping[str, Any], where: str) -> Banner:
    """A recipe's [banner] table. Raises AssetError naming the field."""
    known = {field.name for field in fields(Banner)}
    for name, value in table.items():
        if name not in known:
            raise AssetError(f"{where}: banner.{name} is not known. Take one of: {', '.join(sorted(known))}.")
        choices = {"form": FORMS, "device": DEVICES}.get(name)
        if choices and value not in choices:
            raise AssetError(f"{where}: banner.{name} is {value!r}. Write one of: {', '.join(choices)}.")
        low, high = _LIMITS.get(name, (0.0, 0.1))
        if not choices and not (isinstance(value, int | float) and low <= value <= high):
            raise AssetError(f"{where}: banner.{name} is {value!r}. Write metres from {low:g} to {high:g}.")
    return Banner(**table)
