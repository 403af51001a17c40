"""Pose maps of a crowd: everyone's joints before the camera, which of them an annotator would see, and their drawing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assets.guides import lod
from assets.guides.crowd_people import Moment, People, local_slopes
from assets.guides.openpose import COLOURS, JOINTS, LIMBS, half_width_px, limb_colours
from pipeline.kernels import posemap
from pipeline.kernels.crowdplace import place

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
_FACE = np.isin(np.arange(len(JOINTS)), (0, 14, 15, 16, 17))
_DEEP_M = 0.25  # a joint lies less than this under the skin and the clothes
_FACE_DEEP_M = 0.05


def joints_of(people: People, moment: Moment, frames: Array, agents: Ints) -> Floats:
    """(A, 18, 3) float32 metres in camera axes: the joints of `agents` (A,). frames: (N, 3, 4) camera from person."""
    out = np.empty((18 * len(agents), 3), np.float32)
    slopes = local_slopes(moment)
    key = people.wears[agents] * len(people.motions) + moment.doing[agents]
    alone = np.isin(agents, list(moment.own))
    for code in np.unique(key[~alone]):
        rows = np.flatnonzero((key == code) & ~alone)
        mine, motion = agents[rows], people.motions[code % len(people.motions)]
        character = people.character(int(code // len(people.motions)))
        bins, shares = lod.moments(motion, moment.phases[mine])
        firsts = (18 * rows).astype(np.int32)
        place(lod.joints(character, motion), bins, shares, frames[mine], slopes[mine], firsts, out)
    placed = out.reshape(-1, 18, 3)
    for row in np.flatnonzero(alone):
        agent = int(agents[row])
        bins, shares = np.zeros((1, 2), np.int32), np.zeros(1, np.float32)
        one, poses = slice(agent, agent + 1), np.ascontiguousarray(moment.own[agent].joints, np.float32)[None]
        place(poses, bins, shares, frames[one], slopes[one], np.zeros(1, np.int32), placed[row])
    return placed


def seen(
    joints: Floats, joints_px: Floats, agents: Ints, depth: Floats, slot: Ints, slack_m: Array
) -> NDArray[np.bool_]:
    """(A, 18) which joints an annotator would report: not those that another agent hides, nor a face turned away.

    The body's own joints are always told, as annotators guess them too. slack_m: (A,) metres of a pixel there.
    """
    told: NDArray[np.bool_] = np.isfinite(joints_px[..., 0]) & np.isfinite(joints_px[..., 1])
    posemap.hide_joints(joints, joints_px, agents, depth, slot, _FACE, _DEEP_M + slack_m, _FACE_DEEP_M - _DEEP_M, told)
    return told


def draw(size: tuple[int, int], joints_px: Floats, told: NDArray[np.bool_], family: str) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 RGB: the skeletons as a model family learnt to read them, the last agent first, so that the
    nearest, who come first, lie on top. told: (A, 18), never of a joint that is nowhere (NaN)."""
    canvas = np.zeros((*size, 3), np.uint8)
    points = np.ascontiguousarray(joints_px[::-1], np.float64)
    shown = np.ascontiguousarray(told[::-1])
    limbs = np.array(LIMBS, np.int32)
    posemap.draw_poses(canvas, points, shown, half_width_px(family, *size), limbs, limb_colours(), COLOURS)
    return canvas
