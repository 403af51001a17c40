"""Frames whose pose is given and held: the solve is brought into their world and adjusted around them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre
from calibration.solve.evaluate import nearest_rotation, rotation_angle_deg
from pipeline.errors import CalibrationError

Array = npt.NDArray[np.float64]

FEWEST = 2
MOST_APART = 0.1  # of the way between the locked cameras by which the plate may place one elsewhere
MOST_TURN_DEG = 2.0


def similarity_of_poses(solve: Array, locked: Array) -> tuple[float, Array, Array]:
    """Scale, rotation (3, 3), shift (3,) that bring camera_from_solve poses (N, 4, 4) to the locked ones of the same frames.

    Orientation comes from the turns, so two cameras suffice; they must stand apart.
    """
    turns = np.swapaxes(locked[:, :3, :3], 1, 2) @ solve[:, :3, :3]
    rotation = nearest_rotation(turns.sum(axis=0))
    ours, theirs = camera_centre(solve) @ rotation.T, camera_centre(locked)
    ours_out, theirs_out = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    scale = float(np.sqrt((theirs_out**2).sum() / max(float((ours_out**2).sum()), 1e-24)))
    return scale, rotation, theirs.mean(axis=0) - scale * ours.mean(axis=0)


def check_locked(poses: Array, frames: list[int]) -> None:
    """Raises CalibrationError when fewer than two are given or they stand in one place: nothing would set the scale."""
    spread = float(np.linalg.norm(np.ptp(camera_centre(poses), axis=0))) if len(poses) else 0.0
    if len(poses) < FEWEST or spread < 1e-6:
        raise CalibrationError(
            f"[solve] locked: {len(frames)} frame{'s' * (len(frames) != 1)} ({', '.join(map(str, frames[:6]))}) with "
            f"{spread:g} m between them, {FEWEST} that stand apart are needed. Lock another frame of the move."
        )


def check_near(placed: Array, given: Array, frames: list[int]) -> tuple[Array, Array]:
    """How far (N,) and by how many degrees (N,) the plate's poses (N, 4, 4) of `frames` are from the given ones.

    Raises CalibrationError when that is too much of the way between the locked cameras.
    """
    apart = np.linalg.norm(camera_centre(placed) - camera_centre(given), axis=1)
    turned = rotation_angle_deg(placed[:, :3, :3], given[:, :3, :3])
    most = MOST_APART * float(np.linalg.norm(np.ptp(camera_centre(given), axis=0)))
    worst = int(np.argmax(apart / most + turned / MOST_TURN_DEG))
    if apart[worst] > most or turned[worst] > MOST_TURN_DEG:
        raise CalibrationError(
            f"[solve] locked: the plate has frame {frames[worst]} {apart[worst]:.3f} m and {turned[worst]:.2f} degrees "
            f"elsewhere, {most:.3f} m and {MOST_TURN_DEG:g} are allowed. Check its pose, the lens and up."
        )
    return apart, turned


def hold(colmap: Any, options: Any, model: Any, images: dict[int, int], locked: dict[int, Array]) -> dict[str, Any]:
    """In the solve's child: bring `model` into the locked frames' world, put them where they are given, adjust the rest.

    images: frame to image id, of all that were placed. locked: frame to camera_from_world. Returns how far the plate had
    them elsewhere. Raises CalibrationError when that is too far: then they contradict the plate, or each other.
    """
    order = sorted(set(images) & set(locked))
    if len(order) < FEWEST:
        raise CalibrationError(
            f"[solve] locked: the plate placed {len(order)} of the {len(locked)} locked frames, {FEWEST} are needed. Lock "
            "frames that show the static scene."
        )
    given = np.array([locked[frame] for frame in order])
    scale, rotation, shift = similarity_of_poses(_poses(model, [images[frame] for frame in order]), given)
    matrix = np.column_stack([scale * rotation, shift])
    model.transform(colmap.Sim3d(matrix))
    before = _poses(model, [images[frame] for frame in order])
    apart, turned = check_near(before, given, order)
    config = colmap.BundleAdjustmentConfig()
    for image_id in images.values():
        config.add_image(image_id)
    for number, pose in zip(order, given, strict=True):
        image = model.image(images[number])
        image.frame.set_cam_from_world(image.camera_id, colmap.Rigid3d(pose[:3]))
        config.set_constant_rig_from_world_pose(image.frame_id)
    colmap.create_default_bundle_adjuster(options, config, model).solve()
    return {
        "frames": order,
        "plate_had_them_apart_m": np.round(apart, 5).tolist(),
        "and_turned_deg": np.round(turned, 4).tolist(),
    }


def _poses(model: Any, images: list[int]) -> Array:
    poses = np.tile(np.eye(4), (len(images), 1, 1))
    for row, image_id in enumerate(images):
        poses[row, :3] = model.image(image_id).cam_from_world().matrix()
    return poses
