"""The set's preview: untextured proxies over the plate, lit and outlined, hidden by what stands before them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from assets.preview import labels
from assets.preview.backdrop import DIMMED, SAMPLES, Backdrop, Floats, Picture, ahead
from assets.preview.figures import lit
from assets.sets.cards import Card
from assets.sets.layer import Ground, draw_pieces
from assets.sets.projection import Piece
from assets.view import Buffers, View
from pipeline.frames import FrameRange
from pipeline.io.color import to_display_8bit
from pipeline.review import slate

Ints = npt.NDArray[np.int32]
TINT = 0.2  # how far a piece's grey leans towards its own colour
CREASE = 0.9  # cosine between two faces from which on their edge is drawn
STEP = 0.02  # of the distance: so far behind its neighbour, a surface is another one
LINE = 0.35  # how bright an edge is, of the surface


@dataclass(frozen=True, slots=True, eq=False)
class Proxies:
    """A set on one frame. depth: (h, w) float32 metres of a pixel's nearest sample, +inf where empty; piece: (h, w) int32
    row of the piece it belongs to, -1; cover: (h, w) float32 share that is covered; grey: (h, w) float32, as the
    display codes it, edges drawn."""

    depth: Floats
    piece: Ints
    cover: Floats
    grey: Floats


def draw_proxies(view: View, pieces: tuple[Piece, ...], ground: Ground | None = None) -> Proxies:
    """Draw all pieces through a view that is SAMPLES times as wide and high as the picture. ground: as draw_set takes it."""
    depth, triangle, _, firsts = draw_pieces(view, view.rays, (0.0, 0.0), pieces, ground)
    size = view.size[0] // SAMPLES, view.size[1] // SAMPLES
    out = Proxies(np.full(size, np.inf, np.float32), np.full(size, -1, np.int32), np.zeros(size, np.float32),
                  np.zeros(size, np.float32))  # fmt: skip
    fine, coarse = _window(triangle >= 0)
    depth, triangle = depth[fine], triangle[fine]
    if not triangle.size:
        return out
    some = triangle >= 0
    number = np.where(some, np.searchsorted(firsts, triangle, side="right") - 1, -1).astype(np.int32)
    faces = np.concatenate([piece.normals for piece in pieces]) @ view.pose[:3, :3].T.astype(np.float32)
    normals = np.where(some[..., None], faces[triangle], np.float32(0))
    grey = np.zeros(some.shape, np.float32)
    grey[some] = lit(normals[some])
    grey[_edges(depth, normals, number)] *= LINE
    part = _filtered(depth, number, grey)
    for plane, values in (
        (out.depth, part.depth),
        (out.piece, part.piece),
        (out.cover, part.cover),
        (out.grey, part.grey),
    ):
        plane[coarse] = values
    return out


def _window(some: npt.NDArray[np.bool_]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The box of whole pixels that holds everything drawn: in samples, and in pixels."""
    fine, coarse = [], []
    for axis in (1, 0):
        met = np.flatnonzero(some.any(axis=axis))
        low, high = (int(met[0]) // SAMPLES, int(met[-1]) // SAMPLES + 1) if len(met) else (0, 0)
        fine.append(slice(SAMPLES * low, SAMPLES * high))
        coarse.append(slice(low, high))
    return (fine[0], fine[1]), (coarse[0], coarse[1])


def _edges(depth: Floats, normals: Floats, number: Ints) -> npt.NDArray[np.bool_]:
    """(H, W): where a surface ends against its right or lower neighbour: outlines, creases, one thing before another."""
    out = np.zeros(depth.shape, bool)
    reach = np.where(number >= 0, depth, np.float32(1e9))  # inf - inf says nothing
    for here, there in (((slice(None), slice(0, -1)), (slice(None), slice(1, None))),
                        ((slice(0, -1), slice(None)), (slice(1, None), slice(None)))):  # fmt: skip
        both = (number[here] >= 0) & (number[there] >= 0)
        bent = both & ((normals[here] * normals[there]).sum(axis=-1) < CREASE)
        apart = np.abs(reach[here] - reach[there]) > STEP * np.minimum(reach[here], reach[there])
        other = number[here] != number[there]
        edge = bent | apart | other
        nearer = reach[here] <= reach[there]
        out[here] |= edge & nearer
        out[there] |= edge & ~nearer
    return out & (number >= 0)


def _filtered(depth: Floats, number: Ints, grey: Floats) -> Proxies:
    """SAMPLES x SAMPLES in one: the nearest sample's depth and piece, the mean grey of those covered."""
    height, width = depth.shape[0] // SAMPLES, depth.shape[1] // SAMPLES

    def samples(plane: npt.NDArray) -> npt.NDArray:
        return plane.reshape(height, SAMPLES, width, SAMPLES).swapaxes(1, 2).reshape(height, width, SAMPLES**2)

    depths, numbers, greys = samples(depth), samples(number), samples(grey)
    nearest = depths.argmin(axis=2)[..., None]
    counts = (numbers >= 0).sum(axis=2)
    return Proxies(
        np.take_along_axis(depths, nearest, 2)[..., 0],
        np.take_along_axis(numbers, nearest, 2)[..., 0],
        (counts / np.float32(SAMPLES**2)).astype(np.float32),
        (greys.sum(axis=2) / np.maximum(counts, 1)).astype(np.float32),
    )


@dataclass(frozen=True, slots=True, eq=False)
class SetShooting:
    """What every frame's picture needs. view_of: the solved camera on a frame, SAMPLES times as wide and high as the
    backdrop; far: a frame's cards, drawn at its size; ground: as draw_set takes it."""

    pieces: tuple[Piece, ...]
    view_of: Callable[[int], View]
    backdrop: Backdrop
    title: str
    cards: tuple[Card, ...] = ()
    far: Callable[[int], Buffers] | None = None
    ground: Ground | None = None

    def drawn(self, frame: int) -> Proxies:
        return draw_proxies(self.view_of(frame), self.pieces, self.ground)

    def pictures(self, frames: FrameRange, workers: int) -> Iterator[Picture]:
        """(h + band, w, 3) uint8 one after the other; so many frames' proxies are drawn at once."""
        colours = list(labels.zone_colours([piece.name for piece in self.pieces]).values())
        tints = 1 - TINT * (1 - np.array(colours, np.float32).reshape(-1, 3) / 255)
        for frame, proxies in zip(frames, ahead(self.drawn, frames, workers), strict=True):
            share = self.backdrop.visible(frame, proxies.depth) * proxies.cover
            picture = self.backdrop.picture(frame)
            picture = np.rint(picture * np.float32(DIMMED)).astype(np.uint8)
            if self.cards and self.far is not None:
                self._lay_far(picture, self.far(frame), frame)
            shown = share > 0
            grey = 255 * np.clip(proxies.grey[shown], 0, 1)[:, None] * tints[proxies.piece[shown]]
            part = share[shown][:, None]
            picture[shown] = np.rint(picture[shown] * (1 - part) + grey * part)
            self._name(picture, self.view_of(frame), colours)
            count = f"{len(self.pieces)} set piece{'s' if len(self.pieces) != 1 else ''}"
            count += f", {len(self.cards)} card{'s' if len(self.cards) != 1 else ''}" if self.cards else ""
            yield np.asarray(slate.burn_in(picture, self.title, str(frame), count))

    def _lay_far(self, picture: Picture, drawn: Buffers, frame: int) -> None:
        """The cards as they are painted, where nothing of the plate stands before them; each with its name and distance."""
        shown = drawn.rgba[..., 3] > 0
        rgba = drawn.rgba[shown]
        share = (self.backdrop.visible(frame, drawn.depth)[shown] * rgba[:, 3])[:, None]
        straight = np.ascontiguousarray((rgba[:, :3] / np.maximum(rgba[:, 3:], 1e-4))[None])
        picture[shown] = np.rint(picture[shown] * (1 - share) + to_display_8bit(straight)[0] * share)
        size = max(11, round(picture.shape[0] * 0.018))
        for card in self.cards:
            rows, columns = np.nonzero(drawn.ids == card.number)
            if len(rows):
                text = f"{card.name}  card, {card.distance_m:.0f} m away"
                middle, top = float(np.median(columns)), int(rows.min())
                left = int(np.clip(middle - slate.width_of(text, size) / 2, size, picture.shape[1] - size))
                slate.write(picture, text, left, max(top - size, 2 * size), size, (255, 255, 255))

    def _name(self, picture: Picture, view: View, colours: list[tuple[int, int, int]]) -> None:
        """A cross where each piece stands; its name, size and distance over its highest point, inside the picture."""
        height, width = picture.shape[:2]
        size = max(11, round(height * 0.018))
        for piece, colour in zip(self.pieces, colours, strict=True):
            ends = np.array([piece.base_m, piece.vertices[int(piece.vertices[:, 1].argmax())]], np.float64)
            (base_x, base_y), (x, y) = view.pixels(ends) / SAMPLES
            if np.isfinite(base_x) and 0 <= base_x < width and 0 <= base_y < height:
                at = int(base_x), int(base_y)
                cv2.drawMarker(picture, at, colour, cv2.MARKER_CROSS, size, 1, cv2.LINE_AA)
            if not np.isfinite(x):
                continue
            away = float(np.linalg.norm(piece.base_m - view.centre))
            text = f"{piece.name}  {measured(piece)}, {away:.0f} m away"
            wide = slate.width_of(text, size)
            if -wide < x < width + wide and -height < y < 2 * height:
                left = int(np.clip(x - wide / 2, size, max(width - wide - size, size)))
                slate.write(picture, text, left, int(np.clip(y - size, 2 * size, height - size)), size, colour)


def measured(piece: Piece) -> str:
    """How wide (across its front) and high a piece is, metres."""
    across = np.array([np.cos(piece.yaw_rad), -np.sin(piece.yaw_rad)])
    wide = np.ptp(piece.vertices[:, [0, 2]].astype(np.float64) @ across)
    return f"{wide:.0f} x {float(piece.vertices[:, 1].max() - piece.base_m[1]):.0f} m"
