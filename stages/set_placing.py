"""Where a set piece stands, and whether the camera sees it from outside. No step of a shot: lay_out_set asks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from assets.sets.inside import within
from calibration.cameras import camera_centre, lens_at, pixel_rays_world, to_camera, world_from_camera
from calibration.ground.heightfield import Heightfield
from calibration.lens import project, undistort_points
from pipeline.errors import ConfigError
from pipeline.io.sequences import spans
from pipeline.kernels.triangles import NEAR_M
from pipeline.sections import SetPiece
from pipeline.types import CameraTrack, Lens

Array = npt.NDArray[np.float64]
LEAST_PX = 2.0  # that a piece must measure on some frame: less cannot be painted


def place(piece: SetPiece, heights: Heightfield, lens: Lens, pose: Array) -> Array:
    """The middle of the piece's base (3,) in the world."""
    if piece.base_m is not None:
        return np.array(piece.base_m, np.float64)
    if piece.base_px is None:
        raise ConfigError(f"set piece {piece.name}: it has no place. Write base_px (and distance_m), or base_m.")
    if piece.distance_m > 0:
        centre, ray = pixel_rays_world(np.array(piece.base_px), lens, pose)
        return np.asarray(centre + piece.distance_m * ray / np.linalg.norm(ray))
    base = heights.meet_ground(np.array(piece.base_px, np.float64), lens, pose)
    if not np.isfinite(base).all():
        raise ConfigError(
            f"set piece {piece.name}: its base_px {piece.base_px} looks over the ground. "
            "Draw it lower in the picture, or give distance_m."
        )
    return np.asarray(base)


def snapped(piece: SetPiece, base: Array, points: Array, reach_m: float, count: int) -> Array:
    """The median of the `count` solved points (N, 3) that are nearest to the base, within reach_m of it.

    Raises ConfigError when there is none.
    """
    away = np.linalg.norm(points - base, axis=1)
    order = np.argsort(away, kind="stable")[:count]
    near = points[order[away[order] <= reach_m]]
    if not len(near):
        nearest = f"the nearest is {away.min():.1f} m away" if len(away) else "the camera has none"
        raise ConfigError(
            f"set piece {piece.name}: no solved point lies within {reach_m:g} m of its base at {np.round(base, 1).tolist()} m, "
            f'{nearest}. Move it, raise lay_out_set.snap_m, or write snap = "ground".'
        )
    return np.asarray(np.median(near, axis=0))


def heading(piece: SetPiece, base: Array, pose: Array) -> float:
    """Which way its front looks, radians from +Z towards +X."""
    to_viewer = camera_centre(pose) - base
    return float(np.arctan2(to_viewer[0], to_viewer[2])) if piece.yaw_deg is None else float(np.radians(piece.yaw_deg))


def seen_from_outside(piece: SetPiece, corners: Array, track: CameraTrack, poses: Array) -> None:
    """Raises ConfigError when no frame sees any of the triangles (T, 3, 3), none sees them larger than LEAST_PX, or the camera stands
    inside them on some."""
    lenses = [lens_at(track, frame) for frame in track.frames]
    _seen(piece, corners.reshape(-1, 3), lenses, poses)
    windows = [_window(lens) for lens in lenses] if track.zoom else [_window(track.lens)]
    window = NEAR_M * np.stack(windows)  # (F or 1, 5, 3)
    world = np.stack([world_from_camera(pose) for pose in poses])
    points = window @ world[:, :3, :3].transpose(0, 2, 1) + world[:, None, :3, 3]
    inside = within(points.reshape(-1, 3), corners).reshape(len(poses), -1).any(axis=1)
    if inside.any():
        raise ConfigError(
            f"set piece {piece.name}: the camera stands inside it, or within {NEAR_M:g} m of its walls, on "
            f"{spans((track.frames.first + np.flatnonzero(inside)).tolist())}. Move it, or make it smaller."
        )


def _window(lens: Lens) -> Array:
    """(5, 3) camera axes: the eye, and the picture's corners at distance 1."""
    corners = np.array([[0, 0], [lens.width, 0], [0, lens.height], [lens.width, lens.height]], float)
    return np.array([[0.0, 0.0, 0.0], *((x, y, 1.0) for x, y in undistort_points(corners, lens))])


def _seen(piece: SetPiece, vertices: Array, lenses: list[Lens], poses: Array) -> None:
    ahead, largest = False, 0.0
    for pose, lens in zip(poses, lenses, strict=True):
        camera = to_camera(vertices, pose)
        in_front = camera[camera[:, 2] > NEAR_M]
        ahead |= bool(len(in_front))
        pixels = project(in_front, lens)
        if len(pixels) and (pixels.min(0) < (lens.width, lens.height)).all() and (pixels.max(0) > 0).all():
            largest = max(largest, float(np.ptp(pixels, axis=0).max()))
            if largest >= LEAST_PX or len(in_front) < len(camera):
                return
    if largest:
        raise ConfigError(
            f"set piece {piece.name}: it is {largest:.2g} px large where it is seen best, must be {LEAST_PX:g}. Move it nearer, make "
            "it larger, or stand a picture there with [[set.cards]]."
        )
    where = "beside the picture" if ahead else "wholly behind the camera"
    raise ConfigError(
        f"set piece {piece.name}: no frame sees it, its middle is at {np.round(vertices.mean(axis=0), 1).tolist()} m, "
        f"{where} on all {len(poses)} frames. Move it."
    )
