"""Reading a pose back from a picture: which of many known poses of the same person in the same view it shows best.

An independent critic that shares nothing with the model: flat drawings of the person by our own raster. What it says of
true pictures is its own error, what it says of random poses is chance.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from assets.motion.motions import load_motion
from assets.people.characters import Character, load_character
from assets.people.mesh import posed_mesh
from assets.providers.base import Provider
from assets.providers.conditioning import condition, encode
from assets.sprites.sprite import FRAME_M, WIDTH_PX
from assets.train.brought import bring
from assets.train.people import BODIES, KEPT_CHARACTER, KEPT_PHASES, KEPT_YAWS_DEG, asked, motions_in, seen
from assets.train.samples import Sample, sample_light

Array = np.ndarray[Any, Any]
_ELEVATION = 0.05
_MOMENTS = 8  # of a motion among the known poses
_BODY = tuple(range(14))  # COCO-18 without the face


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """A sample of the test and the poses it is told from. joints_m: (14, 3). bank: flat encoded drawings (K, H, W, 4), the
    sample's own pose not among them; bank_joints_m (K, 14, 3), in view axes like joints_m."""

    sample: Sample
    joints_m: Array
    bank: Array
    bank_joints_m: Array


def kept_poses(rng: np.random.Generator, character_name: str = KEPT_CHARACTER, width_px: int = WIDTH_PX) -> list[Posed]:
    """One sample of each motion of that width, at a phase, view and body that were never trained."""
    character = load_character(character_name, BODIES)
    yaw, light = float(np.radians(rng.choice(KEPT_YAWS_DEG))), sample_light(rng)
    drawings, joints = _bank(character, yaw, width_px)
    posed = []
    for motion in motions_in(width_px):
        mesh = posed_mesh(character, motion, float(rng.uniform(*KEPT_PHASES)))
        sample = seen(mesh, character, yaw, _ELEVATION, light, width_px=width_px)
        posed.append(Posed(sample, mesh.joints[list(_BODY)] @ _across(yaw).T, drawings, joints))
    return posed


def keypoint_errors(model: Provider, posed: Sequence[Posed], guides: Collection[str]) -> dict[str, float]:
    """Mean distance in the picture between the joints asked for and those read back, pixels at 128 px height.

    keypoint_px: of what the model paints from `guides`. critic_px: of the true pictures. nearest_px: of the best that the
    bank holds. chance_px: of any pose of the bank.
    """
    requests = [bring(each.sample.request, guides) for each in posed]
    painted = [result.takes[0, 0] for result in model.generate(requests)]
    rows = []
    for each, picture in zip(posed, painted, strict=True):
        apart = np.linalg.norm(each.bank_joints_m[..., :2] - each.joints_m[None, :, :2], axis=-1).mean(1)
        apart_px = apart * 128 / FRAME_M
        read, true = (_read(shown, each.bank) for shown in (picture, each.sample.truth))
        rows.append((apart_px[read], apart_px[true], apart_px.min(), apart_px.mean()))
    names = ("keypoint_px", "critic_px", "nearest_px", "chance_px")
    return {name: round(float(value), 2) for name, value in zip(names, np.mean(rows, axis=0), strict=True)}


def _read(picture: Array, bank: Array) -> int:
    """The row of the bank that a picture looks like: its outline, and its parts' colours relative to their mean."""
    alpha = picture[..., 3]
    shown = encode(picture[..., :3])
    solid = alpha > 0.5
    ratio = shown[solid].mean(0) if solid.any() else np.zeros(3)
    outlines = np.abs(bank[..., 3] - alpha).sum((1, 2))
    both = (bank[..., 3] > 0.5) & solid
    levels = np.array(
        [drawn[here].mean(0) if here.any() else np.zeros(3) for drawn, here in zip(bank[..., :3], both, strict=True)]
    )
    inside = np.abs((shown - ratio) - (bank[..., :3] - levels[:, None, None])).sum(-1) * both
    return int((outlines + inside.sum((1, 2))).argmin())


@lru_cache(maxsize=4)
def _bank(character: Character, yaw_rad: float, width_px: int) -> tuple[Array, Array]:
    light = sample_light(np.random.default_rng(0))
    drawings, joints = [], []
    for motion in motions_in(width_px):
        for k in range(_MOMENTS):
            phase = (k + 0.5) / _MOMENTS if load_motion(motion).loops else k / _MOMENTS
            mesh = posed_mesh(character, motion, phase)
            request = asked(mesh, character, yaw_rad, _ELEVATION, light, width_px=width_px)
            flat = condition(request).base.transpose(1, 2, 0)
            drawings.append(np.concatenate([flat, request.guides.given()["coverage"][0][..., None]], -1))
            joints.append(mesh.joints[list(_BODY)] @ _across(yaw_rad).T)
    return np.array(drawings), np.array(joints)


def _across(yaw_rad: float) -> Array:
    """(3, 3) view axes from a person's, level."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
