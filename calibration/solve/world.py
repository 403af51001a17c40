"""What [world] says, measured in a solve: up, the ground, metres, origin and direction; contradictions are refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.cameras import camera_centre, meet_plane, to_camera, up_direction
from calibration.lens import project
from calibration.solve.align import Alignment, GroundPlane
from calibration.solve.evaluate import similarity
from calibration.solve.marks import Marked, ends
from pipeline.errors import CalibrationError
from pipeline.world_sections import WorldFacts

Array = npt.NDArray[np.float64]

SURVEY_MISS = 0.05  # of the survey's extent by which a point may miss
FLAT = 0.06  # width over length of three points' spread below which they lie in a line
GROUND_MISS = 0.05  # of the marks' extent
TILT_DEG = 5.0  # by which marks of the ground and upright lines may disagree
SCALES_APART = 0.15  # share by which two lengths may
_FROM_UP = {"Y": np.eye(3), "Z": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])}


@dataclass(frozen=True, slots=True)
class Length:
    """What a known length says: metres per unit of the solve, and from what."""

    source: str
    metres_per_unit: float


def survey(marked: Marked, facts: WorldFacts) -> tuple[Alignment, list[dict[str, Any]]]:
    """The similarity that brings the solve to the surveyed points, and by how much each misses."""
    seen = {f"point {p.name}": (p.frame, *p.px) for p in facts.points}
    lifted = np.array(list(marked.points(seen).values()))
    wanted = np.array([p.at_m for p in facts.points]) @ _FROM_UP[facts.survey_up].T
    for name, points in (("surveyed", wanted), ("marked", lifted)):
        spread = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        if spread[1] < FLAT * spread[0]:
            raise CalibrationError(
                f"[world] points: the {len(points)} {name} points lie in a line, so nothing says how the world turns about it. "
                "Add one beside it."
            )
    found = Alignment(*similarity(lifted, wanted))
    misses = np.linalg.norm(found.points(lifted) - wanted, axis=1)
    extent = float(np.linalg.norm(np.ptp(wanted, axis=0)))
    worst = int(misses.argmax())
    if misses[worst] > SURVEY_MISS * extent:
        raise CalibrationError(
            f"[world] points: {facts.points[worst].name} misses its place by {misses[worst]:.3f} m, {SURVEY_MISS * extent:.3f} "
            "are allowed. Check its pixel, its frame, its coordinates and survey_up; the least wrong of several may be named."
        )
    back = (wanted - found.shift) @ found.rotation / found.scale
    rows = []
    for point, at, miss in zip(facts.points, back, misses, strict=True):
        row = marked.row(point.frame, point.name)
        apart = project(to_camera(at[None], marked.solve.poses[row]), marked.solve.lens_at(row))[0] - point.px
        rows.append(
            {"name": point.name, "miss_m": round(float(miss), 4), "miss_px": round(float(np.linalg.norm(apart)), 3)}
        )
    return found, rows


def ground_of_marks(marked: Marked, facts: WorldFacts) -> tuple[GroundPlane | None, str]:
    """The plane that marks and upright lines say, in words too; None when they say none."""
    upright = upright_of(marked, facts)
    points = np.array(
        list(marked.points({f"ground_px {n + 1}": mark for n, mark in enumerate(facts.ground_px)}).values())
    ).reshape(-1, 3)
    if len(points) < 3:
        if upright is None:
            return None, ""
        plane = GroundPlane(upright, 0.0, 0, True)
        return plane, f"{len(facts.upright_px)} upright lines"
    middle = points.mean(axis=0)
    _, spread, axes = np.linalg.svd(points - middle, full_matrices=False)
    if spread[1] < FLAT * spread[0]:
        raise CalibrationError("[world] ground_px: the marks lie in a line, which is no ground. Mark one beside it.")
    normal = axes[2] * np.sign(axes[2] @ up_direction(marked.solve.poses).mean(axis=0))
    off: Array = np.abs((points - middle) @ normal)
    extent = float(np.linalg.norm(np.ptp(points, axis=0)))
    furthest = float(off.max())
    if furthest > GROUND_MISS * extent:
        raise CalibrationError(
            f"[world] ground_px: mark {int(off.argmax()) + 1} lies {furthest / extent:.0%} of their extent off the plane through "
            f"all, {GROUND_MISS:.0%} are allowed. Mark what lies on one plane."
        )
    said = f"{len(points)} marks of the ground"
    if upright is not None:
        apart = float(np.degrees(np.arccos(np.clip(normal @ upright, -1, 1))))
        if apart > TILT_DEG:
            raise CalibrationError(
                f"[world]: the ground's marks and the upright lines disagree about up by {apart:.1f} degrees, {TILT_DEG:g} are "
                "allowed. Check them, or leave one kind out."
            )
        said += f" (upright lines: {apart:.1f} degrees apart)"
    return GroundPlane(normal, -float(normal @ middle), len(points), True), said


def upright_of(marked: Marked, facts: WorldFacts) -> Array | None:
    """Up (3,), along which all upright lines run; None without lines."""
    if not facts.upright_px:
        return None
    normals = []
    for number, line in enumerate(facts.upright_px, start=1):
        (_, a), (_, b) = (marked.ray(end, f"upright_px {number}") for end in ends(line))
        across = np.cross(a, b)
        if np.linalg.norm(across) < 1e-4:
            raise CalibrationError(f"[world] upright_px {number}: its ends are one point. Mark a longer line.")
        normals.append(across / np.linalg.norm(across))
    _, spread, axes = np.linalg.svd(np.array(normals))
    if spread[1] < 0.05:
        raise CalibrationError(
            "[world] upright_px: the lines lie behind one another, so nothing says how far up leans. Mark one further aside."
        )
    off = float(np.degrees(np.arcsin(np.abs(np.array(normals) @ axes[2]).max())))
    if off > TILT_DEG:
        raise CalibrationError(
            f"[world] upright_px: no direction runs along all lines, one is {off:.1f} degrees off, {TILT_DEG:g} are allowed. "
            "Mark edges that are vertical."
        )
    return np.asarray(axes[2] * np.sign(axes[2] @ up_direction(marked.solve.poses).mean(axis=0)))


def lengths(marked: Marked, facts: WorldFacts, ground: GroundPlane, camera_height_m: float) -> list[Length]:
    """What every known length says, the most trustworthy first."""
    marks = {
        f"distance {d.name}, {end}": (d.frame, *px)
        for d in facts.distances
        for end, px in (("a", d.a_px), ("b", d.b_px))
    }
    at = marked.points(marks)
    found = []
    for d in facts.distances:
        apart = float(np.linalg.norm(at[f"distance {d.name}, a"] - at[f"distance {d.name}, b"]))
        if apart < 1e-9:
            raise CalibrationError(f"[world] distance {d.name}: its ends are one point. Mark both.")
        found.append(Length(f"{d.name}, {d.metres:g} m", d.metres / apart))
    for person in facts.people:
        what = f"person {person.name}"
        foot = on_ground(marked, ground, (person.frame, *person.foot_px), what)
        start, way = marked.ray((person.frame, *person.head_px), what)
        # Where the upright through the foot passes the head's ray: (foot + t up - start) is along the ray.
        across = way - ground.normal * (way @ ground.normal)
        tall = float(
            ground.normal @ (start + way * ((foot - start) @ across / max(float(across @ across), 1e-12)) - foot)
        )
        if tall <= 0:
            raise CalibrationError(f"[world] {what}: head_px is not above foot_px. Swap them.")
        found.append(Length(f"{person.name}, {person.height_m:g} m tall", person.height_m / tall))
    if camera_height_m:
        height = float(camera_centre(marked.solve.poses[0]) @ ground.normal + ground.offset)
        found.append(Length(f"camera height from [camera]: {camera_height_m:g} m", camera_height_m / height))
    return found


def agreed_length(found: list[Length]) -> tuple[Length, str]:
    """The first, and how the others compare. Raises CalibrationError when they contradict each other."""
    first = found[0]
    for other in found[1:]:
        ratio = other.metres_per_unit / first.metres_per_unit
        if abs(np.log(ratio)) > np.log1p(SCALES_APART):
            raise CalibrationError(
                f"[world]: {first.source} and {other.source} contradict each other: the second makes the world {ratio:.2f} times "
                f"as large, {SCALES_APART:.0%} are allowed. Check them, or leave one out."
            )
    rest = "; ".join(f"{o.source}: {o.metres_per_unit / first.metres_per_unit:.3f} times that" for o in found[1:])
    return first, rest


def on_ground(marked: Marked, ground: GroundPlane, mark: tuple[int, float, float], what: str) -> Array:
    """Where a mark's ray meets the ground. Raises CalibrationError above the horizon."""
    start, way = marked.ray(mark, what)
    point = meet_plane(start, way, -ground.offset * ground.normal, ground.normal)
    if not np.isfinite(point).all():
        raise CalibrationError(
            f"[world] {what}: pixel {mark[1]:g}, {mark[2]:g} of frame {mark[0]} is above the horizon. Mark the ground."
        )
    return point


def through_first_mark(marked: Marked, facts: WorldFacts, ground: GroundPlane) -> GroundPlane:
    """The plane moved up or down to fewer than three marks of the ground, if there are any."""
    points = marked.points({f"ground_px {n + 1}": mark for n, mark in enumerate(facts.ground_px)})
    if not points:
        return ground
    return replace(ground, offset=-float(np.mean([ground.normal @ point for point in points.values()])))
