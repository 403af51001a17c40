"""From tracks to a solve of the plate: COLMAP in a process of its own gets keyframes, tracks and what is known beforehand."""

from __future__ import annotations

import json
import tempfile
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.solve.adjust import write_job
from calibration.solve.child import run_child
from calibration.solve.colmap import Job
from calibration.solve.solved import Solve
from calibration.solve.track import TrackParams, Tracks, follow
from calibration.solve.trackview import TrackView
from calibration.solve.turning import zooms_of_turning
from calibration.solve.written import USUAL_FOCAL, FocalPrior
from calibration.solve.zoomfit import adjust_zoom
from pipeline.io import images
from pipeline.stage import Progress
from pipeline.types import Lens

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Effort:
    """How hard COLMAP tries: SIFT features of a keyframe, threads for features and matches, seed, patience."""

    features: int
    threads: int
    seed: int
    timeout_s: float


@dataclass(frozen=True, eq=False)
class Known:
    """What is known before the solve. prior: of the focal length in working pixels. lens: the plate's, calibrated, which is
    held, or None; its focal length is the prior then. locked: frame to camera_from_world, held."""

    prior: FocalPrior | None
    lens: Lens | None
    locked: dict[int, Array]


def follow_plate(view: TrackView, frames: list[int], target: int, progress: Progress) -> Tracks:
    """Follow `target` points through `frames` of the plate; rows of the tracks are these."""

    def watched() -> Any:
        for done, frame in enumerate(frames):
            progress(round(20 * done / len(frames)), 100, "tracking")
            yield view.grey(frame), view.mask(frame)

    return follow(watched(), TrackParams(target=target))


def solve_keyframes(
    view: TrackView,
    frames: list[int],
    tracks: Tracks,
    keyframes: list[int],
    known: Known,
    effort: Effort,
    progress: Progress,
    zooms: bool = False,
) -> tuple[Solve, dict[str, Any]]:
    """A solve of `frames` (the tracks' rows) in plate pixels, and what is told of it.

    zooms: a focal length is found for each frame. Its unit is COLMAP's own, or the locked frames'. Raises CalibrationError when COLMAP fails or finds no move.
    """
    with tempfile.TemporaryDirectory(prefix="solve_camera.") as temporary:
        folder = Path(temporary)
        names = tuple(f"{frames[row]:06d}.png" for row in keyframes)
        for row, name in zip(keyframes, names, strict=True):
            images.write_png(folder / "images" / name, view.grey(frames[row]))
            mask = view.mask(frames[row])
            if mask is not None:
                images.write_png(folder / "masks" / f"{name}.png", mask)
        job = Job(
            folder=folder,
            names=names,
            keyframes=tuple(keyframes),
            width=view.width,
            height=view.height,
            **_focal(known, tracks, view, zooms),
            camera=() if known.lens is None else astuple(view.working_lens(known.lens))[2:],
            masked=view.masked,
            features=effort.features,
            threads=effort.threads,
            seed=effort.seed,
        )
        write_job(job, tracks, frames, known.locked)
        run_child(
            "calibration.solve.adjust:solve",
            folder,
            effort.timeout_s,
            lambda done, total, note="": progress(20 + round(0.75 * 100 * done / total), 100, note),
        )
        said = json.loads((folder / "result.json").read_text())
        with np.load(folder / "result.npz") as found:
            lens = Lens(view.width, view.height, *map(float, found["camera"]))
            solve = Solve(found["poses"], lens, found["points"], found["observations"])
            if zooms and np.isfinite(solve.poses).all():
                solve = adjust_zoom(replace(solve, zoom=found["focals"] / lens.focal_x_px), known.prior)
            if known.prior is not None and (zooms or "plate_alone" in said["focal"]):
                said["focal"] |= known.prior.told(solve.lens.focal_x_px)
            observations = solve.observations.copy()
            observations[:, 2:] *= view.to_plate
            return replace(solve, lens=view.plate_lens(solve.lens), observations=observations), said


def _focal(known: Known, tracks: Tracks, view: TrackView, zooms: bool) -> dict[str, Any]:
    """What a job is told of the focal length.

    A zoom's are held while COLMAP maps: those that the file tells of each frame, else a first guess. Free, COLMAP lets the few
    points of a keyframe draw it to any length.
    """
    if not zooms:
        focal_px, sigma = (0.0, 0.0) if known.prior is None else (known.prior.one_px, known.prior.sigma)
        return {"focal_px": focal_px, "prior_px": focal_px if sigma else 0.0, "prior_sigma": sigma}
    each = np.full(len(tracks), USUAL_FOCAL * view.width) if known.prior is None else known.prior.px
    if np.ptp(each) == 0:
        each = each[0] * zooms_of_turning(tracks, float(each[0]), view.width, view.height)
    return {"focal_px": 0.0, "focals": tuple(each.tolist())}
