"""Biovision BVH files: a hierarchy with channels, and one row of numbers a frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assets.mocap.capture import Capture, rate_of
from pipeline.errors import AssetError

Array = NDArray[np.float64]

# The format names no unit: the one that makes the skeleton most nearly a grown person. The third is CMU's, 1 / 0.45 inch.
_METRES = (1.0, 0.01, 0.0254 / 0.45, 0.0254, 0.001)
_NEAR_M = 1.6  # the widest extent of a person's joints, standing or arms out
_CHANNELS = ("Xposition", "Yposition", "Zposition", "Xrotation", "Yrotation", "Zrotation")


@dataclass
class _Hierarchy:
    names: list[str] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    offsets: list[list[float]] = field(default_factory=list)
    channels: list[list[str]] = field(default_factory=list)


def read_bvh(path: Path) -> Capture:
    """The skeleton and motion of a BVH file, in its own axes, metres. The rest pose is that of all angles zero.

    Raises AssetError that names the line when the file is broken or ends too early.
    """
    lines = path.read_text("utf-8", errors="replace").splitlines()
    start = next((i for i, line in enumerate(lines) if line.strip().upper() == "MOTION"), len(lines))
    if not lines or lines[0].strip().upper() != "HIERARCHY" or start == len(lines):
        raise AssetError(f"{path}: is no whole BVH file: HIERARCHY or MOTION is missing. Export it again.")
    tree = _hierarchy(path, lines[:start])
    frame_s, rows = _motion(path, lines, start, sum(len(c) for c in tree.channels))
    return _capture(path, tree, frame_s, rows)


def _hierarchy(path: Path, lines: list[str]) -> _Hierarchy:
    tree, open_joints, end_site = _Hierarchy(), [], False
    current = -1
    for number, line in enumerate(lines, 1):
        words = line.split()
        match words:
            case ["ROOT" | "JOINT", *name] if name:
                if words[0] == "ROOT" and tree.names:
                    raise AssetError(f"{path}, line {number}: a second skeleton begins. Export one skeleton per file.")
                tree.names.append(" ".join(name))
                tree.parents.append(current)
                tree.offsets.append([0.0, 0.0, 0.0])
                tree.channels.append([])
            case ["End", *_]:
                end_site = True
            case ["{"]:
                open_joints.append(current)
                current = current if end_site else len(tree.names) - 1
            case ["}"] if open_joints:
                current, end_site = open_joints.pop(), False
            case ["OFFSET", *values] if current >= 0:
                if not end_site:
                    tree.offsets[current] = _numbers(path, number, values, 3)
            case ["CHANNELS", count, *channels] if current >= 0:
                if count != str(len(channels)) or not set(channels) <= set(_CHANNELS):
                    raise AssetError(
                        f"{path}, line {number}: {count} channels are announced, {len(channels)} follow: "
                        f"{' '.join(channels)}. Known are {' '.join(_CHANNELS)}; export it again."
                    )
                tree.channels[current] = channels
            case [] | ["HIERARCHY"]:
                pass
            case _:
                raise AssetError(f"{path}, line {number}: {line.strip()[:60]!r} is not understood. Export it again.")
    if open_joints or not tree.names:
        raise AssetError(f"{path}: the hierarchy is not closed: {len(open_joints)} braces are open. Export it again.")
    return tree


def _motion(path: Path, lines: list[str], start: int, width: int) -> tuple[float, Array]:
    try:
        frames = int(lines[start + 1].split(":")[1])
        frame_s = float(lines[start + 2].split(":")[1])
    except (IndexError, ValueError) as error:
        raise AssetError(
            f"{path}, line {start + 2}: `Frames: N` and `Frame Time: s` must follow MOTION. Export it again."
        ) from error
    if frames < 1 or not frame_s > 0:
        raise AssetError(f"{path}: {frames} frames of {frame_s:g} s hold no motion. Export a range of frames.")
    rows = []
    for number, line in enumerate(lines[start + 3 :], start + 4):
        if words := line.split():
            rows.append(_numbers(path, number, words, width))
    if len(rows) != frames:
        raise AssetError(
            f"{path}: {frames} frames are announced, {len(rows)} are there: the file is cut off. Copy or export it again."
        )
    return frame_s, np.array(rows)


def _numbers(path: Path, number: int, words: list[str], count: int) -> list[float]:
    try:
        values = [float(word) for word in words]
    except ValueError:
        values = []
    if len(values) != count or not np.isfinite(values).all():
        raise AssetError(f"{path}, line {number}: {len(words)} values, need {count} finite numbers. Export it again.")
    return values


def _capture(path: Path, tree: _Hierarchy, frame_s: float, rows: Array) -> Capture:
    count = len(tree.names)
    rest = np.tile(np.eye(4), (count, 1, 1))
    rotations = np.empty((len(rows), count, 3, 3))
    positions = np.empty((len(rows), count, 3))
    column = 0
    for joint, (parent, channels) in enumerate(zip(tree.parents, tree.channels, strict=True)):
        local, moved = np.tile(np.eye(3), (len(rows), 1, 1)), np.tile(tree.offsets[joint], (len(rows), 1))
        for channel in channels:
            axis = "XYZ".index(channel[0])
            if channel.endswith("position"):
                moved[:, axis] = rows[:, column]  # it stands for the offset, it is not added to it
            else:
                local = local @ _about(axis, np.radians(rows[:, column]))
            column += 1
        if parent < 0:
            rest[joint, :3, 3], positions[:, joint], rotations[:, joint] = tree.offsets[joint], moved, local
        else:
            rest[joint, :3, 3] = rest[parent, :3, 3] + tree.offsets[joint]
            positions[:, joint] = positions[:, parent] + np.einsum("fij,fj->fi", rotations[:, parent], moved)
            rotations[:, joint] = rotations[:, parent] @ local
    extent = float(np.ptp(rest[:, :3, 3], axis=0).max())
    metres = min(_METRES, key=lambda unit: abs(np.log(max(extent, 1e-9) * unit / _NEAR_M)))
    rest[:, :3, 3] *= metres
    joints, parents = tuple(tree.names), tuple(tree.parents)
    return Capture(str(path), joints, parents, rest, rotations, positions * metres, rate_of(frame_s))


def _about(axis: int, angles: Array) -> Array:
    """(F, 3, 3) rotations about a coordinate axis."""
    cos, sin = np.cos(angles), np.sin(angles)
    turn = np.zeros((len(angles), 3, 3))
    a, b = (axis + 1) % 3, (axis + 2) % 3
    turn[:, axis, axis] = 1.0
    turn[:, a, a], turn[:, a, b], turn[:, b, a], turn[:, b, b] = cos, -sin, sin, cos
    return turn
