"""How the figure of a picture stands: the nearest of our own silhouettes, then the one whose parts are of one colour each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from assets.people.characters import Character
from assets.people.mesh import posed_mesh
from assets.sprites.guides import sprite_guides
from assets.train.differences import lab_of
from assets.train.pictures import Picture, Stance, laid_over

Array = np.ndarray[Any, Any]
LEAST_IOU = 0.70  # below, the pose is not among ours
_MOTIONS, _PHASES, _YAWS = ("idle", "walk"), 4, 24
_TALL, _WIDE, _NEAREST = 48, 48, 10
_BACK = 0.15  # of IoU: what parts of one colour each may outweigh


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Our silhouettes of a character (K, _TALL, _WIDE) bool, each figure as high as the picture; parts and coverage of each."""

    stances: tuple[Stance, ...]
    outlines: Array
    parts: Array
    coverages: Array


def bank_of(character: Character) -> Bank:
    """The character standing and walking, seen from all sides."""
    stances, outlines, parts, coverages = [], [], [], []
    for motion in _MOTIONS:
        for k in range(_PHASES if motion != "idle" else 1):
            mesh = posed_mesh(character, motion, k / _PHASES)
            for turn in range(_YAWS):
                stance = Stance(motion, k / _PHASES, turn * 360 / _YAWS)
                drawn = sprite_guides(mesh, np.radians(stance.yaw_deg), np.radians(stance.elevation_deg), 64, 64)
                stances.append(stance)
                parts.append(drawn.parts)
                coverages.append(drawn.coverage)
                outlines.append(_outline(drawn.coverage))
    return Bank(tuple(stances), np.array(outlines), np.array(parts), np.array(coverages))


def find_stance(picture: Picture, bank: Bank) -> tuple[Stance, float]:
    """The stance that a picture shows best, and the IoU of its silhouette. Front and back are told by the parts' colours."""
    outline = _outline(picture.rgba[..., 3])
    ious = (bank.outlines & outline).sum((1, 2)) / (bank.outlines | outline).sum((1, 2))
    nearest = np.argsort(-ious, kind="stable")[:_NEAREST]
    scores = [ious[k] - _BACK * _mixed(picture, bank.parts[k], bank.coverages[k]) for k in nearest]
    best = int(nearest[int(np.argmax(scores))])
    return bank.stances[best], float(ious[best])


def _outline(alpha: Array) -> Array:
    """(_TALL, _WIDE) bool: the figure scaled to fill the height, its middle column in the middle."""
    rows, columns = np.nonzero(alpha > 0.5)
    cut = alpha[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    wide = int(np.clip(round(cut.shape[1] * _TALL / cut.shape[0]), 1, 3 * _WIDE))
    small = cv2.resize(np.ascontiguousarray(cut, np.float32), (wide, _TALL), interpolation=cv2.INTER_AREA) > 0.5
    middle = round(float((small.sum(0) * np.arange(wide)).sum()) / max(1, int(small.sum())))
    canvas = np.zeros((_TALL, 8 * _WIDE), bool)
    start = 4 * _WIDE - middle
    canvas[:, start : start + wide] = small
    return canvas[:, 4 * _WIDE - _WIDE // 2 : 4 * _WIDE + _WIDE // 2]


def _mixed(picture: Picture, parts: Array, coverage: Array) -> float:
    """0..1: how much of the picture's variance in colour lies within parts, rather than between them."""
    shown = laid_over(picture, coverage)
    inside = (parts > 0) & (shown[..., 3] > 0.9)
    if inside.sum() < 50:
        return 1.0
    lab, worn = lab_of(shown[..., :3])[inside], parts[inside]
    within = sum(float(((lab[worn == part] - lab[worn == part].mean(0)) ** 2).sum()) for part in np.unique(worn))
    return within / max(1e-6, float(((lab - lab.mean(0)) ** 2).sum()))
