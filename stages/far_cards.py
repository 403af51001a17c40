"""The set's cards placed by the solved camera's first frame, for those that draw them. No stage."""

from __future__ import annotations

import numpy as np

from assets.sets.cards import Card, place_card
from calibration.cameras import camera_centre, lens_at, load_poses, look_direction, pixel_rays_world
from pipeline.far_sections import FarCards
from pipeline.types import CameraTrack


def placed_cards(far: FarCards, track: CameraTrack) -> tuple[Card, ...]:
    """In the order of the shot file, numbered from 1. Raises AssetError, FormatError, ConfigError with the card's name."""
    pose, lens = load_poses(track)[0], lens_at(track, track.frames.first)
    placed = []
    for number, card in enumerate(far.cards, start=1):
        base = None if card.base_px is None else pixel_rays_world(np.array(card.base_px), lens, pose)[1]
        placed.append(place_card(card, number, camera_centre(pose), look_direction(pose), base))
    return tuple(placed)
