"""Guides of a whole crowd through the solved camera and its lens: depth, ids, normals, parts, motion, poses, soft mattes.

Everything is drawn in the plate's own distorted pixels, nothing is resampled. An agent changes no pixel outside its own
footprint, and the outcome does not depend on the order of agents.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assets import crowd_pose, lod
from assets.characters import load_character
from assets.crowd_people import Moment, People, camera_from_people, local_slopes
from assets.optics import Optics
from assets.view import View
from pipeline.errors import AssetError
from pipeline.kernels import crowdraster
from pipeline.kernels.crowdplace import LensTable, place, to_pixels
from pipeline.kernels.crowdraster import Scene
from pipeline.kernels.raster import NEAR_M

Array = NDArray[np.float64]
Floats = NDArray[np.float32]
Ints = NDArray[np.int32]

WANTED = ("normals", "parts", "motion", "mattes")
_REACH_M = 3.0  # of a body with its spear, from the point between its feet


@dataclass(frozen=True, slots=True, eq=False)
class CrowdGuides:
    """Guides of one frame; None what was not asked for.

    depth: (H, W) float32 metres along camera z, +inf where empty. ids: (H, W) uint32, 0 where empty. normals: (H, W, 3)
    float32 camera axes (x right, y down, z into the scene), unit, towards the viewer. parts: (H, W) uint8
    assets.characters.Part. motion: (H, W, 2) float32 pixels until the next frame, of camera, walk and limbs. matte_ids
    (H, W, 4) uint32 and matte_coverage (H, W, 4) float32: who covers how much of a pixel, largest first, in quarters.
    poses: family to (H, W, 3) uint8 RGB. joints_px: (N, 18, 2) float32, NaN behind the camera; joints_seen: (N, 18).
    levels: (N,) which mesh of its chain each agent wears, -1: out of the picture.
    """

    depth: Floats
    ids: NDArray[np.uint32]
    normals: Floats | None
    parts: NDArray[np.uint8] | None
    motion: Floats | None
    matte_ids: NDArray[np.uint32] | None
    matte_coverage: Floats | None
    poses: dict[str, NDArray[np.uint8]]
    joints_px: Floats
    joints_seen: NDArray[np.bool_]
    levels: NDArray[np.int8]


def crowd_guides(
    people: People,
    view: View,
    lens: Optics,
    wanted: Collection[str] = WANTED,
    families: Collection[str] = ("controlnet",),
) -> CrowdGuides:
    """Draw one frame's guides. wanted: any of WANTED besides depth and ids; families: of assets.openpose.half_width_px.

    Raises AssetError on an unknown guide or family.
    """
    if unknown := set(wanted) - set(WANTED):
        raise AssetError(f"crowd guide {min(unknown)!r} is not known. Take any of: {', '.join(sorted(WANTED))}.")
    height, width = view.size
    frames = camera_from_people(people, people.now, view.pose)
    levels = _levels(people, frames, lens)
    drawn = _Drawn(people, levels)
    scene = drawn.scene(frames, lens.table)
    shown = np.flatnonzero(levels >= 0)
    order = shown[np.lexsort((people.ids[shown], frames[shown, 2, 3]))].astype(np.int32)
    depth, slot = np.full((height, width), np.inf, np.float32), np.full((height, width), -1, np.int32)
    triangle = np.empty((height, width), np.int32)
    crowdraster.draw(scene, lens.rays, lens.ranges, order, depth, slot, triangle)
    normals, parts, motion = _read(people, view, lens, wanted, drawn, scene, frames, slot, triangle)
    matte_ids, coverage = _mattes(scene, lens, order) if "mattes" in wanted else (None, None)
    joints = crowd_pose.joints_of(people, people.now, frames, order)
    joints_px = to_pixels(joints.reshape(-1, 3), lens.table).reshape(-1, 18, 2)
    slack = frames[order, 2, 3] * lens.angle_px
    seen = crowd_pose.seen(joints, joints_px, order, depth, slot, slack)
    poses = {family: crowd_pose.draw((height, width), joints_px, seen, family) for family in families}
    all_px, all_seen = np.full((len(people.ids), 18, 2), np.nan, np.float32), np.zeros((len(people.ids), 18), bool)
    all_px[order], all_seen[order] = joints_px, seen
    return CrowdGuides(
        depth, crowdraster.label(slot, scene.ids), normals, parts, motion, matte_ids, coverage, poses, all_px,
        all_seen, levels.astype(np.int8),
    )  # fmt: skip


class _Drawn:
    """Who wears which mesh, and where in the scene its vertices lie: the same for positions, normals and the other frame."""

    def __init__(self, people: People, levels: NDArray[np.int64]) -> None:
        self.people = people
        shown = np.flatnonzero(levels >= 0)
        meshes, mesh = np.unique(people.wears[shown] * 16 + levels[shown], return_inverse=True)
        self.meshes = [(load_character(people.characters[code // 16]), int(code % 16)) for code in meshes]
        self.worn = [shown[mesh == number] for number in range(len(meshes))]
        chains = [lod.chain(character)[level] for character, level in self.meshes]
        self.firsts, self.first_triangles, self.counts = (np.zeros(len(people.ids), np.int32) for _ in range(3))
        size = np.zeros(len(people.ids), np.int64)
        triangles = 0
        for agents, level in zip(self.worn, chains, strict=True):
            size[agents], self.counts[agents] = level.vertices, len(level.triangles)
            self.first_triangles[agents] = triangles
            triangles += len(level.triangles)
        ends = np.cumsum(size)
        self.total = int(ends[-1]) if len(ends) else 0
        self.firsts[:] = ends - size
        none = [np.zeros((0, 3), np.int32)], [np.zeros(0, np.uint8)]
        self.triangles = np.concatenate([level.triangles for level in chains] or none[0])
        self.parts = np.concatenate([level.parts for level in chains] or none[1])

    def scene(self, frames: Array, table: LensTable) -> Scene:
        vertices = self.placed(self.people.now, frames, "vertices")
        pixels = to_pixels(vertices, table)
        ids = np.ascontiguousarray(self.people.ids, np.uint32)
        return Scene(vertices, pixels, self.triangles, self.parts, self.firsts, self.first_triangles, self.counts, ids)

    def placed(self, moment: Moment, frames: Array, what: str) -> Floats:
        """(V, 3) float32 "vertices" or "normals" of everyone shown, at a moment, in camera axes."""
        out = np.empty((self.total, 3), np.float32)
        slopes = local_slopes(moment) if what == "vertices" else np.zeros((len(frames), 2), np.float32)
        for (character, level), agents in zip(self.meshes, self.worn, strict=True):
            for motion in np.unique(moment.doing[agents]):
                mine = agents[moment.doing[agents] == motion]
                name = self.people.motions[motion]
                bins, shares = lod.moments(name, moment.phases[mine])
                poses = getattr(lod.poses(character, name, level), what)
                place(poses, bins, shares, frames[mine], slopes[mine], self.firsts[mine], out)
        return out


def _levels(people: People, frames: Array, lens: Optics) -> NDArray[np.int64]:
    """(N,) mesh of its chain that each agent wears, -1 for those out of the picture."""
    x, y, z = frames[:, 0, 3], frames[:, 1, 3], frames[:, 2, 3]
    reach = _REACH_M * people.scales
    (low_x, high_x), (low_y, high_y) = ((axis[:, 0].min(), axis[:, 1].max()) for axis in lens.ranges)
    # A ball lies beyond a plane through the camera where its centre does by more than its radius.
    shown = z + reach > NEAR_M
    for value, low, high in ((x, low_x, high_x), (y, low_y, high_y)):
        shown &= (value - high * z < reach * np.hypot(1, high)) & (low * z - value < reach * np.hypot(1, low))
    metres_per_px = np.maximum(z, NEAR_M) * lens.angle_px
    chains = [lod.chain(load_character(name)) for name in people.characters]
    strays = np.full((len(chains), max(map(len, chains), default=1)), np.inf)
    for row, levels in enumerate(chains):
        strays[row, : len(levels)] = [level.strays_m for level in levels]
    tall = np.array([load_character(name).height_m for name in people.characters])[people.wears] * people.scales
    chosen = lod.allowed(strays[people.wears] * people.scales[:, None], tall, metres_per_px)
    return np.where(shown, chosen, -1)


def _read(
    people: People,
    view: View,
    lens: Optics,
    wanted: Collection[str],
    drawn: _Drawn,
    scene: Scene,
    frames: Array,
    slot: Ints,
    triangle: Ints,
) -> tuple[Floats | None, NDArray[np.uint8] | None, Floats | None]:
    """(normals, parts, motion) as wanted."""
    size, nothing = slot.shape, np.zeros((0, 3), np.float32)
    normals = np.zeros((*size, 3), np.float32) if "normals" in wanted else None
    parts = np.zeros(size, np.uint8) if set(wanted) & {"normals", "parts", "motion"} else None
    motion = np.zeros((*size, 2), np.float32) if "motion" in wanted else None
    if parts is not None:
        turned, there = nothing, nothing
        if normals is not None:
            turned = drawn.placed(people.now, frames * [1.0, 1.0, 1.0, 0.0], "normals")
        if motion is not None and view.ahead:
            there = drawn.placed(people.there, camera_from_people(people, people.there, view.other), "vertices")
        unused = np.zeros((0, 0, 3), np.float32), np.zeros((0, 0, 2), np.float32)
        crowdraster.resolve(
            scene, lens.rays, slot, triangle, turned, there, lens.table, view.ahead,
            unused[0] if normals is None else normals, parts, unused[1] if motion is None else motion,
        )  # fmt: skip
    return normals, parts if "parts" in wanted else None, motion


def _mattes(scene: Scene, lens: Optics, order: Ints) -> tuple[NDArray[np.uint32], Floats]:
    rays, ranges = lens.fine
    depth, slot = np.full(rays.shape[:2], np.inf, np.float32), np.full(rays.shape[:2], -1, np.int32)
    doubled = replace(scene, pixels=scene.pixels * np.float32(2))
    crowdraster.draw(doubled, rays, ranges, order, depth, slot, np.empty(slot.shape, np.int32))
    return crowdraster.rank(slot, scene.ids)
