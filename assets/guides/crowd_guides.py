"""Guides of a whole crowd through the solved camera and its lens: depth, ids, normals, parts, motion, poses, soft mattes.

Everything is drawn in the plate's own distorted pixels, nothing is resampled. An agent changes no pixel outside its own
footprint, and the outcome does not depend on the order of agents.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assets.guides import crowd_pose, lod
from assets.guides.crowd_drawn import Drawn
from assets.guides.crowd_people import People, camera_from_people
from assets.guides.optics import Optics, other_table
from assets.view import View
from pipeline.errors import AssetError
from pipeline.kernels import crowdraster, crowdread
from pipeline.kernels.crowdplace import to_pixels
from pipeline.kernels.crowdraster import Scene
from pipeline.kernels.triangles import NEAR_M

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
    assets.people.characters.Part. motion: (H, W, 2) float32 pixels until the next frame, of camera, walk and limbs. matte_ids
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
    """Draw one frame's guides. wanted: any of WANTED besides depth and ids; families: of assets.guides.openpose.half_width_px.

    Raises AssetError on an unknown guide or family.
    """
    if unknown := set(wanted) - set(WANTED):
        raise AssetError(f"crowd guide {min(unknown)!r} is not known. Take any of: {', '.join(sorted(WANTED))}.")
    height, width = view.size
    frames = camera_from_people(people, people.now, view.pose)
    levels, turned = _levels(people, frames, lens)
    drawn = Drawn(people, levels, turned)
    scene = drawn.scene(frames, lens.table)
    shown = np.flatnonzero(levels >= 0)
    order = shown[np.lexsort((people.ids[shown], frames[shown, 2, 3]))].astype(np.int32)
    columns, rows = lens.ranges
    band = slice(*_rows(scene, rows))
    depth, ids = np.full((height, width), np.inf, np.float32), np.zeros((height, width), np.uint32)
    slot, triangle = np.full(depth[band].shape, -1, np.int32), np.empty(depth[band].shape, np.int32)
    above = replace(scene, pixels=_from_row(scene.pixels, band.start))
    crowdraster.draw(above, lens.rays[band], (columns, rows[band]), order, depth[band], slot, triangle)
    crowdread.label(slot, scene.ids, ids[band])
    normals, parts, motion = _read(people, view, lens, wanted, drawn, scene, frames, band, slot, triangle)
    matte_ids, coverage = _mattes(scene, lens, order) if "mattes" in wanted else (None, None)
    joints = crowd_pose.joints_of(people, people.now, frames, order)
    joints_px = to_pixels(joints.reshape(-1, 3), lens.table).reshape(-1, 18, 2)
    slack = frames[order, 2, 3] * lens.angle_px
    seen = crowd_pose.seen(joints, _from_row(joints_px, band.start), order, depth[band], slot, slack)
    poses = {family: crowd_pose.draw((height, width), joints_px, seen, family) for family in families}
    all_px, all_seen = np.full((len(people.ids), 18, 2), np.nan, np.float32), np.zeros((len(people.ids), 18), bool)
    all_px[order], all_seen[order] = joints_px, seen
    return CrowdGuides(
        depth, ids, normals, parts, motion, matte_ids, coverage, poses, all_px,
        all_seen, levels.astype(np.int8),
    )  # fmt: skip


def _levels(people: People, frames: Array, lens: Optics) -> tuple[NDArray[np.int64], Floats]:
    """(N,) mesh of its chain that each agent wears, -1 for those out of the picture; (N,) how far it has turned into the
    next."""
    x, y, z = frames[:, 0, 3], frames[:, 1, 3], frames[:, 2, 3]
    reach = _REACH_M * people.scales
    (low_x, high_x), (low_y, high_y) = ((axis[:, 0].min(), axis[:, 1].max()) for axis in lens.ranges)
    # A ball lies beyond a plane through the camera where its centre does by more than its radius.
    shown = z + reach > NEAR_M
    for value, low, high in ((x, low_x, high_x), (y, low_y, high_y)):
        shown &= (value - high * z < reach * np.hypot(1, high)) & (low * z - value < reach * np.hypot(1, low))
    metres_per_px = np.maximum(z, NEAR_M) * lens.angle_px
    characters = [people.character(worn) for worn in range(len(people.characters))]
    chains = [people.chain(worn) for worn in range(len(characters))]
    strays = np.full((len(chains), max(map(len, chains), default=1)), np.inf)
    for row, levels in enumerate(chains):
        strays[row, : len(levels)] = [level.strays_m for level in levels]
    tall = np.array([character.height_m for character in characters])[people.wears] * people.scales
    chosen, turned = lod.allowed(strays[people.wears] * people.scales[:, None], tall, metres_per_px)
    return np.where(shown, chosen, -1), turned


def _read(
    people: People,
    view: View,
    lens: Optics,
    wanted: Collection[str],
    drawn: Drawn,
    scene: Scene,
    frames: Array,
    band: slice,
    slot: Ints,
    triangle: Ints,
) -> tuple[Floats | None, NDArray[np.uint8] | None, Floats | None]:
    """(normals, parts, motion) as wanted. slot, triangle: of the rows of `band`."""
    size, nothing = view.size, np.zeros((0, 3), np.float32)
    normals = np.zeros((*size, 3), np.float32) if "normals" in wanted else None
    parts = np.zeros(size, np.uint8) if set(wanted) & {"normals", "parts", "motion"} else None
    motion = np.zeros((*size, 2), np.float32) if "motion" in wanted else None
    if parts is not None:
        turned, there = nothing, nothing
        if normals is not None:
            turned = drawn.placed(people.now, frames * [1.0, 1.0, 1.0, 0.0], "normals")
        if motion is not None and view.ahead:
            there = drawn.placed(people.there, camera_from_people(people, people.there, view.other), "vertices")
        table = other_table(lens, view.project_there) if view.project_there and len(there) else lens.table
        unused = np.zeros((0, 0, 3), np.float32), np.zeros((0, 0, 2), np.float32)
        crowdread.resolve(
            scene, lens.rays[band], slot, triangle, turned, there, table, view.ahead,
            unused[0] if normals is None else normals[band], parts[band],
            unused[1] if motion is None else motion[band], band.start,
        )  # fmt: skip
    return normals, parts if "parts" in wanted else None, motion


def _mattes(scene: Scene, lens: Optics, order: Ints) -> tuple[NDArray[np.uint32], Floats]:
    """Four samples in each pixel, of the rows that anybody may reach."""
    rays, (columns, rows) = lens.fine
    height, width = len(rays) // 2, rays.shape[1] // 2
    ids, coverage = np.zeros((height, width, 4), np.uint32), np.zeros((height, width, 4), np.float32)
    begin, end = _rows(scene, rows)
    top, bottom = begin // 2, (end + 1) // 2
    band = slice(2 * top, 2 * bottom)
    depth, slot = (np.full((2 * (bottom - top), 2 * width), value) for value in (np.float32(np.inf), np.int32(-1)))
    shifted = replace(scene, pixels=_from_row(scene.pixels, top) * np.float32(2))
    crowdraster.draw(shifted, rays[band], (columns, rows[band]), order, depth, slot, np.empty(slot.shape, np.int32))
    crowdread.rank(slot, scene.ids, ids[top:bottom], coverage[top:bottom])
    return ids, coverage


def _from_row(pixels: Floats, top: int) -> Floats:
    """Places (..., 2) as a picture has them that begins at row `top`. Exact: floats lose nothing to a whole number below them."""
    moved = pixels.copy()
    moved[..., 1] -= np.float32(top)
    return moved


def _rows(scene: Scene, ranges: Floats) -> tuple[int, int]:
    """First and one-past-last row of the picture that anything of the crowd may reach. ranges: (H, 2), of Optics.

    In rays, where edges are straight, no triangle leaves the box of its corners: exact for any size of triangle.
    """
    y, z = scene.vertices[:, 1], scene.vertices[:, 2]
    if not len(y):
        return 0, 0
    if not (z >= NEAR_M).all():
        return 0, len(ranges)  # somebody crosses the lens
    slopes = y / z
    low, high = float(slopes.min()), float(slopes.max())
    slack = 1e-5 * (1 + max(abs(low), abs(high)))  # y / z is rounded
    reached = np.flatnonzero((ranges[:, 1] >= low - slack) & (ranges[:, 0] <= high + slack))
    return (int(reached[0]), int(reached[-1]) + 1) if len(reached) else (0, 0)
