"""Requests for sprites in the standing frame of a motion, as atlases ask for them."""

from assets.people.characters import Character
from assets.people.mesh import posed_mesh
from assets.providers.request import Light, Request
from assets.sprites.sprite import Sight, figure_request, frame_width_px


def sprite_request(character: Character, motion: str, phase: float, sight: Sight, light: Light) -> Request:
    """The request for one sprite of HEIGHT_PX x frame_width_px(motion). phase in cycles; light in the camera's space."""
    return figure_request(character, posed_mesh(character, motion, phase), frame_width_px(motion), sight, light)
