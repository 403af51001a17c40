"""The focal length that was written down on set, in pixels."""

from __future__ import annotations

from pipeline.sections import CameraFacts
from pipeline.types import Plate

ANAMORPHIC = 1.2  # a pixel aspect from here on is a lens's squeeze; less is a video format's


def written_focal_px(facts: CameraFacts, plate: Plate, width_px: float) -> float:
    """Focal length in square pixels of a picture `width_px` wide, as [camera] has it; 0 when it does not.

    An anamorphic lens is called by its focal length across the squeeze: the sensor's width shows what one `squeeze` times as wide
    would without.
    """
    if facts.focal_mm <= 0 or facts.sensor_width_mm <= 0:
        return 0.0
    squeeze = facts.squeeze or (plate.pixel_aspect if plate.pixel_aspect >= ANAMORPHIC else 1.0)
    return facts.focal_mm / (facts.sensor_width_mm * squeeze) * width_px
