"""The plate's sky cut out: what of a pixel is sky, behind every layer, and what stands before it, by depth."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class SkyCut:
    """One frame. alpha: (H, W) of what is not sky; own: (H, W, 3) its light alone, premultiplied, on soft edges."""

    alpha: Floats
    own: Floats

    @property
    def soft(self) -> Bools:
        return (self.alpha > 0) & (self.alpha < 1)

    def depth(self, depth_m: Floats, confidence: Floats) -> tuple[Floats, Floats]:
        """The plate's depth and its confidence, (H, W) each, agreed with the matte: +inf where mostly sky shows.

        Where the depth took for sky what is none, the nearest thing's stands.
        """
        there = self.alpha >= 0.5
        lacking = there & np.isinf(depth_m)
        out = np.where(there, depth_m, np.float32(np.inf)).astype(np.float32)
        if lacking.any():
            out[lacking] = _nearest(out, ~np.isinf(out))[lacking]
        return out, np.where(there & ~lacking, confidence, np.float32(1)).astype(np.float32)

    def seen_past(self, visible: Floats, matte: Floats, past: Floats, edge_px: int) -> Floats:
        """`visible` (H, W), what the plate leaves of a layer, made right along the skyline, where the matte knows better.

        There a pixel is part sky, behind which no layer is, and part a thing, that hides of the layer what it hides edge_px
        inside of its edge, or a person. matte: (H, W) the plate's people; past: what they leave of the layer.
        """
        solid = self.alpha >= 1
        if solid.all():
            return visible
        inside = cv2.erode(solid.astype(np.uint8), np.ones((2 * edge_px + 1, 2 * edge_px + 1), np.uint8)) > 0
        over = np.where(inside, visible / np.maximum(past, np.float32(1e-3)), np.float32(1))
        over = _nearest(np.minimum(over, 1).astype(np.float32), inside & (past > 0.5))
        person = np.minimum(matte, self.alpha)
        told = (1 - self.alpha) + (self.alpha - person) * over + np.maximum(person - (1 - past), 0)
        return np.where(inside, visible, np.clip(told, 0, 1)).astype(np.float32)


def _nearest(values: Floats, known: Bools) -> Floats:
    """(H, W) of the nearest known pixel; as it is where none is known."""
    if not known.any():
        return values
    _, labels = cv2.distanceTransformWithLabels(
        (~known).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    by_label = np.zeros(int(labels.max()) + 1, np.float32)
    by_label[labels[known]] = values[known]
    return np.asarray(by_label[labels], np.float32)
