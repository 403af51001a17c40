"""A dressed body put into a pose: skinned, its shaft in the hand, its string drawn, its cloth off the legs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from assets.people.cloth import flown
from assets.people.figures import Figure
from assets.people.skeleton import Pose, about, hand_axes, solve

Array = NDArray[np.float64]


def posed(figure: Figure, pose: Pose) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(vertices, joints) by linear blend skinning, then cloth swung and kept off the thighs."""
    skeleton = figure.body.skeleton
    rotations, heads = solve(skeleton, pose)
    shift = heads - np.einsum("bij,bj->bi", rotations, skeleton.heads)
    bones = np.concatenate([rotations, shift[:, :, None]], axis=2).reshape(-1, 12)
    vertices = _skinned(figure.weights, bones, figure.vertices)
    if figure.slides.any():
        _slide(figure, pose, vertices, rotations, heads)
    if pose.string > 0 and figure.string.any():
        fingers = np.mean([heads[skeleton.index(f"finger{n}-2.R")] for n in (2, 3, 4)], axis=0)
        middle = figure.string
        vertices[middle] += pose.string * (fingers - vertices[middle].mean(axis=0))
    if figure.flown is not None:
        vertices[figure.flown.rows] = flown(figure.flown, vertices, pose.drape, ground_m(figure, pose, vertices))
    joints = np.asarray(figure.body.joints @ _skinned(figure.body.weights, bones, figure.body.vertices))
    hanging = figure.hangs > 0
    if hanging.any():
        vertices[hanging] = _hung(figure, pose, vertices[hanging], hanging, heads)
    return vertices, joints


def ground_m(figure: Figure, pose: Pose, vertices: Array) -> float:
    """The height of the ground under a body that has just been posed."""
    feet = float(vertices[figure.soles, 1].min()) - pose.clear_m
    if pose.lying > 0:
        feet += pose.lying * (float(vertices[figure.worn, 1].min()) - feet)
    return (1 - pose.terrain) * feet


def _slide(figure: Figure, pose: Pose, vertices: Array, rotations: Array, heads: Array) -> None:
    """Turn a held shaft in the hand and push it through, or down until its butt is on the ground."""
    skeleton, shaft = figure.body.skeleton, figure.slides.any(axis=1)
    wrist = skeleton.index("wrist.R")
    way = rotations[wrist] @ figure.slides[shaft][0]
    if pose.shaft_turn:
        knuckles, along = hand_axes(skeleton, "R")
        reach = np.mean([skeleton.head(f"finger{n}-1.R") for n in (2, 3, 4, 5)], axis=0) - skeleton.heads[wrist]
        palm = rotations[wrist] @ np.cross(knuckles, along)
        centre = heads[wrist] + rotations[wrist] @ (0.86 * reach) - 0.026 * palm
        swing = about(palm, pose.shaft_turn)
        vertices[shaft], way = (vertices[shaft] - centre) @ swing.T + centre, swing @ way
    share = 1.0 if pose.shaft_m is None else pose.butt_share
    down = float(vertices[shaft, 1].min() - ground_m(figure, pose, vertices))
    vertices[shaft] += way * ((1 - share) * (pose.shaft_m or 0.0) - share * down / max(way[1], 0.3))


def _skinned(weights: sparse.csr_matrix, bones: NDArray[np.float64], rest: NDArray[np.float64]) -> NDArray[np.float64]:
    blended = (weights @ bones).reshape(-1, 3, 4)
    return np.einsum("vij,vj->vi", blended[:, :, :3], rest) + blended[:, :, 3]


def _hung(figure: Figure, pose: Pose, vertices: Array, hanging: NDArray[np.bool_], heads: Array) -> Array:
    """Swing hanging cloth, then keep it off both legs; what a knee pushes away draws the cloth around it along."""
    waist = heads[figure.body.skeleton.index("spine04")]
    drop = np.maximum(waist[1] - vertices[:, 1], 0.0) * figure.hangs[hanging]
    vertices = vertices + np.stack(
        [np.sin(pose.drape[1]) * drop, np.zeros_like(drop), -np.sin(pose.drape[0]) * drop], 1
    )
    clear = figure.clears[hanging]
    pushed = _off_the_legs(figure, vertices, clear, heads) - vertices
    for _ in range(6):
        pushed = 0.4 * pushed + 0.6 * (figure.cloth @ pushed)
    return _off_the_legs(figure, vertices + pushed, clear, heads)


def _off_the_legs(figure: Figure, vertices: Array, clear: Array, heads: Array) -> Array:
    skeleton = figure.body.skeleton
    for name, radii in figure.leg_radii.items():
        end = {"upperleg01": "lowerleg01", "lowerleg01": "foot"}[name[:-2]] + name[-2:]
        a, b = heads[skeleton.index(name)], heads[skeleton.index(end)]
        way = b - a
        along = (vertices - a) @ way / (way @ way)
        away = vertices - (a + np.clip(along, 0.0, 1.0)[:, None] * way)
        distance = np.maximum(np.linalg.norm(away, axis=1), 1e-6)
        radius = np.interp(along, np.linspace(0, 1, len(radii)), radii) + clear
        vertices = vertices + away * (np.maximum(radius - distance, 0.0) / distance)[:, None]
    return vertices
