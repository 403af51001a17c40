"""What the parts of a person are called, what each is made of, and its colour where a recipe says nothing."""

from __future__ import annotations

from enum import IntEnum

Colour = tuple[float, float, float]


class Part(IntEnum):
    """What a triangle of a person is made of. Numbers are for ever: guides and trained models carry them."""

    EMPTY = 0
    SKIN = 1
    HAIR = 2
    EYES = 3
    TUNIC = 4
    TROUSERS = 5
    CAPE = 6
    HELMET = 7
    CREST = 8
    CUIRASS = 9
    STRIPS = 10  # pteryges: leather strips at shoulders and hips
    GREAVES = 11
    BOOTS = 12
    BELT = 13
    BRACERS = 14
    SHIELD = 15
    SHIELD_MARK = 16  # the painted device
    SHIELD_TRIM = 17  # rim and boss
    SHAFT = 18  # wood: spear, arrows
    BLADE = 19
    HILT = 20
    BOW = 21
    QUIVER = 22
    BANNER = 23  # the cloth of a vexillum or flag
    BANNER_MARK = 24  # what is painted on it, and its fringe


class Material(IntEnum):
    """How a part takes light."""

    SKIN = 0
    HAIR = 1
    CLOTH = 2
    LEATHER = 3
    METAL = 4
    WOOD = 5
    PAINT = 6
    MAIL = 7


MATERIALS = {
    Part.SKIN: Material.SKIN, Part.HAIR: Material.HAIR, Part.EYES: Material.PAINT, Part.TUNIC: Material.CLOTH,
    Part.TROUSERS: Material.CLOTH, Part.CAPE: Material.CLOTH, Part.HELMET: Material.METAL, Part.CREST: Material.HAIR,
    Part.CUIRASS: Material.METAL, Part.STRIPS: Material.LEATHER, Part.GREAVES: Material.METAL,
    Part.BOOTS: Material.LEATHER, Part.BELT: Material.LEATHER, Part.BRACERS: Material.LEATHER,
    Part.SHIELD: Material.PAINT, Part.SHIELD_MARK: Material.PAINT, Part.SHIELD_TRIM: Material.METAL,
    Part.SHAFT: Material.WOOD, Part.BLADE: Material.METAL, Part.HILT: Material.WOOD, Part.BOW: Material.WOOD,
    Part.QUIVER: Material.LEATHER, Part.BANNER: Material.CLOTH, Part.BANNER_MARK: Material.CLOTH,
}  # fmt: skip

DEFAULT_PALETTE: dict[str, Colour] = {
    "skin": (0.36, 0.23, 0.16), "hair": (0.045, 0.030, 0.020), "eyes": (0.25, 0.23, 0.21), "tunic": (0.42, 0.36, 0.27),
    "trousers": (0.16, 0.13, 0.10), "cape": (0.22, 0.05, 0.03), "helmet": (0.42, 0.38, 0.34), "crest": (0.28, 0.03, 0.02),
    "cuirass": (0.40, 0.38, 0.36), "strips": (0.16, 0.08, 0.045), "greaves": (0.46, 0.32, 0.16),
    "boots": (0.11, 0.06, 0.035), "belt": (0.12, 0.065, 0.035), "bracers": (0.13, 0.07, 0.04),
    "shield": (0.24, 0.05, 0.03), "shield_mark": (0.46, 0.34, 0.12), "shield_trim": (0.46, 0.33, 0.17),
    "shaft": (0.22, 0.14, 0.075), "blade": (0.50, 0.50, 0.50), "hilt": (0.16, 0.09, 0.05), "bow": (0.17, 0.085, 0.04),
    "quiver": (0.15, 0.075, 0.04), "banner": (0.26, 0.045, 0.03), "banner_mark": (0.48, 0.36, 0.13),
}  # fmt: skip
