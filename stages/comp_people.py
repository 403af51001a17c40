"""People of the plate in the shadow of set pieces and the crowd: they lose the sun as the crowd beside them does. No stage."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from assets.sets.projection import read_pieces
from assets.sunlight.kept import read_sun
from assets.sunlight.on_people import left_on_people
from assets.sunlight.share import Sunlight
from assets.view import View
from calibration.look.measured import LookFigures
from calibration.mattes.pulled import Pulled
from pipeline.far_sections import FarCards
from pipeline.kernels.color import LUMINANCE
from pipeline.types import CameraTrack, PlateLight, SetLayout
from stages.comp_inputs import LEAST_ALPHA, Shot
from stages.far_cards import placed_cards


@lru_cache(maxsize=2)  # once per worker
def sunlight_of(path: Path, set_layout: SetLayout, light: PlateLight, far: FarCards, track: CameraTrack) -> Sunlight:
    """What pieces and cards of a set hide. path: as assets.sunlight.kept.write_sun wrote it."""
    return read_sun(path, read_pieces(set_layout), light.shadow_rgb, placed_cards(far, track))


def shaded(
    shot: Shot,
    sunlight: Sunlight,
    view: View,
    measured: LookFigures,
    strength: float,
    by_crowd: np.ndarray | None = None,
) -> Shot:
    """The shot with its people as the shadows leave them, in `rgb`, in their own colour and in `lit`; itself, to the bit, where none
    falls on anybody. strength: times what is taken; by_crowd: (H, W) how much of the sun the crowd hides."""
    left = left_on_people(sunlight, view, shot.matte, shot.figures_m, by_crowd)
    if left is None or strength <= 0:
        return shot
    own = np.clip(1 - np.float32(strength) * (1 - left), 0, 1)
    share = 1 - shot.matte[..., None] * (1 - own)
    where = share.min(axis=2) <= 1 - LEAST_ALPHA
    air = _air(shot, measured, where)
    rgb, lit = shot.rgb.copy(), np.ones_like(shot.matte)
    rgb[where] = _darkened(shot.rgb[where], air, share[where])
    lit[where] = share[where] @ LUMINANCE
    pulled = shot.pulled and _own(shot.pulled, own, air, where)
    return replace(shot, rgb=rgb, lit=lit, pulled=pulled)


def _own(pulled: Pulled, own: np.ndarray, air: np.ndarray, where: np.ndarray) -> Pulled:
    """What the matte knows of people's own colour, darkened with them. air: (K, 3) before the K pixels of `where`."""
    front = pulled.front.copy()
    front[where] = _darkened(pulled.front[where], air * pulled.alpha[where][:, None], own[where])
    returned = pulled.returned.copy()
    if pulled.keyed:
        returned[where] *= own[where] @ LUMINANCE
    return replace(pulled, front=front, returned=returned)


def _darkened(rgb: np.ndarray, air: np.ndarray, left: np.ndarray) -> np.ndarray:
    """(K, 3): the air before something keeps its light."""
    veil = np.minimum(air, rgb)
    return np.asarray(veil + (rgb - veil) * left, np.float32)


def _air(shot: Shot, measured: LookFigures, where: np.ndarray) -> np.ndarray:
    """(K, 3) radiance of the air before people."""
    haze = measured.haze
    away = np.minimum(shot.figures_m[where], np.float32(1e6))
    return np.asarray(
        (1 - np.exp(-np.float32(haze.extinction_per_m) * away))[:, None] * np.array(haze.colour, np.float32)
    )
