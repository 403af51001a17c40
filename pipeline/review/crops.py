"""Crops of a delivery: plate and comp at 200% where a compositor looks first, and what changed, as PNG."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.io import color, exr, images
from pipeline.review.gather import Sources
from pipeline.review.places import beside, difference, enlarged, places
from pipeline.review.screen import Screen

GAP_PX = 6


@dataclass(frozen=True, slots=True)
class Crop:
    """A PNG of the delivery and what it shows, in words."""

    file: Path
    title: str
    note: str


def write_crops(sources: Sources, screen: Screen, folder: Path, frame: int) -> tuple[Crop, ...]:
    """Write the crops of one frame: plate left, comp right, pixel for pixel through the show's view; the difference last."""
    image = exr.read(sources.comp.files.path(frame))
    comp = np.stack([image.channels[c].astype(np.float32) for c in "RGB"], axis=2)
    plate = exr.read_rgb(sources.plate.files.path(frame))
    made = []
    for place in places(image.channels):
        left, right = (
            enlarged(color.to_display_8bit(place.cut(p), screen.display, screen.view), sources.plate.pixel_aspect)
            for p in (plate, comp)
        )
        pair = beside(left, right, GAP_PX)
        file = folder / f"{frame}_{place.what.replace(' ', '_')}.png"
        images.write_png(file, pair)
        made.append(Crop(file, f"{place.what.capitalize()}, frame {frame}", f"at {place.left}, {place.top}, 200%"))
    file = folder / f"{frame}_difference.png"
    images.write_png(file, screen.fit(difference(plate, comp)))
    return (*made, Crop(file, f"Difference, frame {frame}", "times 4; black is the plate, bit for bit"))
