"""A set piece from a file: its triangles in metres, upright, on its own axes, with normals and the painter's parts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assets.providers.request import SetPart
from assets.sets.masonry import Mesh
from assets.sets.smoothing import closed, crease_normals, welded
from pipeline.errors import AssetError, ConfigError
from pipeline.io.geometry import Geometry, Part, read_geometry

Array = npt.NDArray[np.float64]
UNITS = {"mm": 0.001, "cm": 0.01, "m": 1.0, "km": 1000.0, "in": 0.0254, "ft": 0.3048}
SMALLEST_M, LARGEST_M = 0.05, 2000.0
CREASE_DEG = 40.0  # faces that turn by less are one curved surface
LEVEL = 0.7  # of a face's normal upwards, from which it is a top
_LIKELY_M = 20.0  # about as large as a set piece is
_AREA = 1e-12  # of the piece's size squared: a triangle below it has no area
# what names say, first that fits
_WORDS = (
    (SetPart.ROOF, "roof|roofs|tile|tiles|thatch|shingle|shingles|slate"),
    (
        SetPart.WOOD,
        "wood|wooden|timber|door|doors|gate|beam|beams|plank|planks|hoarding|shutter|shutters|window|windows",
    ),
    (SetPart.TOP, "top|tops|merlon|merlons|battlement|battlements|crenel|crenels|parapet|coping|cornice"),
    (SetPart.GROUND, "ground|rubble|earth|terrain|dirt|soil|rock|rocks|footing|talus|grass"),
)


@dataclass(frozen=True, slots=True)
class Fitting:
    """How a file becomes a piece. unit, up: "" as the file says. pivot: what stands at the piece's place: "base", the middle
    of its plan at its lowest point, or "origin", the file's own. width_m, height_m: None as the file's size says; one alone
    scales everything."""

    unit: str = ""
    up: str = ""
    scale: float = 1.0
    pivot: str = "base"
    width_m: float | None = None
    height_m: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """notes: what was found and left out, one sentence each."""

    mesh: Mesh
    notes: tuple[str, ...]


def import_piece(file: Path, fitting: Fitting) -> Imported:
    """The mesh of a file. Raises FormatError when it cannot be read, AssetError when no triangle of it has an area, ConfigError
    when its size is none that a set piece can have."""
    geometry = read_geometry(file)
    up = fitting.up or geometry.up
    corners = _upright(np.concatenate([part.corners for part in geometry.parts]), up)
    stretch = _stretch(file, np.ptp(corners.reshape(-1, 3), axis=0), geometry, fitting)
    corners = _on_pivot(corners * stretch, fitting.pivot)
    given = _upright(_given_normals(geometry.parts), up) / stretch
    with np.errstate(invalid="ignore", divide="ignore"):
        given /= np.linalg.norm(given, axis=2, keepdims=True)
    named = np.concatenate([np.full(len(p.corners), part_of(p.name), np.int32) for p in geometry.parts])

    faces, areas = _faces(corners)
    real = areas > _AREA * float(np.ptp(corners.reshape(-1, 3), axis=0).max()) ** 2
    if not real.any():
        raise AssetError(f"{file}: none of its {len(real)} triangles has an area. Export its surfaces, not its edges.")
    corners, given, named, faces = corners[real], given[real], named[real], faces[real]
    turned = _inside_out(corners, faces, given)
    corners[turned], given[turned] = corners[turned][:, [0, 2, 1]], given[turned][:, [0, 2, 1]]
    faces[turned] *= -1
    smooth = np.where(np.isfinite(given).all(axis=2, keepdims=True), given, crease_normals(corners, faces, CREASE_DEG))
    mesh = _mesh(corners, faces, smooth, named)
    return Imported(mesh, (_told(file, mesh), *_left_out(file, geometry, real, turned)))


def part_of(name: str) -> int:
    """The SetPart that a name tells; WALL where it tells none."""
    words = set(re.findall(r"[a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))
    return next((int(part) for part, known in _WORDS if words & set(known.split("|"))), int(SetPart.WALL))


def _upright(vectors: Array, up: str) -> Array:
    """Vectors (..., 3) with Y up: what faces -Y in a Z-up file faces +Z."""
    return vectors if up == "Y" else np.stack([vectors[..., 0], vectors[..., 2], -vectors[..., 1]], axis=-1)


def _stretch(file: Path, extent: Array, geometry: Geometry, fitting: Fitting) -> Array:
    """(3,) metres per unit along x, y, z. Raises ConfigError where the piece becomes too small or too large."""
    metres = (UNITS[fitting.unit] if fitting.unit else geometry.metres_per_unit) * fitting.scale
    size = extent * metres
    across = fitting.width_m / size[0] if fitting.width_m and size[0] > 0 else None
    upwards = fitting.height_m / size[1] if fitting.height_m and size[1] > 0 else None
    level, steep = across or upwards or 1.0, upwards or across or 1.0
    stretch = metres * np.array([level, steep, level])
    largest = float((extent * stretch).max())
    if not SMALLEST_M <= largest <= LARGEST_M:
        likely = min(
            ("mm", "cm", "m", "km"),
            key=lambda u: abs(np.log(max(extent.max() * fitting.scale, 1e-30) * UNITS[u] / _LIKELY_M)),
        )
        raise ConfigError(
            f"{file}: it is {_sizes(extent * stretch)} m, must be {SMALLEST_M:g} to {LARGEST_M:g} m at its longest. "
            f'Its unit is likely {likely}: write unit = "{likely}", or mend scale, width_m and height_m.'
        )
    return stretch


def _sizes(extent: Array) -> str:
    return " x ".join(f"{v:.4g}" for v in extent)


def _on_pivot(corners: Array, pivot: str) -> Array:
    if pivot == "origin":
        return corners
    low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
    return corners - np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])


def _given_normals(parts: tuple[Part, ...]) -> Array:
    """(T, 3, 3) as the file has them, NaN where it has none."""
    return np.concatenate([np.full(p.corners.shape, np.nan) if p.normals is None else p.normals for p in parts])


def _faces(corners: Array) -> tuple[Array, Array]:
    """Unit normals (T, 3) by winding, and twice the areas (T,)."""
    crossed = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(crossed, axis=1)
    return crossed / np.maximum(areas, 1e-300)[:, None], areas


def _inside_out(corners: Array, faces: Array, given: Array) -> npt.NDArray[np.bool_]:
    """(T,) triangles wound against the normals that the file gives them; of a solid without normals, all where its volume is
    below 0."""
    against = np.nan_to_num(given).sum(axis=1) * faces
    turned = np.asarray(against.sum(axis=1) < 0)
    if not np.isfinite(given).any():
        volume = (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum()
        turned[:] = volume < 0 and closed(welded(corners))
    return turned


def _mesh(corners: Array, faces: Array, smooth: Array, named: npt.NDArray[np.int32]) -> Mesh:
    """Level faces of walls become tops, as those of built pieces are."""
    parts = np.where((named == SetPart.WALL) & (faces[:, 1] > LEVEL), np.int32(SetPart.TOP), named).astype(np.int32)
    curved = bool((np.abs(smooth - faces[:, None]) > 1e-3).any())
    return Mesh(
        vertices=np.ascontiguousarray(corners.reshape(-1, 3), np.float32),
        triangles=np.arange(3 * len(corners), dtype=np.int32).reshape(-1, 3),
        normals=faces.astype(np.float32),
        parts=parts,
        solids=np.zeros(len(corners), np.int32),
        corner_normals=smooth.astype(np.float32) if curved else None,
    )


def _told(file: Path, mesh: Mesh) -> str:
    parts = ", ".join(SetPart(part).name.lower() for part in np.unique(mesh.parts))
    return (
        f"{file.name} is {_sizes(np.ptp(mesh.vertices, axis=0))} m (width, height, depth), {len(mesh.triangles)} triangles "
        f"of {parts}."
    )


def _left_out(
    file: Path, geometry: Geometry, real: npt.NDArray[np.bool_], turned: npt.NDArray[np.bool_]
) -> tuple[str, ...]:
    said = []
    if not real.all():
        said.append(f"{file.name}: {int((~real).sum())} of {len(real)} triangles have no area and were left out.")
    if turned.any():
        said.append(f"{file.name}: {int(turned.sum())} of {len(turned)} triangles faced inwards and were turned round.")
    if geometry.missing:
        missing = ", ".join(geometry.missing)
        said.append(f"{file.name} names textures that are not there: {missing}. It is painted all the same.")
    return tuple(said)
