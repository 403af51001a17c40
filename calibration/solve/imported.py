"""A camera that somebody else solved (Nuke .chan, USD, COLMAP) as the shot's: every frame posed, in our axes and pixels."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.cameras import world_from_camera
from calibration.lensfile import read_lens
from calibration.solve.written import written_focal_px
from pipeline.errors import CalibrationError
from pipeline.io import usd, usdcamera
from pipeline.io.chan import read_chan
from pipeline.io.colmapmodel import Sighted, read_model
from pipeline.sections import CameraFacts
from pipeline.solve_sections import SolveBrief
from pipeline.types import Lens, Plate

Array = npt.NDArray[np.float64]
STEADY = 1e-3  # a focal length that changes by more is a zoom
SAME_SHAPE = 5e-3  # by which the pixel aspect of a file may miss the plate's
_OUR_CAMERA = np.diag([1.0, -1.0, -1.0, 1.0])  # theirs look along -Z with Y up, ours along Z with Y down
_Y_UP = {
    "Y": np.eye(4),
    "Z": np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]]),
}


@dataclass(frozen=True, eq=False)
class Imported:
    """A track as read. poses: (F, 4, 4) camera_from_track, Y up and metres where `metric`; else in a world of its own.

    points: (N, 3), observations: (M, 4) rows of frame row, point, x, y in plate pixels; both empty when the file has none.
    told: what was read and how it was converted, for the report. zoom: (F,) each frame's focal length over the lens's, or empty.
    """

    poses: Array
    lens: Lens
    points: Array
    observations: Array
    metric: bool
    told: dict[str, Any]
    zoom: Array


def read_track(brief: SolveBrief, path: Path, plate: Plate, facts: CameraFacts, frames: list[int]) -> Imported:
    """Read the camera of `frames` from `path`, as `brief` says it is to be understood.

    Raises CalibrationError when frames are missing or its lens is not the plate's, FormatError when it cannot be read.
    """
    if path.is_dir():
        return _from_colmap(brief, path, plate, frames)
    if path.suffix in usd.SUFFIXES:
        return _from_usd(brief, path, plate, frames)
    if path.suffix == ".chan":
        return _from_chan(brief, path, plate, facts, frames)
    raise CalibrationError(
        f"[solve] {path}: a track is a .chan, a {', '.join(usd.SUFFIXES)} or the folder of a COLMAP model"
        f"{'' if path.exists() else ', and this is not there'}. Name one of these."
    )


def read_poses(brief: SolveBrief, path: Path, plate: Plate, frames: list[int]) -> Array:
    """camera_from_world (F, 4, 4) of `frames` alone, whatever lens the file tells or does not tell. Raises as read_track."""
    anything = CameraFacts(focal_mm=36.0, sensor_width_mm=36.0)  # where a .chan tells no lens, any will do
    return read_track(brief, path, plate, anything, frames).poses


def _from_chan(brief: SolveBrief, path: Path, plate: Plate, facts: CameraFacts, frames: list[int]) -> Imported:
    chan = read_chan(path, brief.rotation_order)
    rows = _rows_of(path, chan.frames.tolist(), frames, brief.frame_offset)
    if chan.vertical_fov_deg is not None:
        fov = chan.vertical_fov_deg[rows]
        focal_y, zoom = _zooming(plate.height / 2 / np.tan(np.radians(fov) / 2))
        focal_from = f"vertical field of view {fov[0]:.4f} degrees"
    elif facts.focal_mm > 0 and facts.sensor_width_mm > 0:
        focal_y = written_focal_px(facts, plate, plate.width * plate.pixel_aspect)
        focal_from, zoom = "[camera]", np.zeros(0)
    else:
        raise CalibrationError(
            f"{path}: its lines have no vertical field of view. Export it with one, or write focal_mm and sensor_width_mm "
            "in [camera]."
        )
    lens = _lens(brief, plate, focal_y / plate.pixel_aspect, focal_y, (plate.width / 2, plate.height / 2))
    poses, metric, told = _converted(brief, chan.world_from_camera[rows], brief.up or "Y", brief.metres_per_unit or 1.0)
    told |= {"format": "chan", "rotation_order": brief.rotation_order, "focal_from": focal_from}
    return Imported(poses, lens, np.zeros((0, 3)), np.zeros((0, 4)), metric, told, zoom)


def _from_usd(brief: SolveBrief, path: Path, plate: Plate, frames: list[int]) -> Imported:
    times = [frame - brief.frame_offset for frame in frames]
    camera = usdcamera.read_camera(path, times, brief.camera)
    if camera.first is not None and camera.last is not None and camera.last > camera.first:
        there = list(range(math.ceil(camera.first), math.floor(camera.last) + 1))
        _rows_of(path, there, frames, brief.frame_offset)
    for name, value in (("focal length", camera.focal), ("aperture", camera.wide), ("aperture", camera.tall)):
        if not (value > 0).all():
            raise CalibrationError(
                f"{path} {camera.path}: its {name} is {value.min():g}, must be above 0. Export it again."
            )
    focal_x, zoom = _zooming(camera.focal / camera.wide * plate.width)
    focal_y, _ = _zooming(camera.focal / camera.tall * plate.height)
    told: dict[str, Any] = {"format": "USD", "camera": camera.path, "focal_from": "focal length and apertures"}
    if abs(focal_y / focal_x / plate.pixel_aspect - 1) > SAME_SHAPE:
        told["aperture"] = (
            f"{camera.wide[0]:.3f} x {camera.tall[0]:.3f} is not the plate's shape: fitted by its width, as renderers do"
        )
        focal_y = focal_x * plate.pixel_aspect
    centre = (
        plate.width / 2 - float(camera.offset_x[0] / camera.focal[0]) * focal_x,
        plate.height / 2 + float(camera.offset_y[0] / camera.focal[0]) * focal_y,
    )
    lens = _lens(brief, plate, focal_x, focal_y, centre, camera.distortion)
    unit = brief.metres_per_unit or camera.metres_per_unit
    poses, metric, converted = _converted(brief, camera.world_from_camera, brief.up or camera.up, unit)
    return Imported(poses, lens, np.zeros((0, 3)), np.zeros((0, 4)), metric, told | converted, zoom)


def _from_colmap(brief: SolveBrief, folder: Path, plate: Plate, frames: list[int]) -> Imported:
    model = read_model(folder)
    numbered: dict[int, Sighted] = {}
    for image in model.images:
        digits = re.findall(r"\d+", Path(image.name).stem)
        if not digits:
            raise CalibrationError(f"{folder}: image {image.name!r} has no number, so no frame. Name images by frame.")
        numbered[int(digits[-1])] = image
    numbers = sorted(numbered)
    rows = _rows_of(folder, numbers, frames, brief.frame_offset)
    images = [numbered[numbers[row]] for row in rows]
    theirs = model.cameras[images[0].camera]
    lenses = [model.cameras[image.camera] for image in images]
    if any(
        replace(lens, focal_x_px=1.0, focal_y_px=1.0) != replace(theirs, focal_x_px=1.0, focal_y_px=1.0)
        for lens in lenses
    ):
        raise CalibrationError(
            f"{folder}: its images have several cameras that differ by more than a focal length. Solve them with one shared camera."
        )
    x, y = plate.width / theirs.width, plate.height / theirs.height
    if min(abs(x / y - 1), abs(x * plate.pixel_aspect / y - 1)) > SAME_SHAPE:
        raise CalibrationError(
            f"{folder}: was solved on pictures of {theirs.width} x {theirs.height}, the plate is {plate.width} x "
            f"{plate.height}: not the same shape. Solve the whole picture, without crop."
        )
    bent = (theirs.k1, theirs.k2, theirs.p1, theirs.p2)
    centre = (theirs.centre_x_px * x, theirs.centre_y_px * y)
    lens = _lens(brief, plate, theirs.focal_x_px * x, theirs.focal_y_px * y, centre, bent)
    seen = [
        np.column_stack([np.full(len(image.points), row), image.points, image.seen * (x, y)])
        for row, image in enumerate(images)
    ]
    told = {"format": "COLMAP", "frame_offset": brief.frame_offset, "solved_at_px": [theirs.width, theirs.height]}
    poses = np.array([image.pose for image in images])
    return Imported(
        poses,
        lens,
        model.points,
        np.concatenate(seen),
        False,
        told,
        _zooming(np.array([lens.focal_x_px for lens in lenses]))[1],
    )


def _converted(brief: SolveBrief, theirs: Array, up: str, unit: float) -> tuple[Array, bool, dict[str, Any]]:
    """Cameras world_from_camera that look along -Z, to camera_from_world of ours in metres, Y up; what was done."""
    placed = _Y_UP[up] @ theirs @ _OUR_CAMERA
    placed[:, :3, 3] *= unit
    told = {"up": up, "metres_per_unit": unit, "frame_offset": brief.frame_offset}
    return world_from_camera(placed), brief.world == "track", told


def _lens(
    brief: SolveBrief,
    plate: Plate,
    focal_x: float,
    focal_y: float,
    centre: tuple[float, float],
    bent: tuple[float, ...] | None = None,
) -> Lens:
    """The plate's lens; what the shot file says of it goes before what the track says."""
    if brief.lens is not None:
        return read_lens(brief.lens, plate.width, plate.height, plate.pixel_aspect)
    at = brief.centre_px or centre
    return Lens(plate.width, plate.height, focal_x, focal_y, *at, *(brief.distortion or bent or (0.0,) * 4))


def _zooming(focal_px: Array) -> tuple[float, Array]:
    """A track's focal length and its frames' (F,) over it; the second is empty where the lens does not zoom."""
    if focal_px.max() > focal_px.min() * (1 + STEADY):
        return float(focal_px[0]), focal_px / focal_px[0]
    return float(np.median(focal_px)), np.zeros(0)


def _rows_of(path: Path, numbers: list[int], frames: list[int], offset: int) -> list[int]:
    """Rows of the plate's frames among a track's `numbers`. Raises CalibrationError that names those it lacks."""
    order = {number + offset: row for row, number in enumerate(numbers)}
    missing = [frame for frame in frames if frame not in order]
    if missing:
        holds = f"{numbers[0]}-{numbers[-1]}" if numbers else "nothing"
        cure = "Export every frame of the shot"
        if len(missing) == len(frames) and numbers:
            cure += f", or write [solve] frame_offset = {frames[0] - numbers[0]} if its {numbers[0]} is {frames[0]}"
        shown = ", ".join(map(str, missing[:8])) + (f" and {len(missing) - 8} more" if len(missing) > 8 else "")
        raise CalibrationError(
            f"{path}: has no pose for frame {shown}: it holds {holds}, frame_offset is {offset}. {cure}."
        )
    return [order[frame] for frame in frames]
