"""Paintings of a set, read back and worn: what each shows of a surface, which of several, and what none shows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from assets.sets.fill import Fill
from assets.sets.lines import silhouettes
from assets.sets.projection import Piece, Projector
from pipeline.io import exr
from pipeline.kernels.projection import blend, look_up
from pipeline.kernels.splat import Pyramid, pyramid
from pipeline.types import SetPaintings

Array = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
_FEATHER_PX = 6.0  # from an edge of what a painting shows, over which another takes over
_MIXED = 0.02  # trust in a texel that shows two surfaces


@dataclass(frozen=True, slots=True, eq=False)
class Thrown:
    """One painting, ready to be looked up.

    depth: (H, W) float32 metres, +inf where empty. bias_m: as pipeline.kernels.projection.look_up has it.
    """

    projector: Projector
    image: Pyramid
    depth: Floats
    bias_m: float

    @classmethod
    def of(cls, projector: Projector, rgba: Floats, depth: Floats, bias_m: float) -> Thrown:
        """From a painting's pixels (H, W, 4), premultiplied: those that show two surfaces are trusted little."""
        edge = silhouettes(depth, projector.focal_px)
        trust = np.where(edge, np.float32(_MIXED), np.float32(1))
        away = np.minimum(ndimage.distance_transform_edt(~np.pad(edge, 1, constant_values=True))[1:-1, 1:-1], 99)
        inner = np.clip((away - 1) / _FEATHER_PX, 0, 1).astype(np.float32)
        return cls(projector, pyramid((rgba * trust[..., None])[None], inner[None]), depth, bias_m)


@dataclass(frozen=True, slots=True, eq=False)
class Painting:
    """A painting of a piece. fill: what the piece wears where no painting shows it, the same of all of a piece's."""

    piece: str
    thrown: Thrown
    fill: Fill


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Points of one piece that are to be coloured: world points (N, 3), normals of faces and of curved surfaces (N, 3), parts
    (N,); and the picture that shows them: camera_from_world (4, 4), focal length in pixels."""

    points: Array
    normals: Floats
    shading: Floats
    parts: Ints
    pose: Array
    focal_px: float

    def at(self, rows: npt.NDArray[np.intp]) -> Surface:
        """Some of its points."""
        return replace(
            self,
            points=self.points[rows],
            normals=self.normals[rows],
            shading=self.shading[rows],
            parts=self.parts[rows],
        )


def known_colours(surface: Surface, paintings: Sequence[Thrown]) -> tuple[Floats, Floats, Floats]:
    """Colours (N, 3) that paintings of a piece give its points, unpremultiplied, how well they are known (N,), 0..1, and the
    best one's quality (N,), texels per metre."""
    points, normals = surface.points.astype(np.float32), np.ascontiguousarray(surface.normals, np.float32)
    pose = np.ascontiguousarray(surface.pose, np.float64)
    looks = [
        look_up(points, normals, pose, surface.focal_px, each.image, each.projector.matrix, each.depth, each.bias_m)
        for each in paintings
    ]
    colours, known, quality = (np.stack(arrays) for arrays in zip(*looks, strict=True))
    return *blend(colours, known, quality), (quality * known).max(axis=0)


def worn(surface: Surface, piece: Piece, paintings: Sequence[Painting]) -> Floats:
    """(N, 3) colours of points of a piece: its paintings', and its fill's where they show nothing."""
    colours, known, _ = known_colours(surface, [painting.thrown for painting in paintings])
    left = np.flatnonzero(known < 1)
    if len(left):
        bare = surface.at(left)
        metres_per_px = float(np.median(bare.points @ bare.pose[2, :3] + bare.pose[2, 3])) / bare.focal_px
        fill = paintings[0].fill
        shaded = fill.shade(piece, bare.points, bare.normals, bare.shading, bare.parts, metres_per_px)
        share = (1 - known[left])[:, None]
        colours[left] = colours[left] * (1 - share) + shaded * share
    return colours


@lru_cache(maxsize=2)
def load_paintings(receipt: SetPaintings) -> tuple[Painting, ...]:
    """The paintings of a receipt, of each piece the best first. Raises FormatError on a damaged file."""
    return read_paintings(json.loads(receipt.index.read_text()), receipt.paintings)


def read_paintings(entries: Sequence[dict[str, Any]], folder: Path) -> tuple[Painting, ...]:
    """The paintings that entries of an index name. Raises FormatError on a damaged file."""
    paintings: list[Painting] = []
    fills: dict[str, Fill] = {}
    for entry in entries:
        rgba, depth = read_painting(folder / entry["file"])
        fills.setdefault(entry["fill"], Fill.read(folder / entry["fill"]))
        thrown = Thrown.of(Projector.from_entry(entry), rgba, depth, entry["bias_m"])
        paintings.append(Painting(entry["piece"], thrown, fills[entry["fill"]]))
    return tuple(paintings)


def read_painting(path: Path) -> tuple[Floats, Floats]:
    """A painting's pixels (H, W, 4), premultiplied ACEScg, and depth (H, W). Raises FormatError on a damaged file."""
    channels = exr.read(path).channels
    rgba = np.stack([channels[c].astype(np.float32) for c in "RGBA"], axis=-1)
    return rgba, np.ascontiguousarray(channels["Z"], np.float32)
