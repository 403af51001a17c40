"""Samples onto a shot's frames, and what people do who only have a path: which motion, at which phase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.motion.motions import MOTIONS, load_motion
from pipeline.io.usdread import Sampled

Array = npt.NDArray[np.float64]
SETTLED_S = 0.5  # speed is looked at over so long: nobody changes his gait for one frame
_GAITS = (("idle", 0.0), ("walk", 0.35), ("run", 2.4))  # m/s from which each is taken


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """names: what motions (F, N) uint8 count in. phases: (F, N) float32 cycles in [0, 1)."""

    names: tuple[str, ...]
    motions: npt.NDArray[np.uint8]
    phases: npt.NDArray[np.float32]


def at_times(sampled: Sampled, times: Array, held: bool, circle: float = 0.0) -> Array:
    """Values at `times`: (F, N, ...) float64. Before the first sample and after the last one that one holds.

    held: each sample lasts until the next; else straight lines, the short way round where values live on a `circle`.
    """
    before = np.clip(np.searchsorted(sampled.times, times, "right") - 1, 0, len(sampled.times) - 1)
    values = sampled.values[before].astype(np.float64)
    if held or len(sampled.times) == 1:
        return values
    after = np.minimum(before + 1, len(sampled.times) - 1)
    gap = np.maximum(sampled.times[after] - sampled.times[before], 1e-12)
    share = np.clip((times - sampled.times[before]) / gap, 0, 1)
    between = np.flatnonzero((share > 0) & (after > before))
    if len(between):
        step = sampled.values[after[between]].astype(np.float64) - values[between]
        if circle:
            step = (step + circle / 2) % circle - circle / 2
        values[between] += step * share[between].reshape(-1, *[1] * (values.ndim - 1))
    return values


def headings(quaternions: Array, ahead: Array) -> Array:
    """Where `ahead` (3,) goes by quaternions (..., 4) x, y, z, w: (..., 3). They need not be of unit length."""
    q = np.asarray(quaternions, np.float64)
    q = q / np.maximum(np.linalg.norm(q, axis=-1, keepdims=True), 1e-9)
    twice = 2 * np.cross(q[..., :3], ahead)
    return np.asarray(ahead + q[..., 3:] * twice + np.cross(q[..., :3], twice))


def moves_of(
    positions: npt.NDArray[np.float32],
    yaws: npt.NDArray[np.float32],
    scales: Array,
    starts: Array,
    frames_per_second: float,
    given: tuple[tuple[str, ...], npt.NDArray[np.uint8]] | None = None,
) -> Moves:
    """What people do on paths (F, N, 3) of metres. given: (names, (F, N)) the motions, else idle, walk or run by speed.

    Whoever moves turns his cycle by the way he goes, backwards where he steps back; whoever stands, by the clock. A
    motion that does not loop runs once from where it begins. starts: (N,) phases on the first frame.
    """
    steps = np.diff(positions[..., [0, 2]].astype(np.float64), axis=0, prepend=positions[:1][..., [0, 2]])
    ahead = np.stack([np.sin(yaws), np.cos(yaws)], axis=-1)
    gone = np.linalg.norm(steps, axis=-1) * np.where((steps * ahead).sum(axis=-1) < 0, -1.0, 1.0)
    if given is None:
        given = _by_speed(gone, frames_per_second)
    names, motions = given
    turned = np.zeros(motions.shape)
    for number, name in enumerate(names):
        motion = load_motion(name)
        stride = motion.speed_mps * motion.cycle_s * scales
        clock = np.full(len(scales), 1 / (motion.cycle_s * frames_per_second))
        walks = motion.speed_mps > 0 and motion.loops
        turned = np.where(motions == number, gone / stride if walks else clock, turned)
    turned[0] = 0
    phases = starts + np.cumsum(turned, axis=0)
    for number, name in enumerate(names):
        if not load_motion(name).loops:
            phases = _once(phases, turned, motions == number)
    return Moves(names, motions, strides(phases))


def strides(phases: Array) -> npt.NDArray[np.float32]:
    """Into [0, 1), also after the rounding to float32."""
    wrapped = (phases % 1.0).astype(np.float32)
    return np.where(wrapped >= 1, np.float32(0), wrapped)


def _by_speed(gone: Array, frames_per_second: float) -> tuple[tuple[str, ...], npt.NDArray[np.uint8]]:
    width = max(round(SETTLED_S * frames_per_second), 1) | 1
    speeds = np.abs(gone) * frames_per_second
    speeds[0] = speeds[min(1, len(speeds) - 1)]  # nobody has come from anywhere yet
    padded = np.pad(speeds, ((width // 2, width // 2), (0, 0)), mode="edge")
    sums = np.cumsum(np.concatenate([np.zeros((1, speeds.shape[1])), padded]), axis=0)
    smooth = (sums[width:] - sums[:-width]) / width
    gaits = [gait for gait in _GAITS if gait[0] in MOTIONS]
    motions = sum(((smooth >= speed).astype(np.uint8) for _, speed in gaits[1:]), np.zeros(gone.shape, np.uint8))
    used = np.unique(motions) if motions.size else np.array([0])
    return tuple(gaits[i][0] for i in used), np.searchsorted(used, motions).astype(np.uint8)


def _once(phases: Array, turned: Array, doing: npt.NDArray[np.bool_]) -> Array:
    """Where `doing`, the phase begins at 0 when it begins, and stays at the end of the cycle."""
    begins = doing & ~np.concatenate([np.zeros((1, doing.shape[1]), bool), doing[:-1]])
    total = np.cumsum(turned, axis=0)
    at_begin = np.maximum.accumulate(np.where(begins, total, -np.inf), axis=0)
    return np.where(doing, np.clip(total - np.where(doing, at_begin, 0.0), 0, 0.999), phases)
