"""The layout from above: who stands where and walks which way, the zones, and the camera's path and field of view."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from assets.preview.figures import Crowd
from assets.preview.labels import zone_colours
from pipeline.review import slate

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

MARGIN_M = 6.0
LONGEST_PX = 2000  # of the picture's chart
BODY_M = 0.5  # shoulder width of a drawn agent
WALKS_M = 0.3  # whose way is shorter is drawn without it
GRIDS_M = (1, 2, 5, 10, 20, 50, 100, 200, 500)
MOST_LINES = 24
CAMERA = (255, 92, 92)
GRID, GROUND = (52, 55, 60), (26, 28, 31)


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """What is drawn, in plan: x to the right, z down, so that the first camera (it looks along -Z) looks up.

    bounds: x0, z0, x1, z1 metres. grid_m: between lines. zones: name to (P, 2) corners. centres: (F, 2) of the camera.
    views: (2, 4, 2): the field of view at the first and last frame, its two edges as (near, far) points. first_frame: of
    the layout, in the plate's count.
    """

    crowd: Crowd
    bounds: tuple[float, float, float, float]
    grid_m: int
    zones: Mapping[str, Array]
    colours: Mapping[str, tuple[int, int, int]]
    centres: Array
    views: Array
    title: str
    frames: tuple[int, int]


def chart_of(
    crowd: Crowd, poses: Array, sides: tuple[float, float], zones: Mapping[str, Array], title: str, first_frame: int
) -> Chart:
    """poses: (F, 4, 4) camera_from_world; sides: x/z of the rays through the middle of the picture's left and right edge;
    zones: corners (P, 2) in plan, x and z metres, by name; may lack some."""
    plan = crowd.positions[..., [0, 2]].reshape(-1, 2)
    centres = (-np.swapaxes(poses[:, :3, :3], 1, 2) @ poses[:, :3, 3:])[:, [0, 2], 0]
    everything = np.concatenate([plan, centres, *[np.asarray(z, np.float64).reshape(-1, 2) for z in zones.values()]])
    low, high = everything.min(axis=0) - MARGIN_M, everything.max(axis=0) + MARGIN_M
    spare = np.maximum(0.45 * (high - low).max() - (high - low), 0) / 2  # no narrower than a page
    bounds = (low - spare).tolist() + (high + spare).tolist()
    longest = max(bounds[2] - bounds[0], bounds[3] - bounds[1])
    return Chart(
        crowd=crowd,
        bounds=(bounds[0], bounds[1], bounds[2], bounds[3]),
        grid_m=next((g for g in GRIDS_M if longest / g <= MOST_LINES), GRIDS_M[-1]),
        zones=zones,
        colours=zone_colours(crowd.zones),
        centres=centres,
        views=np.stack([_field(poses[row], centres[row], sides, longest) for row in (0, -1)]),
        title=title,
        frames=(first_frame, first_frame + len(poses) - 1),
    )


def walkers(crowd: Crowd) -> npt.NDArray[np.intp]:
    """Rows of the agents whose way is long enough to be drawn."""
    plan = crowd.positions[..., [0, 2]]
    reach = np.linalg.norm(plan - plan[:1], axis=-1).max(axis=0)
    return np.flatnonzero(reach > WALKS_M)


def arrow(x: float, z: float, yaw_rad: float, scale: float) -> Array:
    """(4, 2) corners of an agent's mark, a dart that points where it faces, in plan."""
    ahead = np.array([np.sin(yaw_rad), np.cos(yaw_rad)])
    beside = np.array([ahead[1], -ahead[0]])
    size = BODY_M * scale
    along, across = np.array([0.75, -0.45, -0.2, -0.45]) * size, np.array([0.0, 0.5, 0.0, -0.5]) * size
    return np.asarray((x, z) + along[:, None] * ahead + across[:, None] * beside)


def picture(chart: Chart) -> Picture:
    """The chart as (H, W, 3) uint8, with a legend below."""
    x0, z0, x1, z1 = chart.bounds
    scale = LONGEST_PX / max(x1 - x0, z1 - z0)
    canvas = np.empty((round((z1 - z0) * scale), round((x1 - x0) * scale), 3), np.uint8)
    canvas[:] = GROUND

    def at(points: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Plan metres as OpenCV's fixed-point pixels."""
        return np.rint((np.asarray(points, np.float64) - (x0, z0)) * scale * 16).astype(np.int32)

    _grid(canvas, chart, scale)
    fill = canvas.copy()
    for name, corners in chart.zones.items():
        cv2.fillPoly(fill, [at(corners)], chart.colours.get(name, CAMERA), cv2.LINE_AA, 4)
    cv2.addWeighted(fill, 0.14, canvas, 0.86, 0, dst=canvas)
    for name, corners in chart.zones.items():
        cv2.polylines(canvas, [at(corners)], True, chart.colours.get(name, CAMERA), 1, cv2.LINE_AA, 4)
    for strength, edges in zip((1.0, 0.5), chart.views, strict=True):
        colour = tuple(int(strength * c) for c in CAMERA)
        cv2.polylines(canvas, [at(edges[:2]), at(edges[2:])], False, colour, 2, cv2.LINE_AA, 4)
    cv2.polylines(canvas, [at(chart.centres)], False, CAMERA, 3, cv2.LINE_AA, 4)
    cv2.circle(canvas, at(chart.centres[0]).tolist(), round(16 * 0.35 * scale), CAMERA, -1, cv2.LINE_AA, 4)
    crowd = chart.crowd
    for agent in walkers(crowd):
        colour = tuple(int(0.6 * c) for c in chart.colours[crowd.zones[agent]])
        cv2.polylines(canvas, [at(crowd.positions[:, agent][:, [0, 2]])], False, colour, 1, cv2.LINE_AA, 4)
    for agent, (x, _, z) in enumerate(crowd.positions[0]):
        dart = at(arrow(x, z, float(crowd.yaws[0, agent]), float(crowd.scales[agent])))
        cv2.fillPoly(canvas, [dart], chart.colours[crowd.zones[agent]], cv2.LINE_AA, 4)
    _numbers(canvas, chart, scale)
    return _with_legend(canvas, chart)


def grid_lines(chart: Chart) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """x of the upright and z of the level grid lines."""
    x0, z0, x1, z1 = chart.bounds
    step = chart.grid_m
    return np.arange(np.ceil(x0 / step), x1 / step) * step, np.arange(np.ceil(z0 / step), z1 / step) * step


def _field(pose: Array, centre: Array, sides: tuple[float, float], far_m: float) -> Array:
    edges = []
    for side in sides:
        way = (np.array([side, 0.0, 1.0]) @ pose[:3, :3])[[0, 2]]
        edges += [centre, centre + far_m * way / max(float(np.linalg.norm(way)), 1e-9)]
    return np.array(edges)


def _grid(canvas: Picture, chart: Chart, scale: float) -> None:
    uprights, levels = grid_lines(chart)
    for x in np.rint((uprights - chart.bounds[0]) * scale).astype(int):
        canvas[:, min(x, canvas.shape[1] - 1)] = GRID
    for y in np.rint((levels - chart.bounds[1]) * scale).astype(int):
        canvas[min(y, canvas.shape[0] - 1)] = GRID


def _numbers(canvas: Picture, chart: Chart, scale: float) -> None:
    """Metres at the grid lines, zone names in the middle of their people."""
    uprights, levels = grid_lines(chart)
    for x, px in zip(uprights, np.rint((uprights - chart.bounds[0]) * scale).astype(int), strict=True):
        slate.write(canvas, f"{x:g}", int(px) + 4, canvas.shape[0] - 8, 15, slate.FAINT)
    for z, py in zip(levels, np.rint((levels - chart.bounds[1]) * scale).astype(int), strict=True):
        slate.write(canvas, f"{z:g} m", 6, int(py) - 5, 15, slate.FAINT)
    zones = np.array(chart.crowd.zones)
    for zone, colour in chart.colours.items():
        plan = chart.crowd.positions[0][zones == zone][:, [0, 2]]
        (x, z), low = plan.mean(axis=0), plan[:, 1].max()
        left = round((x - chart.bounds[0]) * scale - slate.width_of(zone, 20, slate.BOLD) / 2)
        slate.write(canvas, zone, left, round((low - chart.bounds[1] + 1.4) * scale) + 12, 20, colour, slate.BOLD)


def _with_legend(canvas: Picture, chart: Chart) -> Picture:
    counts = Counter(chart.crowd.zones)
    lines = [
        (f"{chart.title}   frames {chart.frames[0]}-{chart.frames[1]}   grid {chart.grid_m} m", slate.INK),
        ("up: where the first camera looks (-Z); right: +X; red: camera path, field of view first and last", CAMERA),
        *((f"{zone}: {counts[zone]}", colour) for zone, colour in chart.colours.items()),
    ]
    widest = max(slate.width_of(text, 18) for text, _ in lines) + 32
    out = np.empty((canvas.shape[0] + 28 * len(lines) + 16, max(canvas.shape[1], widest), 3), np.uint8)
    out[:] = slate.PAPER
    out[: canvas.shape[0], : canvas.shape[1]] = canvas
    for number, (text, colour) in enumerate(lines):
        slate.write(out, text, 16, canvas.shape[0] + 28 * (number + 1), 18, colour)
    return out
