"""What hides the sun: each set piece as a map of depths along the sun, asked for any place of the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from assets.sets.cards import Card
from assets.sets.projection import Piece
from assets.sunlight.relief import GROUND, STANDING, Relief, Solid
from assets.view import View
from pipeline.kernels.raster import empty_buffers, rasterize_orthographic
from pipeline.kernels.sunmap import DepthMap, add_hidden

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
LOWEST_SUN = 0.08  # sine of the sun's height above the ground under which shadows would never end
MOST_CELLS = 2048  # of a map's longer side
LEAST_M = 0.02  # of a cell
_CARDS = -10  # less a card's number: its map's
_ASKED, _KNEE_M = 100_000, 0.4  # places of the ground; a map's cells err where the sun grazes it
_SLACK_M, _SLACK = 0.01, 1e-5  # what float32 may miss, metres and of the distance from the world's origin


@dataclass(frozen=True, slots=True, eq=False)
class SunMaps:
    """The same on every frame: sets and the sun stand still. to_sun: (3,) unit; softness: metres of penumbra per metre of way;
    numbers: the piece of each map; GROUND, STANDING: of the plate's own relief; under these: of a card."""

    to_sun: Array
    softness: float
    maps: tuple[DepthMap, ...]
    numbers: tuple[int, ...]

    @classmethod
    def of(
        cls,
        pieces: Sequence[Piece],
        to_sun: Array,
        softness: float,
        relief: Relief | None = None,
        cards: Sequence[Card] = (),
    ) -> SunMaps:
        """A map of each piece and each card that throws a shadow, and of what of the plate's relief hides any sun; none where the
        sun stands too low."""
        if to_sun[1] <= LOWEST_SUN:
            return cls(to_sun, softness, (), ())
        maps = [_map(piece.vertices, piece.triangles, to_sun, 0.0) for piece in pieces]
        numbers = [piece.number for piece in pieces]
        for solid in relief.solids() if relief is not None else ():
            found = _map(solid.vertices, solid.triangles, to_sun, solid.slack_m)
            if solid.number != GROUND or _shades_itself(solid, found):
                maps.append(found)
                numbers.append(solid.number)
        for card in cards:
            if card.shadow:
                maps.append(_card_map(card, to_sun))
                numbers.append(_CARDS - card.number)
        return cls(to_sun, softness, tuple(maps), tuple(numbers))

    @property
    def pieces(self) -> tuple[int, ...]:
        """Numbers of the maps that are of set pieces."""
        return tuple(number for number in self.numbers if number >= 0)

    @property
    def added(self) -> tuple[int, ...]:
        """Numbers of the maps of what is added to the plate: pieces and cards."""
        return tuple(number for number in self.numbers if number not in (GROUND, STANDING))

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


def _map(vertices: Floats, triangles: npt.NDArray[np.int32], to_sun: Array, slack_m: float) -> DepthMap:
    buffers, to_map, cell = _drawn(vertices.astype(np.float64), triangles, to_sun)
    slack = 1.5 * cell + _SLACK_M + _SLACK * float(np.abs(vertices).max()) + slack_m
    return DepthMap.of(buffers[0], to_map, cell, slack)


def _card_map(card: Card, to_sun: Array) -> DepthMap:
    """Of a card there is what covers half of a cell and more."""
    (depth, triangle, weights), to_map, cell = _drawn(card.vertices, card.triangles, to_sun)
    there = triangle >= 0
    one, other = weights[there].astype(np.float64).T[..., None]
    corners = card.places[card.triangles[triangle[there]]]
    places = corners[:, 0] * one + corners[:, 1] * other + corners[:, 2] * (1 - one - other)
    share = min(1.0, card.metres_per_px / cell)
    size = tuple(max(1, round(n * share)) for n in card.alpha.shape[::-1])
    alpha = cv2.resize(card.alpha, size, interpolation=cv2.INTER_AREA)
    x, y = (places * np.divide(size, card.alpha.shape[::-1]) - 0.5).astype(np.float32).T
    x, y = np.clip(np.rint(x), 0, size[0] - 1).astype(int), np.clip(np.rint(y), 0, size[1] - 1).astype(int)
    depth[there] = np.where(alpha[y, x] >= 0.5, depth[there], np.inf)
    return DepthMap.of(depth, to_map, cell, 1.5 * cell + _SLACK_M + _SLACK * float(np.abs(card.vertices).max()))


def _drawn(
    vertices: Array, triangles: npt.NDArray[np.int32], to_sun: Array
) -> tuple[tuple[Floats, npt.NDArray[np.int32], Floats], Array, float]:
    """Depth, triangles and weights as the sun sees them; world to cells and depth, (3, 4); a cell in metres."""
    axes = sun_axes(to_sun)
    seen = vertices @ axes.T
    low, span = seen[:, :2].min(axis=0), np.ptp(seen[:, :2], axis=0)
    cell = max(float(span.max()) / MOST_CELLS, LEAST_M)
    width, height = (int(n) for n in np.ceil(span / cell) + 1)
    to_map = np.column_stack([axes, [-low[0], -low[1], 0.0]]) / np.array([[cell], [cell], [1.0]])
    drawn = np.column_stack([(seen[:, :2] - low) / cell, seen[:, 2]]).astype(np.float32)
    buffers = empty_buffers(height, width)
    rasterize_orthographic(drawn, np.ascontiguousarray(triangles), *buffers)
    return buffers, np.ascontiguousarray(to_map), cell


def _shades_itself(ground: Solid, map_: DepthMap) -> bool:
    """Is any of it hidden from the sun, as high as a knee? If not, nothing that stands on it is."""
    places = ground.vertices[:: max(1, len(ground.vertices) // _ASKED)].copy()
    places[:, 1] += _KNEE_M
    out, still = np.zeros(len(places), np.float32), np.zeros_like(places)
    add_hidden(places, still, still, map_, 0.0, out)
    return bool(out.any())
