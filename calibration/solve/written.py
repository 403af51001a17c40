"""The focal length that is known before the solve, written on set or in the plate's file, as a prior with a stated weight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.sections import CameraFacts
from pipeline.types import Plate

Array = npt.NDArray[np.float64]

ANAMORPHIC = 1.2  # a pixel aspect from here on is a lens's squeeze; less is a video format's
USUAL_FOCAL = 1.2  # of the width: a 29 mm lens on 24.9 mm of Super 35
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
        apart = abs(float(np.log(ratio))) / max(self.sigma, 1e-4)
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


def focal_prior(facts: CameraFacts, plate: Plate, width_px: float, frames: list[int]) -> FocalPrior | None:
    """What is known of the focal length on `frames`, in a picture `width_px` wide; None when nothing is.

    [camera] goes before what the plate's file says, value by value. What the file says has the weight of its kind
    (pipeline.io.lensdata) unless [camera] states another.
    """
    filmed = plate.filmed
    if facts.focal_mm > 0:
        on_set, sigma, source = np.full(len(frames), facts.focal_mm), facts.focal_sigma_mm / facts.focal_mm, "[camera]"
        if filmed is not None and len(filmed.focal_mm) == 1 and facts.sensor_width_mm > 0:
            source += f" (the plate's file says {filmed.focal_mm[0]:g} mm)"
    elif filmed is not None:
        each = (
            np.broadcast_to(filmed.focal_mm, len(plate.files.frames)) if len(filmed.focal_mm) == 1 else filmed.focal_mm
        )
        on_set = np.asarray(each, np.float64)[[frame - plate.files.frames.first for frame in frames]]
        sigma = facts.focal_sigma_mm / float(on_set[0]) if facts.focal_sigma_mm else filmed.sigma
        source = f"the plate's file ({filmed.tag})"
    else:
        return None
    sensor = facts.sensor_width_mm or (filmed.sensor_width_mm if filmed else 0.0)
    if not sensor:
        return None
    if not facts.sensor_width_mm:
        source += f", sensor {sensor:g} mm by the file"
    per_mm = written_focal_px(replace(facts, focal_mm=1.0, focal_sigma_mm=0.0, sensor_width_mm=sensor), plate, width_px)
    return FocalPrior(on_set * per_mm, sigma, source, float(on_set[0]))


def written_focal_px(facts: CameraFacts, plate: Plate, width_px: float) -> float:
    """Focal length in square pixels of a picture `width_px` wide, as [camera] has it; 0 when it does not.

    An anamorphic lens is called by its focal length across the squeeze: the sensor's width shows what one `squeeze` times as wide
    would without.
    """
    if facts.focal_mm <= 0 or facts.sensor_width_mm <= 0:
        return 0.0
    squeeze = facts.squeeze or (plate.pixel_aspect if plate.pixel_aspect >= ANAMORPHIC else 1.0)
    return facts.focal_mm / (facts.sensor_width_mm * squeeze) * width_px
