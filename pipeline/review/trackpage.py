"""The one page that a camera track is judged by, from what was measured of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.review import charts
from pipeline.review.page import fill
from pipeline.review.plots import short

Array = npt.NDArray[np.float64]
TEMPLATE = "pipeline/review/pages/track.html"  # from the repository's root: it counts as the stage's code


@dataclass(frozen=True, slots=True)
class TrackPage:
    """movie: relative to the page; still: a data: address. plots: title and <svg>. open: somebody should look."""

    title: str
    subtitle: str
    verdict: str
    open: bool
    warnings: tuple[str, ...]
    movie: str
    still: str
    facts: Mapping[str, str]
    plots: tuple[tuple[str, str], ...]


def render(page: TrackPage) -> str:
    """The page as HTML that needs no other file but the movie. On paper it is one A4."""
    return fill("track.html", page=page)


def plots(
    judged: Mapping[str, Any], told: Mapping[str, Any], looks: Array, points: Array
) -> tuple[tuple[str, str], ...]:
    """Every plot of the page. judged, told: figures of the track's report and of the solve itself.

    looks: (F, 2) where each frame looks, from above, x and z; points: (N, 3) of the scene, metres.
    """
    rows = judged["frames"]
    frames, marked = [row["frame"] for row in rows], [int(frame) for frame in judged["flags"]]

    def line(name: str) -> list[float]:
        return [math.nan if row[name] is None else float(row[name]) for row in rows]

    turned = np.array([row["pan_tilt_roll_deg"] for row in rows])
    places = np.array([row["at_m"] for row in rows])
    made = [
        (
            "Reprojection error, px",
            charts.curves(frames, {"mean": line("error_px"), "95%": line("error_p95_px")}, marked),
        ),
        ("Tracks", charts.curves(frames, {"explained": line("tracks"), "left out": line("left_out")}, marked)),
    ]
    if np.ptp(line("focal_px")) > 0:
        made.append(("Focal length, px", charts.curves(frames, {"focal": line("focal_px")})))
    since = turned - turned[0]
    turns = {name: since[:, axis].tolist() for axis, name in enumerate(("pan", "tilt", "roll"))}
    made.append(("Turned since the first frame, degrees", charts.curves(frames, turns)))
    if np.ptp(places, axis=0).max() > 0:
        looked = charts.from_above(places[:, [0, 2]], looks, points[:, [0, 2]])
        moved = places - places[0]
        ways = {"right": moved[:, 0].tolist(), "up": moved[:, 1].tolist(), "back": moved[:, 2].tolist()}
        made += [("Path from above", looked), ("Moved since the first frame, m", charts.curves(frames, ways))]
    made.append(
        _beside("Turn beside a smooth way, degrees", frames, line("fast_turn_deg"), line("sure_turn_deg"), marked)
    )
    if np.isfinite(line("sure_shift_m")).any():
        shift, sure = line("fast_shift_m"), line("sure_shift_m")
        made.append(_beside("Shift beside a smooth way, m", frames, shift, sure, marked))
    made.append(("Life of tracks, frames", charts.counts(judged["lives"], "frames")))
    if any(judged["parallax_deg"]):
        made.append(("Parallax of points, degrees", charts.counts(judged["parallax_deg"], "degrees")))
    if told.get("coverage_map"):
        made.append((f"Covered by points, {told['covered']:.0%} in a usual frame", charts.cells(told["coverage_map"])))
    return tuple(made)


def _beside(title: str, frames: list[int], fast: list[float], sure: list[float], marked: list[int]) -> tuple[str, str]:
    return title, charts.curves(frames, {"measured": fast, "pose sigma": sure}, marked)


def facts(
    judged: Mapping[str, Any], told: Mapping[str, Any], lens: Mapping[str, float], focal_mm: float
) -> dict[str, str]:
    """Lens, ground, metre and their sources in words. focal_mm: 0 where no sensor width is known."""
    focal, width = lens["focal_x_px"], lens["width"]
    world, fast, counts = told.get("world", {}), judged["fast"], judged["tracks"]
    high = [row["at_m"][1] for row in judged["frames"]]
    wide = 2 * math.degrees(math.atan(0.5 * width / focal))
    millimetres = f", {focal_mm:.3g} mm" if focal_mm else ""
    found = {
        "lens": f"{focal:.1f} px{millimetres}, {wide:.3g} degrees wide",
        "focal length from": told.get("focal", {}).get("from", ""),
        "bent at the corners": f"{judged['lens_bends_px']:.3g} px (k1 {lens['k1']:.3g}, k2 {lens['k2']:.3g})",
        "lens centre": f"{lens['centre_x_px']:.1f}, {lens['centre_y_px']:.1f} px",
        "camera above y = 0": f"{min(high):.3g} to {max(high):.3g} m",
        "ground from": world.get("ground_from", ""),
        "up from": world.get("up_from", told.get("level_from", "")),
        "metre from": str(told.get("scale_from", "")),
        "points, tracks": f"{told.get('points', 0)} points; {counts['explained']} tracks explained, {counts['left_out']} left out, "
        f"{counts['short']} too short to tell",
        "parallax": f"{told['parallax_deg']:.3g} degrees, median" if told.get("parallax_deg") else "",
        "jitter": _jitter(fast),
        "shake": _shake(fast),
        "smoothed": _smoothed(told.get("smooth", {})),
        "rolling shutter": f"{told['rolling_shutter']['moves_px']:.2g} px" if told.get("rolling_shutter") else "",
    }
    return {name: words for name, words in found.items() if words}


def _jitter(fast: Mapping[str, Any]) -> str:
    """What of the fast movement the poses are unsure of."""
    words = []
    if "turn_deg" in fast:
        words.append(f"{short(fast['turn_deg']['jitter'])} degrees ({fast['turn_deg']['jitter_px']:.2g} px)")
    if "shift_m" in fast:
        words.append(f"{short(1000 * fast['shift_m']['jitter'])} mm")
    return ", ".join(words)


def _shake(fast: Mapping[str, Any]) -> str:
    """What of it the observations show."""
    words = []
    if fast.get("turn_deg", {}).get("shake"):
        words.append(f"{short(fast['turn_deg']['shake'])} degrees ({fast['turn_deg']['shake_px']:.2g} px)")
    if fast.get("shift_m", {}).get("shake"):
        words.append(f"{short(1000 * fast['shift_m']['shake'])} mm")
    if not words:
        return "none beyond it" if fast else ""
    return ", ".join(words) + ": seen by the points, so real"


def _smoothed(told: Mapping[str, Any]) -> str:
    if not told:
        return ""
    return str(told.get("note", "")) or f"poses moved {told['moved_px']:.2g} px, error up by {told['error_rise']:.2%}"
