"""Put the set's proxies into the world: where a pixel and a distance say, or metres, founded in the ground."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.sets.imported import Fitting, import_piece
from assets.sets.kept import read_kept
from assets.sets.masonry import Mesh, turned
from assets.sets.pieces import Foot, build, flat
from calibration.cameras import lens_at, load_poses
from calibration.ground.heightfield import Heightfield
from pipeline.errors import BattleplateError, ConfigError
from pipeline.io.files import replacing, write_bytes
from pipeline.sections import SetBrief, SetPiece
from pipeline.stage import stage
from pipeline.types import CameraTrack, Ground, SetLayout
from stages.set_placing import heading, place, seen_from_outside, snapped

Array = npt.NDArray[np.float64]
KIND, WIDTH_M, HEIGHT_M = "fortress", 60.0, 14.0  # where nothing is said


@dataclass(frozen=True, slots=True)
class Params:
    sink_m: float = 2.0  # how deep pieces are founded below the ground under them
    follow: float = 0.3  # of a piece's height: how much ground that rises or falls under it is followed
    snap_m: float = 5.0  # how far from its base a piece looks for solved points
    snap_points: int = 9  # of the nearest, whose median it moves to

    def __post_init__(self) -> None:
        if not 0 <= self.sink_m <= 50 or not 0 <= self.follow <= 2:
            raise ConfigError("lay_out_set: sink_m must be 0 to 50 and follow 0 to 2. Change them.")
        if not 0 < self.snap_m <= 1000 or not 1 <= self.snap_points <= 1000:
            raise ConfigError("lay_out_set: snap_m must be 0 to 1000 and snap_points 1 to 1000. Change them.")


@stage
def lay_out_set(brief: SetBrief, track: CameraTrack, ground: Ground, params: Params, out: Path) -> SetLayout:
    """Proxy geometry in world space. Raises ConfigError for a piece that has no place, is never seen or holds the camera,
    AssetError for one that cannot be built, FormatError for a file that cannot be read."""
    heights, poses = Heightfield.read(ground), load_poses(track)
    names = [piece.name for piece in brief.pieces]
    entries: list[dict[str, Any]] = []
    notes: list[str] = []
    for number, piece in enumerate(brief.pieces, start=1):
        if names.count(piece.name) > 1:
            raise ConfigError(f"set: two pieces are called {piece.name!r}. Give each its own name.")
        seed = brief.seed * 1_000_003 + piece.seed
        placed = _placed(piece, heights, track, poses[0], params, seed)
        vertices = _to_world(placed.mesh.vertices, placed.yaw) + placed.base
        seen_from_outside(piece, vertices[placed.mesh.triangles], track, poses)
        _write(out / "meshes" / f"{piece.name}.npz", vertices, placed)
        notes += placed.notes
        entries.append(
            {
                "name": piece.name,
                "kind": (piece.kind or KIND) if piece.of is None else piece.of.name,
                "material": placed.material or piece.material,
                "seed": seed if placed.seed is None else placed.seed,
                "id": number,
                "base_m": [round(float(v), 4) for v in placed.base],
                "yaw_rad": round(placed.yaw, 6),
                "grounded": _grounded(heights, placed.base, params.follow * float(np.ptp(vertices[:, 1]))),
            }
        )
    (out / "meshes").mkdir(parents=True, exist_ok=True)
    write_bytes(out / "pieces.json", (json.dumps(entries, indent=1, sort_keys=True) + "\n").encode())
    return SetLayout(meshes=out / "meshes", pieces=out / "pieces.json", notes=tuple(notes))


@dataclass(frozen=True, slots=True)
class _Placed:
    """A mesh in its own axes, where it stands, and what was found in its file."""

    mesh: Mesh
    base: Array
    yaw: float
    notes: tuple[str, ...] = ()
    material: str = ""  # of a kept set; "" and None: as the brief says
    seed: int | None = None


def _placed(
    piece: SetPiece, heights: Heightfield, track: CameraTrack, pose: Array, params: Params, seed: int
) -> _Placed:
    base = place(piece, heights, lens_at(track, track.frames.first), pose)
    if piece.snap == "points":
        base = snapped(piece, base, np.load(track.points), params.snap_m, params.snap_points)
    yaw = heading(piece, base, pose)
    if piece.asset is not None:
        kept = read_kept(piece.asset)
        return _Placed(kept.mesh, base, yaw, (kept.told(piece.name),), kept.material, kept.seed)
    if piece.file is not None:
        fitting = Fitting(piece.unit, piece.up, piece.scale, piece.pivot, piece.width_m, piece.height_m)
        try:
            made = import_piece(piece.file, fitting)
        except BattleplateError as error:
            raise type(error)(f"set piece {piece.name}: {error}") from error
        return _Placed(made.mesh, base, yaw, tuple(f"{piece.name}: {note}" for note in made.notes))
    width = WIDTH_M if piece.width_m is None else piece.width_m
    height = HEIGHT_M if piece.height_m is None else piece.height_m
    foot = _foot(heights, base, yaw, params.follow * height)
    return _Placed(build(piece.kind or KIND, width, height, seed=seed, foot=foot, sink_m=params.sink_m), base, yaw)


def _foot(heights: Heightfield, base: Array, yaw: float, most_m: float) -> Foot:
    """The ground under a piece, in its own axes; level where the surveyed ground does not reach the piece's base."""
    if not _grounded(heights, base, most_m):
        return flat

    def under(x: npt.ArrayLike, z: npt.ArrayLike) -> Array:
        x, z = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(z, np.float64))
        plan = turned(np.stack([x.ravel(), z.ravel()], axis=1), yaw)
        rise = heights.height(plan[:, 0] + base[0], plan[:, 1] + base[2]) - base[1]
        return np.asarray(np.clip(rise, -most_m, most_m).reshape(x.shape))

    return under


def _grounded(heights: Heightfield, base: Array, most_m: float) -> bool:
    """Was the ground surveyed under the base, and within most_m of it?"""
    rows, columns = heights.heights.shape
    i, j = (base[0] - heights.origin_x_m) / heights.cell_m, (base[2] - heights.origin_z_m) / heights.cell_m
    surveyed = 0 <= i <= columns - 1 and 0 <= j <= rows - 1
    return bool(surveyed and abs(float(heights.height(base[0], base[2])) - base[1]) <= most_m)


def _to_world(vectors: npt.NDArray[np.float32], yaw: float) -> Array:
    """Turn (N, 3) of a piece's axes by its heading."""
    plan = turned(vectors[:, [0, 2]].astype(np.float64), yaw)
    return np.stack([plan[:, 0], vectors[:, 1].astype(np.float64), plan[:, 1]], axis=1)


def _write(path: Path, vertices: Array, placed: _Placed) -> None:
    mesh = placed.mesh
    curved: dict[str, Any] = {}
    if mesh.corner_normals is not None:
        turned_normals = _to_world(mesh.corner_normals.reshape(-1, 3), placed.yaw)
        curved = {"corner_normals": turned_normals.reshape(-1, 3, 3).astype(np.float32)}
    with replacing(path) as temporary:
        np.savez(
            temporary,
            vertices=vertices.astype(np.float32),
            triangles=mesh.triangles,
            normals=_to_world(mesh.normals, placed.yaw).astype(np.float32),
            parts=mesh.parts,
            **curved,
        )
