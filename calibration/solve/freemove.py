"""A camera that travels: solved with one focal length or, where that leaves unexplained what a zoom explains, with one for each frame."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from calibration.solve.keyframed import Effort, Known, solve_keyframes
from calibration.solve.nomove import NoMove
from calibration.solve.solved import Solve
from calibration.solve.track import Tracks
from calibration.solve.trackview import TrackView
from calibration.solve.zoomtest import GAINS, LEAST, MOST_LEFT_PX, Zooming, zooming
from pipeline.errors import CalibrationError
from pipeline.stage import Progress
from pipeline.types import Lens

DOUBTED = 0.9  # GAINS of a zoom over a solve whose lens is hardly one, or is not the one written down
LONGEST, MOST_BENT = 3.0, 0.6  # focal length over the width, and k1, of a lens that needs no second look
FILE_ZOOMS = 0.01  # by how much, as a share, the file's focal lengths differ where the lens zooms


def solve_free(
    view: TrackView,
    frames: list[int],
    tracks: Tracks,
    keyframes: list[int],
    known: Known,
    effort: Effort,
    progress: Progress,
    focal: str,
) -> tuple[Solve, dict[str, Any]]:
    """A solve of `frames` in plate pixels, and what is told of it. focal: as [solve] focal says, "auto", "fixed" or "zoom".

    Raises CalibrationError as solve_keyframes does; frames without a place are the caller's to judge.
    """

    def attempt(zooms: bool) -> tuple[Solve, dict[str, Any]]:
        return solve_keyframes(view, frames, tracks, keyframes, known, effort, progress, zooms)

    if asked_to_zoom(known, focal):
        return attempt(True)
    if focal == "fixed" or known.locked or known.lens is not None:
        return attempt(False)
    first: tuple[Solve, dict[str, Any]] | None = None
    found, doubtful, why = None, False, NoMove("")
    try:
        first = attempt(False)
    except NoMove as error:
        why = error
    if first is not None and _placed(first[0]):
        found = zooming(_square(first[0], view))
        first[1]["zoom_test"] = found.told()
        doubtful = first[1]["focal"].get("overruled", False) or _odd(first[0].lens)
        if not found.likely and not doubtful:
            return first
    try:
        again = attempt(True)
    except CalibrationError:
        again = None
    if again is not None and _better(again[0], found, view, DOUBTED if doubtful else GAINS):
        again[1]["zoom_test"] = (found.told() if found else {}) | {
            "from": "the plate: one focal length does not explain it"
        }
        return again
    if first is None:
        raise why
    return first


def asked_to_zoom(known: Known, focal: str) -> bool:
    """Whether a camera that travels is to be solved as a zoom: so it was asked, or each frame's focal length in the plate's
    file says so. Raises CalibrationError where something holds what a zoom must find."""
    told = known.prior is not None and float(np.ptp(np.log(known.prior.px))) > FILE_ZOOMS
    zooms = focal == "zoom" or (focal == "auto" and told)
    for name, given in (("locked", known.locked), ("lens", known.lens is not None)) if zooms else ():
        if given:
            raise CalibrationError(
                f"[solve] {name}: it holds what a lens that zooms while the camera travels must find anew. Leave {name} out, or "
                'write focal = "fixed".'
            )
    return zooms


def _placed(solve: Solve) -> bool:
    return bool(np.isfinite(solve.poses).all())


def _square(solve: Solve, view: TrackView) -> Solve:
    """In the working picture's square pixels."""
    observations = solve.observations.copy()
    observations[:, 2:] /= view.to_plate
    return replace(solve, lens=view.working_lens(solve.lens), observations=observations)


def _odd(lens: Lens) -> bool:
    """Whether it is hardly a lens: a zoom that is taken for a move makes it long, and bends it."""
    return lens.focal_x_px > LONGEST * lens.width or abs(lens.k1) > MOST_BENT


def _better(zoom: Solve, held: Zooming | None, view: TrackView, share: float) -> bool:
    """Whether a zoom explains what one focal length did not: all frames, a zoom worth the name, and at most `share` of its error."""
    if not _placed(zoom) or not len(zoom.zoom) or zoom.zoom.max() < LEAST * zoom.zoom.min():
        return False
    error_px = float(np.median(_square(zoom, view).errors_px()))
    return error_px < (MOST_LEFT_PX * max(1.0, view.width / 1280) if held is None else share * held.held_px)
