"""What the plate's lens and shutter do, measured or said: settled for those who do the same to layers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from calibration.look.aberration import Aberration
from calibration.look.blurs import Blurs
from calibration.look.focus import aperture_scale, focus_at
from calibration.look.glow import Glow
from calibration.look.vignette import Vignette
from pipeline.codec import build
from pipeline.errors import ConfigError, StoreError
from pipeline.optics_sections import Keys, LensFacts
from pipeline.sections import CameraFacts
from pipeline.types import Lens

USUAL_SHUTTER_DEG = 180.0


@dataclass(frozen=True, slots=True)
class Optics:
    """All that was measured of the plate's lens and shutter."""

    blurs: Blurs = field(default_factory=Blurs)
    vignette: Vignette = field(default_factory=Vignette)
    aberration: Aberration = field(default_factory=Aberration)
    glow: Glow = field(default_factory=Glow)


@dataclass(frozen=True, slots=True)
class Settled:
    """What holds for a shot: said before measured before usual.

    shutter: open share of a frame; late: its middle, frames after the solved camera's moment. focus: keys, none without
    depth of field; scale_px_m: pixels of blur's radius per dioptre. sigma_px: softness in focus, at rest. vignette: terms.
    aberration: red and blue, shares. sources: of each, in words.
    """

    shutter: float
    late: float
    focus: Keys
    scale_px_m: float
    sigma_px: float
    vignette: tuple[float, float]
    aberration: tuple[float, float]
    sources: dict[str, str]

    def focus_m(self, frame: int) -> float:
        """Metres in focus; inf where all of the picture is as sharp as the lens is."""
        return focus_at(self.focus, frame) if self.focus else float("inf")


def optics_from(content: Any, path: Path) -> Optics:
    """Optics from plain data. Raises StoreError."""
    try:
        found: Optics = build(Optics, content, str(path))
        return found
    except ConfigError as error:
        raise StoreError(f"{error} Run measure_look again.") from error


def settled(said: LensFacts, facts: CameraFacts, measured: Optics, edge_sigma_px: float, lens: Lens) -> Settled:
    """Join what was said and measured. edge_sigma_px: of the plate's sharpest edges, where nothing is told apart.

    Depth of field takes a focus and an iris; either may be said while the plate tells the other.
    """
    blurs = measured.blurs
    shutter_deg, shutter_from = (
        (facts.shutter_deg, "said")
        if facts.shutter_deg
        else (blurs.shutter_deg, f"measured {blurs.shutter_note}")
        if blurs.shutter_deg
        else (USUAL_SHUTTER_DEG, f"usual; measured {blurs.shutter_note or 'none'}")
    )
    opens = -shutter_deg / 2 if said.shutter_phase_deg is None else said.shutter_phase_deg
    focus = said.focus_keys or blurs.focus
    scale = aperture_scale(said, facts, lens) if said.f_number else blurs.scale_px_m
    if not focus or not scale:
        focus, scale = (), 0.0
    sharpest = min(blurs.sharpest_sigma_px or edge_sigma_px, edge_sigma_px) if scale else edge_sigma_px
    return Settled(
        shutter=shutter_deg / 360,
        late=(opens + shutter_deg / 2) / 360,
        focus=focus,
        scale_px_m=scale,
        sigma_px=sharpest if said.softness_px is None else said.softness_px,
        vignette=said.vignette or (measured.vignette.second, measured.vignette.fourth),
        aberration=said.aberration or (measured.aberration.red, measured.aberration.blue),
        sources={
            "shutter": shutter_from,
            "focus": "said" if said.focus_keys else f"measured {blurs.focus_note or 'none'}",
            "iris": "said" if said.f_number else f"measured {blurs.focus_note or 'none'}",
            "vignette": "said" if said.vignette else f"measured {measured.vignette.note or 'none'}",
            "aberration": "said" if said.aberration else f"measured {measured.aberration.note or 'none'}",
        },
    )
