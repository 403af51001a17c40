"""What a piece wears where no painting shows it: albedo of the nearest that is seen, spread along the surface, part by part.

The surface is held in cells, a few hundred across the piece; cells that paintings show keep their mean albedo, it spreads from cell to cell
of the same part, and what it cannot reach has the part's mean.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assets.sets.projection import Drawn, Piece, Projector, worked_normals
from assets.sets.surface import SurfacePoints
from pipeline.errors import FormatError
from pipeline.io.files import replacing
from pipeline.types import SunLight

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
_PARTS = 64
_BITS = 18  # of a cell's index along each axis
_CELL_PX = 5.0  # of a painting, that a cell measures at least
_LEAST = 12  # texels that make a cell or a part known
_APART = 1.6  # times its part's mean, either way, that a cell's albedo may be: beyond lie shadows and glints
_RELAXED = 40  # rounds over which spread colour is made smooth
_AROUND = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Texels of a painting that show a piece: world points (N, 3), shading normals (N, 3), parts (N,), colours (N, 3)
    unpremultiplied; metres_per_px of the painting."""

    metres_per_px: float
    points: Array
    normals: Array
    parts: Ints
    colours: Array


@dataclass(frozen=True, slots=True, eq=False)
class Fill:
    """keys (C,) int64 of cells, sorted: part, then cell; albedo (C, 3) of each; means (64, 3) by part. Linear ACEScg.

    origin_m (3,): world, of cell 0. to_sun: world; sun_rgb, sky_rgb: as Light has them.
    """

    origin_m: Array
    cell_m: float
    keys: npt.NDArray[np.int64]
    albedo: Array
    means: Array
    to_sun: Array
    sun_rgb: Array
    sky_rgb: Array

    def shade(
        self, piece: Piece, points: Array, faces: Floats, shading: Floats, parts: Ints, metres_per_px: float
    ) -> Floats:
        """(N, 3) colours of points (N, 3) with normals (N, 3) of flat faces and curved surfaces: in the light that the
        paintings are in, with the stones that their guides had."""
        worked = worked_normals(piece, points, faces.astype(np.float64), shading, parts, metres_per_px)
        facing = np.clip(worked @ self.to_sun, 0, None)[:, None]
        return np.asarray(self.albedo_at(points, parts) * (self.sky_rgb + facing * self.sun_rgb), np.float32)

    def albedo_at(self, points: Array, parts: Ints) -> Array:
        """(N, 3), between the cells around each point that hold its part."""
        place = (points - self.origin_m) / self.cell_m - 0.5
        first = np.floor(place).astype(np.int64)
        share = place - first
        total, weights = 1e-6 * self.means[parts], np.full((len(points), 1), 1e-6)
        for corner in np.ndindex(2, 2, 2):
            at = self._find(_key(first + corner, parts))
            weight = np.prod(np.where(corner, share, 1 - share), axis=1)[:, None] * (at >= 0)[:, None]
            total, weights = total + weight * self.albedo[at], weights + weight
        return np.asarray(total / weights)

    def _find(self, keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return _find(self.keys, keys)

    def write(self, path: Path) -> None:
        with replacing(path) as temporary, open(temporary, "wb") as file:
            light = {"to_sun": self.to_sun.tolist(), "sun_rgb": self.sun_rgb.tolist(), "sky_rgb": self.sky_rgb.tolist()}
            told = json.dumps({"cell_m": self.cell_m, **light})
            np.savez(
                file, origin_m=self.origin_m, keys=self.keys, albedo=self.albedo, means=self.means, told=np.array(told)
            )

    @classmethod
    def read(cls, path: Path) -> Fill:
        """Raises FormatError when it is missing or damaged."""
        try:
            with np.load(path, allow_pickle=False) as kept:
                told = json.loads(str(kept["told"]))
                light = {name: np.array(told[name]) for name in ("to_sun", "sun_rgb", "sky_rgb")}
                arrays = {name: kept[name] for name in ("origin_m", "keys", "albedo", "means")}
                return cls(cell_m=told["cell_m"], **arrays, **light)
        except (OSError, ValueError, KeyError) as error:
            raise FormatError(
                f"{path}: the fill of a set piece cannot be read ({error}). Run generate_set again."
            ) from error


def seen_by(projector: Projector, drawn: Drawn, rgba: Floats) -> Seen:
    """What a painting (H, W, 4), premultiplied, shows of the piece that its guides were drawn from."""
    given = {name: guide[0] for name, guide in drawn.guides.given().items()}
    solid = (rgba[..., 3] > 0.5) & (given["parts"] > 0)
    lens, z = projector.lens, drawn.depth[solid].astype(np.float64)
    row, column = np.nonzero(solid)
    x, y = (column + 0.5 - lens.centre_x_px) / lens.focal_x_px, (row + 0.5 - lens.centre_y_px) / lens.focal_y_px
    turn = projector.pose[:3, :3]
    return Seen(
        metres_per_px=drawn.metres_per_px,
        points=(np.stack([x * z, y * z, z], axis=1) - projector.pose[:3, 3]) @ turn,
        normals=given["normals"][solid].astype(np.float64) @ turn,
        parts=given["parts"][solid],
        colours=rgba[solid][:, :3].astype(np.float64) / rgba[solid][:, 3:],
    )


def fill_from(surface: SurfacePoints, seen: list[Seen], light: SunLight) -> Fill:
    """The fill of a piece from what its paintings show. surface: points all over the piece. light: that the paintings were
    asked for in.

    A cell's albedo is the light that it sends by the light that falls there: sums over its texels, so that a dark joint
    and a bright edge even out.
    """
    to_sun, sun, sky = np.array(light.to_sun), np.array(light.sun_rgb), np.array(light.sky_rgb)
    # Every cell of the surface holds points, and a few dozen texels where it is seen.
    cell = max(2 * surface.spacing_m, _CELL_PX * min(each.metres_per_px for each in seen))
    origin = surface.points.min(axis=0) - cell
    keys = np.unique(_key(np.floor((surface.points - origin) / cell).astype(np.int64), surface.parts))
    sent, fallen, count = np.zeros((len(keys), 3)), np.zeros((len(keys), 3)), np.zeros(len(keys))
    by_part = np.zeros((_PARTS, 2, 3))
    for each in seen:
        facing = np.clip(each.normals @ to_sun, 0, None)[:, None]
        falls = sky + facing * sun
        at = _find(keys, _key(np.floor((each.points - origin) / cell).astype(np.int64), each.parts))
        held = at >= 0
        count += np.bincount(at[held], minlength=len(keys))
        for c in range(3):
            sent[:, c] += np.bincount(at[held], each.colours[held, c], len(keys))
            fallen[:, c] += np.bincount(at[held], falls[held, c], len(keys))
            by_part[:, 0, c] += np.bincount(each.parts, each.colours[:, c], _PARTS)
            by_part[:, 1, c] += np.bincount(each.parts, falls[:, c], _PARTS)
    everything = by_part.sum(axis=0)
    some = np.bincount(np.concatenate([each.parts for each in seen]), minlength=_PARTS) >= _LEAST
    by_part[~some] = everything
    means = by_part[:, 0] / np.maximum(by_part[:, 1], 1e-6)
    own = means[(keys >> (3 * _BITS)).astype(np.int32)]
    albedo = np.clip(sent / np.maximum(fallen, 1e-6), own / _APART, own * _APART)
    albedo[count < _LEAST] = np.nan
    albedo = _spread(keys, albedo, means)
    return Fill(origin, cell, keys, albedo, means, to_sun, sun, sky)


def _spread(keys: npt.NDArray[np.int64], albedo: Array, means: Array) -> Array:
    """Known cells stay; the others take the mean of known neighbours, ring after ring, then even out between them."""
    cells = _cells(keys)
    parts = (keys >> (3 * _BITS)).astype(np.int32)
    around = np.stack([_find(keys, _key(cells + np.array(step), parts)) for step in _AROUND], axis=1)
    given = np.isfinite(albedo[:, 0])
    known, values = given.copy(), np.where(given[:, None], albedo, 0.0)
    while not known.all():
        there = (around >= 0) & known[around]
        reached = ~known & there.any(axis=1)
        if not reached.any():
            break
        share = there[reached].astype(np.float64)
        values[reached] = np.einsum("nk,nkc->nc", share, values[around[reached]]) / share.sum(axis=1)[:, None]
        known |= reached
    values[~known] = means[parts[~known]]
    free = np.flatnonzero(~given & known & (around >= 0).any(axis=1))
    share = (around[free] >= 0).astype(np.float64)
    for _ in range(_RELAXED if len(free) else 0):
        values[free] = np.einsum("nk,nkc->nc", share, values[around[free]]) / share.sum(axis=1)[:, None]
    return values


def _key(cells: npt.NDArray[np.int64], parts: Ints) -> npt.NDArray[np.int64]:
    """Cells (N, 3), counted from 0; what lies outside is held by no cell."""
    most = (1 << _BITS) - 1
    inside = ((cells >= 0) & (cells < most)).all(axis=1)
    x, y, z = np.clip(cells, 0, most).T
    packed = (((parts.astype(np.int64) << _BITS | x) << _BITS | y) << _BITS) | z
    return np.where(inside, packed, -1)


def _cells(keys: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    most = (1 << _BITS) - 1
    return np.stack([keys >> (2 * _BITS) & most, keys >> _BITS & most, keys & most], axis=1)


def _find(keys: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Row of each wanted key, -1: it is not there."""
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[at] == wanted, at, -1)
