"""Hand the solved camera to other programs: Nuke's .chan, a COLMAP model as text, USD with the points, STMaps."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calibration.cameras import lens_at, load_poses, world_from_camera, zoom_of
from calibration.stmap import Overscan, overscan_of, redistort_map, undistort_map
from pipeline.frames import FrameRate
from pipeline.io import exr, usd
from pipeline.io.chan import NUKE_ORDER, Chan, write_chan
from pipeline.io.colmapmodel import Model, Sighted, write_model
from pipeline.types import CameraTrack

SENSOR_MM = 36.0  # sets the scale of a USD focal length when nobody wrote the sensor's width down
_LOOKS_ALONG_MINUS_Z = np.diag([1.0, -1.0, -1.0, 1.0])


def chan(track: CameraTrack, path: Path, rotation_order: str = NUKE_ORDER) -> None:
    """Write poses and the vertical field of view, metres; it has no room for the lens's centre and distortion."""
    fov = np.degrees(2 * np.arctan(track.lens.height / 2 / track.lens.focal_y_px / zoom_of(track)))
    placed = world_from_camera(load_poses(track)) @ _LOOKS_ALONG_MINUS_Z
    frames = np.arange(track.frames.first, track.frames.last + 1)
    write_chan(path, Chan(frames, placed, fov), rotation_order)


def colmap(track: CameraTrack, folder: Path, name: str = "%04d.exr") -> None:
    """Write cameras.txt, images.txt, points3D.txt: metres, every frame an image called `name` % frame, every observation.

    A zoom has a camera for each image.
    """
    seen = np.load(track.observations, allow_pickle=False).astype(np.float64)
    images, cameras = [], {1: track.lens}
    for number, (frame, pose) in enumerate(zip(track.frames, load_poses(track), strict=True), 1):
        mine, camera = seen[seen[:, 0] == frame], number if track.zoom else 1
        cameras[camera] = lens_at(track, frame)
        images.append(Sighted(name % frame, camera, pose, mine[:, 2:], mine[:, 1].astype(np.int64)))
    points = np.load(track.points, allow_pickle=False).astype(np.float64)
    write_model(folder, Model(cameras, tuple(images), points))


def stage(track: CameraTrack, path: Path, rate: FrameRate, sensor_width_mm: float = 0.0) -> None:
    """Write /Shot/Camera, its distortion as attributes, and /Shot/Points. Metres, Y up, a time code is a frame."""
    with usd.writing(path, track.frames, rate) as made:
        usd.add_camera(
            made, "/Shot/Camera", load_poses(track), track.lens, sensor_width_mm or SENSOR_MM, zoom_of(track)
        )
        usd.add_points(made, "/Shot/Points", np.load(track.points, allow_pickle=False))


def stmaps(track: CameraTrack, folder: Path) -> Overscan:
    """Write undistort.exr and redistort.exr, 32-bit, Nuke's convention (calibration.stmap); returns the overscan.

    A zoom bends each frame otherwise: undistort.FRAME.exr and redistort.FRAME.exr, all with the overscan that the widest needs.
    """
    frames = list(track.frames) if track.zoom else [track.frames.first]
    lenses = {frame: lens_at(track, frame) for frame in frames}
    needed = [overscan_of(lens) for lens in lenses.values()]
    overscan = Overscan(*(max(getattr(each, side) for each in needed) for side in ("left", "top", "right", "bottom")))
    for frame, lens in lenses.items():
        number = f".{frame}" if track.zoom else ""
        for name, found in (("undistort", undistort_map(lens, overscan)), ("redistort", redistort_map(lens, overscan))):
            planes = {"R": found[..., 0], "G": found[..., 1], "B": np.zeros_like(found[..., 0])}
            file = folder / f"{name}{number}.exr"
            exr.write(file, {channel: np.ascontiguousarray(plane) for channel, plane in planes.items()})
    return overscan
