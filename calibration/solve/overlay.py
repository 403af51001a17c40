"""The matchmove artist's picture: the solve drawn over the plate."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, look_direction, to_camera
from calibration.lens import project
from calibration.solve.solved import Solve

Picture = npt.NDArray[np.uint8]
TRAIL = 10  # frames
NEAR_M, FAR_M = 10, 60
MOST_MARKS = 1200  # more hide the plate
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
    """Lines on y = 0: every metre near the camera, every five further on, fading out; axes of one metre."""
    centre, look = camera_centre(solve.poses[row]), look_direction(solve.poses[row])
    ahead = look[[0, 2]] / max(1e-6, float(np.hypot(look[0], look[2])))
    for spacing, reach, colour in ((1, NEAR_M, (170, 205, 235)), (5, FAR_M, (245, 245, 245))):
        middle = np.round((centre[[0, 2]] + (0.8 * reach if look[1] > -0.7 else 0.0) * ahead) / 5) * 5
        steps = np.arange(-reach, reach + 1, spacing)
        along = np.linspace(-reach, reach, 121)
        for axis in (0, 2):
            for step in steps:
                if spacing == 1 and step % 5 == 0:
                    continue  # the strong line lies there
                line = np.zeros((len(along), 3))
                line[:, axis], line[:, 2 - axis] = middle[axis // 2] + step, middle[1 - axis // 2] + along
                _fading(canvas, line, solve, row, factor, colour, centre, reach)
    reach_m = np.linspace(0, 1, 30)[:, None]
    for way, colour in (((1, 0, 0), (235, 80, 80)), ((0, 1, 0), (110, 220, 110)), ((0, 0, -1), (90, 140, 250))):
        _path(canvas, _cross(solve, row) + reach_m * np.array(way, float), solve, row, factor, colour, 2)


def _fading(
    canvas: Picture,
    line: npt.NDArray[np.float64],
    solve: Solve,
    row: int,
    factor: npt.NDArray[np.float64],
    colour: tuple[int, int, int],
    centre: npt.NDArray[np.float64],
    reach: float,
) -> None:
    """A grid line in pieces, each weaker the further it lies."""
    away = np.linalg.norm(line - centre, axis=1)
    for start in range(0, len(line) - 1, 8):
        part = line[start : start + 9]
        strength = 0.75 * max(0.0, 1.0 - float(away[start]) / (1.7 * reach)) ** 1.5
        if strength > 0.04:
            _path(canvas, part, solve, row, factor, colour, 1, strength)


def _cross(solve: Solve, row: int) -> npt.NDArray[np.float64]:
    """A crossing of the grid in front of the camera, where the axes are drawn."""
    centre, look = camera_centre(solve.poses[row]), look_direction(solve.poses[row])
    flat = look * (1, 0, 1) / max(1e-6, float(np.hypot(look[0], look[2])))
    drop = max(0.35, -float(look[1]) + 0.15)  # just under the middle of the picture, or nearer when it looks ahead
    return np.asarray(np.round((centre + min(6.0, centre[1] / drop) * flat) * (1, 0, 1)))


def _path(
    canvas: Picture,
    points: npt.NDArray[np.float64],
    solve: Solve,
    row: int,
    factor: npt.NDArray[np.float64],
    colour: tuple[int, int, int],
    thickness: int,
    strength: float = 1.0,
) -> None:
    """A line through world points (N, 3), bent by the lens, cut where it leaves the view."""
    camera = to_camera(points, solve.poses[row])
    camera[camera[:, 2] < 0.2] = np.nan
    pixels = project(camera, solve.lens_at(row)) * factor
    margin = 0.5 * max(canvas.shape)
    fine = np.isfinite(pixels).all(axis=1)
    fine &= (np.nan_to_num(pixels) > -margin).all(axis=1)
    fine &= (np.nan_to_num(pixels) < np.array(canvas.shape[1::-1]) + margin).all(axis=1)
    breaks = np.flatnonzero(np.diff(fine.astype(int)) != 0) + 1
    for run in np.split(np.arange(len(points)), breaks):
        if len(run) > 1 and fine[run[0]]:
            _line(canvas, pixels[run], colour, thickness, strength)


def _line(
    canvas: Picture, pixels: npt.NDArray[np.float64], colour: tuple[int, int, int], thickness: int, strength: float
) -> None:
    """A smooth line, `strength` of it over what is there."""
    height, width = canvas.shape[:2]
    left, top = np.maximum(np.floor(pixels.min(axis=0)).astype(int) - 3, 0)
    right, bottom = np.minimum(np.ceil(pixels.max(axis=0)).astype(int) + 4, (width, height))
    if right <= left or bottom <= top:
        return
    under = canvas[top:bottom, left:right]
    drawn = under.copy()
    fixed = np.rint((pixels - (left, top)) * 16).astype(np.int32)[:, None]
    cv2.polylines(drawn, [fixed], False, colour, thickness, cv2.LINE_AA, 4)
    cv2.addWeighted(drawn, strength, under, 1.0 - strength, 0, dst=drawn)
    canvas[top:bottom, left:right] = drawn


def _points(canvas: Picture, solve: Solve, row: int, factor: npt.NDArray[np.float64]) -> tuple[int, float, int]:
    """Each point seen in the frame: coloured by its error, with the way it came. Returns count, median, bad ones."""
    mine = np.flatnonzero(solve.observations[:, 0].astype(int) == row)
    all_errors = solve.errors_px()[mine]
    # Spread over the points by a fixed stride; the bad ones are always shown.
    shown = (np.arange(len(mine)) % max(1, -(-len(mine) // MOST_MARKS)) == 0) | (all_errors >= BAD_PX)
    seen, errors = mine[shown], all_errors[shown]
    which = solve.observations[seen, 1].astype(int)
    first = max(0, row - TRAIL)
    trails = np.stack(
        [project(to_camera(solve.points[which], solve.poses[r]), solve.lens_at(r)) for r in range(first, row + 1)]
    )
    trails = trails * factor
    size = canvas.shape[1] / 1280
    layer = canvas.copy()
    colours = [GREEN if e < 0.5 * BAD_PX else AMBER if e < BAD_PX else RED for e in errors]
    for index, colour in enumerate(colours):
        trail = trails[np.isfinite(trails[:, index]).all(axis=1), index]
        if len(trail) > 1 and np.abs(np.diff(trail, axis=0)).max() < 0.1 * canvas.shape[1]:
            part = np.rint(trail * 16).astype(np.int32)[:, None]
            cv2.polylines(layer, [part], False, colour, 1, cv2.LINE_AA, 4)
    cv2.addWeighted(layer, 0.5, canvas, 0.5, 0, dst=canvas)
    marks = solve.observations[seen, 2:] * factor
    for (x, y), colour in zip(np.rint(marks * 16).astype(int).tolist(), colours, strict=True):
        cv2.circle(canvas, (x, y), round(2.2 * 16 * size), (20, 20, 20), -1, cv2.LINE_AA, 4)
        cv2.circle(canvas, (x, y), round(1.5 * 16 * size), colour, -1, cv2.LINE_AA, 4)
    median = float(np.median(all_errors)) if len(mine) else 0.0
    return len(mine), median, int((all_errors >= BAD_PX).sum())


def _legend(canvas: Picture, title: str, counts: tuple[int, float, int]) -> None:
    """A band at the foot: what is seen, and what the colours mean."""
    height, width = canvas.shape[:2]
    band = max(18, round(0.045 * width * 9 / 16))
    canvas[-band:] = np.rint(canvas[-band:] * 0.25).astype(np.uint8)
    points, median, bad = counts
    text = f"{title}   {points} points, median {median:.2f} px, {bad} over {BAD_PX:.0f} px   grid 1 m / 5 m"
    marks = ((f"< {0.5 * BAD_PX:.0f} px", GREEN), (f"< {BAD_PX:.0f}", AMBER), (f"> {BAD_PX:.0f} px", RED))
    font, size = cv2.FONT_HERSHEY_DUPLEX, band / 56
    wide = sum(cv2.getTextSize(label, font, size, 1)[0][0] + band for label, _ in marks)
    wide += cv2.getTextSize(text, font, size, 1)[0][0] + band
    size *= min(1.0, width / wide)
    x, baseline = band // 2, height - round(band * 0.34)
    cv2.putText(canvas, text, (x, baseline), font, size, (235, 235, 235), 1, cv2.LINE_AA)
    x = width - sum(cv2.getTextSize(label, font, size, 1)[0][0] + round(0.9 * band) for label, _ in marks)
    for label, colour in marks:
        cv2.circle(canvas, (x, height - band // 2), max(3, band // 7), colour, -1, cv2.LINE_AA)
        cv2.putText(canvas, label, (x + round(0.3 * band), baseline), font, size, (235, 235, 235), 1, cv2.LINE_AA)
        x += cv2.getTextSize(label, font, size, 1)[0][0] + round(0.9 * band)
