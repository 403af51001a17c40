"""The reference sheet of a character: a few views and poses in one light, the same for every shot."""

from __future__ import annotations

import math

from assets.people.characters import Character
from assets.people.mesh import posed_mesh
from assets.providers.request import Light, Request
from assets.sprites.sprite import Sight, figure_request
from assets.takes.told import Telling

HEIGHT_PX, WIDTH_PX = 256, 128
SIGHTS = (("front", 0.0), ("three-quarter", math.pi / 4), ("back", math.pi))
POSES = (("standing", "idle", 0.0), ("marching", "march", 0.25))
LIGHT = Light()


def shown() -> tuple[str, ...]:
    """What each picture of a take shows, in order."""
    return tuple(f"{view}, {pose}" for pose, _, _ in POSES for view, _ in SIGHTS)


def sheet_requests(character: Character, told: Telling, steps: int) -> list[Request]:
    """A request per view and pose, HEIGHT_PX x WIDTH_PX."""
    return [
        told.told(
            figure_request(
                character,
                posed_mesh(character, motion, phase),
                WIDTH_PX,
                Sight(yaw),
                LIGHT,
                steps=steps,
                height_px=HEIGHT_PX,
            )
        )
        for _, motion, phase in POSES
        for _, yaw in SIGHTS
    ]
