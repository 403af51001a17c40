"""Settle the ground: where the plate's own texture, followed over the widest parallax, says that a surveyed sheet lies.

A sheet from depth maps is good to a few percent of the distance: people who stand on it would slide. Here the sheet is
the surface to search around, at the plate's resolution and between frames as far apart as the texture can be followed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, to_camera, world_from_camera
from calibration.depth.sweep import grain
from calibration.depth.views import View, load_view, parallax_px, pinholes
from calibration.ground.heightfield import Heightfield
from calibration.lens import project
from pipeline.io import exr
from pipeline.kernels.sweep import WORST, photo_cost
from pipeline.types import CameraTrack, Plate

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

WINDOWS = ((21, 11), (15, 7), (7, 1))  # px over which a round gathers costs: low, for a row is metres of far ground
_KEEN = (3, 1)  # px over which costs are gathered to see what sticks out of the ground
_OUT_PX = 1.0  # so much more parallax than the sheet, per 960 px of width, sticks out ...
_BESIDE_PX = 3.0  # ... and draws what lies so near to it upwards, for their windows overlap
_LEAST = 0.02  # what such a place still says
_MATCHED = (1, 5)  # rows and columns to either side that are compared
_WIDEST = 0.12  # of the picture's width: over more parallax textures no longer look alike
_NARROWER = 0.04  # for what the widest no longer see: the picture's rim, and what other things come to hide
_SPAN_PX = 5.0  # how far from the sheet the widest neighbour is searched, per 960 px of width ...
_STEP_PX = 0.5  # ... and how finely
_ALIKE = 0.5  # correlation that makes a match
_GRID_PX = 4  # the sheet is met by every fourth pixel's ray, the rest interpolated
_PICK = 2  # every second pixel of every second row counts: neighbours share their windows


@dataclass(frozen=True, eq=False)
class Evidence:
    """points: (N, 3) world metres. say: (N,) weights: square of the parallax, relative to 15% of the picture's width.

    clear: (N,) 0 to 1, how far a point lies from what sticks out of the sheet: beside a tuft ground is measured too high.
    """

    points: Array
    say: Array
    clear: Array


def look(
    plate: Plate,
    track: CameraTrack,
    matte: Path,
    field: Heightfield,
    frame: int,
    width_px: int,
    window: tuple[int, int],
) -> Evidence:
    """Where `frame` and its widest neighbours find the ground within a few pixels of `field`; nothing without parallax.

    matte: the frame's EXR of who stands before the ground. width_px: working size. window: one of WINDOWS, per 960 px.
    """
    view = load_view(plate, track, frame, width_px)
    base = inverse_depth(field, view)
    rows = np.flatnonzero((base > 0).any(axis=1))
    part = slice(int(rows[0]) if len(rows) else 0, None)
    free = ~_covered(matte, view)[part]
    points, say, clear = [np.empty((0, 3))], [np.empty(0)], [np.empty(0)]
    for others in _widest(track, view, field):
        views = [load_view(plate, track, f, width_px) for f in others]
        found, sure, away_px = _search(view, views, base[part], part, window)
        row, column = np.nonzero((sure & free)[::_PICK, ::_PICK])
        row, column = row * _PICK, column * _PICK
        z = 1 / found[row, column].astype(np.float64)
        seen = np.column_stack([view.rays[part][row, column].astype(np.float64) * z[:, None], z])
        back = world_from_camera(view.pose)
        points.append(seen @ back[:3, :3].T + back[:3, 3])
        say.append((_parallax(points[-1], view, views) / (0.15 * view.lens.width)) ** 2)
        clear.append(np.clip((away_px[row, column] / _BESIDE_PX).astype(np.float64) ** 2, _LEAST, 1))
    return Evidence(np.concatenate(points), np.concatenate(say), np.concatenate(clear))


def inverse_depth(field: Heightfield, view: View) -> Floats:
    """(h, w) float32 1/m of `field` as `view` sees it; 0 over the horizon."""
    height, width = view.grey.shape
    y, x = np.mgrid[0 : height + _GRID_PX : _GRID_PX, 0 : width + _GRID_PX : _GRID_PX].astype(np.float64)
    met = field.meet_ground(np.stack([x, y], axis=-1), view.lens, view.pose)
    coarse = np.nan_to_num(1 / (met @ view.pose[2, :3] + view.pose[2, 3]), nan=-1.0).astype(np.float32)
    across, down = np.meshgrid((np.arange(width) + 0.5) / _GRID_PX, (np.arange(height) + 0.5) / _GRID_PX)
    across, down = across.astype(np.float32), down.astype(np.float32)
    lowest = cv2.remap(cv2.erode(coarse, np.ones((2, 2), np.uint8)), across, down, cv2.INTER_NEAREST)
    smooth = cv2.remap(coarse, across, down, cv2.INTER_LINEAR)
    return np.where((lowest > 0) & (smooth > 0), smooth, 0).astype(np.float32)


def _widest(track: CameraTrack, view: View, field: Heightfield) -> list[list[int]]:
    """Up to two frames that see the farther ground from as far aside as its texture can be followed; then, the nearer."""
    height, width = view.grey.shape
    grid = np.stack(np.meshgrid(np.linspace(0, width, 24), np.linspace(0, height, 24)), axis=-1).reshape(-1, 2)
    ground = field.meet_ground(grid, view.lens, view.pose)
    ground = ground[np.isfinite(ground).all(axis=1)]
    if len(ground) < 8:
        return []
    away = to_camera(ground, view.pose)[:, 2]
    chosen: list[list[int]] = []
    for half, widest in ((away >= np.median(away), _WIDEST), (away <= np.median(away), _NARROWER)):
        moved = parallax_px(track, view.frame, ground[half], width)
        moved[(moved < 1) | (moved > widest * width)] = -1
        pair = []
        for _ in range(2):
            row = int(np.argmax(moved))
            if moved[row] > 0:
                pair.append(track.frames.first + row)
                apart = max(1, len(moved) // 8)  # what covers the ground in one frame does in its neighbours
                moved[max(0, row - apart + 1) : row + apart] = -1
        if pair and pair not in chosen:
            chosen.append(pair)
    return chosen


def _search(
    view: View, others: list[View], base: Floats, part: slice, window: tuple[int, int]
) -> tuple[Floats, Bools, Floats]:
    """Inverse depth where costs, gathered over `window`, are least; where that is a match; px per 960 to what sticks out."""
    near = pinholes(view, others)
    farthest = max(
        float(np.linalg.norm(v.pose @ np.linalg.inv(view.pose) @ [0, 0, 0, 1] - [0, 0, 0, 1])) for v in others
    )
    step = _STEP_PX / (view.lens.focal_x_px * farthest)
    scale = view.lens.width / 960
    half = round(max(_SPAN_PX * scale, 2.0) / _STEP_PX)
    offsets = (np.arange(-half, half + 1) * step).astype(np.float32)
    costs = photo_cost(
        view.grey[part],
        view.rays[part],
        near.pictures,
        near.turns,
        near.shifts,
        base,
        offsets,
        grain(view.grey),
        _MATCHED,
    )
    steps, sure = _least(costs, _odd(_KEEN, scale))
    out = sure & (base > 0) & (steps * _STEP_PX > _OUT_PX * scale)
    away_px = cv2.distanceTransform((~out).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_5) / scale
    steps, sure = _least(costs, _odd(window, scale))
    found = (base + steps * step).astype(np.float32)
    return found, sure & (base > 0) & (found > 1e-4), np.asarray(away_px, np.float32)


def _odd(window: tuple[int, int], scale: float) -> tuple[int, int]:
    return 2 * round((window[0] * scale - 1) / 2) + 1, 2 * round((window[1] * scale - 1) / 2) + 1


def _least(costs: npt.NDArray[np.uint8], size: tuple[int, int]) -> tuple[Floats, Bools]:
    """Where along the middle-centred last axis costs, gathered over `size` px, are least, in steps; whether that is a match."""
    gathered = np.stack([cv2.blur(c, size) for c in np.moveaxis(costs, -1, 0).astype(np.float32)], axis=-1)
    best = np.clip(gathered.argmin(axis=-1), 1, costs.shape[-1] - 2)
    before, least, after = (np.take_along_axis(gathered, (best + k)[..., None], -1)[..., 0] for k in (-1, 0, 1))
    bend = before + after - 2 * least
    aside = np.where(bend > 1e-3, 0.5 * (before - after) / np.maximum(bend, 1e-3), 0)
    inside = (least <= before) & (least <= after)  # a lowest cost at the span's end is no match
    steps = best - costs.shape[-1] // 2 + np.clip(aside, -0.5, 0.5)
    return steps, inside & (least < (1 - _ALIKE) * WORST)


def _covered(matte: Path, view: View) -> Bools:
    """Where somebody stands before the ground, and a rim that windows reach over."""
    height, width = view.grey.shape
    alpha = cv2.resize(exr.read(matte).channels["A"].astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    rim = 2 * (width // 128) + 1
    return np.asarray(cv2.dilate((alpha > 0.05).astype(np.uint8), np.ones((rim, rim), np.uint8)) > 0)


def _parallax(points: Array, view: View, others: list[View]) -> Array:
    """(N,) px that world points move by parallax alone, in whichever of `others` moves them least."""
    centre = camera_centre(view.pose)
    least = np.full(len(points), np.inf)
    for other in others:
        there = project(to_camera(points, other.pose), view.lens)
        turned = project((points - centre) @ other.pose[:3, :3].T, view.lens)
        moved = np.linalg.norm(there - turned, axis=1)
        least = np.minimum(least, np.where(np.isfinite(moved), moved, 0))
    return least
