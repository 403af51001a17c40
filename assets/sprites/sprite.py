"""One sprite of a person as it is asked of a generator: who, in which moment, seen from where, in which light."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from assets.motion.motions import MOTIONS, load_motion
from assets.people.characters import Character, load_character
from assets.people.looks import character_identity
from assets.people.mesh import Mesh, posed_mesh
from assets.providers.request import Color, Guides, Light, Request
from assets.sprites.guides import TALL_M as FRAME_M
from assets.sprites.guides import Guides as Drawn
from assets.sprites.guides import sprite_guides

HEIGHT_PX, WIDTH_PX, WIDE_PX = 128, 64, 128
WIDEST_PX = 224  # for the moments at which a spear is thrust out, or lies beside who fell
METRES_PER_PX = FRAME_M / HEIGHT_PX
NARROW_REACH_M = 0.85  # from the vertical through the root: half the narrow frame, and a hand's breadth that may be cut
# Of the shipped motions, measured once (a test measures them again); a captured motion is measured when it is asked for.
_WIDE = frozenset({"blow", "brace", "charge", "draw", "fall", "run", "shield_up", "thrust"})
_MEASURED_ON = "legionary"  # who reaches farthest: shield and spear


@dataclass(frozen=True, slots=True)
class Sight:
    """How a figure is seen. yaw_rad: 0 faces the viewer, pi/2 the right. elevation_rad: of the viewer above it."""

    yaw_rad: float
    elevation_rad: float = 0.0


def frame_width_px(motion: str) -> int:
    """Width of the frame in which `motion` is painted: WIDTH_PX, or WIDE_PX where weapons are levelled or bodies lie.

    Raises AssetError for an unknown motion.
    """
    if motion in MOTIONS:
        return WIDE_PX if motion in _WIDE else WIDTH_PX
    moments = max(8, math.ceil(4 * load_motion(motion).cycle_s))
    return WIDE_PX if reach_m(_MEASURED_ON, motion, moments) > NARROW_REACH_M else WIDTH_PX


@lru_cache(maxsize=256)
def reach_m(character: str, motion: str, moments: int = 8) -> float:
    """How far body and kit reach from the vertical through the root at any of so many moments of a motion, metres."""
    who, last = load_character(character), moments if load_motion(motion).loops else moments - 1
    meshes = (posed_mesh(who, motion, min(k / last, 0.999)).vertices for k in range(moments))
    return max(float(np.hypot(points[:, 0], points[:, 2]).max()) for points in meshes)


def fitting_px(width_px: int, mesh: Mesh, yaw_rad: float) -> int:
    """The frame of a motion, `width_px`, or WIDEST_PX where a wide one would cut what this mesh shows at that yaw."""
    if width_px < WIDE_PX:
        return width_px
    across = np.cos(yaw_rad) * mesh.vertices[:, 0] + np.sin(yaw_rad) * mesh.vertices[:, 2]
    room_m = (width_px / 2 - 1) * METRES_PER_PX  # a column on each side stays empty
    return WIDEST_PX if float(np.abs(across).max()) > room_m else width_px


def figure_request(
    character: Character,
    mesh: Mesh,
    width_px: int,
    sight: Sight,
    light: Light,
    *,
    seed: int = 1,
    steps: int = 2,
    height_px: int = HEIGHT_PX,
) -> Request:
    """The request for one sprite of height_px x width_px of a posed person. light in the camera's space."""
    drawn = sprite_guides(mesh, sight.yaw_rad, sight.elevation_rad, height_px, width_px)
    return Request(
        guides=request_guides(drawn),
        identity=character_identity(character),
        metres_per_px=FRAME_M / height_px,
        light=light,
        seed=seed,
        steps=steps,
    )


def request_guides(drawn: Drawn) -> Guides:
    """Guides as people's are drawn (y up, z towards the viewer), in the axes that requests have."""
    return Guides.image(
        coverage=drawn.coverage,
        depth=drawn.depth,
        normals=drawn.normals * np.array([1, -1, -1], np.float32),
        parts=drawn.parts.astype(np.int32),
        pose=drawn.pose.astype(np.float32) / 255,
    )


def sun_seen(azimuth_rad: float, elevation_rad: float, heading_rad: float, camera_elevation_rad: float) -> Color:
    """Direction to the sun in camera space (x right, y down, z into the scene), for a camera seen along `heading_rad`.

    azimuth_rad: the sun's heading in the world, 0 = +Z, pi/2 = +X. heading_rad: from what is seen towards the camera.
    """
    turn = azimuth_rad - heading_rad
    right, up, near = (
        math.cos(elevation_rad) * math.sin(turn),
        math.sin(elevation_rad),
        math.cos(elevation_rad) * math.cos(turn),
    )
    c, s = math.cos(camera_elevation_rad), math.sin(camera_elevation_rad)
    raised, closer = c * up - s * near, s * up + c * near
    return float(np.float32(right)), float(np.float32(-raised)), float(np.float32(-closer))
