"""Pictures of a costume: read, cut out of a plain background, and laid over our own guides of the same pose.

A folder of PNG or JPEG pictures, sRGB, one whole figure each. pictures.toml beside them may say how a figure stands:
    ["front.png"]
    motion = "idle"
    phase = 0.1
    yaw_deg = 20.0          # 0 faces the viewer, 90 the right of the picture
    elevation_deg = 3.0     # of the viewer
Of a picture without such a line the pose is found among our own (assets.train.found).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from scipy import ndimage

from assets.motion.motions import MOTIONS
from assets.train.differences import lab_of
from pipeline.errors import AssetError
from pipeline.io.color import to_acescg
from pipeline.io.files import sha256
from pipeline.io.images import read_png

Array = np.ndarray[Any, Any]
SUFFIXES = (".png", ".jpg", ".jpeg")
MOST, LEAST_PX, MOST_PX = 64, 64, 8192
_PLAIN, _FIGURE = (
    8.0,
    14.0,
)  # L*a*b* distance from the background: below the first all background, above the second none
_KEYS = {"motion": "idle", "phase": 0.0, "yaw_deg": 0.0, "elevation_deg": 3.0}


@dataclass(frozen=True, slots=True)
class Stance:
    """How a figure stands and from where it is seen. phase in cycles."""

    motion: str
    phase: float
    yaw_deg: float
    elevation_deg: float = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """rgba: (H, W, 4) float32 ACEScg, premultiplied, cut to the figure. stance: None when nobody said it."""

    name: str
    rgba: Array
    digest: str
    stance: Stance | None


def read_pictures(folder: Path) -> list[Picture]:
    """Every picture of FOLDER, by name. Raises AssetError or FormatError naming the picture and what is wrong."""
    files = sorted(f for f in folder.glob("*") if f.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not 1 <= len(files) <= MOST:
        raise AssetError(
            f"{folder}: holds {len(files)} pictures ({', '.join(SUFFIXES)}), must be 1 to {MOST}. Check it."
        )
    told = _stances(folder / "pictures.toml", {file.name for file in files})
    return [Picture(file.name, _cut_out(file), sha256(file), told.get(file.name)) for file in files]


def _cut_out(file: Path) -> Array:
    pixels = read_png(file)
    if pixels.ndim == 2:
        pixels = pixels[..., None].repeat(3, -1)
    if max(pixels.shape[:2]) > MOST_PX:
        raise AssetError(f"{file}: {max(pixels.shape[:2])} px, limit {MOST_PX}. Make it smaller.")
    linear = np.asarray(to_acescg(np.ascontiguousarray(pixels[..., :3]), "sRGB Encoded Rec.709 (sRGB)"))
    alpha = pixels[..., 3] if pixels.shape[-1] == 4 and pixels[..., 3].min() < 1 else _from_plain(linear, file)
    rows, columns = np.nonzero(alpha > 0.5)
    if not len(rows) or np.ptp(rows) < LEAST_PX:
        tall = int(np.ptp(rows)) if len(rows) else 0
        raise AssetError(f"{file}: the figure is {tall} px high, must be {LEAST_PX} or more. Take a larger picture.")
    area = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    return np.concatenate([linear * alpha[..., None], alpha[..., None]], -1)[area].astype(np.float32)


def _from_plain(linear: Array, file: Path) -> Array:
    """Alpha of a figure before a plain background: by the distance from the colour of the picture's border."""
    lab = lab_of(linear)
    border = np.concatenate([lab[:4].reshape(-1, 3), lab[:, :4].reshape(-1, 3), lab[:, -4:].reshape(-1, 3)])
    plain = np.median(border, axis=0)
    apart = np.linalg.norm(lab - plain, axis=-1)
    if np.quantile(np.linalg.norm(border - plain, axis=-1), 0.75) > _PLAIN:
        raise AssetError(f"{file}: no alpha, and the background is not plain. Cut the figure out and save it as RGBA.")
    alpha = np.clip((apart - _PLAIN) / (_FIGURE - _PLAIN), 0, 1)
    pieces, count = ndimage.label(alpha > 0.5)
    if count:
        sizes = np.bincount(pieces.ravel())[1:]
        alpha = alpha * ndimage.binary_dilation(pieces == 1 + int(sizes.argmax()), iterations=2)
    return np.asarray(np.maximum(alpha, ndimage.binary_fill_holes(alpha > 0.5)), np.float32)


def laid_over(picture: Picture, coverage: Array) -> Array:
    """(H, W, 4) the picture, scaled and moved so that its figure fills the same rows and middle column as coverage's."""
    height, width = coverage.shape
    rows, columns = np.nonzero(coverage > 0.5)
    tall = int(np.ptp(rows)) + 1
    wide = max(1, round(picture.rgba.shape[1] * tall / picture.rgba.shape[0]))
    small = cv2.resize(picture.rgba, (wide, tall), interpolation=cv2.INTER_AREA)
    weights = (small[..., 3] > 0.5).sum(0)
    left = round(float(columns.mean()) - float((weights * np.arange(wide)).sum()) / max(1, int(weights.sum())))
    out = np.zeros((height, width + 2 * wide, 4), np.float32)
    start = int(np.clip(left + wide, 0, width + wide))
    out[rows.min() : rows.max() + 1, start : start + wide] = small
    return np.ascontiguousarray(out[:, wide : wide + width])


def _stances(file: Path, names: set[str]) -> dict[str, Stance]:
    if not file.is_file():
        return {}
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise AssetError(f"{file}: not a TOML file ({error}). Mend that line.") from error
    missing = set(told) - names
    if missing:
        raise AssetError(f"{file}: {sorted(missing)[0]!r} is no picture there. Pictures: {', '.join(sorted(names))}.")
    return {name: _stance(table, f"{file}: {name}") for name, table in told.items()}


def _stance(table: Any, where: str) -> Stance:
    if not isinstance(table, Mapping) or set(table) - set(_KEYS):
        raise AssetError(f"{where}: is {table!r}. Write {', '.join(_KEYS)}.")
    values = {**_KEYS, **table}
    if values["motion"] not in MOTIONS:
        raise AssetError(
            f"{where}: motion {values['motion']!r} is not known. Take one of: {', '.join(sorted(MOTIONS))}."
        )
    numbers = [values[name] for name in ("phase", "yaw_deg", "elevation_deg")]
    if not all(isinstance(number, int | float) and abs(number) <= 360 for number in numbers):
        raise AssetError(f"{where}: phase, yaw_deg, elevation_deg are {numbers}. Write numbers within 360.")
    return Stance(values["motion"], *(float(number) for number in numbers))
