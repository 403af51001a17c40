"""The crowd before anything is generated: grey stand-ins through the solved camera and its lens, and who stands at a pixel."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.crowd.formations import chance
from assets.motion.motions import learn_captures
from assets.preview.standins import Standin, lasting, level_for, moment_of, moments_for, standin
from assets.view import View
from pipeline.errors import AssetError
from pipeline.kernels.raster import empty_buffers, rasterize
from pipeline.types import CrowdLayout

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

NEAREST_M = 0.3  # who stands closer to the lens is not drawn
REACH_M, TALL_M, BODY_M = 1.3, 2.8, 1.8  # of a figure with its arms: around its root, above it; of its body alone
TO_LIGHT = np.array([-0.45, -0.65, -0.61])  # camera axes, unit: from the upper left, behind the viewer
SKY, KEY = 0.34, 0.48  # shares of the display's white
NEIGHBOURS_DIFFER = 0.16  # largest change of a figure's grey


@dataclass(frozen=True, slots=True, eq=False)
class Crowd:
    """A layout in memory: N agents, F frames, files as in CrowdLayout. motions: (F, N) rows of `motion_names`."""

    ids: npt.NDArray[np.int64]
    names: list[str]
    zones: list[str]
    characters: list[str]
    scales: Array
    greys: Array
    positions: Array
    yaws: Array
    phases: Array
    motions: npt.NDArray[np.intp]
    motion_names: tuple[str, ...]

    def row_of(self, number: int) -> int:
        """Row of the agent with id `number`. Raises AssetError when there is none."""
        found = np.flatnonzero(self.ids == number)
        if not len(found):
            raise AssetError(f"crowd: there is no agent {number}. Ids run from {self.ids.min()} to {self.ids.max()}.")
        return int(found[0])

    def motion(self, row: int, agent: int) -> str:
        return self.motion_names[self.motions[row, agent]]


def read_crowd(layout: CrowdLayout) -> Crowd:
    """The agents of a receipt. Raises AssetError when its files do not belong together."""
    learn_captures(layout.captures)
    entries = json.loads(layout.agents.read_text("utf-8"))
    positions, yaws, phases = (np.load(p).astype(np.float64) for p in (layout.positions, layout.yaws, layout.phases))
    shape = (len(layout.frames), len(entries))
    motions = np.load(layout.motions).astype(np.intp)
    if not (positions.shape == (*shape, 3) and yaws.shape == phases.shape == motions.shape == shape):
        raise AssetError(f"{layout.agents}: agents and positions do not belong together. Run lay_out_crowd again.")
    seeds = np.array([entry["seed"] for entry in entries], np.int64)
    return Crowd(
        ids=np.array([entry["id"] for entry in entries], np.int64),
        names=[entry["name"] for entry in entries],
        zones=[entry["zone"] for entry in entries],
        characters=[entry["character"] for entry in entries],
        scales=np.array([entry["scale"] for entry in entries], np.float64),
        greys=1 + NEIGHBOURS_DIFFER * (2 * chance(7, "grey", seeds, "level") - 1),
        positions=positions,
        yaws=yaws,
        phases=phases,
        motions=motions,
        motion_names=layout.motion_names,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """One frame's stand-ins. depth: (H, W) float32 metres along camera z, +inf where empty; agents: (H, W) int32 row of
    the agent that is seen, -1 where empty; shade: (H, W) float32 grey, as the display codes it, 0..1."""

    depth: Floats
    agents: Ints
    shade: Floats


def draw_figures(view: View, crowd: Crowd, row: int, samples: int = 1) -> Figures:
    """Everybody on the layout's frame `row`, as solid grey meshes in the plate's distorted pixels.

    samples: pixels of `view` along one side of a pixel that is shown in the end; figures are as coarse as that allows.
    """
    depth, triangle, weights = empty_buffers(*view.size)
    shown = in_view(view, crowd, row)
    if not len(shown):
        return Figures(depth, triangle, np.zeros(view.size, np.float32))
    sizes = px_per_m(view, crowd.positions[row, shown]) * crowd.scales[shown] / samples
    pieces = [_standin(crowd, row, int(agent), float(size)) for agent, size in zip(shown, sizes, strict=True)]
    camera, triangles = _gathered(view, crowd, row, shown, pieces)
    pixels = np.nan_to_num(view.project(camera.astype(np.float64)), nan=-9.0).astype(np.float32)
    rasterize(camera, triangles, view.rays, pixels, depth, triangle, weights)
    triangle_counts = [len(piece.triangles) for piece in pieces]
    owner = np.repeat(np.arange(len(shown)), triangle_counts)
    covered = triangle >= 0
    seen = triangle[covered]
    agents, shade = np.full(view.size, -1, np.int32), np.zeros(view.size, np.float32)
    agents[covered] = shown[owner[seen]]
    normals = _turned(np.concatenate([p.normals for p in pieces])[seen], crowd.yaws[row, agents[covered]])
    shade[covered] = _lit(normals @ view.pose[:3, :3].T, view.rays[covered]) * crowd.greys[agents[covered]]
    return Figures(depth, agents, shade)


def _gathered(
    view: View, crowd: Crowd, row: int, shown: npt.NDArray[np.intp], pieces: list[Standin]
) -> tuple[Floats, Ints]:
    """Vertices (V, 3) in camera axes and triangles (T, 3) of all pieces as one mesh."""
    ends = np.cumsum([len(piece.vertices) for piece in pieces])
    camera = np.empty((int(ends[-1]), 3), np.float32)
    roots = view.to_camera(crowd.positions[row, shown])
    # One small product each: to turn all vertices at once reads and writes several times their memory.
    turns = _turned(np.tile(np.eye(3), (len(shown), 1)), np.repeat(crowd.yaws[row, shown], 3)).reshape(-1, 3, 3)
    turns = turns @ view.pose[:3, :3].T * crowd.scales[shown, None, None]
    for piece, end, turn, root in zip(pieces, ends, turns.astype(np.float32), roots.astype(np.float32), strict=True):
        part = camera[end - len(piece.vertices) : end]
        np.matmul(piece.vertices, turn, out=part)
        part += root
    triangles = [p.triangles + (end - len(p.vertices)) for p, end in zip(pieces, ends.astype(np.int32), strict=True)]
    return camera, np.ascontiguousarray(np.concatenate(triangles), np.int32)


def in_view(view: View, crowd: Crowd, row: int) -> npt.NDArray[np.intp]:
    """Rows of the agents of whom something may be seen, nearest first."""
    positions, scales = crowd.positions[row], crowd.scales
    away = view.to_camera(positions)[:, 2]
    around = np.array([[x, y, z] for x in (-1, 1) for y in (-0.1, TALL_M / REACH_M) for z in (-1, 1)]) * REACH_M
    boxes = view.boxes(positions[:, None] + scales[:, None, None] * around)
    # A box with a corner behind the lens is empty to `boxes`; such a figure is near, and the rasteriser clips it.
    near = (away > NEAREST_M) & (away < NEAREST_M + 2 * TALL_M)
    seen = ((boxes[:, 1] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 2]) & (away > NEAREST_M)) | near
    shown = np.flatnonzero(seen)
    return shown[np.lexsort((crowd.ids[shown], away[shown]))]


def px_per_m(view: View, points: Array) -> Array:
    """(N,) how many pixels a metre across covers at world points (N, 3) before the camera."""
    ends = view.project(np.array([[-5e-4, 0.0, 1.0], [5e-4, 0.0, 1.0]]))
    focal_px = float(np.linalg.norm(ends[1] - ends[0])) / 1e-3
    return np.asarray(focal_px / np.maximum(view.to_camera(points)[:, 2], NEAREST_M))


def _standin(crowd: Crowd, row: int, agent: int, size: float) -> Standin:
    """size: pixels a metre of the figure."""
    motion, moments = crowd.motion(row, agent), moments_for(BODY_M * size)
    moments *= lasting(motion)
    moment = moment_of(motion, float(crowd.phases[row, agent]), moments)
    return standin(crowd.characters[agent], motion, moment, moments, level_for(size))


def _turned(points: npt.NDArray, yaws: Array) -> Array:
    """Points or directions (N, 3) of a person's space turned to world headings (N,)."""
    c, s = np.cos(yaws), np.sin(yaws)
    return np.stack([c * points[:, 0] + s * points[:, 2], points[:, 1], c * points[:, 2] - s * points[:, 0]], axis=1)


def _lit(normals: Array, rays: Floats) -> Array:
    """(N,) grey of surfaces with camera-space normals (N, 3), seen along rays (N, 2); both sides of a sheet are lit."""
    away = normals[:, 0] * rays[:, 0] + normals[:, 1] * rays[:, 1] + normals[:, 2]
    facing = np.where(away > 0, -1.0, 1.0)[:, None] * normals
    return np.asarray(SKY * (0.75 - 0.25 * facing[:, 1]) + KEY * np.maximum(facing @ TO_LIGHT, 0))
