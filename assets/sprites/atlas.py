"""The atlas of the shot's characters: which sprite an agent shows, by character, motion, phase, view and variant.

A sprite's frame: orthographic, the viewer stands on +Z of the figure's frame and looks along -Z, x to the right, up is
up. View yaw 0 faces the viewer; pi/2 faces the right of the picture.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from assets.motion.blending import STANDARD
from assets.motion.motions import MOTIONS, Grip, load_motion
from pipeline.errors import AssetError
from pipeline.types import CharacterAtlas

Array = np.ndarray[Any, Any]
VIEWS = 24  # 15 degrees apart: half a bin is 7.5 degrees, under what is seen at 128 px
PHASES_MOVING = 16
PHASES_STILL = 8
MOST_PHASES = 256
BETWEEN_M, LEAP_M, ARM_M = 0.10, 0.25, 0.6
STILL_MOTIONS = frozenset({"idle", "brace", "shield_up"})
HELD = 0.999  # the phase at which a clip that does not loop stays


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A way from one motion to another as an atlas holds it: from a phase bin of `before` to one of `after`, in so many
    steps (assets.motion.changes), the body going ahead meanwhile by `way` tenths of a metre."""

    before: str
    before_bin: int
    after: str
    after_bin: int
    way: int
    steps: int

    def ends(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """(motion, phase bin) where it begins and where it ends."""
        return (self.before, self.before_bin), (self.after, self.after_bin)


def phases_of(motion: str) -> int:
    """How many phases of `motion` an atlas holds: of a captured one as many as its length and its liveliness need."""
    if motion in MOTIONS:
        return PHASES_STILL if motion in STILL_MOTIONS else PHASES_MOVING
    return _captured_phases(motion)


@lru_cache(maxsize=256)
def _captured_phases(motion: str) -> int:
    """So many that from one to the next a hand or a foot goes BETWEEN_M on average, and LEAP_M where it is fastest, but
    no more than one for each frame of a film, and MOST_PHASES."""
    clip = load_motion(motion)
    steps = max(64, math.ceil(clip.cycle_s * 30))
    poses = [clip.pose(min(k / steps, HELD), STANDARD, Grip()) for k in range(steps + 1)]
    arms = [(pose.left_arm.wrist, pose.right_arm.wrist) for pose in poses]
    legs = [(pose.left_leg.ankle, pose.right_leg.ankle, pose.hips) for pose in poses]
    points = np.concatenate([ARM_M * np.array(arms), np.array(legs)], axis=1)
    moved = np.linalg.norm(np.diff(points, axis=0), axis=2).max(axis=1)
    wanted = math.ceil(max(moved.sum() / BETWEEN_M, moved.max() * steps / LEAP_M))
    return int(np.clip(wanted, PHASES_STILL, min(max(PHASES_MOVING, round(24 * clip.cycle_s)), MOST_PHASES)))


def phase_bin(motion: str, phase: Array) -> Array:
    """Bin of each phase (cycles, any real number); bin b shows phase `bin_phase(motion, b)`. int32, same shape."""
    bins, cycles = phases_of(motion), np.asarray(phase, np.float64)
    if not loops(motion):  # its end is no neighbour of its beginning
        return np.clip(np.floor(cycles * (bins - 1) + 0.5), 0, bins - 1).astype(np.int32)
    return (np.floor(cycles * bins + 0.5).astype(np.int64) % bins).astype(np.int32)


def bin_phase(motion: str, number: Array | int) -> Array:
    """The phase that each bin shows, cycles: a cycle's bins share it out, a clip's last bin shows its end."""
    bins = phases_of(motion)
    if not loops(motion):
        return np.minimum(np.asarray(number) / (bins - 1), HELD)
    return np.asarray(np.asarray(number) / bins)


def loops(motion: str) -> bool:
    """Whether a motion is a cycle; a clip (a fall) runs once and its end is held. Raises AssetError for an unknown one."""
    return load_motion(motion).loops


def view_yaw(yaw_rad: Array, position_m: Array, camera_m: Array) -> Array:
    """Yaw of a figure as its viewer sees it: 0 faces the viewer, pi/2 faces the right of the picture; radians, -pi..pi.

    yaw_rad (...): world headings. position_m (..., 3): where they stand. camera_m (3,) or (..., 3): the viewer. World of
    pipeline.types: Y up, heading 0 faces +Z.
    """
    to_camera = np.asarray(camera_m, np.float64) - np.asarray(position_m, np.float64)
    relative = np.asarray(yaw_rad, np.float64) - np.arctan2(to_camera[..., 0], to_camera[..., 2])
    return (relative + np.pi) % (2 * np.pi) - np.pi


def view_bin(yaw_relative_rad: Array) -> Array:
    """Bin of each view yaw (radians, any real number); bin b stands for b * 2 pi / VIEWS. int32, same shape."""
    turns = np.asarray(yaw_relative_rad, np.float64) / (2 * np.pi)
    return (np.floor(turns * VIEWS + 0.5).astype(np.int64) % VIEWS).astype(np.int32)


def variant_of(agent_seed: Array, variants: int) -> Array:
    """Which of `variants` versions of its character an agent wears. int32, same shape."""
    mixed = (np.asarray(agent_seed, np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)
    return (mixed % np.uint64(variants)).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Atlas:
    """An atlas in memory (sprites and reliefs memory-mapped).

    sprites: (S, H, W, 4) float16 RGBA premultiplied, scene-linear. reliefs: (S, H, W) float16 metres towards the viewer.
    root_px: (x, y) of the point between the feet, pixel centres at .5. tables: (character, motion) to
    (variants, phases, VIEWS) int32 rows of `sprites`; (character, change) to (variants, steps - 1, VIEWS).
    widths_px: (S,) of each sprite's own frame, in the middle of W.
    """

    sprites: Array
    reliefs: Array
    metres_per_px: float
    root_px: tuple[float, float]
    elevation_rad: float
    variants: int
    tables: dict[tuple[str, str | Change], Array]
    widths_px: Array

    @cached_property
    def changes(self) -> dict[tuple[str, str, str], tuple[Change, ...]]:
        """The crossings that were painted, sorted, by (character, motion before, motion after)."""
        found: dict[tuple[str, str, str], list[Change]] = {}
        for character, doing in self.tables:
            if isinstance(doing, Change):
                found.setdefault((character, doing.before, doing.after), []).append(doing)
        return {key: tuple(sorted(changes)) for key, changes in found.items()}

    def sprite_index(
        self,
        characters: Sequence[str],
        motions: Sequence[str],
        phases: Array,
        yaws_relative_rad: Array,
        seeds: Array | None = None,
    ) -> Array:
        """Sprite of each of N agents, (N,) int32.

        phases (N,) cycles; yaws_relative_rad (N,) from `view_yaw`; seeds (N,) ints of the agents (None: variant 0). Where
        the exact view was not made, the nearest one that was. Raises AssetError for a character or motion without sprites.
        """
        pairs = np.array([f"{c}\n{m}" for c, m in zip(characters, motions, strict=True)])
        views = view_bin(yaws_relative_rad)
        variants = np.zeros(len(pairs), np.int32) if seeds is None else variant_of(seeds, self.variants)
        found = np.full(len(pairs), -1, np.int32)
        for pair in np.unique(pairs):
            character, motion = pair.split("\n")
            if (character, motion) not in self.tables:
                raise AssetError(
                    f"atlas: no sprite of {character} in {motion}. Run generate_crowd again for this layout."
                )
            mine = pairs == pair
            found[mine] = self.tables[character, motion][
                variants[mine], phase_bin(motion, np.asarray(phases)[mine]), views[mine]
            ]
        return found


@lru_cache(maxsize=2)
def load_atlas(receipt: CharacterAtlas) -> Atlas:
    """Open the atlas that a receipt names. Raises AssetError when its files do not belong together."""
    index = json.loads(receipt.index.read_text())
    sprites = np.load(receipt.sprites, mmap_mode="r")
    reliefs = np.load(receipt.reliefs, mmap_mode="r")
    if not len(index["sprites"]) == len(sprites) == len(reliefs):
        raise AssetError(
            f"{receipt.index}: lists {len(index['sprites'])} sprites, {len(sprites)} are there. Make it again."
        )
    tables: dict[tuple[str, str | Change], Array] = {}
    for row, sprite in enumerate(index["sprites"]):
        change = Change(**sprite["change"]) if "change" in sprite else None
        key = sprite["character"], change or sprite["motion"]
        shape = (index["variants"], change.steps - 1 if change else phases_of(sprite["motion"]), VIEWS)
        table = tables.setdefault(key, np.full(shape, -1, np.int32))
        table[sprite["variant"], sprite["step"] - 1 if change else sprite["phase"], sprite["view"]] = row
    return Atlas(
        sprites=sprites,
        reliefs=reliefs,
        metres_per_px=index["metres_per_px"],
        root_px=(index["root_px"][0], index["root_px"][1]),
        elevation_rad=index["elevation_rad"],
        variants=index["variants"],
        tables={key: _nearest_views(table) for key, table in tables.items()},
        widths_px=np.array([sprite.get("width_px", sprites.shape[2]) for sprite in index["sprites"]], np.int32),
    )


def _nearest_views(table: Array) -> Array:
    """Fill each missing view with the nearest one made, each missing phase or variant with the next one made."""
    filled = table.copy()
    for offset in sorted(range(-(VIEWS // 2), VIEWS // 2 + 1), key=abs):
        filled = np.where(filled < 0, np.roll(table, offset, axis=2), filled)
    for axis in (1, 0):
        for shift in range(1, table.shape[axis]):
            filled = np.where(filled < 0, np.roll(filled, shift, axis=axis), filled)
    return filled
