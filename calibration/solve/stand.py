"""Stand a solve in the shot's world: on the ground, in metres, at the origin; and say where each of these came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from calibration.cameras import camera_centre
from calibration.solve.align import ASSUMED_HEIGHT_M, Alignment, GroundPlane, align_world, find_ground
from calibration.solve.solved import Solve
from pipeline.errors import CalibrationError
from pipeline.sections import CameraFacts


def stand(solve: Solve, facts: CameraFacts, seed: int) -> tuple[Solve, str, dict[str, Any]]:
    """The solve in metres on the ground that its points show, what set the metre, and figures of the ground."""
    plane = find_ground(solve.points, solve.poses, seed)
    height_m = facts.height_m or ASSUMED_HEIGHT_M
    aligned = align_world(solve.poses, plane, height_m)
    source = "camera height from [camera]" if facts.height_m else "assumed camera height, set height_m in [camera]"
    standing = moved(solve, aligned)
    ground = {"plane_found": plane.found, "points_on_it": plane.inliers, "camera_height_m": _heights_m(standing)}
    over = "the ground" if plane.found else "the lowest points (no ground plane was found)"
    return standing, f"{source}: {height_m:g} m above {over} at the first frame", ground


def stand_as_given(solve: Solve, file: str, unit: float) -> tuple[Solve, str, dict[str, Any], dict[str, Any]]:
    """A track whose ground is y = 0, in metres: turned about Y and moved along the ground, to begin at the origin.

    Returns also what was done to it. Raises CalibrationError when its first camera stands under y = 0.
    """
    height_m = float(camera_centre(solve.poses[0])[1])
    if height_m <= 0:
        raise CalibrationError(
            f"{file}: its first camera stands at {height_m:.2f} m, so its ground is not y = 0. Move its ground there, "
            'or let the plate tell: [solve] world = "plate".'
        )
    aligned = align_world(solve.poses, GroundPlane(np.array([0.0, 1.0, 0.0]), 0.0, 0, True), height_m)
    done = {
        "turned_about_y_deg": round(float(np.degrees(np.arctan2(aligned.rotation[0, 2], aligned.rotation[0, 0]))), 5),
        "moved_m": np.round(aligned.shift, 5).tolist(),
    }
    standing = moved(solve, aligned)
    ground = {"plane_found": True, "points_on_it": 0, "camera_height_m": _heights_m(standing)}
    return standing, f"{file}: {unit:g} m per unit, its ground is y = 0", ground, done


def moved(solve: Solve, alignment: Alignment) -> Solve:
    """The solve in another world."""
    return Solve(alignment.poses(solve.poses), solve.lens, alignment.points(solve.points), solve.observations)


def _heights_m(solve: Solve) -> list[float]:
    heights = camera_centre(solve.poses)[:, 1]
    return [round(float(heights.min()), 4), round(float(heights.max()), 4)]
