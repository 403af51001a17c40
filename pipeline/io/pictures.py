"""One frame of a sequence, of any still format: EXR by OpenEXR, the others by OpenImageIO."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.errors import FormatError
from pipeline.io import exr
from pipeline.io.channels import alpha_name

Array = np.ndarray[Any, Any]

SRGB = "sRGB Encoded Rec.709 (sRGB)"
_DPX_TRANSFERS = {
    "linear": "Linear Rec.709 (sRGB)",
    "itu-r 709-4": "Camera Rec.709",
    "rec709": "Camera Rec.709",
    "smpte 274m": "Camera Rec.709",
}
_NO_COLORS = ("unknown", "data", "raw", "none", "scene_linear", "kodaklog")  # names that tell nothing of primaries


@dataclass(frozen=True, slots=True)
class Picture:
    """rgb: (H, W, 3) float32 as encoded; alpha: (H, W) float32 or None.

    premultiplied: whether alpha is multiplied in. colorspace: what the file says, else what its type means; `reason`
    says which. metadata: EXR attributes with their types, text for other formats.
    """

    rgb: Array
    alpha: Array | None
    premultiplied: bool
    pixel_aspect: float
    colorspace: str
    reason: str
    timecode: str = ""
    rate: Fraction | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


def read(path: Path) -> Picture:
    """Read one still. Raises FormatError when it is damaged, truncated or no picture."""
    return _read_exr(path) if path.suffix.lower() == ".exr" else _read_other(path)


# ---------------------------------------------------------------- EXR


def _read_exr(path: Path) -> Picture:
    image = exr.read(path)
    alpha = alpha_name(image.channels)
    colorspace, reason = _exr_colorspace(path, image.metadata)
    rate = image.metadata.get("framesPerSecond")
    return Picture(
        rgb=exr.picture(image, path),
        alpha=image.channels[alpha].astype(np.float32) if alpha else None,
        premultiplied=True,
        pixel_aspect=image.pixel_aspect,
        colorspace=colorspace,
        reason=reason,
        timecode=str(image.metadata.get("timeCode", "")),
        rate=Fraction(rate) if rate else None,
        metadata=image.metadata,
    )


def _exr_colorspace(path: Path, metadata: dict[str, Any]) -> tuple[str, str]:
    import OpenEXR

    named = str(metadata.get("colorInteropID", ""))
    if named.lower() not in ("", *_NO_COLORS):
        return named, "the file's colorInteropID"
    if metadata.get("acesImageContainerFlag") == 1:
        return "ACES2065-1", "the file's ACES container flag"
    primaries = metadata.get("chromaticities")
    if primaries:
        found = OpenEXR.chromaticitiesToColorInteropID(tuple(primaries))
        if not found:
            numbers = ", ".join(f"{p:.4f}" for p in primaries)
            raise FormatError(f"{path}: its chromaticities ({numbers}) are of no known space. Set plate.colorspace.")
        return str(found), "the file's chromaticities"
    return "ACEScg", "an EXR that names no colour space"


# ---------------------------------------------------------------- PNG, TIFF, JPEG, DPX, Cineon


def _read_other(path: Path) -> Picture:
    import OpenImageIO as oiio

    if not path.is_file():
        raise FormatError(f"{path}: no such file. Check the path.")
    config = oiio.ImageSpec()
    config.attribute("oiio:UnassociatedAlpha", 1)  # multiplied in by us, in linear light
    source = oiio.ImageInput.open(str(path), config)
    if source is None:
        raise FormatError(f"{path}: not a readable picture ({_error(oiio)}). Copy or export it again.")
    spec = source.spec()
    pixels = source.read_image(0, 0, 0, spec.nchannels, oiio.FLOAT)
    problem = _error(source)
    source.close()
    if pixels is None or problem:
        raise FormatError(f"{path}: truncated or damaged ({problem or 'no pixels'}). Copy or export it again.")
    metadata = {a.name: str(a.value) for a in spec.extra_attribs if a.name not in ("ICCProfile", "DateTime")}
    metadata |= {"bits": str(spec.get_int_attribute("oiio:BitsPerSample") or spec.format.size() * 8)}
    colorspace, reason = _other_colorspace(path, spec, metadata)
    rate = float(metadata.get("dpx:FrameRate", 0) or 0)
    color = pixels[..., :3] if spec.nchannels >= 3 else pixels[..., :1].repeat(3, axis=2)
    return Picture(
        rgb=np.ascontiguousarray(color, np.float32),
        alpha=np.ascontiguousarray(pixels[..., spec.alpha_channel]) if spec.alpha_channel >= 0 else None,
        premultiplied=spec.get_int_attribute("oiio:UnassociatedAlpha", 0) == 0 and path.suffix.lower() != ".png",
        pixel_aspect=spec.get_float_attribute("PixelAspectRatio", 1.0) or 1.0,
        colorspace=colorspace,
        reason=reason,
        timecode=metadata.get("dpx:TimeCode", ""),
        rate=Fraction(rate).limit_denominator(100000) if 0 < rate < 1000 else None,
        metadata=metadata,
    )


def _other_colorspace(path: Path, spec: Any, metadata: dict[str, str]) -> tuple[str, str]:
    suffix = path.suffix.lower()
    if suffix in (".dpx", ".cin"):
        transfer = metadata.get("dpx:Transfer", "")
        known = _DPX_TRANSFERS.get(transfer.lower())
        if known:
            return known, f"the file's transfer characteristic, {transfer}"
        return "ADX10", "a DPX or Cineon file, taken for printing density"
    if str(spec.format) in ("float", "half", "double"):
        return "ACEScg", "a floating-point picture that names no colour space"
    named = metadata.get("oiio:ColorSpace", "")
    if named.lower() not in ("", *_NO_COLORS) and "rec709_scene" in named and not named.startswith("lin"):
        return named, "the file's own tag, or its type"
    return SRGB, f"a {suffix[1:].upper()} picture"


def _error(owner: Any) -> str:
    try:
        return " ".join(str(owner.geterror()).split())
    except UnicodeDecodeError:  # its messages may quote the file's bytes
        return "its header is not text"
