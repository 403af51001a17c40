"""COLMAP on the keyframes: SIFT and KLT points, matched and verified, mapped globally and incrementally.

Runs in a child process only (calibration.solve.child): every function takes the pycolmap module that the child imported.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.solve.child import report
from calibration.solve.track import Tracks

GAPS = (1, 2, 3, 4, 6, 8, 12, 16)  # keyframes between two pictures whose KLT points are matched
FEWEST_KEYFRAMES = 3  # that a KLT point must live to be worth a keypoint
OVERLAP = 8
GOOD_PX = 0.6  # a complete global model with less error than this is not contested by the incremental mapper


@dataclass(frozen=True, slots=True)
class Job:
    """What the child is asked: pictures and masks in folders, tracks in their pixels, the camera if it is known."""

    folder: Path
    names: tuple[str, ...]  # file names of the keyframes in folder/images
    keyframes: tuple[int, ...]  # their rows in the tracks
    width: int
    height: int
    focal_px: float  # as it is known before, and then held while keyframes are mapped; 0: unknown
    masked: bool
    features: int
    threads: int  # for features and matches; mapping and adjusting sum in one, or no two runs would agree to the bit
    seed: int
    prior_px: float = 0.0  # of the focal length where it is not held to the end, else 0
    prior_sigma: float = 0.0  # its standard deviation as a share
    focals: tuple[float, ...] = ()  # of a zoom, one for each row of the tracks, held while keyframes are mapped
    camera: tuple[float, ...] = ()  # fx fy cx cy k1 k2 p1 p2 of a calibrated lens, held; empty: found, with focal_px

    @property
    def holds_focal(self) -> bool:
        """Whether the focal length is held while keyframes are mapped."""
        return self.focal_px > 0 or bool(self.focals)

    @property
    def scale(self) -> float:
        """Pixel thresholds are meant for pictures 1280 wide and grow with larger ones."""
        return max(1.0, self.width / 1280)


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Where the KLT points went in the database: for each keyframe the number of its first and their tracks in order."""

    first: tuple[int, ...]
    idents: tuple[npt.NDArray[np.int32], ...]


def find_features(colmap: Any, job: Job, database: Path) -> None:
    """SIFT on the keyframes, one shared camera, nothing where the masks are black."""
    reader = colmap.ImageReaderOptions()
    focal = job.focal_px or 1.2 * max(job.width, job.height)
    mode = colmap.CameraMode.PER_IMAGE if job.focals else colmap.CameraMode.SINGLE
    reader.camera_model = "SIMPLE_RADIAL"
    reader.camera_params = f"{focal},{job.width / 2},{job.height / 2},0"
    if job.camera:
        reader.camera_model = "OPENCV"
        reader.camera_params = ",".join(map(str, job.camera))
    if job.masked:
        reader.mask_path = job.folder / "masks"
    extraction = colmap.FeatureExtractionOptions()
    extraction.num_threads, extraction.use_gpu = job.threads, False
    extraction.sift.max_num_features = job.features
    extraction.sift.first_octave = (
        0  # doubling the picture first costs four times as much and gained nothing measurable
    )
    colmap.Database.open(database).close()
    # First the images alone, in order: extraction by two threads would number them as they come.
    colmap.import_images(database, job.folder / "images", mode, image_names=list(job.names), options=reader)
    colmap.extract_features(
        database,
        job.folder / "images",
        image_names=list(job.names),
        camera_mode=mode,
        reader_options=reader,
        extraction_options=extraction,
        device=colmap.Device.cpu,
    )
    base = colmap.Database.open(database)
    first = {base.read_image_with_name(n).camera_id: r for n, r in zip(job.names, job.keyframes, strict=True)}
    for camera in base.read_all_cameras():
        camera.has_prior_focal_length = job.holds_focal  # parameters given by hand would count as a prior
        if job.focals:
            camera.params = [job.focals[first[camera.camera_id]], *camera.params[1:]]
        base.update_camera(camera)
    base.close()


def match_features(colmap: Any, job: Job, database: Path, tracks: Tracks) -> Keypoints:
    """Match SIFT between neighbouring keyframes, add the KLT points and their matches, verify all pairs."""
    matching, pairing = colmap.FeatureMatchingOptions(), colmap.SequentialPairingOptions()
    matching.num_threads, matching.use_gpu, matching.skip_geometric_verification = job.threads, False, True
    pairing.overlap, pairing.quadratic_overlap, pairing.num_threads = OVERLAP, True, job.threads
    colmap.match_sequential(database, matching, pairing, device=colmap.Device.cpu)
    report(45, 100, "matching")
    base = colmap.Database.open(database)
    points = _add_klt_points(base, job, tracks)
    pairs = _add_klt_matches(base, job, points)
    base.close()
    listed = job.folder / "pairs.txt"
    listed.write_text("".join(f"{job.names[a]} {job.names[b]}\n" for a, b in pairs))
    verification = colmap.TwoViewGeometryOptions()
    verification.ransac.max_error = 3.0 * job.scale
    verification.ransac.random_seed, verification.ransac.num_threads = job.seed, 1
    colmap.verify_matches(database, listed, verification)
    return points


def _image_ids(base: Any, job: Job) -> list[int]:
    return [base.read_image_with_name(name).image_id for name in job.names]


def _add_klt_points(base: Any, job: Job, tracks: Tracks) -> Keypoints:
    """Append the KLT points that live at least three keyframes to the keyframes' keypoints."""
    seen, times = np.unique(np.concatenate([tracks.at(row)[0] for row in job.keyframes]), return_counts=True)
    lasting = seen[times >= FEWEST_KEYFRAMES]
    first, idents = [], []
    for image_id, row in zip(_image_ids(base, job), job.keyframes, strict=True):
        ids, xy = tracks.at(row)
        keep = np.isin(ids, lasting)
        sift = base.read_keypoints(image_id)
        klt = np.zeros((int(keep.sum()), sift.shape[1] if sift.size else 4), np.float32)
        klt[:, :2] = xy[keep]
        klt[:, 2] = 4.0  # a scale; with six columns this is the affine shape's first number
        base.update_keypoints(image_id, np.vstack([sift, klt]) if sift.size else klt)
        first.append(len(sift))
        idents.append(ids[keep])
    return Keypoints(tuple(first), tuple(idents))


def _add_klt_matches(base: Any, job: Job, points: Keypoints) -> list[tuple[int, int]]:
    """Join KLT matches to those of SIFT. Returns every pair of keyframes that has matches."""
    ids = _image_ids(base, job)
    pairs = []
    for a in range(len(ids)):
        for b in range(a + 1, len(ids)):
            matches = base.read_matches(ids[a], ids[b]) if base.exists_matches(ids[a], ids[b]) else np.zeros((0, 2))
            found = len(matches)
            if b - a in GAPS:
                _, in_a, in_b = np.intersect1d(
                    points.idents[a], points.idents[b], assume_unique=True, return_indices=True
                )
                klt = np.stack([in_a + points.first[a], in_b + points.first[b]], axis=1)
                matches = np.vstack([matches, klt])
            if len(matches) == 0:
                continue
            pairs.append((a, b))
            if len(matches) > found:
                if base.exists_matches(ids[a], ids[b]):
                    base.delete_matches(ids[a], ids[b])
                base.write_matches(ids[a], ids[b], matches.astype(np.uint32))
    return pairs


def map_keyframes(colmap: Any, job: Job, database: Path) -> tuple[Any, str, dict[str, Any]]:
    """Global, then incremental mapping unless the first is complete and good; more keyframes win, then lower error.

    Returns the reconstruction (None when neither found one), which mapper made it, and what each of them reached.
    """
    images = job.folder / "images"
    reached: dict[str, Any] = {}
    best: tuple[tuple[int, float], Any, str] | None = None
    for number, (name, mapper) in enumerate((("global", _global), ("incremental", _incremental))):
        report(55 + 12 * number, 100, f"{name} mapping")
        output = job.folder / (name if job.holds_focal else f"{name}.free")
        output.mkdir()
        models = mapper(colmap, job, database, images, output)
        model = max(models.values(), key=lambda found: found.num_reg_images(), default=None)
        if model is None or model.num_reg_images() < FEWEST_KEYFRAMES:
            reached[name] = {"keyframes": 0}
            continue
        model.update_point_3d_errors()
        error = float(model.compute_mean_reprojection_error())
        reached[name] = {"keyframes": model.num_reg_images(), "error_px": error, "points": model.num_points3D()}
        worth = (model.num_reg_images(), -error)
        if best is None or worth > best[0]:
            best = (worth, model, name)
        if worth[0] == len(job.names) and error < GOOD_PX * job.scale:
            break
    return (best[1], best[2], reached) if best else (None, "", reached)


def _global(colmap: Any, job: Job, database: Path, images: Path, output: Path) -> dict[int, Any]:
    options = colmap.GlobalPipelineOptions()
    options.num_threads, options.random_seed = 1, job.seed
    options.mapper.num_threads, options.mapper.random_seed = 1, job.seed
    options.mapper.bundle_adjustment.refine_focal_length = not job.holds_focal
    options.mapper.bundle_adjustment.refine_extra_params = not (job.camera or job.focals)
    copy = output / "database.db"  # calibrating writes to it, and the other mapper must not see that
    copy.write_bytes(database.read_bytes())
    if not job.holds_focal:
        calibration = colmap.ViewGraphCalibrationOptions()
        calibration.random_seed = job.seed
        colmap.calibrate_view_graph(copy, calibration)
    return dict(colmap.global_mapping(copy, images, output, options))


def _incremental(colmap: Any, job: Job, database: Path, images: Path, output: Path) -> dict[int, Any]:
    options = colmap.IncrementalPipelineOptions()
    options.num_threads, options.random_seed = 1, job.seed
    options.mapper.num_threads, options.mapper.random_seed = 1, job.seed
    options.mapper.init_min_tri_angle = 6.0  # a dolly's keyframes hardly reach the default, 16 degrees
    options.ba_refine_focal_length = options.mapper.abs_pose_refine_focal_length = not job.holds_focal
    options.ba_refine_extra_params = options.mapper.abs_pose_refine_extra_params = not (job.camera or job.focals)
    options.multiple_models, options.min_model_size, options.extract_colors = False, FEWEST_KEYFRAMES, False
    return dict(colmap.incremental_mapping(database, images, output, options))
