"""A camera on a fixed spot, on its ground in metres: which way is up, how far its points may lie, what is assumed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from calibration.cameras import camera_centre, pixel_rays_world
from calibration.solve.align import ASSUMED_HEIGHT_M, GroundPlane, align_world
from calibration.solve.nodal import Turning
from calibration.solve.solved import Solve
from calibration.solve.track import Tracks
from calibration.solve.trackview import TrackView
from calibration.solve.turning import OUTLIER, Turns, solve_turns
from calibration.solve.written import USUAL_FOCAL, FocalPrior
from pipeline.types import Lens

Array = npt.NDArray[np.float64]

SURE_OF_FOCAL = 0.02  # standard deviation beyond which a pan's own focal length is not believed
PAN_DEG = 8.0  # a pan this wide shows its axis
OF_ONE_AXIS = 0.2  # turns beside the axis, as a share of those about it
LEVEL_DEG = 35.0  # an axis farther from the picture's up is no tripod's
LOW_DEG = 0.5  # under the horizon by less, a point's distance along level ground says nothing
FAR = 600.0  # camera heights: where points are put that cannot lie on the ground


def solve_fixed(
    view: TrackView, tracks: Tracks, keyframes: list[int], turning_as: Turning | None, prior: FocalPrior | None,
    height_m: float,
) -> tuple[Solve, dict[str, Any]]:  # fmt: skip
    """A camera that does not travel, in metres on level ground and plate pixels, and what is told of it. turning_as: how it turns (calibration.solve.nodal); None: it stands still. prior: of the focal length in the
    view's pixels. height_m: of [camera], 0: not known."""
    if turning_as is None:
        turns, focal = still(tracks, view.width, view.height, prior)
    else:
        turns, focal = pan(tracks, keyframes, view.width, view.height, turning_as, prior)
    focal_xy = (turns.focal_px, turns.focal_px)
    lens = Lens(view.width, view.height, *focal_xy, *turns.centre_px, turns.k1, turns.k2)
    turns.observations[:, 2:] *= view.to_plate
    solve, up_from = stand(turns, view.plate_lens(lens), height_m or ASSUMED_HEIGHT_M)
    if turning_as is not None and turning_as.zoom > 1:
        solve = replace(solve, zoom=turns.zoom)
    return solve, {"focal": focal, "level_from": up_from}


def pan(
    tracks: Tracks, keyframes: list[int], width: int, height: int, start: Turning, prior: FocalPrior | None
) -> tuple[Turns, dict[str, Any]]:
    """Solve a camera that only turns; where the plate hardly shows the focal length and no prior does, a usual one is held."""
    turns = solve_turns(tracks, keyframes, width, height, start, prior)
    if prior is not None:
        sure = round(min(turns.focal_sigma, 9.99), 5)
        return turns, prior.told(turns.focal_px, plate_sigma=sure) if prior.sigma else {"from": f"{prior.source}, held"}
    if turns.focal_sigma <= SURE_OF_FOCAL:
        return turns, {"from": "the plate", "sigma": round(turns.focal_sigma, 5)}
    told = (
        f"assumed: these turns show it to {min(turns.focal_sigma, 9.99):.0%} only; write focal_mm and sensor_width_mm"
    )
    usual = FocalPrior(np.full(len(tracks), USUAL_FOCAL * width), 0.0, "usual")
    return solve_turns(tracks, keyframes, width, height, start, usual), {"from": told}


def still(tracks: Tracks, width: int, height: int, prior: FocalPrior | None) -> tuple[Turns, dict[str, Any]]:
    """A locked-off camera: one pose, points where the first frame that shows them sees them."""
    focal = USUAL_FOCAL * width if prior is None else prior.one_px
    frames = len(tracks)
    order = np.argsort(np.concatenate([tracks.at(row)[0] for row in range(frames)]), kind="stable")
    names, first, which = np.unique(tracks.idents[order], return_index=True, return_inverse=True)
    xy = tracks.xy[order].astype(np.float64)
    directions = np.column_stack([(xy[first] - (width / 2, height / 2)) / focal, np.ones(len(names))])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    rows = np.repeat(np.arange(frames), np.diff(tracks.starts))[order]
    seen = np.column_stack([rows, which, xy])
    told = (
        f"{prior.source}, held" if prior else "assumed: a still picture shows none; write focal_mm and sensor_width_mm"
    )
    turned, middle = np.tile(np.eye(3), (frames, 1, 1)), (width / 2, height / 2)
    return Turns(turned, focal, middle, 0.0, 0.0, 0.0, directions, seen, np.ones(frames)), {"from": told}


def stand(turns: Turns, lens: Lens, height_m: float) -> tuple[Solve, str]:
    """The camera `height_m` above level ground, and where its up is from. lens: in the pixels of turns.observations.

    Points below the horizon are put on the ground, others far off: no distance is measured. Lengths in metres.
    """
    up, up_from = upright(turns.rotations)
    poses = np.tile(np.eye(4), (len(turns.rotations), 1, 1))
    poses[:, :3, :3] = turns.rotations
    known = np.isfinite(poses[:, 0, 0])
    aligned = align_world(poses[known][:1], GroundPlane(up, 1.0, 0, False), height_m)
    placed = np.full_like(poses, np.nan)
    placed[known] = aligned.poses(poses[known])
    drop = -(turns.directions @ up)
    away = np.where(drop > np.sin(np.radians(LOW_DEG)), 1 / np.maximum(drop, 1e-9), FAR)
    points = aligned.points(turns.directions * np.minimum(away, FAR)[:, None])
    return Solve(placed, lens, points, turns.observations), up_from


def on_level_ground(tracks: Tracks, to_plate: Array, cameras: Solve, height: float) -> Solve:
    """Given cameras that stay on one spot, their ground `height` below: with the tracks as points on it, or far off.

    tracks: pixels x `to_plate` are the plate's. cameras: a solve without points, Y up.
    """
    rows = np.repeat(np.arange(len(tracks)), np.diff(tracks.starts))
    pixels = tracks.xy.astype(np.float64) * to_plate
    rays = np.concatenate(
        [pixel_rays_world(pixels[rows == row], cameras.lens_at(row), pose)[1] for row, pose in enumerate(cameras.poses)]
    )
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    _, which = np.unique(tracks.idents, return_inverse=True)
    summed = np.stack([np.bincount(which, rays[:, axis]) for axis in range(3)], axis=1)
    directions = summed / np.linalg.norm(summed, axis=1, keepdims=True)
    drop = -directions[:, 1]
    away = np.where(drop > np.sin(np.radians(LOW_DEG)), 1 / np.maximum(drop, 1e-9), FAR)
    points = camera_centre(cameras.poses).mean(axis=0) + directions * height * np.minimum(away, FAR)[:, None]
    found = replace(cameras, points=points, observations=np.column_stack([rows, which, pixels]))
    errors = found.errors_px()
    return replace(found, observations=found.observations[errors < max(2.0, OUTLIER * float(np.median(errors)))])


def upright(rotations: Array) -> tuple[Array, str]:
    """Up as a unit vector in the first camera's axes, from the axis of a pan or of a tilt, and how it was found.

    rotations: (F, 3, 3) camera from the first camera. A tripod is levelled: its pan axis is up, and how the first frame
    looks up or down is known with it. A tilt shows the roll alone; the first picture is then taken for level.
    """
    turned = Rotation.from_matrix(rotations[np.isfinite(rotations[:, 0, 0])]).as_rotvec()
    turned = turned - turned.mean(axis=0)
    _, sizes, axes = np.linalg.svd(turned, full_matrices=False)
    along = turned @ axes[0]
    wide = np.degrees(along.max() - along.min())
    axis, image_up = axes[0], np.array([0.0, -1.0, 0.0])
    if wide >= PAN_DEG and sizes[1] < OF_ONE_AXIS * sizes[0]:
        if abs(axis @ image_up) > np.cos(np.radians(LEVEL_DEG)):
            return axis * np.sign(axis @ image_up), f"the axis of a pan of {wide:.0f} degrees"
        if abs(axis[0]) > np.cos(np.radians(LEVEL_DEG)):
            across = axis * np.sign(axis[0])
            up = image_up - across * (image_up @ across)
            return up / np.linalg.norm(
                up
            ), f"the axis of a tilt of {wide:.0f} degrees; the first frame is taken for level"
    return image_up, "assumed: the first frame is taken for level"
