"""Looks made by hand, for stages that take one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from calibration.look.color import Tone
from calibration.look.haze import Haze
from calibration.look.measured import LookFigures, write_look
from pipeline.kernels.color import RGB
from pipeline.kernels.grain import Grain
from pipeline.types import Look


def write_hand_look(
    folder: Path,
    *,
    exposure_ev: float = 0.0,
    balance: RGB = (1.0, 1.0, 1.0),
    haze: Haze | None = None,
    edge_sigma_px: float = 0.5,
    sigma: float = 0.01,
) -> Look:
    """A look with white grain of one sigma at every level."""
    kernels = np.zeros((3, 5, 5), np.float32)
    kernels[:, 2, 2] = 1
    levels, sigmas = np.tile(np.float32([0, 1]), (3, 1)), np.full((3, 2), sigma, np.float32)
    grain = Grain(levels, sigmas, kernels, np.eye(3, dtype=np.float32))
    tone = Tone(0.13, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), exposure_ev, balance, (0.0, 0.0, 0.0))
    look = Look(folder / "look.json", folder / "grain.png")
    write_look(look.figures, LookFigures(grain, tone, haze or Haze(), edge_sigma_px, 100, "by hand"))
    return look
