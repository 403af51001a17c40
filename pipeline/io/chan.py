"""Nuke's .chan: a camera as text, a line per frame: number, tx ty tz, rx ry rz in degrees, and the vertical field of view.

The camera looks along its -Z, Y up. The file says neither its unit nor its rotation order: who reads it must know.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from pipeline.errors import FormatError
from pipeline.io.files import write_bytes

Array = npt.NDArray[np.float64]
NUKE_ORDER = "ZXY"


@dataclass(frozen=True, slots=True, eq=False)
class Chan:
    """frames: (F,) int64, rising. world_from_camera: (F, 4, 4), the camera looks along -Z. vertical_fov_deg: (F,) or None."""

    frames: npt.NDArray[np.int64]
    world_from_camera: Array
    vertical_fov_deg: Array | None


def read_chan(path: Path, rotation_order: str = NUKE_ORDER) -> Chan:
    """Read a camera. rotation_order: about which axis it turns first, second, third, as Nuke names it.

    Raises FormatError that names the line.
    """
    rows: list[list[float]] = []
    for number, line in enumerate(_text(path).splitlines(), start=1):
        words = line.split("#")[0].replace(",", " ").split()
        if not words:
            continue
        try:
            row = [float(word) for word in words]
        except ValueError as error:
            raise FormatError(
                f"{path} line {number}: {line.strip()[:60]!r} is not numbers. Export it again."
            ) from error
        if len(row) not in (7, 8) or (rows and len(row) != len(rows[0])):
            wanted = f"{len(rows[0])} as above" if rows else "7, or 8 with the vertical field of view"
            raise FormatError(f"{path} line {number}: holds {len(row)} numbers, needs {wanted}. Export it again.")
        if not np.isfinite(row).all() or row[0] != int(row[0]):
            raise FormatError(f"{path} line {number}: {line.strip()[:60]!r}: needs a whole frame and finite numbers.")
        if rows and row[0] <= rows[-1][0]:
            raise FormatError(f"{path} line {number}: frame {row[0]:g} comes after {rows[-1][0]:g}. Put them in order.")
        rows.append(row)
    if not rows:
        raise FormatError(f"{path}: holds no frame. Export the camera's animation as a .chan.")
    table = np.array(rows)
    poses = np.tile(np.eye(4), (len(table), 1, 1))
    poses[:, :3, :3] = _turns(table[:, 4:7], rotation_order).as_matrix()
    poses[:, :3, 3] = table[:, 1:4]
    fov = table[:, 7] if table.shape[1] == 8 else None
    if fov is not None and not ((fov > 0.1) & (fov < 175)).all():
        raise FormatError(
            f"{path}: vertical fields of view are {fov.min():g} to {fov.max():g} degrees. Export it again."
        )
    return Chan(table[:, 0].astype(np.int64), poses, fov)


def write_chan(path: Path, chan: Chan, rotation_order: str = NUKE_ORDER) -> None:
    """Write a camera, nine decimals: a round trip holds to a micrometre and a billionth of a degree."""
    order = _indices(rotation_order)
    angles = np.empty((len(chan.frames), 3))
    turns = Rotation.from_matrix(chan.world_from_camera[:, :3, :3])
    angles[:, order] = turns.as_euler(rotation_order.lower(), degrees=True)
    columns = [chan.world_from_camera[:, :3, 3], angles]
    if chan.vertical_fov_deg is not None:
        columns.append(chan.vertical_fov_deg[:, None])
    lines = [
        " ".join([str(int(frame)), *(f"{value:.9f}" for value in row)])
        for frame, row in zip(chan.frames, np.hstack(columns), strict=True)
    ]
    write_bytes(path, ("\n".join(lines) + "\n").encode())


def _turns(degrees: Array, order: str) -> Rotation:
    """Rotations about the world's axes one after the other; degrees: (F, 3) about x, y, z."""
    return Rotation.from_euler(order.lower(), degrees[:, _indices(order)], degrees=True)


def _indices(order: str) -> list[int]:
    return ["XYZ".index(axis) for axis in order]


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except FileNotFoundError as error:
        raise FormatError(f"{path}: there is no such file. Check the path.") from error
    except UnicodeDecodeError as error:
        raise FormatError(f"{path}: is not text, so no .chan. Export the camera again.") from error
