"""The set of one frame as a layer: proxies drawn through the lens, four samples a pixel, wearing their paintings."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assets.sets.paintings import Painting, Surface, worn
from assets.sets.projection import Piece
from assets.sunlight.maps import pixel_ways
from assets.sunlight.on_pieces import LightOnPieces
from assets.view import SAMPLES, Buffers, View, reached
from pipeline.kernels.bounds import Window, around, nothing
from pipeline.kernels.raster import empty_buffers, rasterize

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Ground = Callable[[Array, Array], Array]
LEAST_COVER = 0.5  # of a pixel, for its id


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """What one sample of each pixel shows: hit (H, W); of the K hits: world points, normals of faces and of curved surfaces
    (K, 3), depth, piece."""

    hit: npt.NDArray[np.bool_]
    points: Array
    normals: Floats
    shading: Floats
    depth: Floats
    parts: Ints
    piece: Ints


def draw_set(
    view: View,
    rays_at: Callable[[float, float], Floats],
    pieces: tuple[Piece, ...],
    paintings: tuple[Painting, ...],
    focal_px: float,
    ground: Ground | None = None,
    light: LightOnPieces | None = None,
) -> Buffers:
    """The set's layer. rays_at(x, y): the rays (H, W, 2) of samples x, y pixels off the pixels' centres. ground: x, z to its height,
    metres, under which nothing of a grounded piece is seen. light: where other pieces and people take the sun from a piece; None: it is
    as it was painted.

    Colours are the mean of a pixel's samples, premultiplied; depth, id and motion are its nearest sample's.
    """
    whole = Buffers.empty(*view.size)
    rows, columns = _window(view, pieces)
    if nothing((rows, columns)):
        return whole
    out = Buffers.empty(rows.stop - rows.start, columns.stop - columns.start)
    nearest = np.zeros((*out.depth.shape, 3))
    for x, y in SAMPLES:
        rays = np.ascontiguousarray(rays_at(x, y)[rows, columns])
        seen = _sample(view, rays, (x + columns.start, y + rows.start), pieces, ground)
        colours = _colours(seen, view, pieces, paintings, focal_px)
        if light is not None:
            colours *= _left(seen, view, pieces, light)
        out.rgba[seen.hit] += np.concatenate([colours, np.ones((len(colours), 1), np.float32)], axis=1) / len(SAMPLES)
        closer = seen.depth < out.depth[seen.hit]
        for plane, values in ((out.depth, seen.depth), (out.ids, _numbers(pieces)[seen.piece]), (nearest, seen.points)):
            plane[seen.hit] = np.where(closer.reshape(-1, *[1] * (plane.ndim - 2)), values, plane[seen.hit])
    shown = np.isfinite(out.depth)
    where = nearest[shown]
    out.motion[shown] = view.motion(where, where)
    out.ids[out.rgba[..., 3] < LEAST_COVER] = 0
    for name in ("rgba", "depth", "ids", "motion"):
        getattr(whole, name)[rows, columns] = getattr(out, name)
    return whole


def _window(view: View, pieces: Iterable[Piece]) -> Window:
    """Rows and columns that any piece may be seen in, by any sample of a pixel."""
    there = np.zeros(view.size, bool)
    for piece in pieces:
        there[reached(view.to_camera(piece.vertices.astype(np.float64)), view.rays)] = True
    return around(there, margin=1)


def _numbers(pieces: tuple[Piece, ...]) -> Ints:
    return np.array([piece.number for piece in pieces], np.int32)


def draw_pieces(
    view: View, rays: Floats, offset: tuple[float, float], pieces: tuple[Piece, ...], ground: Ground | None = None
) -> tuple[Floats, Ints, Floats, Ints]:
    """Depth (H, W) metres along camera z, triangle (H, W) and weights (H, W, 2) as rasterize has them, of all pieces through
    `rays` (H, W, 2), the first of which lies `offset` pixels off the view's; triangles are counted on from piece to piece, and
    the first of each, one past the last at the end, is the fourth: (pieces + 1,). ground: as draw_set takes it."""
    depth, triangle, weights = empty_buffers(*rays.shape[:2])
    firsts = np.cumsum([0] + [len(piece.triangles) for piece in pieces]).astype(np.int32)
    for piece, first in zip(pieces, firsts, strict=False):
        camera = view.to_camera(piece.vertices.astype(np.float64))
        pixels = np.nan_to_num(view.project(camera) - offset, nan=-1e6).astype(np.float32)
        rasterize(
            camera.astype(np.float32), piece.triangles, rays, pixels, depth, triangle, weights, first_id=int(first)
        )
    if ground is not None and any(piece.grounded for piece in pieces):
        hit = triangle >= 0
        grounded = np.array([piece.grounded for piece in pieces])[_piece_of(triangle[hit], firsts)]
        points = _points(view, rays, depth, hit)
        under = np.zeros_like(hit)  # whoever looks from above the ground sees it instead
        under[hit] = grounded & (points[:, 1] < ground(points[:, 0], points[:, 2]))
        depth[under], triangle[under], weights[under] = np.inf, -1, 0
    return depth, triangle, weights, firsts


def _piece_of(triangle: Ints, firsts: Ints) -> Ints:
    return np.searchsorted(firsts, triangle, side="right").astype(np.int32) - 1


def _points(view: View, rays: Floats, depth: Floats, hit: npt.NDArray[np.bool_]) -> Array:
    """(K, 3) world points that are hit."""
    reach = depth[hit].astype(np.float64)
    in_camera = np.concatenate([rays[hit] * reach[:, None], reach[:, None]], axis=1)
    return np.asarray((in_camera - view.pose[:3, 3]) @ view.pose[:3, :3])


def _sample(
    view: View, rays: Floats, offset: tuple[float, float], pieces: tuple[Piece, ...], ground: Ground | None
) -> _Seen:
    """Draw every piece once, through one sample of each pixel."""
    depth, triangle, weights, firsts = draw_pieces(view, rays, offset, pieces, ground)
    hit = triangle >= 0
    number = _piece_of(triangle[hit], firsts)
    normals = np.concatenate([piece.normals for piece in pieces])[triangle[hit]]
    parts = np.concatenate([piece.parts for piece in pieces])[triangle[hit]]
    points = _points(view, rays, depth, hit)
    shading = normals
    if any(piece.corner_normals is not None for piece in pieces):
        shading, local = normals.copy(), triangle[hit] - firsts[number]
        for index, piece in enumerate(pieces):
            mine = number == index
            shading[mine] = piece.shading_normals(local[mine], weights[hit][mine])
    return _Seen(hit, points, normals, shading, depth[hit], parts, number)


def _colours(
    seen: _Seen, view: View, pieces: tuple[Piece, ...], paintings: tuple[Painting, ...], focal_px: float
) -> Floats:
    """(K, 3): what each piece wears; black where it has no painting."""
    colours = np.zeros((len(seen.points), 3), np.float32)
    surface = Surface(seen.points, seen.normals, seen.shading, seen.parts, view.pose, focal_px)
    for number, piece in enumerate(pieces):
        mine = np.flatnonzero(seen.piece == number)
        own = [painting for painting in paintings if painting.piece == piece.name]
        if len(mine) and own:
            colours[mine] = worn(surface.at(mine), piece, own)
    return colours


def _left(seen: _Seen, view: View, pieces: tuple[Piece, ...], light: LightOnPieces) -> Floats:
    """(K, 3): what others leave of each sample's light."""
    left = np.ones((len(seen.points), 3), np.float32)
    across, down = pixel_ways(view, seen.depth)
    for index, number in enumerate(_numbers(pieces).tolist()):
        mine = np.flatnonzero(seen.piece == index)
        left[mine] = light.left(seen.points[mine], seen.shading[mine], number, across[mine], down[mine])
    return left
