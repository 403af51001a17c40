"""Pose maps: COCO-18 skeletons drawn as pose-conditioned models learnt to read them.

Joint order, limb order, colours and stroke sizes are those that the annotators of the public pose models drew; the
drawing is this project's own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import AssetError

JOINTS = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear",
    "left_ear",
)  # fmt: skip
LIMBS = (
    (1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13), (1, 0), (0, 14),
    (14, 16), (0, 15), (15, 17),
)  # fmt: skip
# RGB; limb i and joint i have the same.
COLOURS = np.array([
    (255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85),
    (0, 255, 170), (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255),
    (255, 0, 170), (255, 0, 85),
], np.uint8)  # fmt: skip
# Model family: whose strokes its public pose nets saw. For SDXL those are xinsir's; FLUX's and Qwen's union nets were
# trained on the first annotator's pictures.
STROKES = {"sd15": "controlnet", "sdxl": "xinsir", "flux": "controlnet", "qwen": "controlnet", "wan": "wan"}
HALF_WIDTH_PX = 4.0
_LIMB_SHARE = 0.6


def stroke_of(model: str) -> str:
    """Which drawing of `half_width_px` a model family wants. Raises AssetError on another name."""
    if model not in STROKES:
        raise AssetError(f"pose drawing for model family {model!r} is not known. Take one of: {', '.join(STROKES)}.")
    return STROKES[model]


def half_width_px(family: str, height_px: int, width_px: int) -> float:
    """Half-width of limbs, and radius of joints, that a model family saw in training, for a picture of this size.

    family: "controlnet" (SD 1.5 and most SDXL nets), "xinsir" (xinsir's SDXL nets), "wan" (Wan 2.2 Animate).
    Raises AssetError on another name.
    """
    if family == "controlnet":
        return HALF_WIDTH_PX
    if family == "xinsir":
        side = max(height_px, width_px)
        return HALF_WIDTH_PX * (1 if side < 500 else min(2 + side // 1000, 7))
    if family == "wan":
        return float(max(min(height_px, width_px) // 200, 1))
    raise AssetError(f"pose drawing for model family {family!r} is not known. Take one of: controlnet, wan, xinsir.")


def limb_colours() -> NDArray[np.uint8]:
    """(17, 3) uint8 RGB of the limbs: their joints' colours, darker."""
    return (COLOURS[: len(LIMBS)] * _LIMB_SHARE).astype(np.uint8)


def draw_pose(
    canvas: NDArray[np.uint8], joints_px: NDArray[np.floating], seen: NDArray[np.bool_], half_px: float = HALF_WIDTH_PX
) -> None:
    """Draw one skeleton over `canvas` (H, W, 3) uint8 RGB, black to begin with.

    joints_px: (18, 2) x, y with pixel centres at .5. seen: (18,) joints to draw; a limb needs both its ends.
    half_px: half-width of the limbs' ellipses and radius of the joints' discs; never less than half a pixel.
    """
    half = max(float(half_px), 0.5)
    for number, (first, second) in enumerate(LIMBS):
        if seen[first] and seen[second]:
            _ellipse(canvas, joints_px[first], joints_px[second], half, limb_colours()[number])
    for number in range(len(JOINTS)):
        if seen[number]:
            _ellipse(canvas, joints_px[number], joints_px[number], half, COLOURS[number])


def _ellipse(
    canvas: NDArray[np.uint8], a: NDArray[np.floating], b: NDArray[np.floating], half: float, colour: NDArray[np.uint8]
) -> None:
    """Fill the ellipse whose long axis is a-b; a disc where they meet."""
    height, width, _ = canvas.shape
    middle, reach = (a + b) / 2, float(np.hypot(*(b - a))) / 2
    long = max(reach, half) if reach < half else reach
    x0, x1 = int(max(middle[0] - long - 1, 0)), int(min(middle[0] + long + 2, width))
    y0, y1 = int(max(middle[1] - long - 1, 0)), int(min(middle[1] + long + 2, height))
    if x0 >= x1 or y0 >= y1:
        return
    way = (b - a) / (2 * reach) if reach > 1e-6 else np.array([1.0, 0.0])
    x = np.arange(x0, x1) + 0.5 - middle[0]
    y = np.arange(y0, y1)[:, None] + 0.5 - middle[1]
    along, across = x * way[0] + y * way[1], y * way[0] - x * way[1]
    canvas[y0:y1, x0:x1][(along / long) ** 2 + (across / half) ** 2 <= 1.0] = colour
