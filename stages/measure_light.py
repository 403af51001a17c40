"""Measure the plate's light once per shot: where its sun stands, and what a shadow leaves of the ground's light."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from calibration.cameras import lens_at, pose_at
from calibration.ground.heightfield import Heightfield
from calibration.look.sun import LEAST_CONFIDENCE, Filmed, Sun, find_sun
from pipeline.errors import ConfigError
from pipeline.io.files import write_bytes
from pipeline.kernels.color import RGB
from pipeline.sections import LightFacts, to_sun
from pipeline.stage import stage
from pipeline.types import CameraTrack, DepthMaps, Ground, Mattes, Plate, PlateLight
from stages.measure_look import read_sample, spread


@dataclass(frozen=True, slots=True)
class Params:
    frames: int = 8  # looked at, spread over the shot

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= 64:
            raise ConfigError(f"measure_light.frames is {self.frames}, must be 1 to 64. 8 suits most shots.")


@stage
def measure_light(
    plate: Plate,
    track: CameraTrack,
    depth: DepthMaps,
    mattes: Mattes,
    ground: Ground,
    facts: LightFacts,
    params: Params,
    out: Path,
) -> PlateLight:
    """The shadows of the people in the plate tell; what the shot file says of a shadow's colour comes before that."""
    chosen = spread(plate.files.frames.first, plate.files.frames.last, params.frames)
    filmed = (
        Filmed(read_sample(plate, depth, mattes, frame), pose_at(track, frame), lens_at(track, frame))
        for frame in chosen
    )
    sun = find_sun(filmed, Heightfield.read(ground))
    shadow, source = shadow_of(sun, facts)
    told: dict[str, Any] = {
        **asdict(sun),
        "shadow_rgb": shadow,
        "shadow_from": source,
        "said_azimuth_deg": facts.sun_azimuth_deg,
        "said_elevation_deg": facts.sun_elevation_deg,
        "disagreement_deg": round(apart_deg(sun, facts), 1) if sun.confidence >= LEAST_CONFIDENCE else None,
    }
    light = PlateLight(out / "light.json", shadow)
    write_bytes(light.figures, json.dumps(told, indent=1, sort_keys=True).encode())
    return light


def shadow_of(sun: Sun, facts: LightFacts) -> tuple[RGB, str]:
    """What a full shadow leaves of the light of level ground, per channel, and who says so."""
    if facts.shadow_rgb is not None:
        return facts.shadow_rgb, "the shot file"
    if sun.confidence >= LEAST_CONFIDENCE:
        return _rounded(np.array(sun.shadow_rgb)), "the plate"
    sky = np.array(facts.sky_rgb)
    falling = sky + max(facts.to_sun[1], 0.0) * np.array(facts.sun_rgb)
    return _rounded(np.clip(sky / np.maximum(falling, 1e-6), 0.05, 1.0)), "the shot file's sun and sky"


def apart_deg(sun: Sun, facts: LightFacts) -> float:
    """The angle between the sun that the plate tells of and the one that was said."""
    cosine = np.dot(to_sun(sun.azimuth_deg, sun.elevation_deg), facts.to_sun)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def _rounded(light: np.ndarray) -> RGB:
    red, green, blue = (round(float(v), 4) for v in light)
    return red, green, blue
