"""Where a captured person goes: treadmills undone, the way turned to +Z, feet on the ground found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_closing, binary_opening, gaussian_filter1d
from scipy.spatial.transform import Rotation

from assets.mocap.trace import SIGNS, Trace, continuous

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

# In leg lengths, and leg lengths a second.
_LOW = 0.040  # a sole that is lower may be on the ground
_TOUCHING = 0.025  # one that is lower certainly is, most of the time
_SLOW = 0.20  # what a resting sole may seem to move, plus a share of the person's own speed
_STANDS = 0.25  # who is slower does not travel
_STANDS_AT = 0.45  # hips that are lower are not carried by the feet
_BLUR_S = 0.02  # markers tremble: speeds are those of soles smoothed so


def ahead(found: Trace) -> Trace:
    """`found` with its way of travel, or where it faces when it stays, turned to +Z; a treadmill's belt is undone."""
    times = np.arange(found.frames)[:, None] * found.frame_s
    belt = _belt(found)
    moved = _shifted(found, -belt * times)
    way = velocity(moved)
    if np.linalg.norm(way) < _STANDS:
        way = _looks(moved)
    turn = Rotation.from_euler("y", -np.arctan2(way[0], way[2]))
    return _turned(moved, turn)


def _looks(found: Trace) -> Array:
    """(3,) where someone who stays is turned to: a fighter stands sideways, but looks at his foe."""
    pelvis, spine, head = (Rotation.from_quat(found.turns[name]) for name in ("pelvis", "spine", "head"))
    upright = pelvis.apply([0.0, 1.0, 0.0])[:, 1] > 0.7
    looks = (pelvis * spine * head).apply([0.0, 0.0, 1.0]) * (1, 0, 1)
    return np.asarray(looks[upright].sum(axis=0) if upright.any() else looks[0])


def velocity(found: Trace) -> Array:
    """(3,) the hips' mean velocity over the ground, leg lengths a second."""
    hips = found.vectors["hips"]
    return (hips[-1] - hips[0]) * (1, 0, 1) / ((found.frames - 1) * found.frame_s)


def contacts(found: Trace) -> dict[str, Flags]:
    """Per side (F,): whether heel or ball rests on the ground; gaps and touches of under 0.1 s are smoothed away."""
    limit = _SLOW + 0.22 * float(np.linalg.norm(velocity(found)))
    few = np.ones(max(1, round(0.1 / found.frame_s)), bool)
    stands = found.vectors["hips"][:, 1] > _STANDS_AT
    there = {}
    for side in SIGNS:
        sole = gaussian_filter1d(found.soles[side], _BLUR_S / found.frame_s, axis=0, mode="nearest")
        speeds = np.linalg.norm(np.gradient(sole[..., ::2], found.frame_s, axis=0), axis=-1)
        down = ((sole[..., 1] < _LOW) & (speeds < limit)).any(axis=1) & stands
        padded = np.pad(down, len(few), mode="edge")
        there[side] = binary_opening(binary_closing(padded, few), few)[len(few) : -len(few)]
    return there


def _belt(found: Trace) -> Array:
    """(3,) how the ground moves under the feet: nothing, but for clips that were made to go on the spot."""
    moves = []
    for sole in found.soles.values():
        speeds = np.gradient(sole, found.frame_s, axis=0)
        low = (sole[..., 1] < _TOUCHING) & (sole[..., 1] <= sole[..., 1].min(axis=1, keepdims=True) + 1e-9)
        moves.append(speeds[low])
    rolling = np.concatenate(moves)
    belt = np.median(rolling, axis=0) * (1, 0, 1) if len(rolling) else np.zeros(3)
    return belt if np.linalg.norm(belt) > _STANDS else np.zeros(3)


def _shifted(found: Trace, shift: Array) -> Trace:
    """Every place moved by `shift` (F, 3)."""
    moved = {name: found.vectors[name] + shift for name in ("hips", "ankle.L", "ankle.R")}
    soles = {side: sole + shift[:, None] for side, sole in found.soles.items()}
    return replace(found, vectors=found.vectors | moved, soles=soles)


def _turned(found: Trace, turn: Rotation) -> Trace:
    """Everything that is in the person's space turned about Y."""
    vectors = dict(found.vectors)
    for name in ("hips", "ankle.L", "ankle.R"):
        vectors[name] = turn.apply(vectors[name])
    for side, sign in SIGNS.items():
        for name in (f"knuckles.{side}", f"grip.{side}"):
            outward = (sign, 1.0, 1.0)
            vectors[name] = turn.apply(vectors[name] * outward) * outward
        foot = vectors[f"foot.{side}"].copy()
        foot[:, 1] += sign * turn.as_rotvec()[1]
        foot[:, 1] -= 2 * np.pi * np.round(np.median(foot[:, 1]) / (2 * np.pi))
        vectors[f"foot.{side}"] = foot
    pelvis = continuous((turn * Rotation.from_quat(found.turns["pelvis"])).as_matrix())
    soles = {side: turn.apply(sole.reshape(-1, 3)).reshape(sole.shape) for side, sole in found.soles.items()}
    return replace(found, vectors=vectors, turns=found.turns | {"pelvis": pelvis}, soles=soles)
