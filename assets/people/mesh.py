"""People: a character dressed, posed and measured as one triangle mesh."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assets.motion.motions import load_motion
from assets.people.bodies import vertex_normals
from assets.people.characters import Character
from assets.people.figures import Figure, dressed, grip_of
from assets.people.posing import ground_m, posed
from assets.people.skeleton import Pose

__all__ = ["Figure", "Mesh", "dressed", "grip_of", "mesh_of", "posed_mesh"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Mesh:
    """A posed person. Metres, Y up, origin on the ground between the feet, facing +Z (so the left hand is at +x).

    vertices (V, 3) float32. triangles (T, 3) int32, counter-clockwise from outside. normals (V, 3) float32, unit.
    parts (T,) int32 numbers of assets.people.characters.Part. joints (18, 3) float32 COCO-18. rest (V, 3) float32: the same
    vertices before posing; textures that live there stick to the body.
    """

    vertices: Floats
    triangles: Ints
    normals: Floats
    parts: Ints
    joints: Floats
    rest: Floats


@lru_cache(maxsize=160)  # about a megabyte each
def posed_mesh(character: Character, motion: str, phase: float) -> Mesh:
    """`character` in `motion` at `phase` (cycles; only the fraction counts, but for a clip that does not loop: it stays at
    its end): body and kit as one mesh.

    The lowest sole is at y = 0 exactly, but for a runner's flight and for who lies: then the body's lowest point is. The
    arrays are shared between callers and cannot be written to.
    Raises AssetError when the motion is not known.
    """
    figure = dressed(character)
    clip = load_motion(motion)
    at = phase % 1.0 if clip.loops else min(max(phase, 0.0), 1.0)
    return mesh_of(character, clip.pose(at, figure.build, figure.grip))


def mesh_of(character: Character, pose: Pose) -> Mesh:
    """`character` in any pose: blended, alive, or on a slope. On level ground feet stand as in `posed_mesh`."""
    figure = dressed(character)
    vertices, joints = posed(figure, pose)
    ground = ground_m(figure, pose, vertices)
    vertices[:, 1] -= ground
    joints[:, 1] -= ground
    if pose.lying > 0:  # cloth and kit under a lying body are pressed flat
        np.maximum(vertices[:, 1], 0.0, out=vertices[:, 1])
    normals = vertex_normals(vertices, figure.triangles)
    return Mesh(
        _fixed(vertices), figure.triangles, _fixed(normals), figure.parts, _fixed(joints), _fixed(figure.vertices)
    )


def _fixed(array: NDArray[np.float64]) -> Floats:
    fixed = np.ascontiguousarray(array, np.float32)
    fixed.flags.writeable = False
    return fixed
