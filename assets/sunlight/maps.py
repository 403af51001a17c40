"""What hides the sun: each set piece as a map of depths along the sun, asked for any place of the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.sets.projection import Piece
from assets.view import View
from pipeline.kernels.raster import empty_buffers, rasterize_orthographic
from pipeline.kernels.sunmap import DepthMap, add_hidden

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
LOWEST_SUN = 0.08  # sine of the sun's height above the ground under which shadows would never end
MOST_CELLS = 2048  # of a map's longer side
LEAST_M = 0.02  # of a cell
_SLACK_M, _SLACK = 0.01, 1e-5  # what float32 may miss, metres and of the distance from the world's origin


@dataclass(frozen=True, slots=True, eq=False)
class SunMaps:
    """The same on every frame: sets and the sun stand still. to_sun: (3,) unit; softness: metres of penumbra per metre of way;
    numbers: the piece of each map."""

    to_sun: Array
    softness: float
    maps: tuple[DepthMap, ...]
    numbers: tuple[int, ...]

    @classmethod
    def of(cls, pieces: Sequence[Piece], to_sun: Array, softness: float) -> SunMaps:
        """A map of each piece; none where the sun stands too low."""
        if to_sun[1] <= LOWEST_SUN:
            return cls(to_sun, softness, (), ())
        return cls(to_sun, softness, tuple(_map(p, to_sun) for p in pieces), tuple(p.number for p in pieces))

    def hidden(self, points: Array, across: Array, down: Array, only: Sequence[int] | None = None) -> Floats:
        """(...) 0 lit .. 1 hidden from the sun of world points (..., 3). across, down: (..., 3) the ways to the next pixels' points.

        only: numbers of the pieces that count; left out: all. Where edges of two pieces meet in a place, what both take adds up.
        """
        places, right, below = (
            np.ascontiguousarray(each.reshape(-1, 3), np.float32) for each in (points, across, down)
        )
        out = np.zeros(len(places), np.float32)
        for map_, number in zip(self.maps, self.numbers, strict=True):
            if only is None or number in only:
                add_hidden(places, right, below, map_, self.softness, out)
        return np.minimum(out, np.float32(1)).reshape(points.shape[:-1])

    def hidden_from(self, view: View, depth: Floats) -> Floats:
        """(H, W) the same of what stands `depth` (H, W) metres along camera z; 0 where that is infinite."""
        out = np.zeros(depth.shape, np.float32)
        there = np.isfinite(depth)
        if self.maps and there.any():
            points, across, down = seen_points(view, depth, there)
            out[there] = self.hidden(points, across, down)
        return out


def seen_points(view: View, depth: Floats, there: npt.NDArray[np.bool_]) -> tuple[Array, Array, Array]:
    """Of the K pixels of `there` (H, W): world points (K, 3) at depth (H, W), and the ways (K, 3) across and down a pixel of what
    faces the camera."""
    z = depth[there].astype(np.float64)[:, None]
    rays = view.rays[there].astype(np.float64)
    points = (np.concatenate([rays * z, z], axis=1) - view.pose[:3, 3]) @ view.pose[:3, :3]
    return points, *pixel_ways(view, depth[there])


def pixel_ways(view: View, depth: Floats) -> tuple[Array, Array]:
    """(K, 3), (K, 3) world, how far it is to the next pixels across and down on what faces the camera at depth (K,)."""
    z, (right, down) = depth.astype(np.float64)[:, None], pixel_step(view)
    return z * right * view.pose[0, :3], z * down * view.pose[1, :3]


def pixel_step(view: View) -> Array:
    """(2,) how far a ray moves from one pixel to the next, right and down, at depth 1, in the middle of the picture."""
    y, x = (n // 2 for n in view.size)
    here = view.rays[y, x].astype(np.float64)
    return np.abs(np.array([view.rays[y, x - 1, 0] - here[0], view.rays[y - 1, x, 1] - here[1]]))


def sun_axes(to_sun: Array) -> Array:
    """(3, 3) rows right, down, away from the sun: unit axes of a map."""
    aside = np.cross(to_sun, (0.0, 1.0, 0.0) if to_sun[1] < 0.99 else (1.0, 0.0, 0.0))
    aside /= np.linalg.norm(aside)
    return np.stack([aside, np.cross(to_sun, aside), -to_sun])


def _map(piece: Piece, to_sun: Array) -> DepthMap:
    axes, vertices = sun_axes(to_sun), piece.vertices.astype(np.float64)
    seen = vertices @ axes.T
    low, span = seen[:, :2].min(axis=0), np.ptp(seen[:, :2], axis=0)
    cell = max(float(span.max()) / MOST_CELLS, LEAST_M)
    width, height = (int(n) for n in np.ceil(span / cell) + 1)
    to_map = np.column_stack([axes, [-low[0], -low[1], 0.0]]) / np.array([[cell], [cell], [1.0]])
    drawn = np.column_stack([(seen[:, :2] - low) / cell, seen[:, 2]]).astype(np.float32)
    buffers = empty_buffers(height, width)
    rasterize_orthographic(drawn, np.ascontiguousarray(piece.triangles), *buffers)
    slack = 1.5 * cell + _SLACK_M + _SLACK * float(np.abs(vertices).max())
    return DepthMap.of(buffers[0], np.ascontiguousarray(to_map), cell, slack)
