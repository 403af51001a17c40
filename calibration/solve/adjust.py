"""After COLMAP's keyframes: pose every other frame on its KLT tracks, then adjust all together.

Runs in a child process only (calibration.solve.child): every function takes the pycolmap module that the child imported.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.solve.child import import_pycolmap, report
from calibration.solve.colmap import Job, Keypoints, find_features, map_keyframes, match_features
from calibration.solve.far import add_far_points
from calibration.solve.focalweight import weigh_focal
from calibration.solve.locked import hold
from calibration.solve.nomove import NoMove
from calibration.solve.track import Tracks

MOST_POINTS = 250  # of a frame that is posed by resection
FEWEST_POINTS = 12
FACTS_WRONG = 0.96  # a free focal length must lower the error to this share to overrule what was written down
LEAST_ANGLE_DEG = 0.001  # far points stay: they hold the camera's turns
_NO_POINT = np.uint64(18446744073709551615)
Array = npt.NDArray[np.float64]


def write_job(job: Job, tracks: Tracks, frames: list[int], locked: dict[int, Array]) -> None:
    """Lay down what the child needs in the job's folder, beside the pictures.

    frames: the tracks' rows are these. locked: frame to a pose that is held.
    """
    told = {name: value for name, value in asdict(job).items() if name != "folder"}
    (job.folder / "job.json").write_text(json.dumps(told))
    np.savez(
        job.folder / "tracks.npz", starts=tracks.starts, idents=tracks.idents, xy=tracks.xy, survived=tracks.survived
    )
    poses = np.array([locked[frame] for frame in sorted(locked)], np.float64).reshape(-1, 4, 4)
    np.savez(job.folder / "locked.npz", frames=np.array(frames), locked=np.array(sorted(locked), np.int64), poses=poses)


def solve(folder: Path) -> None:
    """The child's task: solve the job in `folder`, write result.npz and result.json there.

    result.npz: poses (F, 4, 4), NaN where a frame found no place; camera (8,) as OPENCV; focals (F,) in pixels; points (N, 3); observations
    (M, 4) rows of frame row, point, x, y. Lengths in COLMAP's own unit, or the locked poses'; pixels of the job's pictures.
    """
    told = json.loads((folder / "job.json").read_text())
    told |= {name: tuple(told[name]) for name in ("names", "keyframes", "camera", "focals")}
    job = Job(folder=folder, **told)
    with np.load(folder / "tracks.npz") as arrays:
        tracks = Tracks(**{name: arrays[name] for name in arrays.files})
    colmap = import_pycolmap(job.seed)
    database = folder / "database.db"
    report(5, 100, "finding features")
    find_features(colmap, job, database)
    report(30, 100, "matching")
    keypoints = match_features(colmap, job, database, tracks)
    model, rows, said = _attempt(colmap, job, database, tracks, keypoints)
    if job.focal_px and (model is None or said["focal"]["overruled"]):
        # What was written down is another lens's: again without it, as it chose the points that were kept.
        written = said.get("focal", {})
        model, rows, said = _attempt(colmap, replace(job, focal_px=0.0), database, tracks, keypoints)
        if not job.prior_px:
            said["focal"] = {**written, "from": "the plate: what [camera] says fits worse"}
    if model is None:
        raise NoMove(
            f"camera solve: COLMAP found no camera move in {len(tracks)} frames ({len(job.keyframes)} keyframes matched). A "
            "pan or tilt on a tripod, soft focus or a crowd that fills the picture give none: choose a part of the shot "
            "where the camera travels, or supply mattes of what moves."
        )
    with np.load(folder / "locked.npz") as arrays:
        locked, frames = dict(zip(arrays["locked"].tolist(), arrays["poses"], strict=True)), arrays["frames"].tolist()
    if locked:
        images = {frames[row]: image_id for image_id, row in rows.items()}
        said["locked"] = hold(colmap, _adjustment(colmap, job), model, images, locked)
    _write_result(folder, model, rows, len(tracks), {**said, "colmap": colmap.__version__})


def _attempt(
    colmap: Any, job: Job, database: Path, tracks: Tracks, keypoints: Keypoints
) -> tuple[Any, dict[int, int], dict[str, Any]]:
    """Map the keyframes, place the rest, adjust: the model (None without one), its rows, and what is to be told."""
    model, mapper, reached = map_keyframes(colmap, job, database)
    said: dict[str, Any] = {"mapper": mapper, "mappers": reached}
    if model is None:
        return None, {}, said
    report(80, 100, "placing the frames between")
    rows = _rows_of_images(model, job)
    said["far_points"] = add_far_points(colmap, job, model, keypoints, rows)
    place_the_rest(colmap, job, model, tracks, keypoints, rows)
    report(90, 100, "adjusting")
    said["focal"] = adjust(colmap, job, model)
    return model, rows, said


def _rows_of_images(model: Any, job: Job) -> dict[int, int]:
    """Image id to row of the tracks, for the keyframes that have a pose."""
    by_name = dict(zip(job.names, job.keyframes, strict=True))
    return {image_id: by_name[model.image(image_id).name] for image_id in model.reg_image_ids()}


def place_the_rest(
    colmap: Any, job: Job, model: Any, tracks: Tracks, keypoints: Keypoints, rows: dict[int, int]
) -> None:
    """Pose every frame that has none by its tracks of known points, and add it to the model and to `rows`."""
    point_of = _points_of_tracks(model, job, keypoints, rows)
    lasting = np.bincount(tracks.idents)
    placed = set(rows.values())
    next_id = max(image.image_id for image in model.images.values()) + 1
    estimation, refinement = colmap.AbsolutePoseEstimationOptions(), colmap.AbsolutePoseRefinementOptions()
    estimation.ransac.max_error, estimation.ransac.random_seed = 4.0 * job.scale, job.seed
    shared = next(iter(model.cameras.values()))
    for row in range(len(tracks)):
        if row in placed:
            continue
        camera = _between(colmap, model, rows, row) if job.focals else shared
        ids, xy = tracks.at(row)
        known = np.array([ident in point_of for ident in ids], bool)
        ids, xy = _spread(ids[known], xy[known], lasting, job)
        points = [point_of[ident] for ident in ids]
        if len(points) < FEWEST_POINTS:
            continue
        world = np.array([model.point3D(point).xyz for point in points])
        found = colmap.estimate_and_refine_absolute_pose(xy.astype(np.float64), world, camera, estimation, refinement)
        if found is None or found["num_inliers"] < FEWEST_POINTS:
            continue
        keep = np.flatnonzero(found["inlier_mask"])
        if job.focals:
            model.add_camera_with_trivial_rig(camera)
        image = colmap.Image(
            name=f"row{row:06d}", keypoints=xy[keep].astype(np.float64), camera_id=camera.camera_id, image_id=next_id
        )
        model.add_image_with_trivial_frame(image, found["cam_from_world"])
        for index, which in enumerate(keep):
            model.add_observation(points[which], colmap.TrackElement(next_id, index))
        rows[next_id] = row
        next_id += 1


def _between(colmap: Any, model: Any, rows: dict[int, int], row: int) -> Any:
    """A camera of its own for `row` of a zoom, as long as its placed neighbours' by their distance."""
    known = sorted((placed, image_id) for image_id, placed in rows.items())
    focals = [float(np.log(model.image(image_id).camera.params[0])) for _, image_id in known]
    camera = copy.copy(model.image(known[0][1]).camera)
    camera.camera_id = max(model.cameras) + 1
    camera.params = [float(np.exp(np.interp(row, [placed for placed, _ in known], focals))), *camera.params[1:]]
    return camera


def _points_of_tracks(model: Any, job: Job, keypoints: Keypoints, rows: dict[int, int]) -> dict[int, int]:
    """Track number to the number of its point in the model; a track that was split keeps the point seen most."""
    votes: dict[int, dict[int, int]] = {}
    order = {row: index for index, row in enumerate(job.keyframes)}
    for image_id, row in sorted(rows.items()):
        index = order[row]
        points = _point_ids(model.image(image_id))[keypoints.first[index] :]
        for ident, point in zip(keypoints.idents[index].tolist(), points.tolist(), strict=True):
            if point != _NO_POINT:
                counted = votes.setdefault(ident, {})
                counted[point] = counted.get(point, 0) + 1
    return {ident: max(sorted(counted), key=lambda p: counted[p]) for ident, counted in votes.items()}


def _point_ids(image: Any) -> npt.NDArray[np.uint64]:
    return np.array([point.point3D_id for point in image.points2D], np.uint64)


def _spread(
    ids: npt.NDArray[np.int32], xy: npt.NDArray[np.float32], lasting: npt.NDArray[np.int64], job: Job
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    """At most MOST_POINTS, spread over the picture, the longest track of each cell."""
    if len(ids) <= MOST_POINTS:
        return ids, xy
    cell = np.sqrt(job.width * job.height / MOST_POINTS)
    at = (xy // cell).astype(np.int64)
    best = np.lexsort((ids, -lasting[ids]))
    _, first = np.unique((at[:, 1] * 100_000 + at[:, 0])[best], return_index=True)
    chosen = np.sort(best[first])[:MOST_POINTS]
    return ids[chosen], xy[chosen]


def adjust(colmap: Any, job: Job, model: Any) -> dict[str, Any]:
    """Bundle adjustment of everything with soft L1, before and after what fits badly is taken out.

    A written focal length is held, or weighed against the plate's where its prior has a width: a camera that travels without
    turning hardly shows its own. Returns where the focal
    length is from, how a free one would differ, and whether the plate overrules what was written.
    """
    options = _adjustment(colmap, job)
    colmap.bundle_adjustment(model, options)
    colmap.ObservationManager(model).filter_all_points3D(4.0 * job.scale, LEAST_ANGLE_DEG)
    for camera in () if job.camera or job.focals else model.cameras.values():
        focal, x, y, k1 = camera.params
        camera.model = colmap.CameraModelId.RADIAL
        camera.params = [focal, x, y, k1, 0.0]
    colmap.bundle_adjustment(model, options)
    said: dict[str, Any] = {"from": "[solve] lens, held" if job.camera else "the plate", "overruled": False}
    if job.focal_px and not job.camera:
        free = colmap.Reconstruction(model)
        options.refine_focal_length = True
        colmap.bundle_adjustment(free, options)
        ratio = float(next(iter(free.cameras.values())).params[0]) / job.focal_px
        held_px, free_px = _error_px(model), _error_px(free)
        said = {
            "from": "[camera], held",
            "free_over_written": round(ratio, 5),
            "error_held_px": round(held_px, 4),
            "error_free_px": round(free_px, 4),
            "overruled": free_px < FACTS_WRONG * held_px and abs(ratio - 1) > 0.05,
        }
    if job.prior_px and not said["overruled"]:
        said |= weigh_focal(colmap, options, model, job.prior_px, job.prior_sigma)
    colmap.ObservationManager(model).filter_all_points3D(3.0 * job.scale, LEAST_ANGLE_DEG)
    return said


def _adjustment(colmap: Any, job: Job) -> Any:
    options = colmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.refine_focal_length = not job.focal_px
    options.refine_extra_params = not (job.camera or job.focals)
    options.ceres.loss_function_type = colmap.LossFunctionType.SOFT_L1
    options.ceres.loss_function_scale = 1.0 * job.scale
    options.ceres.solver_options.num_threads = 1
    options.ceres.solver_options.max_num_iterations = 60
    options.ceres.solver_options.function_tolerance = 1e-7
    return options


def _error_px(model: Any) -> float:
    model.update_point_3d_errors()
    return float(model.compute_mean_reprojection_error())


def _write_result(folder: Path, model: Any, rows: dict[int, int], frames: int, said: dict[str, Any]) -> None:
    poses, focals = np.full((frames, 4, 4), np.nan), np.full(frames, np.nan)
    order = sorted(model.point3D_ids())
    number = {point: index for index, point in enumerate(order)}
    points = np.array([model.point3D(point).xyz for point in order]).reshape(-1, 3)
    seen = []
    for image_id, row in sorted(rows.items(), key=lambda item: item[1]):
        image = model.image(image_id)
        focals[row] = image.camera.params[0]
        poses[row] = np.eye(4)
        poses[row, :3] = image.cam_from_world().matrix()
        for point in image.get_observation_points2D():
            seen.append((row, number[point.point3D_id], *point.xy))
    camera = next(iter(model.cameras.values()))
    shape = list(camera.params)
    if len(shape) == 4:  # SIMPLE_RADIAL, a zoom's
        shape.append(0.0)
    if len(shape) == 5:  # RADIAL
        focal, x, y, k1, k2 = shape
        shape = [focal, focal, x, y, k1, k2, 0.0, 0.0]
    np.savez(
        folder / "result.npz",
        poses=poses,
        camera=np.array(shape),
        focals=focals,
        points=points,
        observations=np.array(seen, np.float64).reshape(-1, 4),
    )
    (folder / "result.json").write_text(json.dumps(said))
