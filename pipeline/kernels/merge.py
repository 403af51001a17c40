"""Before a layer is laid over (fused.lay_over): holdouts by matte and by depth, shadows, light wrap."""

from __future__ import annotations

import numpy as np
from numba import njit

from pipeline.kernels import comprows as rows
from pipeline.kernels.bands import banded, in_bands
from pipeline.kernels.check import same_rgb, same_rgba, shaped
from pipeline.kernels.color import LUMINANCE

_ONE = np.float32(1)
_ZERO = np.float32(0)


def hold_out(layer: np.ndarray, visible: np.ndarray, out: np.ndarray) -> None:
    """Keep the share `visible` of a layer: out = layer * visible, alpha included.

    layer, out: (H, W, 4) float32, premultiplied; visible: (H, W) float32, 1 = seen, clamped to 0..1 (NaN stays NaN).
    """
    size = same_rgba(layer=layer, out=out)
    shaped(size, visible=visible)
    banded(_hold_out, len(out), layer, visible, out)


def visible_by_depth(
    layer_z_m: np.ndarray,
    plate_z_m: np.ndarray,
    confidence: np.ndarray,
    out: np.ndarray,
    *,
    tolerance_m: float,
    tolerance: float,
    doubt: float,
) -> None:
    """Share of a layer that the plate leaves visible, from both depths, softly.

    All (H, W) float32; depths in metres along the camera's z, +inf = nothing there; confidence 0..1 of `plate_z_m`.
    The plate may be nearer by t = tolerance_m + z * (tolerance + doubt * (1 - confidence)) before it hides anything;
    at 2 t it hides all, between runs a smoothstep. Depth errors grow with distance, hence the share of z. An empty
    layer (+inf) and an empty plate (+inf, the sky) leave 1. NaN stays NaN.
    """
    size = (layer_z_m.shape[0], layer_z_m.shape[1])
    shaped(size, layer_z_m=layer_z_m, plate_z_m=plate_z_m, confidence=confidence, out=out)
    allowed = np.float32(tolerance_m), np.float32(tolerance), np.float32(doubt)
    banded(_visible_by_depth, len(out), layer_z_m, plate_z_m, confidence, out, *allowed)


def multiply_shadow(
    plate: np.ndarray,
    shadow: np.ndarray,
    veil: np.ndarray,
    out: np.ndarray,
    powers: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> None:
    """Take light from the plate: out = veil + (plate - veil) * shadow ** power of the channel.

    plate, veil, out: (H, W, 3) float32 scene-linear; shadow: (H, W) float32, 1 = untouched, clamped to 0..1. `veil` is
    the haze in front of each pixel: a shadow on far ground does not darken the air before it. It is taken as at most
    the plate, so a shadow never brightens. A shadow of 1 leaves the plate's bits. powers, above 0: a channel of less than
    1 darkens later than the others, as blue does where the sky still lights the ground.
    """
    size = same_rgb(plate=plate, veil=veil, out=out)
    shaped(size, shadow=shadow)
    if min(powers) <= 0:
        raise ValueError(f"powers are {powers}; a shadow takes light from every channel.")
    banded(_multiply_shadow, len(out), plate, shadow, veil, np.asarray(powers, np.float32), out)


def light_wrap(layer: np.ndarray, outside: np.ndarray, amount: float, white: float, out: np.ndarray) -> None:
    """Let light from beside a layer creep over its edge: each channel rises towards it, never sinks.

    layer, out: (H, W, 4) float32 premultiplied; outside: (H, W, 4) float32, blurred: what is behind the layer times the
    layer's transparency, and that transparency: the share of the light that reaches a pixel. The light counts by that share
    times `amount`, at most 1, and by its luminance against `white`: rgb += edge * max(0, alpha * light - rgb).
    """
    same_rgba(layer=layer, outside=outside, out=out)
    how = np.float32(amount), np.float32(white), LUMINANCE
    in_bands(len(out), lambda top, bottom: _light_wrap(top, bottom, layer, outside, *how, out))


# No fastmath anywhere here: it makes isnan() lie, and NaN is how a broken render shows.
@njit(nogil=True, cache=True, error_model="numpy")
def _hold_out(top, bottom, layer, visible, out):
    _, width, channels = out.shape
    for y in range(top, bottom):
        for x in range(width):
            share = visible[y, x]
            if share < _ZERO:
                share = _ZERO
            elif share > _ONE:
                share = _ONE
            for c in range(channels):
                out[y, x, c] = layer[y, x, c] * share


@njit(nogil=True, cache=True, error_model="numpy")
def _visible_by_depth(top, bottom, layer_z, plate_z, confidence, out, tolerance_m, tolerance, doubt):
    _, width = out.shape
    for y in range(top, bottom):
        for x in range(width):
            near = plate_z[y, x]
            far = layer_z[y, x]
            if near == np.inf or far == np.inf:
                out[y, x] = _ONE
                continue
            allowed = tolerance_m + far * (tolerance + doubt * (_ONE - confidence[y, x]))
            hidden = (far - near) / allowed - _ONE
            if hidden < _ZERO:
                hidden = _ZERO
            elif hidden > _ONE:
                hidden = _ONE
            out[y, x] = _ONE - hidden * hidden * (np.float32(3) - np.float32(2) * hidden)


@njit(nogil=True, cache=True, error_model="numpy")
def _multiply_shadow(top, bottom, plate, shadow, veil, powers, out):
    _, width, channels = out.shape
    for y in range(top, bottom):
        for x in range(width):
            light = shadow[y, x]
            if light < _ZERO:
                light = _ZERO
            for c in range(channels):
                value = plate[y, x, c]
                if light >= _ONE:
                    out[y, x, c] = value
                    continue
                air = veil[y, x, c]
                if air > value:
                    air = value
                left = light
                if powers[c] != _ONE:
                    left = light ** powers[c]
                out[y, x, c] = air + (value - air) * left


@njit(nogil=True, cache=True)
def _light_wrap(top, bottom, layer, outside, amount, white, weights, out):
    width = out.shape[1]
    for left in range(0, width, rows.COLUMNS):
        right = min(left + rows.COLUMNS, width)
        rgba, beside = np.empty((4, right - left), np.float32), np.empty((4, right - left), np.float32)
        for y in range(top, bottom):
            rows.load_pixels(layer[y, left:right], rgba)
            rows.load_pixels(outside[y, left:right], beside)
            rows.wrap_row(rgba, beside, amount, white, weights)
            rows.store_pixels(rgba, out[y, left:right])
