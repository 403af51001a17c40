"""The ground y = 0 as a grid through the lens, fine near the camera and coarse beyond, and the axes of the world."""

from __future__ import annotations

import math

import numpy as np

from calibration.judge.eye import Eye, Picture, strokes
from pipeline.review import slate

REACH = 14  # meshes of a grid to each side
LEVELS = 10  # of fading
INK = (206, 230, 250)
AXES = (("X", (1, 0, 0), (240, 90, 84)), ("Y", (0, 1, 0), (120, 226, 116)), ("Z", (0, 0, 1), (96, 150, 255)))


def mesh_m(height_m: float) -> float:
    """The fine grid's mesh for a camera that high: 1 m for a person's, 0.1 m over a table, 10 m from a roof."""
    return 10.0 ** round(math.log10(max(height_m, 1e-3) / 2.5))


def draw_grid(picture: Picture, eye: Eye, mesh: float) -> None:
    """Lines at whole multiples of `mesh` metres, stronger ones at ten times that, in place; weaker the farther."""
    cover = np.zeros(picture.shape[:2], np.uint8)
    for spacing, skip, strength in ((mesh, 10, 0.6), (10 * mesh, 0, 0.95)):
        _cover(cover, eye, spacing, skip, 0.05 * mesh, strength)
    at = np.nonzero(cover)
    share = cover[at].astype(np.float32)[:, None] / np.float32(255)
    picture[at] = np.rint(picture[at] * (1 - share) + np.array(INK, np.float32) * share).astype(np.uint8)


def draw_axes(picture: Picture, eye: Eye, length_m: float) -> None:
    """The world's axes at its origin where it is in view, and how they lie, in the corner."""
    height = picture.shape[0]
    size, thick = 0.055 * height, max(1, round(height / 360))
    corner = np.array([1.5 * size, height - 1.5 * size])
    for name, way, ink in sorted(AXES, key=lambda axis: -float(eye.pose[2, :3] @ np.array(axis[1]))):
        line = np.linspace(0, length_m, 12)[:, None] * np.array(way, float)
        seen = eye.see(line, 0.05 * length_m)
        pieces = np.stack([seen[:-1], seen[1:]], axis=1)
        strokes(picture, pieces[np.isfinite(pieces).all(axis=(1, 2)) & eye.inside(seen[:-1], 0.5)], ink, 2 * thick)
        tip = corner + size * (eye.pose[:3, :3] @ np.array(way, float))[:2]
        strokes(picture, np.array([[corner, tip]]), ink, thick)
        beside = tip + 0.25 * size * (tip - corner) / max(float(np.linalg.norm(tip - corner)), 0.3 * size)
        letters = max(9, round(0.3 * size))
        x = round(beside[0] - 0.5 * slate.width_of(name, letters))
        slate.write(picture, name, x, round(beside[1] + 0.35 * letters), letters, ink)


def _cover(cover: Picture, eye: Eye, spacing: float, skip: int, nearest_m: float, most: float) -> None:
    """How much of a grid lies on each pixel, into (H, W) uint8. The lines stay where they are; the window follows the camera."""
    middle = np.rint(eye.centre[[0, 2]] / spacing).astype(int)
    numbers, along = np.arange(-REACH, REACH + 1), np.arange(-2 * REACH, 2 * REACH + 1) / 2
    pieces, far = [], []
    for axis in (0, 1):
        across = middle[axis] + numbers
        across = across[across % skip != 0] if skip else across
        lines = np.zeros((len(across), len(along), 3))
        lines[..., 2 * axis] = across[:, None] * spacing
        lines[..., 2 - 2 * axis] = (middle[1 - axis] + along)[None] * spacing
        seen = eye.see(lines.reshape(-1, 3), nearest_m).reshape(len(across), len(along), 2)
        pieces.append(np.stack([seen[:, :-1], seen[:, 1:]], axis=2).reshape(-1, 2, 2))
        halves = 0.5 * (lines[:, :-1] + lines[:, 1:]).reshape(-1, 3)
        far.append(np.hypot(halves[:, 0] - eye.centre[0], halves[:, 2] - eye.centre[2]) / (REACH * spacing))
    ends = np.concatenate(pieces)
    strength = most * np.clip(1 - np.concatenate(far), 0, 1) ** 0.8
    shown = eye.inside(ends[:, 0], 0.3) | eye.inside(ends[:, 1], 0.3)
    shown &= eye.inside(ends[:, 0], 4.0) & eye.inside(ends[:, 1], 4.0)
    level = np.rint(strength * LEVELS).astype(int)
    for step in range(1, LEVELS + 1):
        strokes(cover, ends[shown & (level == step)], int(255 * step / LEVELS))
