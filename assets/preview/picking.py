"""Who is drawn at a pixel of the plate."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from assets.guides.optics import optics
from assets.preview.figures import Crowd, Slope, draw_figures
from assets.view import View
from pipeline.errors import AssetError

REACH_PX = 12  # so far around a pixel somebody is looked for


@dataclass(frozen=True, slots=True)
class Picked:
    """agent: its row in the crowd. depth_m: along the camera's z. away_px: from the pixel asked for, 0 = it is there."""

    agent: int
    depth_m: float
    away_px: float


def pick(view: View, crowd: Crowd, row: int, x: float, y: float, slope: Slope | None = None) -> Picked:
    """Whom the preview draws at pixel (x, y) of `view` on the layout's frame `row`, or nearest to it.

    Looks through a small window of the camera only, so that it costs little on a plate of any size. Raises AssetError
    when the pixel lies outside the picture, or nobody is drawn within REACH_PX of it.
    """
    height, width = view.size
    if not (0 <= x < width and 0 <= y < height):
        raise AssetError(f"pixel {x:g},{y:g} lies outside the plate of {width} x {height}. Give a pixel inside it.")
    column, line = int(x), int(y)
    left, top = max(column - REACH_PX, 0), max(line - REACH_PX, 0)
    rays = view.rays[top : line + REACH_PX + 1, left : column + REACH_PX + 1]
    window = replace(view, rays=np.ascontiguousarray(rays), project=lambda points: view.project(points) - (left, top))
    figures = draw_figures(window, crowd, row, optics(window.rays, window.project), slope=slope)
    rows, columns = np.nonzero(figures.agents >= 0)
    if not len(rows):
        raise AssetError(
            f"pixel {x:g},{y:g}: nobody is drawn within {REACH_PX} px of it. Take a pixel of the plate, not of a smaller "
            "movie, and the frame that you looked at."
        )
    away = np.hypot(columns + left - column, rows + top - line)
    nearest = int(away.argmin())
    at = rows[nearest], columns[nearest]
    return Picked(int(figures.agents[at]), float(figures.depth[at]), float(away[nearest]))
