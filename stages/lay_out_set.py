"""Put the set's proxies into the world: where a pixel and a distance say, or metres, founded in the ground."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assets.sets.masonry import Mesh, turned
from assets.sets.pieces import Foot, build, flat
from calibration.cameras import camera_centre, load_poses, pixel_rays_world, to_camera
from calibration.ground.heightfield import Heightfield
from calibration.lens import project
from pipeline.errors import ConfigError
from pipeline.io.files import replacing, write_bytes
from pipeline.sections import SetBrief, SetPiece
from pipeline.stage import stage
from pipeline.types import CameraTrack, Ground, Lens, SetLayout

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Params:
    sink_m: float = 2.0  # how deep pieces are founded below the ground under them
    follow: float = 0.3  # of a piece's height: how much ground that rises or falls under it is followed

    def __post_init__(self) -> None:
        if not 0 <= self.sink_m <= 50 or not 0 <= self.follow <= 2:
            raise ConfigError("lay_out_set: sink_m must be 0 to 50 and follow 0 to 2. Change them.")


@stage
def lay_out_set(brief: SetBrief, track: CameraTrack, ground: Ground, params: Params, out: Path) -> SetLayout:
    """Proxy geometry in world space. Raises ConfigError for a piece that has no place or is never seen, AssetError for
    one that cannot be built."""
    heights, poses = Heightfield.read(ground), load_poses(track)
    names = [piece.name for piece in brief.pieces]
    entries = []
    for number, piece in enumerate(brief.pieces, start=1):
        if names.count(piece.name) > 1:
            raise ConfigError(f"set: two pieces are called {piece.name!r}. Give each its own name.")
        base, yaw = place(piece, heights, track.lens, poses[0])
        foot = _foot(heights, base, yaw, params.follow * piece.height_m)
        seed = brief.seed * 1_000_003 + piece.seed
        mesh = build(piece.kind, piece.width_m, piece.height_m, seed=seed, foot=foot, sink_m=params.sink_m)
        vertices, normals = (_to_world(axes, yaw) for axes in (mesh.vertices, mesh.normals))
        _seen(piece, vertices + base, track.lens, poses)
        _write(out / "meshes" / f"{piece.name}.npz", vertices + base, normals, mesh)
        entries.append(
            {
                "name": piece.name,
                "kind": piece.kind,
                "material": piece.material,
                "seed": seed,
                "id": number,
                "base_m": [round(float(v), 4) for v in base],
                "yaw_rad": round(yaw, 6),
            }
        )
    (out / "meshes").mkdir(parents=True, exist_ok=True)
    write_bytes(out / "pieces.json", (json.dumps(entries, indent=1, sort_keys=True) + "\n").encode())
    return SetLayout(meshes=out / "meshes", pieces=out / "pieces.json")


def place(piece: SetPiece, heights: Heightfield, lens: Lens, pose: Array) -> tuple[Array, float]:
    """The middle of the piece's base (3,) in the world, and its heading in radians."""
    if piece.base_m is not None:
        base = np.array(piece.base_m, np.float64)
    elif piece.base_px is None:
        raise ConfigError(f"set piece {piece.name}: it has no place. Write base_px (and distance_m), or base_m.")
    elif piece.distance_m > 0:
        centre, ray = pixel_rays_world(np.array(piece.base_px), lens, pose)
        base = centre + piece.distance_m * ray / np.linalg.norm(ray)
    else:
        base = heights.meet_ground(np.array(piece.base_px, np.float64), lens, pose)
        if not np.isfinite(base).all():
            raise ConfigError(
                f"set piece {piece.name}: its base_px {piece.base_px} looks over the ground. "
                "Draw it lower in the picture, or give distance_m."
            )
    to_viewer = camera_centre(pose) - base
    facing = (
        float(np.arctan2(to_viewer[0], to_viewer[2])) if piece.yaw_deg is None else float(np.radians(piece.yaw_deg))
    )
    return base, facing


def _foot(heights: Heightfield, base: Array, yaw: float, most_m: float) -> Foot:
    """The ground under a piece, in its own axes; level where the surveyed ground does not reach the piece's base."""
    rows, columns = heights.heights.shape
    i, j = (base[0] - heights.origin_x_m) / heights.cell_m, (base[2] - heights.origin_z_m) / heights.cell_m
    surveyed = 0 <= i <= columns - 1 and 0 <= j <= rows - 1
    if not surveyed or abs(float(heights.height(base[0], base[2])) - base[1]) > most_m:
        return flat

    def under(x: npt.ArrayLike, z: npt.ArrayLike) -> Array:
        x, z = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(z, np.float64))
        plan = turned(np.stack([x.ravel(), z.ravel()], axis=1), yaw)
        rise = heights.height(plan[:, 0] + base[0], plan[:, 1] + base[2]) - base[1]
        return np.asarray(np.clip(rise, -most_m, most_m).reshape(x.shape))

    return under


def _to_world(vectors: npt.NDArray[np.float32], yaw: float) -> Array:
    """Turn (N, 3) of a piece's axes by its heading."""
    plan = turned(vectors[:, [0, 2]].astype(np.float64), yaw)
    return np.stack([plan[:, 0], vectors[:, 1].astype(np.float64), plan[:, 1]], axis=1)


def _seen(piece: SetPiece, vertices: Array, lens: Lens, poses: Array) -> None:
    """Raises ConfigError when no frame sees any of the piece."""
    for pose in poses:
        camera = to_camera(vertices, pose)
        pixels = project(camera[camera[:, 2] > 0.05], lens)
        if len(pixels) and (pixels.min(0) < (lens.width, lens.height)).all() and (pixels.max(0) > 0).all():
            return
    raise ConfigError(
        f"set piece {piece.name}: no frame sees it, its base is at {np.round(vertices.mean(axis=0), 1).tolist()} m, "
        "behind the camera or beside the picture. Move it."
    )


def _write(path: Path, vertices: Array, normals: Array, mesh: Mesh) -> None:
    with replacing(path) as temporary:
        np.savez(
            temporary,
            vertices=vertices.astype(np.float32),
            triangles=mesh.triangles,
            normals=normals.astype(np.float32),
            parts=mesh.parts,
        )
