"""Stand a solve in the shot's world: on the ground, in metres, at the origin; and say where each of these came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, look_direction, up_direction
from calibration.solve import world
from calibration.solve.align import ASSUMED_HEIGHT_M, Alignment, GroundPlane, find_ground
from calibration.solve.marks import Marked, ends
from calibration.solve.solved import Solve
from calibration.solve.trackview import TrackView
from pipeline.errors import CalibrationError
from pipeline.sections import CameraFacts
from pipeline.world_sections import WorldFacts

Array = npt.NDArray[np.float64]
_LEVEL = GroundPlane(np.array([0.0, 1.0, 0.0]), 0.0, 0, True)


@dataclass(frozen=True)
class Standing:
    """A solve in the shot's world. scale_from: what set the metre, in words. figures: ground, and where all is from."""

    solve: Solve
    scale_from: str
    figures: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Given:
    """A world that the solve came with: its ground is y = 0. file: whose it is; unit: metres that one of it was."""

    file: str
    unit: float


def stand(
    solve: Solve, view: TrackView, facts: CameraFacts, wanted: WorldFacts, seed: int, given: Given | None = None
) -> Standing:
    """The solve as [world] says, else on its given ground, else on the ground that its points show.

    Raises CalibrationError when what was said contradicts itself or the plate.
    """
    marked = Marked(solve, view)
    if wanted.points:
        alignment, rows = world.survey(marked, wanted)
        told: dict[str, Any] = {"up_from": "survey", "ground_from": "survey, y = 0", "survey": rows}
        told |= {"origin_from": "survey", "ahead_from": "survey"}
        worst = max(row["miss_m"] for row in rows)
        scale_from = f"survey: {len(rows)} points, the worst misses by {worst:.3f} m"
        ground = _LEVEL
        standing = moved(solve, alignment)
    else:
        ground, told = _ground(marked, wanted, seed, given)
        length, told["metres_beside"] = world.agreed_length(_lengths(marked, wanted, facts, ground, given))
        scale_from = length.source + ("" if ground.found else " above the lowest points (no ground plane was found)")
        origin, told["origin_from"] = _origin(marked, wanted, ground)
        ahead, told["ahead_from"] = _ahead(marked, wanted, ground)
        rotation = np.stack([np.cross(ahead, ground.normal), ground.normal, -ahead])
        alignment = Alignment(length.metres_per_unit, rotation, -length.metres_per_unit * rotation @ origin)
        standing = moved(solve, alignment)
    if given is not None:
        told["world_from_track"] = _done(alignment)
    figures = {
        "ground": {
            "plane_found": ground.found,
            "points_on_it": ground.inliers,
            "camera_height_m": _heights_m(standing),
        },
        "world": {name: value for name, value in told.items() if value != ""},
    }
    return Standing(standing, scale_from, figures)


def moved(solve: Solve, alignment: Alignment) -> Solve:
    """The solve in another world."""
    return replace(solve, poses=alignment.poses(solve.poses), points=alignment.points(solve.points))


def _ground(marked: Marked, wanted: WorldFacts, seed: int, given: Given | None) -> tuple[GroundPlane, dict[str, Any]]:
    """The ground in the solve's unit, and from what up and its height are."""
    plane, said = world.ground_of_marks(marked, wanted)
    if plane is not None and len(wanted.ground_px) >= 3:
        _check_above(marked, plane, said)
        return plane, {"up_from": said, "ground_from": said}
    own = _LEVEL if given else find_ground(marked.solve.points, marked.solve.poses, seed)
    from_own = (
        f"{given.file}, y = 0"
        if given
        else "the plate's points"
        if own.found
        else "the pictures' up, the lowest points"
    )
    if plane is not None:  # upright lines: turned about where its own ground lies under the first camera
        below = camera_centre(marked.solve.poses[0])
        below = below - own.normal * (below @ own.normal + own.offset)
        own = GroundPlane(plane.normal, -float(plane.normal @ below), own.inliers, own.found)
    told = {"up_from": said or from_own, "ground_from": from_own}
    if wanted.ground_px:
        own = world.through_first_mark(marked, wanted, own)
        told["ground_from"] = f"{len(wanted.ground_px)} marks of the ground"
    _check_above(marked, own, told["ground_from"])
    return own, told


def _check_above(marked: Marked, ground: GroundPlane, said: str) -> None:
    height = float(camera_centre(marked.solve.poses[0]) @ ground.normal + ground.offset)
    if height <= 0:
        raise CalibrationError(
            f"[world]: the first camera stands {-height:.2f} under the ground ({said}). Mark the ground with [world] ground_px, "
            'or let the plate tell: [solve] world = "plate".'
        )


def _lengths(
    marked: Marked, wanted: WorldFacts, facts: CameraFacts, ground: GroundPlane, given: Given | None
) -> list[world.Length]:
    """All that says the metre; something always does."""
    if given is not None:  # a track's unit goes before a height that was written down; what [world] says, before both
        found = world.lengths(marked, wanted, ground, 0.0)
        return [*found, world.Length(f"{given.file}: {given.unit:g} m per unit", 1.0)]
    found = world.lengths(marked, wanted, ground, facts.height_m)
    if found:
        return found
    height = float(camera_centre(marked.solve.poses[0]) @ ground.normal + ground.offset)
    source = f"assumed camera height, set height_m in [camera]: {ASSUMED_HEIGHT_M:g} m"
    return [world.Length(source, ASSUMED_HEIGHT_M / height)]


def _origin(marked: Marked, wanted: WorldFacts, ground: GroundPlane) -> tuple[Array, str]:
    if wanted.origin_px is not None:
        return world.on_ground(marked, ground, wanted.origin_px, "origin_px"), f"origin_px, frame {wanted.origin_px[0]}"
    first = camera_centre(marked.solve.poses[0])
    return first - ground.normal * (first @ ground.normal + ground.offset), "under the first camera"


def _ahead(marked: Marked, wanted: WorldFacts, ground: GroundPlane) -> tuple[Array, str]:
    """The direction (3,) on the ground that becomes -Z."""
    said = "the first camera's view"
    if wanted.ahead_px is not None:
        a, b = (world.on_ground(marked, ground, end, "ahead_px") for end in ends(wanted.ahead_px))
        along, said = b - a, f"ahead_px, frame {wanted.ahead_px[0]}"
        if np.linalg.norm(along) < 1e-9:
            raise CalibrationError("[world] ahead_px: its ends are one point. Mark a longer line.")
        return along / np.linalg.norm(along), said
    look = look_direction(marked.solve.poses[0])
    along = look - ground.normal * (look @ ground.normal)
    if np.linalg.norm(along) < 0.05:  # it looks straight down: the picture's up is the direction
        up = up_direction(marked.solve.poses[0])
        along = up - ground.normal * (up @ ground.normal)
    return along / np.linalg.norm(along), said


def _done(alignment: Alignment) -> dict[str, Any]:
    turn = alignment.rotation
    return {
        "turned_about_y_deg": round(float(np.degrees(np.arctan2(turn[0, 2], turn[0, 0]))), 5),
        "moved_m": np.round(alignment.shift, 5).tolist(),
        "scaled": round(alignment.scale, 7),
    }


def _heights_m(solve: Solve) -> list[float]:
    heights = camera_centre(solve.poses)[:, 1]
    return [round(float(heights.min()), 4), round(float(heights.max()), 4)]
