"""Solved camera poses: read them, ask where a camera stands and looks, send pixels into the world.

The solved world: metres, Y up, right-handed. The ground under the first camera is y = 0 and the origin; the first
camera looks along -Z (tilt aside), X to its right. Camera axes are COLMAP's: x right, y down, z into the scene.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from calibration.lens import undistort_points, zoomed
from pipeline.errors import CalibrationError
from pipeline.types import CameraTrack, Lens

Array = npt.NDArray[np.float64]


def load_poses(track: CameraTrack) -> Array:
    """camera_from_world of every frame, (F, 4, 4) float64; row i is frame track.frames.first + i.

    Raises CalibrationError when the file does not hold one pose per frame.
    """
    poses = np.load(track.poses, allow_pickle=False)
    if poses.shape != (len(track.frames), 4, 4):
        raise CalibrationError(
            f"{track.poses}: holds {poses.shape}, but frames {track.frames} need {(len(track.frames), 4, 4)}. "
            "Run solve_camera again."
        )
    return np.asarray(poses, np.float64)


def lens_at(track: CameraTrack, frame: int) -> Lens:
    """The lens on one frame of the track: of a zoom, with that frame's focal length."""
    return zoomed(track.lens, track.zoom[track.frames.index(frame)]) if track.zoom else track.lens


def zoom_of(track: CameraTrack) -> Array:
    """Each frame's focal length over the lens's, (F,): ones where the lens does not zoom."""
    return np.array(track.zoom or np.ones(len(track.frames)))


def pose_at(track: CameraTrack, frame: int) -> Array:
    """camera_from_world (4, 4) of one frame of the track."""
    return load_poses(track)[track.frames.index(frame)]


def world_from_camera(camera_from_world: npt.ArrayLike) -> Array:
    """The inverse of rigid transforms (..., 4, 4)."""
    pose = np.asarray(camera_from_world, np.float64)
    turned = np.swapaxes(pose[..., :3, :3], -1, -2)
    out = np.zeros_like(pose)
    out[..., :3, :3] = turned
    out[..., :3, 3] = -np.einsum("...ij,...j->...i", turned, pose[..., :3, 3])
    out[..., 3, 3] = 1.0
    return out


def camera_centre(camera_from_world: npt.ArrayLike) -> Array:
    """Where cameras (..., 4, 4) stand: (..., 3) world metres."""
    return world_from_camera(camera_from_world)[..., :3, 3]


def look_direction(camera_from_world: npt.ArrayLike) -> Array:
    """Unit vectors (..., 3), in the world, along which cameras (..., 4, 4) look."""
    return np.asarray(camera_from_world, np.float64)[..., 2, :3]


def up_direction(camera_from_world: npt.ArrayLike) -> Array:
    """Unit vectors (..., 3), in the world, that point up in the pictures of cameras (..., 4, 4)."""
    return -np.asarray(camera_from_world, np.float64)[..., 1, :3]


def to_camera(points_world: npt.ArrayLike, camera_from_world: npt.ArrayLike) -> Array:
    """Points (N, 3) of the world in the axes of one camera (4, 4): (N, 3)."""
    pose = np.asarray(camera_from_world, np.float64)
    return np.asarray(points_world, np.float64) @ pose[:3, :3].T + pose[:3, 3]


def pixel_rays_world(pixels: npt.ArrayLike, lens: Lens, camera_from_world: npt.ArrayLike) -> tuple[Array, Array]:
    """The rays of plate pixels (..., 2): the camera's centre (3,) and directions (..., 3) in the world.

    Directions are one unit long along the camera's z, so that centre + Z * direction is the point at depth Z.
    """
    pose = np.asarray(camera_from_world, np.float64)
    normalised = undistort_points(pixels, lens)
    in_camera = np.concatenate([normalised, np.ones((*normalised.shape[:-1], 1))], axis=-1)
    return camera_centre(pose), in_camera @ pose[:3, :3]


def meet_plane(
    origin: npt.ArrayLike,
    directions: npt.ArrayLike,
    point: npt.ArrayLike = (0.0, 0.0, 0.0),
    normal: npt.ArrayLike = (0.0, 1.0, 0.0),
) -> Array:
    """Where rays from `origin` (3,) along `directions` (..., 3) meet a plane, the ground y = 0 unless told: (..., 3).

    NaN where a ray runs away from the plane or along it.
    """
    start, along, up = (np.asarray(value, np.float64) for value in (origin, directions, normal))
    approach = along @ up
    with np.errstate(divide="ignore", invalid="ignore"):
        length = ((np.asarray(point, np.float64) - start) @ up) / approach
    length = np.where((np.abs(approach) > 1e-12) & (length > 0), length, np.nan)
    return start + length[..., None] * along


def pose_from(rotation: npt.ArrayLike, centre: npt.ArrayLike) -> Array:
    """camera_from_world (4, 4) from its rotation (3, 3) and where the camera stands (3,)."""
    pose = np.eye(4)
    pose[:3, :3] = rotation
    pose[:3, 3] = -pose[:3, :3] @ np.asarray(centre, np.float64)
    return pose


def look_at(centre: npt.ArrayLike, target: npt.ArrayLike, up: npt.ArrayLike = (0.0, 1.0, 0.0)) -> Array:
    """camera_from_world (4, 4) of a level camera at `centre` (3,) that looks at `target` (3,)."""
    forward = np.asarray(target, np.float64) - np.asarray(centre, np.float64)
    forward = forward / np.linalg.norm(forward)
    right = np.cross(forward, np.asarray(up, np.float64))
    right = right / np.linalg.norm(right)
    return pose_from(np.stack([right, np.cross(forward, right), forward]), centre)
