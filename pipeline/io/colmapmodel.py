"""COLMAP's sparse models, text and binary, read and written without COLMAP: cameras, images, points3D.

Source: COLMAP's documentation, "Output format"; binary files are little endian.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from pipeline.errors import FormatError
from pipeline.io.files import write_bytes
from pipeline.types import Lens

Array = npt.NDArray[np.float64]
# name: (number, places of its parameters among fx fy cx cy k1 k2 p1 p2)
MODELS: dict[str, tuple[int, tuple[tuple[int, ...], ...]]] = {
    "SIMPLE_PINHOLE": (0, ((0, 1), (2,), (3,))),
    "PINHOLE": (1, ((0,), (1,), (2,), (3,))),
    "SIMPLE_RADIAL": (2, ((0, 1), (2,), (3,), (4,))),
    "RADIAL": (3, ((0, 1), (2,), (3,), (4,), (5,))),
    "OPENCV": (4, ((0,), (1,), (2,), (3,), (4,), (5,), (6,), (7,))),
}
_BY_NUMBER = {number: name for name, (number, _) in MODELS.items()}
_NO_POINT = 2**64 - 1


@dataclass(frozen=True, slots=True, eq=False)
class Sighted:
    """One image: pose camera_from_world (4, 4), camera's number, seen (K, 2) pixels of the points numbered in points (K,)."""

    name: str
    camera: int
    pose: Array
    seen: Array
    points: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """cameras by number. images in order of name. points: (N, 3), which images' `points` index."""

    cameras: dict[int, Lens]
    images: tuple[Sighted, ...]
    points: Array


def read_model(folder: Path) -> Model:
    """Read `folder` (or its sparse/0). Raises FormatError on a missing or damaged file, or a camera that ours cannot be."""
    where = next((f for f in (folder, folder / "sparse/0", folder / "0") if (_file(f, "images"))), None)
    if where is None:
        raise FormatError(f"{folder}: holds no COLMAP model (images.bin or images.txt). Name the folder that does.")
    read = {name: _file(where, name) for name in ("cameras", "images", "points3D")}
    lost = [name for name, file in read.items() if file is None]
    if lost:
        raise FormatError(f"{where}: {lost[0]}.bin or .txt is missing. Export the whole model.")
    cameras, images, points = (file for file in read.values() if file is not None)
    try:
        lenses = dict(_cameras(cameras))
        numbers, xyz = _points(points)
        sighted = [_sighted(record, numbers) for record in _images(images)]
    except (struct.error, ValueError, IndexError) as error:
        raise FormatError(f"{where}: is not a whole COLMAP model ({error}). Export it again.") from error
    alone = next((image for image in sighted if image.camera not in lenses), None)
    if alone is not None:
        raise FormatError(
            f"{images}: image {alone.name} has camera {alone.camera}, which is not there. Export it again."
        )
    return Model(lenses, tuple(sorted(sighted, key=lambda image: image.name)), xyz)


def write_model(folder: Path, model: Model) -> None:
    """Write cameras.txt, images.txt, points3D.txt; each lens as OPENCV, points without colour."""
    cameras = ["# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]"]
    for number, lens in sorted(model.cameras.items()):
        values = (
            lens.focal_x_px,
            lens.focal_y_px,
            lens.centre_x_px,
            lens.centre_y_px,
            lens.k1,
            lens.k2,
            lens.p1,
            lens.p2,
        )
        cameras.append(f"{number} OPENCV {lens.width} {lens.height} " + " ".join(map(_word, values)))
    images = ["# IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME", "# POINTS2D[] as (X, Y, POINT3D_ID)"]
    tracks: dict[int, list[str]] = {}
    for number, image in enumerate(model.images, start=1):
        x, y, z, w = Rotation.from_matrix(image.pose[:3, :3]).as_quat()
        placed = " ".join(map(_word, (w, x, y, z, *image.pose[:3, 3])))
        images.append(f"{number} {placed} {image.camera} {image.name}")
        images.append(
            " ".join(
                f"{_word(x)} {_word(y)} {point + 1}" for (x, y), point in zip(image.seen, image.points, strict=True)
            )
        )
        for index, point in enumerate(image.points.tolist()):
            tracks.setdefault(point, []).append(f"{number} {index}")
    points = ["# POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK[] as (IMAGE_ID, POINT2D_IDX)"]
    for number, xyz in enumerate(model.points):
        points.append(
            f"{number + 1} {' '.join(map(_word, xyz))} 128 128 128 0 {' '.join(tracks.get(number, []))}".rstrip()
        )
    for name, lines in (("cameras", cameras), ("images", images), ("points3D", points)):
        write_bytes(folder / f"{name}.txt", ("\n".join(lines) + "\n").encode())


def _word(value: float) -> str:
    return f"{value:.12g}"


def _file(folder: Path, name: str) -> Path | None:
    return next((f for f in (folder / f"{name}.bin", folder / f"{name}.txt") if f.is_file()), None)


def _lens(where: Path, name: str, width: int, height: int, values: list[float]) -> Lens:
    if name not in MODELS:
        raise FormatError(
            f"{where}: its camera is {name}, ours can be {', '.join(MODELS)}. Undistort, or solve with those."
        )
    full = [0.0] * 8
    for value, places in zip(values, MODELS[name][1], strict=True):
        for place in places:
            full[place] = value
    return Lens(width, height, *full)


def _cameras(file: Path) -> Iterator[tuple[int, Lens]]:
    if file.suffix == ".txt":
        for line in _lines(file):
            number, name, width, height, *values = line.split()
            yield int(number), _lens(file, name, int(width), int(height), [float(v) for v in values])
        return
    data = _Bytes(file)
    for _ in range(data.one("Q")):
        number, kind, width, height = data.many("iiQQ")
        name = _BY_NUMBER.get(kind, f"model {kind}")
        count = len(MODELS[name][1]) if name in MODELS else 0
        yield number, _lens(file, name, width, height, list(data.many(f"{count}d")))


def _images(file: Path) -> Iterator[tuple[str, int, list[float], Array, list[int]]]:
    """Name, camera, qw qx qy qz tx ty tz, keypoints (K, 2), their points' ids (-1: none)."""
    if file.suffix == ".txt":
        lines = _lines(file, keep_empty=True)
        for line in lines:
            if not line.strip():
                continue
            words = line.split(maxsplit=9)
            table = np.array(next(lines, "").split(), np.float64).reshape(-1, 3)
            yield (
                words[9],
                int(words[8]),
                [float(w) for w in words[1:8]],
                table[:, :2],
                table[:, 2].astype(int).tolist(),
            )
        return
    data = _Bytes(file)
    for _ in range(data.one("Q")):
        values = data.many("i7di")
        name = data.text()
        records = np.frombuffer(data.take(24 * data.one("Q")), [("x", "<f8"), ("y", "<f8"), ("id", "<u8")])
        ids = [-1 if point == _NO_POINT else point for point in records["id"].tolist()]
        yield name, values[8], list(values[1:8]), np.stack([records["x"], records["y"]], axis=1), ids


def _points(file: Path) -> tuple[dict[int, int], Array]:
    """Point id to its row, and the points (N, 3)."""
    numbers: dict[int, int] = {}
    rows: list[Any] = []
    if file.suffix == ".txt":
        for line in _lines(file):
            words = line.split()
            numbers[int(words[0])] = len(rows)
            rows.append([float(word) for word in words[1:4]])
    else:
        data = _Bytes(file)
        for _ in range(data.one("Q")):
            number, x, y, z, _r, _g, _b, _error, views = data.many("Q3d3BdQ")
            data.take(8 * views)
            numbers[number] = len(rows)
            rows.append([x, y, z])
    return numbers, np.array(rows, np.float64).reshape(-1, 3)


def _sighted(record: tuple[str, int, list[float], Array, list[int]], numbers: dict[int, int]) -> Sighted:
    name, camera, (w, x, y, z, *shift), seen, ids = record
    pose = np.eye(4)
    pose[:3, :3] = Rotation.from_quat([x, y, z, w]).as_matrix()
    pose[:3, 3] = shift
    known = [index for index, point in enumerate(ids) if point in numbers]
    return Sighted(name, camera, pose, seen[known], np.array([numbers[ids[index]] for index in known], np.int64))


def _lines(file: Path, keep_empty: bool = False) -> Iterator[str]:
    for line in file.read_text("utf-8").splitlines():
        if not line.startswith("#") and (keep_empty or line.strip()):
            yield line


class _Bytes:
    """A binary file, read from front to back."""

    def __init__(self, file: Path) -> None:
        self.data, self.at = file.read_bytes(), 0

    def take(self, count: int) -> bytes:
        if self.at + count > len(self.data):
            raise ValueError("it ends too early")
        self.at += count
        return self.data[self.at - count : self.at]

    def many(self, kinds: str) -> tuple[Any, ...]:
        return struct.unpack("<" + kinds, self.take(struct.calcsize("<" + kinds)))

    def one(self, kind: str) -> Any:
        return self.many(kind)[0]

    def text(self) -> str:
        end = self.data.index(b"\0", self.at)
        return self.take(end + 1 - self.at)[:-1].decode()
