"""The matchmove artist's picture: the solve drawn over the plate."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, look_direction, to_camera
from calibration.lens import project
from calibration.solved import Solve

Picture = npt.NDArray[np.uint8]
TRAIL = 10  # frames
GRID_M = 30
BAD_PX = 2.0
GREEN, AMBER, RED = (96, 220, 110), (250, 196, 60), (245, 70, 60)


def draw(picture: Picture, solve: Solve, row: int, title: str) -> Picture:
    """Draw ground grid, points with trails and a legend over `picture` (H, W, 3) uint8 of the frame in `row`."""
    scale = min(1.0, 1920 / picture.shape[1])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    canvas = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if scale < 1 else picture.copy()
    canvas = np.asarray(np.rint(canvas * 0.82), np.uint8)  # the plate steps back behind what is drawn
    factor = np.array([size[0] / solve.lens.width, size[1] / solve.lens.height])
    _grid(canvas, solve, row, factor)
    counts = _points(canvas, solve, row, factor)
    _legend(canvas, title, counts)
    return canvas


def best_row(solve: Solve) -> int:
    """The frame that shows most points, among those with a trail behind them."""
    counts = np.bincount(solve.observations[:, 0].astype(int), minlength=len(solve.poses))
    counts[: min(TRAIL, len(counts) - 1)] = 0
    return int(counts.argmax())


def _grid(canvas: Picture, solve: Solve, row: int, factor: npt.NDArray[np.float64]) -> None:
    """Lines every metre, strong ones every five, on y = 0 around the camera; the axes through the origin."""
    centre = camera_centre(solve.poses[row])
    look = look_direction(solve.poses[row])
    middle = np.round((centre + 0.8 * GRID_M * look)[[0, 2]] / 5) * 5
    drawn = canvas.copy()
    along = np.linspace(-GRID_M, GRID_M, 241)
    for strong in (False, True):
        for step in range(-GRID_M, GRID_M + 1):
            if (step % 5 == 0) != strong:
                continue
            for axis in (0, 1):
                line = np.zeros((len(along), 3))
                line[:, 0 if axis == 0 else 2] = middle[axis] + step
                line[:, 2 if axis == 0 else 0] = middle[1 - axis] + along
                _path(drawn, line, solve, row, factor, (235, 240, 245) if strong else (150, 190, 220), 1)
    cv2.addWeighted(drawn, 0.45, canvas, 0.55, 0, dst=canvas)
    reach = np.linspace(0, 1, 30)[:, None]
    for way, colour in (((1, 0, 0), (235, 80, 80)), ((0, 1, 0), (110, 220, 110)), ((0, 0, -1), (90, 140, 250))):
        _path(canvas, _cross(solve, row) + reach * np.array(way, float), solve, row, factor, colour, 2)


def _cross(solve: Solve, row: int) -> npt.NDArray[np.float64]:
    """A crossing of the grid in front of the camera, where the axes are drawn: one metre each."""
    centre, look = camera_centre(solve.poses[row]), look_direction(solve.poses[row])
    flat = look * (1, 0, 1) / max(1e-6, float(np.hypot(look[0], look[2])))
    return np.asarray(np.round((centre + 5.0 * centre[1] * flat) * (1, 0, 1)))


def _path(
    canvas: Picture,
    points: npt.NDArray[np.float64],
    solve: Solve,
    row: int,
    factor: npt.NDArray[np.float64],
    colour: tuple[int, int, int],
    thickness: int,
) -> None:
    """A line through world points (N, 3), bent by the lens, cut where it leaves the view."""
    camera = to_camera(points, solve.poses[row])
    camera[camera[:, 2] < 0.2] = np.nan
    pixels = project(camera, solve.lens) * factor
    limit = 4 * max(canvas.shape)
    fine = np.isfinite(pixels).all(axis=1) & (np.abs(np.nan_to_num(pixels)) < limit).all(axis=1)
    breaks = np.flatnonzero(np.diff(fine.astype(int)) != 0) + 1
    for run in np.split(np.arange(len(points)), breaks):
        if len(run) > 1 and fine[run[0]]:
            part = np.rint(pixels[run] * 16).astype(np.int32)
            cv2.polylines(canvas, [part[:, None]], False, colour, thickness, cv2.LINE_AA, 4)


def _points(canvas: Picture, solve: Solve, row: int, factor: npt.NDArray[np.float64]) -> tuple[int, float, int]:
    """Each point seen in the frame: coloured by its error, with the way it came. Returns count, median, bad ones."""
    seen = solve.observations[:, 0].astype(int) == row
    errors = solve.errors_px()[seen]
    which = solve.observations[seen, 1].astype(int)
    first = max(0, row - TRAIL)
    trails = np.stack([project(to_camera(solve.points[which], solve.poses[r]), solve.lens) for r in range(first, row + 1)])
    trails = trails * factor
    size = canvas.shape[1] / 1280
    layer = canvas.copy()
    colours = [GREEN if e < 0.5 * BAD_PX else AMBER if e < BAD_PX else RED for e in errors]
    for index, colour in enumerate(colours):
        trail = trails[np.isfinite(trails[:, index]).all(axis=1), index]
        if len(trail) > 1 and np.abs(np.diff(trail, axis=0)).max() < 0.1 * canvas.shape[1]:
            part = np.rint(trail * 16).astype(np.int32)[:, None]
            cv2.polylines(layer, [part], False, colour, 1, cv2.LINE_AA, 4)
    cv2.addWeighted(layer, 0.6, canvas, 0.4, 0, dst=canvas)
    marks = solve.observations[seen, 2:] * factor
    for (x, y), colour in zip(np.rint(marks * 16).astype(int).tolist(), colours, strict=True):
        cv2.circle(canvas, (x, y), round(2.2 * 16 * size), (20, 20, 20), -1, cv2.LINE_AA, 4)
        cv2.circle(canvas, (x, y), round(1.5 * 16 * size), colour, -1, cv2.LINE_AA, 4)
    return len(errors), float(np.median(errors)) if len(errors) else 0.0, int((errors >= BAD_PX).sum())


def _legend(canvas: Picture, title: str, counts: tuple[int, float, int]) -> None:
    """A band at the foot: what is seen, and what the colours mean."""
    height, width = canvas.shape[:2]
    band = max(26, round(0.045 * height))
    canvas[-band:] = np.rint(canvas[-band:] * 0.25).astype(np.uint8)
    points, median, bad = counts
    text = f"{title}   {points} points, median {median:.2f} px, {bad} over {BAD_PX:.0f} px   grid 1 m / 5 m"
    size = band / 52
    baseline = height - round(band * 0.34)
    cv2.putText(canvas, text, (round(band * 0.5), baseline), cv2.FONT_HERSHEY_DUPLEX, size, (235, 235, 235), 1, cv2.LINE_AA)
    x = width - round(band * 0.5)
    for label, colour in ((f"> {BAD_PX:.0f} px", RED), (f"< {BAD_PX:.0f}", AMBER), (f"< {0.5 * BAD_PX:.0f} px", GREEN)):
        (wide, _), _ = cv2.getTextSize(label, cv2.FONT_HERSHEY_DUPLEX, size, 1)
        x -= wide
        cv2.putText(canvas, label, (x, baseline), cv2.FONT_HERSHEY_DUPLEX, size, (235, 235, 235), 1, cv2.LINE_AA)
        x -= round(band * 0.35)
        cv2.circle(canvas, (x, height - band // 2), max(3, band // 7), colour, -1, cv2.LINE_AA)
        x -= round(band * 0.6)
