"""Looks made by hand, for stages that take one, and layers matched to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.look.color import Tone
from calibration.look.follow import Stray
from calibration.look.grades import Measured, write_grades
from calibration.look.haze import Haze
from calibration.look.match import Match
from calibration.look.measured import LookFigures, write_look
from calibration.look.tonestats import Tones
from pipeline.frames import FrameRange
from pipeline.kernels.color import RGB
from pipeline.kernels.grain import Grain
from pipeline.kernels.grainrows import TAPS
from pipeline.optics_sections import LensFacts
from pipeline.sections import CameraFacts
from pipeline.types import CameraTrack, Grades, Layers, Look, PlateLight, RawLayers
from stages.match_look import Params, match_look
from tests.scenes import Scene

# A shadow that leaves 40% of the light, without colour.
HAND_LIGHT = PlateLight(Path("light.json"), (0.4, 0.4, 0.4))


def write_hand_look(
    folder: Path,
    *,
    haze: Haze | None = None,
    edge_sigma_px: float = 0.5,
    sigma: float = 0.01,
) -> Look:
    """A look with white grain of one sigma at every level."""
    kernels = np.zeros((3, TAPS, TAPS), np.float32)
    kernels[:, TAPS // 2, TAPS // 2] = 1
    levels, sigmas = np.tile(np.float32([0, 1]), (3, 1)), np.full((3, 2), sigma, np.float32)
    grain = Grain(levels, sigmas, kernels, np.eye(3, dtype=np.float32))
    tone = Tone(0.13, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    look = Look(folder / "look.json", folder / "grain.png")
    write_look(look.figures, LookFigures(grain, tone, haze or Haze(), edge_sigma_px, 100, "by hand"))
    return look


def write_hand_grades(
    folder: Path,
    frames: FrameRange,
    tones: Tones | None = None,
    stops: NDArray[np.float64] | None = None,
    black: RGB | None = None,
) -> Grades:
    """Both layers get `tones`; the plate strays by `stops` (F, 3) and has a black."""
    match = Match(tones or Tones(), Tones(), 0.0, 1.0, 1.0)
    stray = Stray(np.zeros((len(frames), 3)) if stops is None else stops, "by hand")
    grades = Grades(folder / "grades.json")
    write_grades(grades.figures, Measured({"crowd": match, "set": match}, stray, frames, black))
    return grades


def match_by_hand(
    scene: Scene,
    raw: RawLayers,
    look: Look,
    out: Path,
    params: Params | None = None,
    frames: FrameRange | None = None,
    facts: CameraFacts | None = None,
    said: LensFacts | None = None,
    grades: Grades | None = None,
) -> Layers:
    """match_look through the scene's true camera; nothing was said of its lens, no grade was measured."""
    return match_look(
        raw=raw,
        facts=facts or CameraFacts(),
        said=said or LensFacts(),
        track=CameraTrack(out, out, out, out, out, scene.range, scene.lens, 0.1, "truth"),
        look=look,
        grades=grades or write_hand_grades(out / "grades", scene.range),
        params=params or Params(),
        frames=frames or scene.range,
        out=out,
    )
