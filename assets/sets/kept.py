"""A painted piece as an asset: its mesh, its paintings and their projectors in its own axes, for other shots of the show.

A folder: a mesh, the paintings (EXR), and set.json, written last: form, name, version, provider, model_digest, licence,
material, seed, light (to_sun in the piece's axes), mesh, paintings (entries of an index, camera_from_world being
camera_from_piece), files (SHA-256 of each). Files carry their version in their names, so that until set.json is replaced the
set is whatever it was.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.sets.masonry import Mesh, turned
from assets.sets.projection import Piece
from pipeline.errors import AssetError, ConfigError, FormatError
from pipeline.io.files import replacing, sha256, write_bytes
from pipeline.types import SetPaintings, SunLight

Array = npt.NDArray[np.float64]
FORM = 2
_ABOUT = "set.json"
_OWN = re.compile(r"\.v[0-9]+\.(npz|exr)$")  # files that a save wrote


@dataclass(frozen=True, slots=True, eq=False)
class KeptSet:
    """A kept piece, read. about: what set.json says."""

    folder: Path
    mesh: Mesh
    about: dict[str, Any]

    @property
    def material(self) -> str:
        return str(self.about["material"])

    @property
    def seed(self) -> int:
        return int(self.about["seed"])

    def told(self, piece: str) -> str:
        about = self.about
        return (
            f"{piece}: the set {about['name']}, version {about['version']}, by {about['provider']} ({about['licence']})"
        )

    def light_at(self, piece: Piece) -> SunLight:
        """The light that its paintings are in, in the world where the piece stands now: it turns with the piece."""
        light = self.about["light"]
        x, y, z = world_from(piece)[:3, :3] @ np.array(light["to_sun"])
        azimuth, elevation = math.degrees(math.atan2(x, z)), math.degrees(math.asin(max(-1.0, min(1.0, y))))
        return SunLight(azimuth, elevation, tuple(light["sun_rgb"]), tuple(light["sky_rgb"]))

    def entries_at(self, piece: Piece) -> list[dict[str, Any]]:
        """Its paintings' entries, their projectors where the piece stands now."""
        piece_from_world = np.linalg.inv(world_from(piece))
        return [
            {
                **entry,
                "piece": piece.name,
                "camera_from_world": (np.reshape(entry["camera_from_world"], (4, 4)) @ piece_from_world)
                .ravel()
                .tolist(),
            }
            for entry in self.about["paintings"]
        ]


def world_from(piece: Piece) -> Array:
    """(4, 4) from a piece's own axes to the world."""
    axes = np.eye(4)
    axes[[0, 2], 0], axes[[0, 2], 2] = turned(np.array([[1.0, 0.0], [0.0, 1.0]]), piece.yaw_rad)
    axes[:3, 3] = piece.base_m
    return axes


def keep(folder: Path, piece: Piece, receipt: SetPaintings, light: SunLight) -> int:
    """Write a painted piece as an asset into `folder`, over the one that is there; returns its version, 1 more than that one's.

    Raises ConfigError when the shot has no painting of the piece.
    """
    entries = [entry for entry in json.loads(receipt.index.read_text()) if entry["piece"] == piece.name]
    if not entries:
        raise ConfigError(f"set save: there is no painting of set piece {piece.name}. Run the shot to generate_set.")
    version = _version(folder) + 1
    mesh = f"mesh.v{version}.npz"
    axes = world_from(piece)
    own: dict[str, Any] = {
        "vertices": (piece.vertices - piece.base_m) @ axes[:3, :3],
        "normals": piece.normals @ axes[:3, :3],
    }
    own |= {"triangles": piece.triangles, "parts": piece.parts}
    if piece.corner_normals is not None:
        own["corner_normals"] = piece.corner_normals @ axes[:3, :3]
    with replacing(folder / mesh) as temporary, open(temporary, "wb") as file:
        np.savez(file, **{name: a.astype(np.float32) if a.dtype.kind == "f" else a for name, a in own.items()})
    for entry in entries:
        painting = Path(entry["file"])
        entry["file"] = f"{painting.stem}.v{version}{painting.suffix}"
        with replacing(folder / entry["file"]) as temporary:
            shutil.copyfile(receipt.paintings / painting, temporary)
        entry["camera_from_world"] = (np.reshape(entry["camera_from_world"], (4, 4)) @ axes).ravel().tolist()
    files = {name: sha256(folder / name) for name in [mesh, *(entry["file"] for entry in entries)]}
    about = {
        "form": FORM,
        "name": folder.name,
        "version": version,
        "provider": receipt.provider,
        "model_digest": receipt.model_digest,
        "licence": receipt.licence,
        "material": piece.material,
        "seed": piece.seed,
        "light": {
            "to_sun": (np.array(light.to_sun) @ axes[:3, :3]).tolist(),
            "sun_rgb": list(light.sun_rgb),
            "sky_rgb": list(light.sky_rgb),
        },
        "mesh": mesh,
        "paintings": entries,
        "files": files,
    }
    write_bytes(folder / _ABOUT, (json.dumps(about, indent=1, sort_keys=True) + "\n").encode())
    for path in folder.iterdir():
        if _OWN.search(path.name) and path.name not in files:
            path.unlink()
    return version


def _version(folder: Path) -> int:
    """Of the set that is kept there, damaged or not; 0: there is none."""
    try:
        return int(json.loads((folder / _ABOUT).read_text())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def read_kept(folder: Path) -> KeptSet:
    """Raises AssetError when there is no such set, FormatError when it is damaged or of another form."""
    if not (folder / _ABOUT).is_file():
        raise AssetError(f"{folder}: is no kept set. Write one with `battleplate set save SHOT PIECE NAME`.")
    try:
        about = json.loads((folder / _ABOUT).read_text())
        if about["form"] != FORM:
            raise FormatError(f"{folder}: form {about['form']}, this version reads {FORM}. Save the set again.")
        for name, digest in about["files"].items():
            if sha256(folder / name) != digest:
                raise ValueError(f"{name} is not what was saved")
        with np.load(folder / about["mesh"], allow_pickle=False) as arrays:
            own = {name: np.ascontiguousarray(arrays[name]) for name in arrays.files}
        mesh = Mesh(solids=np.zeros(len(own["triangles"]), np.int32), **own)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{folder}: is damaged ({error}). Save the set again.") from error
    return KeptSet(folder, mesh, about)
