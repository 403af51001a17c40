"""People near the camera, painted on every frame: who they are, and what a generator is asked of each.

Each one is seen by a camera of his own that stands where the plate's does, turns with him and keeps one scale for the
whole shot, so the noise that the generator starts from is fixed to the body and the figure does not flicker.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assets.guides.openpose import draw_pose
from assets.near.bodies import Placed
from assets.people.characters import Character, load_character
from assets.people.looks import character_identity
from assets.providers.request import Guides, Light, Request
from assets.sprites.cards import Agents
from assets.sprites.guides import ROOT_M, SAMPLES, TALL_M
from assets.sprites.sprite import reach_m
from pipeline.kernels.raster import empty_buffers, rasterize
from pipeline.kernels.sprites import resolve

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
HEIGHTS_PX = (128, 192, 256, 384)  # of a picture: few, so that the people of a frame go through a model together
MIDDLE_M = 0.9  # above the ground: where a person's own camera looks
CLOSEST_M = 0.3  # who stands closer to the lens would fill the picture
_MARGIN_M = 1.5  # beyond the picture's edges: shields and spears reach in
_FACE_DEEP_M = 0.05
_FACE = (0, 14, 15, 16, 17)
NOBODY: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """Who is painted per frame, the same people on every frame. rows: (K,) of the agents, ascending. pictures: (K, 2)
    height and width of each one's picture, px. shown: (F, K) on which frames each is in the picture. passed_over: how
    many more are large enough, but are not among the nearest."""

    rows: NDArray[np.intp]
    pictures: NDArray[np.int64]
    shown: NDArray[np.bool_]
    passed_over: int


def choose(
    agents: Agents,
    poses: Array,
    lens: Seen,
    near_px: float,
    most: int,
    tallest_px: int,
    always: frozenset[int] = NOBODY,
) -> Chosen:
    """Who stands at least `near_px` high on some frame. Of too many in one picture, those who come nearest.

    poses: (F, 4, 4) camera_from_world. always: ids of who is chosen if he is seen, however small, besides the `most`.
    Nobody changes between sprite and painting within a shot.
    """
    heights_m = {name: load_character(name).height_m for name in set(agents.characters)}
    tall_m = np.array([heights_m[name] for name in agents.characters]) * agents.scales
    positions = agents.positions.astype(np.float64)
    local = np.einsum("fij,fnj->fni", poses[:, :3, :3], positions) + poses[:, None, :3, 3]
    up = np.einsum("fi,n->fni", poses[:, :3, 1], tall_m)
    middle, ahead = local + up / 2, local[..., 2] > CLOSEST_M
    z = np.maximum(middle[..., 2], CLOSEST_M)
    across, down = lens.tangents.T[:, :, None]
    seen = ahead & (np.abs(middle[..., 0]) < across * z + _MARGIN_M)
    seen &= np.abs(middle[..., 1]) < down * z + _MARGIN_M + tall_m / 2
    tall_px = np.where(seen, tall_m * lens.focal_px[:, None] / z, 0.0)
    peak = tall_px.max(axis=0, initial=0.0)
    first = np.isin(agents.ids, list(always))
    wanted = np.flatnonzero((peak >= near_px) | first & (peak > 0))
    room, taken = np.full(len(poses), most), []
    for row in wanted[np.lexsort((agents.ids[wanted], -peak[wanted]))]:
        if first[row]:
            taken.append(int(row))
        elif (room[seen[:, row]] > 0).all():
            room -= seen[:, row]
            taken.append(int(row))
    rows = np.array(sorted(taken), np.intp)
    needed = peak[rows] / np.maximum(tall_m[rows], 0.1) * agents.scales[rows] * TALL_M
    allowed = np.array([height for height in HEIGHTS_PX if height <= tallest_px] or HEIGHTS_PX[:1])
    heights = allowed[np.minimum(np.searchsorted(allowed, needed), len(allowed) - 1)]
    reach = [
        max(reach_m(agents.characters[row], agents.motion_names[number]) for number in set(agents.motions[:, row]))
        for row in rows
    ]
    step = heights // 8  # few widths, so that people of one size go through a model together
    widths = step * np.ceil(2 * np.array(reach) * heights / TALL_M / step - 1e-6).astype(np.int64)
    pictures = np.stack([heights, widths], axis=1).reshape(-1, 2).astype(np.int64)
    return Chosen(rows, pictures, seen[:, rows], len(wanted) - len(rows))


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a lens sees. focal_px: (F,) of each frame; tangents: (F, 2) half the picture's width and height at distance 1."""

    focal_px: Array
    tangents: Array


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """A person's own camera. rotation: (3, 3) own axes (x right, y down, z ahead) from the plate camera's; both stand in
    one place. matrix: (3, 3) homogeneous pixels of the picture from rays of the plate's camera. depth_m: of the person's
    root along the own z, in the plate's metres; scale: of the person."""

    rotation: Array
    matrix: Array
    depth_m: float
    scale: float
    size: tuple[int, int]  # height, width


def own_camera(root: Array, up: Array, scale: float, size: tuple[int, int]) -> Own:
    """The camera that looks at a person whose root stands at `root` (3,), camera axes; up: (3,) the world's up there.

    The root lies where it does in a sprite; a metre of the person at the root's depth has a sprite's size.
    """
    height, width = size
    rotation = looking_at(root + MIDDLE_M * scale * up, up)
    x, y, depth = rotation @ root
    focal = depth / (TALL_M / height * scale)
    centre = width / 2 - focal * x / depth, height - ROOT_M * height / TALL_M - focal * y / depth
    camera = np.array([[focal, 0.0, centre[0]], [0.0, focal, centre[1]], [0.0, 0.0, 1.0]])
    return Own(rotation, camera @ rotation, float(depth), scale, size)


def looking_at(point: Array, up: Array) -> Array:
    """(3, 3) axes (x right, y down, z ahead) of a camera that looks at a point (3,) and stands upright; all of it, and
    up (3,), the world's, in the plate camera's axes."""
    ahead = point / np.linalg.norm(point)
    across = np.cross(ahead, up)
    if np.linalg.norm(across) < 1e-3:  # seen from right above
        across = np.cross(ahead, [0.0, 0.0, 1.0]) if abs(ahead[2]) < 0.9 else np.array([1.0, 0.0, 0.0])
    across = across / np.linalg.norm(across)
    return np.stack([across, np.cross(ahead, across), ahead])


def own_guides(placed: Placed, pose: Array, own: Own) -> Guides:
    """What the generator is shown of a body: guides as sprites have them, in perspective. pose: camera_from_world."""
    mesh, (height, width) = placed.mesh, own.size
    turned = own.rotation @ pose[:3, :3]
    points = placed.world() @ turned.T + own.rotation @ pose[:3, 3]
    samples = _samples(points, mesh.triangles, own)
    relief_m = (samples[0] - np.float32(own.depth_m)) / np.float32(own.scale)
    normals = mesh.normals @ (turned @ placed.world_from_person[:, :3] / own.scale).T * [1.0, -1.0, -1.0]
    relief, facing, parts, coverage = resolve(
        relief_m, samples[1], samples[2], mesh.triangles, np.ascontiguousarray(normals, np.float32), mesh.parts, SAMPLES
    )
    joints = mesh.joints @ placed.world_from_person[:, :3].T + placed.world_from_person[:, 3]
    joints = joints @ turned.T + own.rotation @ pose[:3, 3]
    flat = joints @ (own.matrix @ own.rotation.T).T
    joints_px = (flat[:, :2] / flat[:, 2:]).astype(np.float32)
    near = (own.depth_m - joints[:, 2]) / own.scale
    drawn = np.zeros((height, width, 3), np.uint8)
    draw_pose(drawn, joints_px, _faces_seen(near, joints_px, relief, coverage), height / HEIGHTS_PX[0])
    return Guides.image(
        coverage=coverage,
        depth=relief,
        normals=facing * np.array([1, -1, -1], np.float32),
        parts=parts.astype(np.int32),
        pose=drawn.astype(np.float32) / 255,
    )


def _samples(points: Array, triangles: NDArray[np.int32], own: Own) -> tuple[Floats, NDArray[np.int32], Floats]:
    """Depth, triangle and weights of SAMPLES x SAMPLES in each pixel of a person's own picture. points: own axes."""
    height, width = own.size
    camera = own.matrix @ own.rotation.T
    focal, centre = camera[0, 0], camera[:2, 2]
    across = ((np.arange(width * SAMPLES) + 0.5) / SAMPLES - centre[0]) / focal
    down = ((np.arange(height * SAMPLES) + 0.5) / SAMPLES - centre[1]) / focal
    rays = np.stack(np.meshgrid(across, down), axis=-1).astype(np.float32)
    pixels = (points[:, :2] / np.maximum(points[:, 2:], 1e-3) * focal + centre) * SAMPLES
    buffers = empty_buffers(height * SAMPLES, width * SAMPLES)
    rasterize(points.astype(np.float32), triangles, rays, pixels.astype(np.float32), *buffers)
    return buffers


def _faces_seen(near: Array, joints_px: Floats, relief: Floats, coverage: Floats) -> NDArray[np.bool_]:
    """(18,) joints to draw: all but those of a face that is turned away. near: (18,) metres towards the viewer."""
    height, width = relief.shape
    told = np.ones(len(joints_px), bool)
    for joint in _FACE:
        x, y = int(joints_px[joint, 0]), int(joints_px[joint, 1])
        if 0 <= x < width and 0 <= y < height and coverage[y, x] > 0:
            told[joint] = near[joint] > relief[y, x] - _FACE_DEEP_M
    return told


def own_request(
    placed: Placed, character: Character, pose: Array, own: Own, light: Light, *, seed: int = 1, steps: int
) -> Request:
    """The request for one person on one frame. light: its sun in the plate camera's axes, COLMAP's."""
    seen = own.rotation @ light.sun_direction
    sun = float(np.float32(seen[0])), float(np.float32(seen[1])), float(np.float32(seen[2]))
    return Request(
        guides=own_guides(placed, pose, own),
        identity=character_identity(character),
        metres_per_px=TALL_M / own.size[0],
        light=replace(light, sun_direction=sun),
        seed=seed,
        steps=steps,
    )
