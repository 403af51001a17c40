"""An identity in words, for models that read words: "legionary, red cloth tunic, bronze helmet, grey metal blade"."""

from __future__ import annotations

import re
from collections.abc import Iterable

import numpy as np

from assets.people.parts import MATERIALS, Material, Part
from assets.providers.request import Identity, PartLook, SetPart

MOST_PARTS = 12  # CLIP reads 77 tokens
# Linear ACEScg reflectances, by the colour words that people use; the nearest in a cube-root (perceptual) space is taken.
_COLOURS = {
    "black": (0.015, 0.015, 0.015), "dark grey": (0.07, 0.07, 0.07), "grey": (0.2, 0.2, 0.2),
    "light grey": (0.45, 0.45, 0.45), "white": (0.8, 0.8, 0.8), "red": (0.3, 0.05, 0.035), "dark red": (0.12, 0.02, 0.015),
    "orange": (0.5, 0.22, 0.05), "brown": (0.14, 0.075, 0.04), "dark brown": (0.045, 0.026, 0.016), "tan": (0.36, 0.27, 0.17),
    "cream": (0.6, 0.52, 0.38), "yellow": (0.6, 0.5, 0.08), "ochre": (0.42, 0.29, 0.1), "green": (0.09, 0.22, 0.06),
    "dark green": (0.03, 0.08, 0.03), "teal": (0.05, 0.2, 0.2), "blue": (0.07, 0.12, 0.4), "dark blue": (0.02, 0.035, 0.12),
    "light blue": (0.3, 0.45, 0.65), "purple": (0.2, 0.06, 0.25), "pink": (0.6, 0.3, 0.35),
}  # fmt: skip
_METALS = {
    "bronze": (0.46, 0.32, 0.16), "gold": (0.8, 0.58, 0.2), "copper": (0.6, 0.3, 0.18), "iron": (0.4, 0.38, 0.36),
    "steel": (0.55, 0.55, 0.55), "dark iron": (0.1, 0.1, 0.1),
}  # fmt: skip
_STUFFS = {Material.CLOTH: "cloth ", Material.LEATHER: "leather ", Material.WOOD: "wooden "}
_SET_NAMES = {SetPart.WALL: "walls", SetPart.TOP: "battlements", SetPart.WOOD: "wood", SetPart.ROOF: "roofs",
              SetPart.GROUND: "rubble", SetPart.CLOTH: "tent cloth", SetPart.PLASTER: "plaster", SetPart.ROCK: "rock",
              SetPart.LEAF: "bushes"}  # fmt: skip
_KIT_FIRST = (Part.TUNIC, Part.CUIRASS, Part.HELMET, Part.SHIELD, Part.CAPE, Part.CREST, Part.TROUSERS, Part.BLADE)


def words_of(identity: Identity, shown: Iterable[int] | None = None) -> str:
    """The identity's name and the looks of its parts, the most telling first, MOST_PARTS at most.

    shown: part ids that the guides show; only these are told. Names carry version and seed ("legionary v1 7"): left out.
    """
    name = re.sub(r"(\s+v\d+)?(\s+\d+)?$", "", identity.name).replace("_", " ").strip()
    wanted = None if shown is None else set(shown)
    looks = [look for look in identity.looks if wanted is None or look.part in wanted]
    looks.sort(key=lambda look: _KIT_FIRST.index(look.part) if look.part in _KIT_FIRST else len(_KIT_FIRST))
    return ", ".join([name, *(_look(look) for look in looks[:MOST_PARTS])])


def _look(look: PartLook) -> str:
    if look.part in _SET_NAMES:
        return f"{_nearest(_COLOURS, look)} {_SET_NAMES[SetPart(look.part)]}"
    known = look.part in MATERIALS
    part = Part(look.part).name.lower().replace("_", " ") if known else f"part {look.part}"
    if look.metallic > 0.5:
        return f"{_nearest(_METALS, look)} {part}"
    stuff = _STUFFS.get(MATERIALS[Part(look.part)], "") if known else ""
    return f"{_nearest(_COLOURS, look)} {stuff}{part}"


def _nearest(table: dict[str, tuple[float, float, float]], look: PartLook) -> str:
    seen = np.cbrt(np.array(look.albedo))
    return min(table, key=lambda word: float(np.abs(np.cbrt(np.array(table[word])) - seen).sum()))
