"""What people and sets are made of, as a generator is told it: one look per part."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from assets.people.characters import Character, Material, Part, albedos, materials
from assets.providers.request import Color, Identity, PartLook, SetPart
from pipeline.errors import AssetError

# metallic, roughness
_SURFACES = {
    Material.SKIN: (0.0, 0.55),
    Material.HAIR: (0.0, 0.75),
    Material.CLOTH: (0.0, 1.0),
    Material.LEATHER: (0.0, 0.65),
    Material.METAL: (1.0, 0.35),
    Material.WOOD: (0.0, 0.8),
    Material.PAINT: (0.0, 0.5),
    Material.MAIL: (0.8, 0.6),
}
# Linear ACEScg albedo of walls, tops, wood, roofs, ground.
_WOOD: Color = (0.105, 0.068, 0.042)
SET_MATERIALS: dict[str, tuple[Color, Color, Color, Color, Color]] = {
    "stone": ((0.33, 0.285, 0.225), (0.37, 0.325, 0.265), _WOOD, (0.17, 0.085, 0.055), (0.24, 0.20, 0.15)),
    "sandstone": ((0.42, 0.30, 0.19), (0.46, 0.345, 0.23), _WOOD, (0.21, 0.10, 0.06), (0.29, 0.21, 0.135)),
    "granite": ((0.215, 0.215, 0.22), (0.25, 0.25, 0.25), _WOOD, (0.09, 0.095, 0.105), (0.165, 0.155, 0.14)),
    "plaster": ((0.58, 0.53, 0.45), (0.46, 0.42, 0.35), _WOOD, (0.24, 0.105, 0.06), (0.26, 0.22, 0.17)),
}
# What not every kind has, whatever its stone; living rock is the darker brother of the walls that were quarried from it.
_OTHER_PARTS: dict[SetPart, Color] = {
    SetPart.CLOTH: (0.60, 0.535, 0.42),
    SetPart.PLASTER: (0.66, 0.60, 0.495),
    SetPart.LEAF: (0.10, 0.12, 0.048),
}


def character_identity(character: Character) -> Identity:
    """A character as a generator is told it; persons of one kind differ by their seed."""
    colours, kinds = albedos(character), materials(character)
    looks = []
    for part in Part:
        # A banner's looks are told of who carries one only, so that nobody else's requests changed when banners came.
        if part is not Part.EMPTY and (character.banner is not None or part not in (Part.BANNER, Part.BANNER_MARK)):
            red, green, blue = (float(value) for value in colours[part])
            metallic, roughness = _SURFACES[Material(int(kinds[part]))]
            looks.append(PartLook(int(part), (red, green, blue), metallic, roughness))
    return Identity(f"{character.name} v{character.version} {character.seed}", tuple(looks))


def worn(identity: Identity, parts: Iterable[int]) -> Identity:
    """The identity with the looks of `parts` only: who is to be painted without part ids is told by what he wears.

    A character's parts are those of its mesh, `numpy.unique(assets.people.mesh.dressed(character).parts)`.
    """
    kept = set(parts)
    return replace(identity, looks=tuple(look for look in identity.looks if look.part in kept))


def set_identity(material: str, shown: Iterable[int] = ()) -> Identity:
    """A set's material as a generator is told it. shown: the parts that the piece has; those that only some kinds have are
    told when they are among them. Raises AssetError that lists the known materials."""
    if material not in SET_MATERIALS:
        raise AssetError(f"set material {material!r} is not known. Take one of: {', '.join(SET_MATERIALS)}.")
    parts = (SetPart.WALL, SetPart.TOP, SetPart.WOOD, SetPart.ROOF, SetPart.GROUND)
    colours = SET_MATERIALS[material]
    looks = [*zip(parts, colours, strict=True)]
    looks += [(part, colour) for part, colour in _OTHER_PARTS.items() if part in set(shown)]
    if SetPart.ROCK in set(shown):
        looks.append((SetPart.ROCK, _between(colours[0], colours[4])))
    return Identity(material, tuple(PartLook(int(part), colour, 0.0, 0.95) for part, colour in looks))


def _between(one: Color, other: Color) -> Color:
    red, green, blue = (0.45 * (a + b) for a, b in zip(one, other, strict=True))
    return red, green, blue
