"""A captured clip as a file of our own: what a layout hands to the stages after it, who then need no reader of captures."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from assets.mocap.clip import Clip
from assets.mocap.planting import SIGNS, Feet, Footfall
from pipeline.errors import AssetError

SUFFIX = ".npz"
_FACTS = ("cycle_s", "speed", "loops", "carries", "travel")


def packed(clip: Clip) -> bytes:
    """`clip` without its name as the bytes of an .npz, the same for the same clip: rows in float32."""
    feet = clip.feet
    arrays = {f"row.{name}": rows.astype(np.float32) for name, rows in sorted(clip.rows.items())}
    for side in SIGNS:
        falls = [(fall.first, fall.last, fall.x, fall.z, fall.yaw) for fall in feet[side].falls]
        arrays[f"steps.{side}"] = feet[side].rows.astype(np.float32)
        arrays[f"falls.{side}"] = np.array(falls, np.float32).reshape(-1, 5)
    arrays["shares"] = feet["L"].shares.astype(np.float32)
    facts = np.array([clip.cycle_s, clip.speed, clip.loops, clip.carries, feet["L"].travel], np.float32)
    held = BytesIO()
    np.savez(held, **{"facts": facts, **arrays})  # type: ignore[arg-type]
    return held.getvalue()


def unpacked(name: str, path: Path) -> Clip:
    """The clip that `packed` wrote to `path`, called `name`. Raises AssetError when the file is broken or gone."""
    try:
        with np.load(path) as found:
            arrays = {key: found[key].astype(np.float64) for key in found.files}
        facts = dict(zip(_FACTS, arrays["facts"].tolist(), strict=True))
        feet = {
            side: Feet(
                sign,
                arrays[f"steps.{side}"],
                tuple(Footfall(*fall) for fall in arrays[f"falls.{side}"].tolist()),
                facts["travel"],
                arrays["shares"],
                bool(facts["loops"]),
            )
            for side, sign in SIGNS.items()
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AssetError(f"{path}: is no captured motion of a layout. Run lay_out_crowd again.") from error
    rows = {key.removeprefix("row."): values for key, values in arrays.items() if key.startswith("row.")}
    return Clip(name, facts["cycle_s"], facts["speed"], bool(facts["loops"]), rows, feet, bool(facts["carries"]))
