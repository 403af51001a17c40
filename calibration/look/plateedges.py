"""The plate's own edges with what may have blurred them: how far away they are, how far they moved along their normal."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
from numpy.typing import NDArray

from calibration.cameras import lens_at, load_poses, to_camera, world_from_camera
from calibration.lens import project, undistort_points
from calibration.look.blurs import EdgeTable
from calibration.look.color import Sample
from calibration.look.sharpness import edges_of
from pipeline.types import CameraTrack

Floats = NDArray[np.float64]
SCALES = 3  # edges are looked for in pictures of full, half and a quarter of the size
REACH_PX = 3  # around an edge, in which one surface must be
LEAST_CONFIDENCE = 0.2
MOST_STEP = 1.12  # of depth within reach: beyond, an edge is a silhouette and belongs to neither depth


def plate_edges(samples: Iterable[tuple[int, Sample]], track: CameraTrack) -> EdgeTable:
    """Edges of what stands still: not of people in front, not of the sky, not of silhouettes. samples: frame, picture."""
    poses = load_poses(track)
    parts = []
    for frame, sample in samples:
        edges = edges_of(sample.rgb, SCALES)
        depth = _depth(sample, edges.at_px)
        known = depth > 0
        moves = _moves(edges.at_px[known], depth[known], track, poses, frame)
        along = (moves * edges.normals[known]).sum(axis=1)
        parts.append((np.full(known.sum(), frame), 1 / depth[known], along, edges.sigma_px[known] ** 2))
    columns = [np.concatenate([part[k] for part in parts]) for k in range(4)]
    seen = np.isfinite(columns[2])
    return EdgeTable(*(column[seen] for column in columns))


def _depth(sample: Sample, at_px: Floats) -> Floats:
    """(N,) metres at edges; 0 where it is not one known surface."""
    square = np.ones((2 * REACH_PX + 1, 2 * REACH_PX + 1), np.uint8)
    bounded = np.where(np.isfinite(sample.depth_m), sample.depth_m, np.float32(1e6))
    least, most = cv2.erode(bounded, square), cv2.dilate(bounded, square)
    clear = (cv2.dilate(sample.matte, square) < 0.05) & (cv2.erode(sample.confidence, square) > LEAST_CONFIDENCE)
    good = clear & (most < MOST_STEP * least) & (most < 1e5)
    column, row = (np.clip(at_px[:, k].astype(int), 0, sample.depth_m.shape[1 - k] - 1) for k in (0, 1))
    return np.where(good[row, column], sample.depth_m[row, column], 0.0).astype(np.float64)


def _moves(at_px: Floats, depth_m: Floats, track: CameraTrack, poses: Floats, frame: int) -> Floats:
    """(N, 2) pixels a frame that still points move because the camera does; over both neighbours where there are two."""
    row = track.frames.index(frame)
    before, after = max(row - 1, 0), min(row + 1, len(poses) - 1)
    if before == after:
        return np.zeros((len(at_px), 2))
    lenses = [lens_at(track, track.frames.first + k) for k in (before, row, after)]
    flat = np.concatenate([undistort_points(at_px, lenses[1]), np.ones((len(at_px), 1))], axis=1)
    world = to_camera(flat * depth_m[:, None], world_from_camera(poses[row]))
    seen = [project(to_camera(world, poses[k]), lens) for k, lens in ((before, lenses[0]), (after, lenses[2]))]
    return (seen[1] - seen[0]) / (after - before)
