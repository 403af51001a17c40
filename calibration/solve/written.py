"""The focal length that is known before the solve: what was written down on set, as a prior with a stated weight."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.sections import CameraFacts
from pipeline.types import Plate

Array = npt.NDArray[np.float64]

ANAMORPHIC = 1.2  # a pixel aspect from here on is a lens's squeeze; less is a video format's
SIGMAS_TOLD = 3.0  # a result farther from its prior is warned of


@dataclass(frozen=True, eq=False)
class FocalPrior:
    """A Gaussian prior of the focal length, in square pixels of the picture that is worked on.

    px: one for each frame that is solved, (F,). sigma: standard deviation as a share of it; 0: held. mm: what was written
    for the first frame, 0: unknown. source: who says so.
    """

    px: Array
    sigma: float
    source: str
    mm: float = 0.0

    @property
    def one_px(self) -> float:
        """One for all frames."""
        return float(np.median(self.px))

    def log_px(self, rows: npt.NDArray[np.intp], zooms: bool) -> tuple[Array, Array]:
        """Log focal length of `rows` and the share of the prior's weight that each has, (V,) each; shares sum to 1.

        Frames share the error of one lens and one sensor: together they count as one measurement. One focal length that is
        written for a zoom is the first frame's.
        """
        shares = np.full(len(rows), 1 / len(rows))
        if zooms and np.ptp(self.px) == 0:
            shares = np.zeros(len(rows))
            shares[0] = 1.0
        return np.log(self.px[rows]), shares

    def told(self, found_px: float, **more: Any) -> dict[str, Any]:
        """Prior, result and how far apart they are, in the prior's standard deviations, with a warning or ""."""
        ratio = found_px / float(self.px[0])
        apart = abs(float(np.log(ratio))) / self.sigma
        warning = (
            f"focal length: {self.source} says {self._length(1.0)} +- {self.sigma:.1%}, the plate shows {self._length(ratio)}, "
            f"{apart:.1f} standard deviations away. Check the lens, the sensor's width and what the plate was cropped to."
        )
        lengths = {"prior_mm": round(self.mm, 4), "found_mm": round(self.mm * ratio, 4)} if self.mm else {}
        return {
            "from": f"{self.source} and the plate, each by its weight",
            "found_over_prior": round(ratio, 5),
            "prior_sigma": round(self.sigma, 5),
            "sigmas_apart": round(apart, 2),
            "warning": warning if apart > SIGMAS_TOLD else "",
            **lengths,
            **more,
        }

    def _length(self, ratio: float) -> str:
        return f"{self.mm * ratio:.2f} mm" if self.mm else f"{self.px[0] * ratio:.0f} px"


def focal_prior(facts: CameraFacts, plate: Plate, width_px: float, frames: int) -> FocalPrior | None:
    """What [camera] says of the focal length, in a picture `width_px` wide, for `frames` frames; None when it says nothing."""
    written = written_focal_px(facts, plate, width_px)
    if not written:
        return None
    return FocalPrior(np.full(frames, written), facts.focal_sigma_mm / facts.focal_mm, "[camera]", facts.focal_mm)


def written_focal_px(facts: CameraFacts, plate: Plate, width_px: float) -> float:
    """Focal length in square pixels of a picture `width_px` wide, as [camera] has it; 0 when it does not.

    An anamorphic lens is called by its focal length across the squeeze: the sensor's width shows what one `squeeze` times as wide
    would without.
    """
    if facts.focal_mm <= 0 or facts.sensor_width_mm <= 0:
        return 0.0
    squeeze = facts.squeeze or (plate.pixel_aspect if plate.pixel_aspect >= ANAMORPHIC else 1.0)
    return facts.focal_mm / (facts.sensor_width_mm * squeeze) * width_px
