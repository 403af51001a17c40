"""What a file says of the lens and the camera that filmed it: focal length, sensor, makes, from EXR, Exif and movie tags."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from pipeline.types import LensData

# How far such a length may be from the pinhole's, as one standard deviation: a calibrated one, what is engraved (a lens
# breathes and its marking is rounded), and one in whole millimetres of a film format, of a picture that may be cropped.
CALIBRATED, NOMINAL, EQUIVALENT = 0.01, 0.02, 0.05
FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
SHORTEST_MM, LONGEST_MM = 1.0, 3000.0

# Names without their prefix, in small letters. Sources: OpenEXR 3.2's standard attributes, SMPTE ST 2065-4, Exif 2.32,
# Apple's QuickTime metadata keys.
_FOCAL = (
    ("pinholefocallength", CALIBRATED),
    ("effectivefocallength", CALIBRATED),
    ("nominalfocallength", NOMINAL),
    ("focallength", NOMINAL),
    ("lensfocallength", NOMINAL),
    ("focal_length", NOMINAL),
    ("lens_focal_length", NOMINAL),
)
_EQUIVALENT = ("focallengthin35mmfilm", "camera.focal_length.35mm_equivalent")
_UNITS_MM = {2: 25.4, 3: 10.0, 4: 1.0}  # Exif's FocalPlaneResolutionUnit


def lens_data(metadata: Mapping[str, Any], width: int, height: int) -> LensData | None:
    """Read the tags of a picture of `width` x `height` pixels; None when they tell no focal length.

    The sensor's width is that of the part which the picture shows. It is 0 where no tag tells it.
    """
    tags = _by_name(metadata)
    camera = " ".join(_words(tags, "cameramake", "make") + _words(tags, "cameramodel", "model"))
    lens = " ".join(_words(tags, "lensmake") + _words(tags, "lensmodel", "camera.lens_model"))
    sensor_mm = _sensor_width_mm(tags)
    for name, sigma in _FOCAL:
        focal_mm = _length_mm(tags.get(name, ("", 0))[1])
        if focal_mm and (sensor_mm or not any(key in tags for key in _EQUIVALENT)):
            return LensData((focal_mm,), sensor_mm, sigma, tags[name][0], camera, lens)
    for name in _EQUIVALENT:
        focal_mm = _length_mm(tags.get(name, ("", 0))[1])
        if focal_mm:
            across = FILM_DIAGONAL_MM * width / math.hypot(width, height)
            return LensData((focal_mm,), round(across, 4), EQUIVALENT, tags[name][0], camera, lens)
    return None


def focal_tags(metadata: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among the tags that are focal lengths, by their own names: what differs from frame to frame of a zoom."""
    known = {name for name, _ in _FOCAL}
    return {
        name: float(value)
        for name, value in metadata.items()
        if _last(name) in known and isinstance(value, int | float)
    }


def _by_name(metadata: Mapping[str, Any]) -> dict[str, tuple[str, Any]]:
    """Name without prefix to the whole name and the value."""
    found: dict[str, tuple[str, Any]] = {}
    for name, value in metadata.items():
        found.setdefault(_last(name), (name, value))
    return found


def _last(name: str) -> str:
    last = re.split(r"[/:]", name.lower())[-1]
    return last.removeprefix("com.apple.quicktime.").removeprefix("com.arri.camera.")


def _words(tags: dict[str, tuple[str, Any]], *names: str) -> list[str]:
    return [str(tags[name][1]).strip() for name in names if name in tags and str(tags[name][1]).strip()][:1]


def _number(value: Any) -> float:
    """A number, a fraction or a text that begins with one ("32.0 mm"); 0 for anything else."""
    if isinstance(value, int | float):
        return float(value) if math.isfinite(value) else 0.0
    found = re.match(r"\s*(\d+(?:\.\d+)?)(?:\s*/\s*(\d+(?:\.\d+)?))?", str(value))
    if not found:
        return 0.0
    below = float(found[2] or 1)
    return float(found[1]) / below if below else 0.0


def _length_mm(value: Any) -> float:
    length = _number(value)
    return length if SHORTEST_MM <= length <= LONGEST_MM else 0.0


def _sensor_width_mm(tags: dict[str, tuple[str, Any]]) -> float:
    """Of the part of the sensor that the picture shows, 0 where nothing tells it."""
    pitch_um = _number(tags.get("sensorphotositepitch", ("", 0))[1])
    used = tags.get("sensoracquisitionrectangle", ("", ()))[1]
    if pitch_um and isinstance(used, tuple) and len(used) == 2 and all(len(corner) == 2 for corner in used):
        return round((used[1][0] - used[0][0] + 1) * pitch_um / 1000, 4)
    per_unit = _number(tags.get("focalplanexresolution", ("", 0))[1])
    pixels = _number(tags.get("pixelxdimension", ("", 0))[1])
    unit = _UNITS_MM.get(int(_number(tags.get("focalplaneresolutionunit", ("", 2))[1])), 25.4)
    if per_unit and pixels:
        return round(pixels / per_unit * unit, 4)
    whole = tags.get("sensoroveralldimensions", ("", ()))[1]
    return round(float(whole[0]), 4) if isinstance(whole, tuple) and len(whole) == 2 else 0.0
