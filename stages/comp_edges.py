"""Edges where layers and plate meet: the plate's without what is replaced behind them, layers' in the light beside them.

No stage.
"""

from __future__ import annotations

import math

import numpy as np

from calibration.mattes.holdout import without_spill
from pipeline.kernels import blur, merge
from pipeline.kernels.bounds import around, nothing
from stages.comp_inputs import Placed, Shot

WIDTHS = 400  # the wrap reaches a 400th of the plate's width, where nobody says how far


def cleaned(picture: np.ndarray, layer: Placed, shot: Shot, surroundings: np.ndarray) -> np.ndarray:
    """The picture (H, W, 3) without what the layer replaces in the soft edges of what hides it.

    surroundings: (3,) the light of the layers at luminance 1, as Pulled takes it. Things that the depth puts before the
    layer carry their near colour over their edge; people, whose colour the matte knows, get their own.
    """
    bare = without_spill(picture, layer.alpha, layer.visible)
    if shot.pulled is None:
        return bare
    where = shot.pulled.soft & (layer.held > 0) & (layer.alpha > 0)
    if not where.any():
        return bare
    covered = layer.alpha * np.clip(layer.visible / np.maximum(1 - layer.held, 1e-3), 0, 1)
    held = np.clip(layer.held / np.maximum(shot.matte, 1e-3), 0, 1)
    own = shot.pulled.before(picture, covered, held, surroundings)
    out = bare.copy() if bare is picture else bare
    out[where] = own[where]
    return out


def wrapped(layer: Placed, behind: np.ndarray, amount: float, sigma_px: float, white: float) -> np.ndarray:
    """The layer (H, W, 4) with the light of what is beside it over its edge: each channel rises towards it, none sinks.

    behind: (H, W, 3) float32, the picture that the layer is laid over. The light is that of `behind` outside of the layer,
    blurred by sigma_px (0: by the plate's width). It counts by how much of it reaches a pixel and by its brightness, against
    `white`, the plate's luminance of white: a sky wraps, shaded ground hardly does. Where the layer ends because the plate
    stands before it, nothing wraps: light from behind comes over no edge there. Pixels farther inside keep their bits.
    """
    sigma = sigma_px or layer.alpha.shape[1] / WIDTHS
    window = around(layer.alpha > 0, math.ceil(3 * sigma) + 1)
    if amount == 0 or nothing(window):
        return layer.rgba
    alpha, picture = layer.alpha[window][..., None], behind[window]
    through = 1 - np.minimum(alpha, 1)
    outside = np.concatenate([picture * through, through], axis=2).astype(np.float32)
    blur.gaussian(outside, sigma, outside)
    part = np.ascontiguousarray(layer.rgba[window])
    merge.light_wrap(part, outside, amount, max(white, 1e-3), part)
    out = layer.rgba.copy()
    out[window] = part
    return out
