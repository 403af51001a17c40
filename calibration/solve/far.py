"""Points too far for parallax, given back to a model: they hold the camera's turns apart from its travel.

COLMAP drops what two keyframes see under less than a degree. A ridge on the horizon says nothing of where the camera
stood, but everything of where it looked: without it a sideways dolly may trade a slow turn for travel, and the ground far
away bends. Runs in the solve's child process.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.solve.colmap import Job, Keypoints

FEWEST_VIEWS = 3
MOST_ANGLE_DEG = 1.5  # wider ones are COLMAP's to judge: what it left out there moves, or was matched wrongly
MOST_ERROR_PX = 1.5
FARTHEST = 300.0  # times the camera's path: what triangulates beyond it, or behind, is put there
_NO_POINT = np.uint64(18446744073709551615)

Array = npt.NDArray[np.float64]


def add_far_points(colmap: Any, job: Job, model: Any, keypoints: Keypoints, rows: dict[int, int]) -> int:
    """Triangulate KLT tracks that have no point yet and see it under a small angle; returns how many were added."""
    camera = next(iter(model.cameras.values()))
    poses = {i: np.asarray(model.image(i).cam_from_world().matrix(), np.float64) for i in rows}
    centres = np.array([-pose[:, :3].T @ pose[:, 3] for pose in poses.values()])
    farthest = FARTHEST * float(np.linalg.norm(np.ptp(centres, axis=0)))
    error = MOST_ERROR_PX * job.scale / float(camera.params[0])
    added = 0
    for _, views in sorted(_loose_tracks(model, job, camera, keypoints, rows).items()):
        if len(views) < FEWEST_VIEWS:
            continue
        seen = np.array([flat for _, _, flat in views])
        stack = np.stack([poses[image_id] for image_id, _, _ in views])
        point = _far_point(stack, seen, farthest, error)
        if len(point):
            elements = [colmap.TrackElement(image_id, index) for image_id, index, _ in views]
            model.add_point3D(point, colmap.Track(elements))
            added += 1
    return added


def _loose_tracks(
    model: Any, job: Job, camera: Any, keypoints: Keypoints, rows: dict[int, int]
) -> dict[int, list[tuple[int, int, Array]]]:
    """Track number to (image id, keypoint number, undistorted x/z y/z) of its keyframes; tracks with a point left out."""
    order = {row: index for index, row in enumerate(job.keyframes)}
    found: dict[int, list[tuple[int, int, Array]]] = {}
    taken: set[int] = set()
    for image_id, row in sorted(rows.items()):
        index = order[row]
        points = model.image(image_id).points2D[keypoints.first[index] :]
        idents = keypoints.idents[index].tolist()
        flat = camera.cam_from_img(np.array([p.xy for p in points]).reshape(-1, 2))
        for number, (ident, point) in enumerate(zip(idents, points, strict=True)):
            if np.uint64(point.point3D_id) != _NO_POINT:
                taken.add(ident)
            found.setdefault(ident, []).append((image_id, keypoints.first[index] + number, flat[number]))
    return {ident: views for ident, views in found.items() if ident not in taken}


def _far_point(poses: Array, seen: Array, farthest: float, error: float) -> Array:
    """World point (3,) that poses (N, 3, 4) see at x/z, y/z (N, 2) under a small angle; empty when there is none."""
    centres = -np.einsum("nji,nj->ni", poses[:, :, :3], poses[:, :, 3])
    rays = np.einsum("nji,nj->ni", poses[:, :, :3], np.column_stack([seen, np.ones(len(seen))]))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    middle, ahead = centres.mean(axis=0), rays.mean(axis=0)
    ahead /= np.linalg.norm(ahead)
    equations = np.concatenate([seen[:, :1, None] * poses[:, 2:, :] - poses[:, :1, :],
                                seen[:, 1:, None] * poses[:, 2:, :] - poses[:, 1:2, :]])  # fmt: skip
    *_, v = np.linalg.svd(equations[:, 0])
    point = v[-1, :3] / v[-1, 3] if abs(v[-1, 3]) > 1e-12 else middle - ahead
    distance = float((point - middle) @ ahead)
    if not 0 < distance < farthest:
        point = middle + farthest * ahead
    towards = point - centres
    towards /= np.linalg.norm(towards, axis=1, keepdims=True)
    angle = np.degrees(np.arccos(np.clip((towards @ towards.T).min(), -1, 1)))
    camera = np.einsum("nij,j->ni", poses[:, :, :3], point) + poses[:, :, 3]
    if angle > MOST_ANGLE_DEG or (camera[:, 2] <= 0).any():
        return np.zeros(0)
    misses = np.linalg.norm(camera[:, :2] / camera[:, 2:] - seen, axis=1)
    return point if misses.max() < 4 * error and np.median(misses) < error else np.zeros(0)
