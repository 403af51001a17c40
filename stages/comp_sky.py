"""The replaced sky in a comp: hindmost, cut out by its matte, what stands before it in its own colours. No stage."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from calibration.mattes.skycut import SkyCut
from pipeline.io.exr import ExrImage
from pipeline.kernels import blur, merge
from pipeline.kernels.planes import to_pixels
from pipeline.types import SKY
from stages.comp_inputs import Placed, Shot

Floats = npt.NDArray[np.float32]
LEAST = 1e-3  # of alpha
WIDTHS = 400  # the wrap reaches a 400th of the plate's width, as a layer's


def placed_sky(sky: ExrImage, cut: SkyCut) -> Placed:
    """The sky as drawn, as a layer that the plate holds out."""
    channels: dict[str, Any] = dict(sky.channels)
    through = 1 - cut.alpha
    rgba = to_pixels([channels[c] for c in "RGBA"]) * through[..., None]
    motion = np.stack([channels[f"motion.{c}"] for c in "xy"], axis=2).astype(np.float32)
    nobody = np.zeros(through.shape, np.uint32)
    far = np.full(through.shape, np.inf, np.float32)
    return Placed(SKY, rgba, np.ones_like(through), through, far, nobody, nobody, motion, np.zeros_like(through))


class Edges:
    """The skyline's soft pixels while layers are laid: what stands before the sky, and all that is behind it, apart.

    Laid over each other as they come, layers would show the old mixture through. So `before` gives the picture that a
    layer has to be laid over for the result to be right, and `after` takes the layer in.
    """

    def __init__(
        self, cut: SkyCut, sky: Placed, shot: Shot, picture: Floats, wrap: float, wrap_px: float, white: float
    ) -> None:
        """picture: (H, W, 3), the plate with its shadows. wrap, wrap_px, white: how the new sky's light comes over edges."""
        self._at = np.nonzero(cut.soft)
        self._alpha = cut.alpha[self._at][:, None]
        shaded = picture[self._at] / np.maximum(shot.rgb[self._at], np.float32(1e-6))
        own = cut.own[self._at] * np.clip(shaded, 0, 1)
        if wrap > 0 and len(self._at[0]):
            own = _wrapped(cut, sky, own, self._at, wrap, wrap_px or cut.alpha.shape[1] / WIDTHS, white)
        self._front = own / np.maximum(self._alpha, np.float32(LEAST))
        self._behind = sky.rgba[self._at][:, :3] / np.maximum(1 - self._alpha, np.float32(LEAST))

    def start(self, picture: Floats) -> Floats:
        """The picture to lay the sky over; a new array."""
        out = picture.copy()
        out[self._at] = self._front
        return out

    def before(self, picture: Floats, layer: Placed) -> Floats:
        """The picture to lay `layer` over: at soft pixels, so that it covers all that is behind, and of the front its part."""
        cover, over = self._parts(layer)
        left_front, left_behind = self._alpha * (1 - over), (1 - self._alpha) * (1 - cover)
        left = left_front + left_behind
        mixed = left_front * self._front + left_behind * self._behind
        out = picture.copy()
        out[self._at] = np.where(left > LEAST, mixed / np.maximum(left, np.float32(LEAST)), picture[self._at])
        return out

    def after(self, layer: Placed, lit: Floats) -> None:
        """Take in a layer that was laid; lit: (H, W, 4) as it was."""
        cover, over = self._parts(layer)
        own = lit[self._at]
        colour = own[:, :3] / np.maximum(own[:, 3:], np.float32(LEAST))
        self._behind = cover * colour + (1 - cover) * self._behind
        self._front = over * colour + (1 - over) * self._front

    def _parts(self, layer: Placed) -> tuple[Floats, Floats]:
        """(N, 1) how much of what is behind, and of the front, a layer covers."""
        alpha, shown = layer.alpha[self._at][:, None], layer.rgba[self._at][:, 3:]
        cover = np.where(shown > 0, np.clip(alpha, 0, 1), np.float32(0))
        over = np.clip((shown - (1 - self._alpha) * cover) / np.maximum(self._alpha, np.float32(LEAST)), 0, 1)
        return np.asarray(cover, np.float32), np.asarray(over, np.float32)


def _wrapped(
    cut: SkyCut, sky: Placed, own: Floats, at: tuple[Any, ...], amount: float, sigma_px: float, white: float
) -> Floats:
    """(N, 3) the front's light with that of the new sky over its edge, by the law of every other layer's wrap."""
    outside = sky.rgba.copy()
    blur.gaussian(outside, sigma_px, outside)
    front = np.zeros_like(outside)
    front[at] = np.concatenate([own, cut.alpha[at][:, None]], axis=1)
    merge.light_wrap(front, outside, amount, max(white, 1e-3), front)
    return np.asarray(front[at][:, :3], np.float32)
