"""The plate's sky cut out: what of a pixel is sky, behind every layer, and what stands before it, by depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
_NEARLY_ALL = 0.95  # of what the depth knows
_SURE = 0.6  # confidence in a depth that counts


@dataclass(frozen=True, slots=True, eq=False)
class SkyCut:
    """One frame. alpha: (H, W) of what is not sky; own: (H, W, 3) its light alone, premultiplied, on soft edges."""

    alpha: Floats
    own: Floats

    @property
    def soft(self) -> Bools:
        return (self.alpha > 0) & (self.alpha < 1)

    def depth(self, depth_m: Floats) -> Floats:
        """The plate's depth (H, W), agreed with the matte: +inf where mostly sky shows, and nowhere else.

        What the depth took for sky and is none, a mountain in haze mostly, lies as far away as anything is known to.
        """
        there = self.alpha >= 0.5
        return np.where(there, np.where(np.isinf(depth_m), _farthest(depth_m), depth_m), np.float32(np.inf)).astype(
            np.float32
        )

    def seen_past(self, visible: Floats, layer_z_m: Floats, depth_m: Floats, confidence: Floats) -> Floats:
        """`visible` (H, W), what the plate's depth and colours leave of a layer, made right where the matte knows better.

        No layer is hidden by the sky's part of a pixel. One that lies behind nearly all that is known shows in that part alone:
        where the depth doubts itself or took a hazy ridge for sky, colours that look like sky have no say. Where the plate
        is known to be farther still, they have. layer_z_m, depth_m: (H, W) metres, +inf where empty, and in what depth calls sky;
        confidence: (H, W) of the depth, 0 to 1.
        """
        shown = np.maximum(visible, 1 - self.alpha)
        behind = np.isinf(depth_m) | (depth_m <= layer_z_m) | (confidence < _SURE)
        through = (self.alpha > 0) & (layer_z_m > _farthest(depth_m)) & behind
        return np.where(through, 1 - self.alpha, shown).astype(np.float32)


def _farthest(depth_m: Floats) -> np.float32:
    """Metres within which nearly all lies that is known, single wild answers aside; 0 where nothing is."""
    known = depth_m[np.isfinite(depth_m)]
    return np.float32(np.quantile(known, _NEARLY_ALL)) if len(known) else np.float32(0)
