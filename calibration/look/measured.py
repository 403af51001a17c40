"""All that is measured of a plate's look, to JSON and back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from calibration.look.color import Tone
from calibration.look.haze import Haze
from calibration.look.optics import Optics, optics_from
from pipeline.codec import plain
from pipeline.errors import StoreError
from pipeline.io.files import write_bytes
from pipeline.kernels.grain import Grain

GRAIN = (
    "levels",
    "sigmas",
    "kernels",
    "mix",
    "acescg_from_camera",
    "blend",
    "white_share",
    "patchiness",
    "texture",
    "flecks",
    "light",
)
LATER = GRAIN[-6:]  # older files lack them: nothing blended, no white over it, no patches, no stronger on texture


def grain_from(tables: dict[str, Any]) -> Grain:
    """A profile from its tables as lists. Raises KeyError where one is missing, ValueError where one is wrong."""
    return Grain(**{n: np.array(tables[n], np.float32) for n in GRAIN if n in tables or n not in LATER})


@dataclass(frozen=True, slots=True)
class LookFigures:
    """The content of a receipt Look. `grain_note` says how the grain was found, `edge_sigma_px` how soft edges are."""

    grain: Grain
    tone: Tone
    haze: Haze
    edge_sigma_px: float
    edges: int
    grain_note: str
    optics: Optics = field(default_factory=Optics)


def write_look(path: Path, look: LookFigures) -> None:
    grain = {n: getattr(look.grain, n).astype(float).round(8).tolist() for n in GRAIN}
    content = {
        "grain": {**grain, "note": look.grain_note},
        "tone": asdict(look.tone),
        "haze": asdict(look.haze),
        "sharpness": {"edge_sigma_px": look.edge_sigma_px, "edges": look.edges},
    }
    content["optics"] = plain(look.optics)
    write_bytes(path, json.dumps(content, indent=1, sort_keys=True).encode())


def read_look(path: Path) -> LookFigures:
    """Read what write_look wrote. Raises StoreError when the file is missing or not one."""
    tone: dict[str, Any]
    haze: dict[str, Any]
    try:
        content: Any = json.loads(path.read_text())
        grain = grain_from(content["grain"])
        tone, haze = (
            {k: tuple(v) if isinstance(v, list) else v for k, v in content[part].items()} for part in ("tone", "haze")
        )
        sharpness, note = content["sharpness"], str(content["grain"]["note"])
        return LookFigures(
            grain,
            Tone(**tone),
            Haze(**haze),
            **sharpness,
            grain_note=note,
            optics=optics_from(content["optics"], path),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path}: is no look ({error}). Run measure_look again.") from error
