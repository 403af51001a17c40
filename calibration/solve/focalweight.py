"""The focal length of a travelling camera by two voices: the plate's and a prior's, each by its weight.

Runs in a child process only (calibration.solve.child): it takes the pycolmap module that the child imported.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.solve.turnfit import MEDIAN_OF_SIGMA

Array = npt.NDArray[np.float64]


def weigh_focal(colmap: Any, options: Any, model: Any, prior_px: float, sigma: float) -> dict[str, Any]:
    """Set the model's focal length to where its tracks and a prior (pixels; sigma: a share of it) agree best, and adjust to it.

    The plate's own focal length is where a free adjustment ends; how much the error grows away from it, held elsewhere and
    everything else adjusted anew, is what the plate is sure of (the profile likelihood, taken for a parabola). COLMAP has no
    prior for intrinsics. Returns the plate's own focal length over the prior's, and its standard deviation as a share.

    Source: Murphy and van der Vaart, "On Profile Likelihood", JASA 2000.
    """
    soft = float(options.ceres.loss_function_scale)
    free = colmap.Reconstruction(model)
    options.refine_focal_length = True
    colmap.bundle_adjustment(free, options)
    options.refine_focal_length = False
    plate = float(np.log(_focal_px(free)))
    prior = float(np.log(prior_px))
    probe = prior if abs(prior - plate) > 0.5 * sigma else plate + sigma
    held = colmap.Reconstruction(free)
    _set_focal(held, float(np.exp(probe)))
    colmap.bundle_adjustment(held, options)
    errors = _errors_px(free)
    rise = _cost(_errors_px(held), soft) - _cost(errors, soft)
    steep = max(rise, 0.0) / (probe - plate) ** 2
    # A track's errors last: however many frames show it, it counts as one measurement.
    variance = float(np.median(errors) / MEDIAN_OF_SIGMA) ** 2 * len(errors) / max(free.num_points3D(), 1)
    pull = variance / sigma**2
    both = (steep * plate + pull * prior) / (steep + pull)
    _set_focal(model, float(np.exp(both)))
    colmap.bundle_adjustment(model, options)
    return {
        "plate_alone": round(float(np.exp(plate - prior)), 5),
        "plate_sigma": round(min(float(np.sqrt(variance / max(steep, 1e-12))), 9.99), 5),
    }


def _focal_px(model: Any) -> float:
    return float(next(iter(model.cameras.values())).params[0])


def _set_focal(model: Any, focal_px: float) -> None:
    for camera in model.cameras.values():
        camera.params = [focal_px, *camera.params[1:]]


def _errors_px(model: Any) -> Array:
    """Distance (M,) of every observation from its point."""
    apart = []
    for image_id in sorted(model.reg_image_ids()):
        image = model.image(image_id)
        seen = image.get_observation_points2D()
        if not seen:
            continue
        points = np.array([model.point3D(point.point3D_id).xyz for point in seen])
        pose = image.cam_from_world().matrix()
        camera = model.camera(image.camera_id)
        there = camera.img_from_cam(points @ pose[:, :3].T + pose[:, 3])
        apart.append(np.linalg.norm(np.asarray(there) - np.array([point.xy for point in seen]), axis=1))
    return np.nan_to_num(np.concatenate(apart), nan=1e3)


def _cost(errors: Array, soft: float) -> float:
    return float(2 * soft**2 * (np.sqrt(1 + (errors / soft) ** 2) - 1).sum())
