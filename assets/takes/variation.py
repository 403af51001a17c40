"""What of a character differs from take to take, for painters who do as the looks say: dye, fading and wear, drawn from the
take's number. t01 is the recipe as it stands; every sprite of a take, and every person of the kind, is changed alike.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from assets.people.characters import Character, Material, Part, materials
from assets.providers.request import Identity

# How freely a take changes what is made of each; [vary] of a recipe says otherwise of a part.
USUAL = {
    Material.SKIN: 0.0,
    Material.HAIR: 0.6,
    Material.CLOTH: 1.0,
    Material.LEATHER: 0.6,
    Material.METAL: 0.4,
    Material.WOOD: 0.5,
    Material.PAINT: 0.6,
    Material.MAIL: 0.4,
}
_STOPS, _FADE, _WARMTH = 0.8, 0.5, 0.14  # at most: lighter or darker; of the colour lost; to red or to blue
_DARKEST, _PALEST = 0.008, 0.9  # albedos that cloth has


@dataclass(frozen=True, slots=True)
class Dye:
    """What happens to a part's albedo: gain (1: nothing), fade (share that turns grey), warmth (of red over blue)."""

    part: int
    gain: float
    fade: float
    warmth: float


def dyes_of(character: Character, number: int) -> tuple[Dye, ...]:
    """The dyes of take `number`, from 1, of a character; the same for every person of the kind."""
    if number <= 1:
        return ()
    kinds, said = materials(character), dict(character.vary)
    made = []
    for part in Part:
        freely = said.get(part.name.lower(), USUAL[Material(int(kinds[part]))])
        if part is Part.EMPTY or not freely:
            continue
        name = f"{character.name} {part.name} {number}"
        drawn = np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")).random(3)
        stops, fade, warmth = (2 * drawn[0] - 1) * _STOPS, drawn[1] * _FADE, (2 * drawn[2] - 1) * _WARMTH
        made.append(Dye(int(part), float(2 ** (freely * stops)), float(freely * fade), float(freely * warmth)))
    return tuple(made)


def dyed(identity: Identity, dyes: tuple[Dye, ...]) -> Identity:
    """The identity as a take has it."""
    by_part = {dye.part: dye for dye in dyes}
    looks = []
    for look in identity.looks:
        dye = by_part.get(look.part)
        if dye is not None:
            colour = np.array(look.albedo)
            faded = colour + dye.fade * (colour.mean() - colour)
            turned = dye.gain * faded * (1 + dye.warmth, 1, 1 - dye.warmth)
            red, green, blue = (float(value) for value in np.clip(turned, _DARKEST, _PALEST))
            look = replace(look, albedo=(red, green, blue))
        looks.append(look)
    return replace(identity, looks=tuple(looks))
