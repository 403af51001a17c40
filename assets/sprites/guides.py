"""Guides: what a model is shown of a person (depth, normals, parts, coverage, pose), and the picture it should make.

View axes of a sprite: x right, y up, z towards the viewer. `yaw_rad` is the person's heading as the viewer sees it:
0 faces the viewer, +pi/2 faces the viewer's right, pi shows the back. For an agent with heading `agent_yaw` seen from
`camera`, yaw_rad = agent_yaw - atan2(camera.x - agent.x, camera.z - agent.z). `elevation_rad` is how steeply the viewer
looks down. Frame: orthographic, METRES_PER_PX at 128 px height, the point between the feet at x = W / 2 and
y = H - ROOT_M above the lower edge.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.guides.openpose import draw_pose
from assets.people.characters import Character, albedos, materials
from assets.people.mesh import Mesh
from pipeline.kernels import costume, sprites
from pipeline.kernels.raster import empty_buffers, rasterize_orthographic

Floats = NDArray[np.float32]

TALL_M = 2.7  # height of the frame
ROOT_M = 0.15  # the ground under the feet, above the frame's lower edge
SAMPLES = 3  # per pixel and axis
_FACE = (0, 14, 15, 16, 17)
_SHADOW_PX = 224


@dataclass(frozen=True, slots=True)
class Light:
    """Light on a sprite, view axes. Radiances are of a white diffuser that faces it: the default's sum is near 1, so a
    grey card of 0.18 in the sun comes out near 0.18."""

    sun_direction: tuple[float, float, float] = (0.45, 0.62, 0.64)  # towards the sun
    sun: tuple[float, float, float] = (0.80, 0.73, 0.62)
    sky: tuple[float, float, float] = (0.21, 0.25, 0.31)
    ground: tuple[float, float, float] = (0.16, 0.13, 0.10)


@dataclass(frozen=True, eq=False)
class Guides:
    """One person in one view.

    depth: (H, W) float32 metres towards the viewer from the picture plane through the root, 0 where empty.
    normals: (H, W, 3) float32 view axes, unit where covered, 0 where empty. parts: (H, W) uint8 assets.people.characters.Part.
    coverage: (H, W) float32 0..1. joints_px: (18, 2) float32 COCO-18, pixel centres at .5. joints_seen: (18,) bool;
    face joints that are turned away are not seen. pose: (H, W, 3) uint8 RGB.
    """

    depth: Floats
    normals: Floats
    parts: NDArray[np.uint8]
    coverage: Floats
    joints_px: Floats
    joints_seen: NDArray[np.bool_]
    pose: NDArray[np.uint8]


def view_from_person(yaw_rad: float, elevation_rad: float) -> NDArray[np.float64]:
    """(3, 3) rotation from a person's space into view axes."""
    c, s = np.cos(yaw_rad), np.sin(yaw_rad)
    ce, se = np.cos(elevation_rad), np.sin(elevation_rad)
    return np.array([[1, 0, 0], [0, ce, -se], [0, se, ce]]) @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def sprite_guides(
    mesh: Mesh,
    yaw_rad: float,
    elevation_rad: float,
    height_px: int = 128,
    width_px: int = 64,
    *,
    pose_half_px: float | None = None,
) -> Guides:
    """Draw a posed person's guides; see the first lines of this module for frame and angles.

    pose_half_px: stroke of the pose map (assets.guides.openpose.half_width_px for a model family); None: 1 px at 128 px
    height, in proportion for other sizes.
    """
    view = view_from_person(yaw_rad, elevation_rad)
    depth, triangle_id, weights = _drawn(mesh, view, height_px, width_px)
    normals = np.ascontiguousarray(mesh.normals @ view.T, np.float32)
    relief, facing, parts, coverage = sprites.resolve(
        depth, triangle_id, weights, mesh.triangles, normals, mesh.parts, SAMPLES
    )
    metres_per_px = TALL_M / height_px
    joints = mesh.joints @ view.T
    joints_px = np.stack(
        [width_px / 2 + joints[:, 0] / metres_per_px, height_px - (ROOT_M + joints[:, 1]) / metres_per_px], axis=1
    ).astype(np.float32)
    seen = _seen(joints, joints_px, relief, coverage)
    pose = np.zeros((height_px, width_px, 3), np.uint8)
    draw_pose(pose, joints_px, seen, height_px / 128 if pose_half_px is None else pose_half_px)
    return Guides(relief, facing, parts, coverage, joints_px, seen, pose)


def beauty(
    mesh: Mesh,
    character: Character,
    yaw_rad: float,
    elevation_rad: float,
    light: Light | None = None,
    height_px: int = 128,
    width_px: int = 64,
) -> Floats:
    """(H, W, 4) float32 premultiplied linear ACEScg: the person lit by sun, sky and ground, as a sprite should look.

    Same frame and angles as `sprite_guides`; alpha equals its coverage.
    """
    light = light or Light()
    view = view_from_person(yaw_rad, elevation_rad)
    depth, triangle_id, weights = _drawn(mesh, view, height_px, width_px)
    normals = np.ascontiguousarray(mesh.normals @ view.T, np.float32)
    sun = np.asarray(light.sun_direction, float)
    sun /= np.linalg.norm(sun)
    table = np.array([sun, light.sun, light.sky, light.ground, view @ (0.0, 1.0, 0.0)], np.float32)
    shadow_frame, shadow_map = _depth_map(mesh, sun @ view, _SHADOW_PX)
    view_frame = shadow_frame.copy()
    view_frame[:, :3] = shadow_frame[:, :3] @ view.T
    step = TALL_M / height_px / SAMPLES
    return costume.shade(
        depth,
        triangle_id,
        weights,
        (mesh.triangles, normals, mesh.rest, mesh.parts, sky_visibility(mesh)),
        (albedos(character), materials(character), _shift(character)),
        table,
        (shadow_map, view_frame.astype(np.float32), 0.010),
        (step, -width_px * SAMPLES / 2 * step, TALL_M - ROOT_M),
        SAMPLES,
    )


_SKIES: weakref.WeakKeyDictionary[Mesh, Floats] = weakref.WeakKeyDictionary()


def sky_visibility(mesh: Mesh) -> Floats:
    """(V,) float32: how much of the sky's light reaches each vertex past the rest of the person. Kept with the mesh."""
    if mesh not in _SKIES:
        directions = _sky_directions(22)
        frames, maps = zip(*(_depth_map(mesh, direction, 96) for direction in directions), strict=True)
        _SKIES[mesh] = sprites.sky_visibility(
            mesh.vertices,
            mesh.normals,
            directions.astype(np.float32),
            np.stack(maps),
            np.stack(frames).astype(np.float32),
            0.02,
        )
    return _SKIES[mesh]


def _sky_directions(count: int) -> NDArray[np.float64]:
    """Directions spread evenly from straight up to a little under the horizon."""
    k = np.arange(count) + 0.5
    y = 1.0 - 1.25 * k / count
    turn = k * np.pi * (3.0 - np.sqrt(5.0))
    across = np.sqrt(1.0 - y * y)
    return np.stack([across * np.cos(turn), y, across * np.sin(turn)], axis=1)


def _depth_map(mesh: Mesh, direction: NDArray[np.float64], size: int) -> tuple[NDArray[np.float64], Floats]:
    """What a far light in `direction` (person's space) sees: (3, 4) map pixels and depth from points, and the map."""
    z = direction / np.linalg.norm(direction)
    x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
    x /= np.linalg.norm(x)
    axes = np.stack([x, np.cross(z, x), -z])  # depth grows away from the light
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    middle, radius = (low + high) / 2, float(np.linalg.norm(high - low)) / 2 + 0.02
    scale = np.array([size / (2 * radius), size / (2 * radius), 1.0])
    frame = np.empty((3, 4))
    frame[:, :3] = axes * scale[:, None]
    frame[:, 3] = -(axes @ middle) * scale + np.array([size / 2, size / 2, 0.0])
    points = (mesh.vertices @ frame[:, :3].T + frame[:, 3]).astype(np.float32)
    depth, triangle_id, weights = empty_buffers(size, size)
    rasterize_orthographic(points, mesh.triangles, depth, triangle_id, weights)
    return frame, depth


def _drawn(
    mesh: Mesh, view: NDArray[np.float64], height_px: int, width_px: int
) -> tuple[Floats, NDArray[np.int32], Floats]:
    """The raster's samples; depth in metres away from the viewer, 0 in the plane through the root."""
    scale = height_px * SAMPLES / TALL_M
    points = mesh.vertices @ view.T
    pixels = np.empty((len(points), 3), np.float32)
    pixels[:, 0] = width_px * SAMPLES / 2 + points[:, 0] * scale
    pixels[:, 1] = height_px * SAMPLES - (ROOT_M + points[:, 1]) * scale
    pixels[:, 2] = -points[:, 2]
    buffers = empty_buffers(height_px * SAMPLES, width_px * SAMPLES)
    rasterize_orthographic(pixels, mesh.triangles, *buffers)
    return buffers


def _seen(joints: NDArray[np.floating], joints_px: Floats, relief: Floats, coverage: Floats) -> NDArray[np.bool_]:
    """Bodies' joints are always seen (annotators guess them too); face joints only where nothing lies well before them."""
    height, width = relief.shape
    seen = np.ones(18, bool)
    for joint in _FACE:
        x, y = int(joints_px[joint, 0]), int(joints_px[joint, 1])
        if 0 <= x < width and 0 <= y < height and coverage[y, x] > 0:
            seen[joint] = joints[joint, 2] > relief[y, x] - 0.05
    return seen


def _shift(character: Character) -> float:
    """Another person's clothes have other stains."""
    return float(
        sum(ord(letter) * (i + 1) for i, letter in enumerate(character.name)) % 97 + 13.7 * (character.seed % 101)
    )
