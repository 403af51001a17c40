"""8-bit pictures, as models for displays take and give them: guides to pictures, answers to scene-linear light and alpha.

An answer is taken for a photograph: its mid grey, display-linear 0.18, is a grey card that faces the sun of the shot. So
an answer is multiplied by Light.sun_rgb + Light.sky_rgb, channel by channel: numbers of the shot, not of the picture, so
that no frame is exposed unlike its neighbours. Highlights come back by luminance, so that a polished helmet outshines
paper and red cloth stays cloth: up to KNEE nothing changes, above it Reinhard's shoulder is undone, and white is MAX_LIGHT.
Everything rises strictly and nothing is clamped; neighbouring codes of 8 bits lie less than a tenth apart above mid grey.

Source of the shoulder: Reinhard, Stark, Shirley, Ferwerda, "Photographic Tone Reproduction for Digital Images", 2002, eq. 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.providers.conditioning import outline
from assets.providers.cutout import alpha_of, without_halo
from assets.providers.request import Array, Light, Request
from pipeline.errors import ProviderNonsense
from pipeline.io.color import from_acescg, to_acescg
from pipeline.kernels.color import LUMINANCE

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

KNEE = 0.5  # luminance of the display up to which nothing is done; 1 is its white
MAX_LIGHT = 6.0  # what the display's white comes back as, times the light of the shot
MID_GREY = 0.18
FAR_GREY = 32  # the farthest a depth picture shows; black is kept for nothing
_DISPLAY_ENCODED = "sRGB Encoded Rec.709 (sRGB)"
_LEAST_LIGHT = 1e-4  # night is no reason to divide by 0
_WHITE = (MAX_LIGHT - KNEE) / (1 - KNEE)


def shown(request: Request, frame: int = 0) -> dict[str, Bytes]:
    """The guides of one frame as uint8 pictures, by name, as depth- and pose-conditioned models learnt to read them.

    depth (H, W): near is white, empty is black. The reference plane is half way to white, an eighth of
    `depth_range_m` before it another half of the rest: a tanh, which keeps every order and clips nothing, of a range that
    holds for the shot, since a range per picture would flicker. normals (H, W, 3): x right, y up, z to the viewer; empty
    is (128, 128, 255), which faces the viewer, as in the pictures that nets were trained on. pose (H, W, 3): the drawing.
    edges (H, W): white lines on black, as canny, line and soft edge nets read them. mask (H, W): 255 is painted. init (H, W, 3): over mid grey, on the display, so that an answer that gives it back is
    recovered to it (colours more saturated and brighter than the display's own excepted). coverage and parts are no
    pictures that such models know.
    """
    given = {name: guide[frame] for name, guide in request.guides.given().items()}
    pictures = {}
    if "depth" in given:
        pictures["depth"] = _depth_picture(request, given)
    if "normals" in given:
        facing = given["normals"] * np.array([1, -1, -1], np.float32)
        facing = np.where(facing.any(axis=-1, keepdims=True), facing, np.array([0, 0, 1], np.float32))
        pictures["normals"] = _bytes(facing * 0.5 + 0.5)
    for name in ("pose", "edges", "mask"):
        if name in given:
            pictures[name] = _bytes(given[name])
    if "init" in given:
        pictures["init"] = _displayed(given["init"], _gain(request.light))
    return pictures


def depth_range_m(request: Request) -> float:
    """Metres over which a depth picture tells near from far: the height of a picture of people (their widths vary with what
    they carry, their height is the same for all), the longer side of a picture of a set."""
    is_set = any(look.part >= 32 for look in request.identity.looks)
    width, height = request.size_px
    return request.metres_per_px * (max(width, height) if is_set else height)


def shown_reference(picture: Array) -> Bytes:
    """(h, w, 3) uint8 for the display, over mid grey, of a reference (h, w, 4), scene-linear ACEScg, premultiplied."""
    return _displayed(picture, np.ones(3, np.float32))


def recovered(request: Request, frame: int, picture: Array) -> Floats:
    """A model's answer to one frame as RGBA (H, W, 4) float32, scene-linear ACEScg, premultiplied.

    picture: (H, W, 3) or (H, W, 4), uint8, uint16 or float 0..1, encoded for an sRGB display, alpha straight. Alpha is the
    outline of the guides times the model's own; with a pose map alone it is the model's own, or the difference from a flat
    background. Where the mask is 0 init comes back bit for bit. Raises ProviderNonsense when the picture cannot be used,
    ProviderError when nothing tells where the figure ends.
    """
    straight, own = _read(request, picture)
    given = {name: guide[frame] for name, guide in request.guides.given().items()}
    alpha = alpha_of(outline(given), own, straight, softened="coverage" not in given)
    light = scene_linear(without_halo(straight, alpha), request.light)
    painted = np.concatenate([light * alpha[..., None], alpha[..., None]], axis=-1)
    if "mask" not in given:
        return np.ascontiguousarray(painted, np.float32)
    where = np.clip(given["mask"], 0, 1)[..., None].astype(np.float32)
    kept = where * painted + (1 - where) * given["init"]
    return np.ascontiguousarray(np.where(where > 0, kept, given["init"]), np.float32)


def scene_linear(encoded: Floats, light: Light) -> Floats:
    """(H, W, 3) encoded for an sRGB display to scene-linear ACEScg in the light of the shot; see the module's first lines."""
    linear = to_acescg(encoded, _DISPLAY_ENCODED)
    return np.asarray(linear * _ratio(linear @ LUMINANCE, _lifted)[..., None] * _gain(light), np.float32)


# ---------------------------------------------------------------- light


def _gain(light: Light) -> Floats:
    return np.maximum(np.add(light.sun_rgb, light.sky_rgb), _LEAST_LIGHT).astype(np.float32)


def _lifted(level: Array) -> Array:
    """Display luminance above KNEE to scene luminance: Reinhard's shoulder, undone; it goes on rising above 1."""
    over = (level - KNEE) / (1 - KNEE)
    rest = over - 1
    return KNEE + (1 - KNEE) * _WHITE**2 / 2 * (rest + np.sqrt(rest**2 + 4 * over / _WHITE**2))


def _pressed(level: Array) -> Array:
    """The inverse of `_lifted`."""
    over = (level - KNEE) / (1 - KNEE)
    return KNEE + (1 - KNEE) * over * (1 + over / _WHITE**2) / (1 + over)


def _ratio(level: Array, curve: Any) -> Array:
    """What the colours at a luminance are multiplied by: 1 up to the knee."""
    above = np.maximum(level.astype(np.float64), KNEE)
    return np.where(level > KNEE, curve(above) / above, 1.0)


def _encoded(light_rgb: Array, gain: Floats) -> Floats:
    """The inverse of `scene_linear`, not clipped: what a display of sRGB would have to show."""
    level = np.asarray(light_rgb[..., :3] / gain, np.float32)
    return from_acescg(np.asarray(level * _ratio(level @ LUMINANCE, _pressed)[..., None], np.float32), _DISPLAY_ENCODED)


def _displayed(rgba: Array, gain: Floats) -> Bytes:
    over_grey = rgba[..., :3] + (1 - rgba[..., 3:]) * (MID_GREY * gain)
    return _bytes(_encoded(over_grey, gain))


# ---------------------------------------------------------------- pictures


def _depth_picture(request: Request, given: dict[str, Array]) -> Bytes:
    depth = given["depth"]
    there = depth != 0 if "coverage" not in given else given["coverage"] > 0
    near = 0.5 + 0.5 * np.tanh(depth / (depth_range_m(request) / 8) * np.arctanh(0.5))
    return np.where(there, np.round(FAR_GREY + near * (255 - FAR_GREY)), 0).astype(np.uint8)


def _bytes(level: Array) -> Bytes:
    return np.round(np.clip(level, 0, 1) * 255).astype(np.uint8)


def _read(request: Request, picture: Array) -> tuple[Floats, Floats | None]:
    """Colour (H, W, 3) and, when there is one, alpha (H, W) of an answer, 0..1."""
    width, height = request.size_px
    if picture.ndim != 3 or picture.shape[2] not in (3, 4):
        raise ProviderNonsense(f"the answer is {picture.shape}, must be (height, width, 3 or 4). Ask for RGB or RGBA.")
    if picture.shape[:2] != (height, width):
        got = f"{picture.shape[1]} x {picture.shape[0]}"
        raise ProviderNonsense(f"the answer is {got} px, {width} x {height} were asked. Ask for a size that it makes.")
    if picture.dtype in (np.uint8, np.uint16):
        level = picture.astype(np.float32) / np.float32(np.iinfo(picture.dtype).max)
    elif np.issubdtype(picture.dtype, np.floating):
        level = picture.astype(np.float32)
    else:
        raise ProviderNonsense(f"the answer's numbers are {picture.dtype}, must be 8 or 16 bit or float. Convert them.")
    if not np.isfinite(level).all():
        raise ProviderNonsense("the answer holds NaN or infinity. Use another precision (half may overflow).")
    return level[..., :3], np.clip(level[..., 3], 0, 1) if level.shape[2] == 4 else None
