"""Draw the skeletons of a whole crowd as pose maps; assets.guides.openpose.draw_pose is its readable twin, equal in every byte."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from pipeline.kernels.splat import check

Bytes = NDArray[np.uint8]
_TILE_BITS = 3  # tiles of 8 x 8 pixels


def draw_poses(
    canvas: Bytes,
    joints_px: NDArray[np.float64],
    seen: NDArray[np.bool_],
    half_px: float,
    limbs: NDArray[np.int32],
    limb_colours: Bytes,
    joint_colours: Bytes,
) -> None:
    """Draw N skeletons over `canvas` (H, W, 3) uint8 in the order given, each one's limbs, then its joints.

    joints_px: (N, 18, 2) float64, pixel centres at .5. seen: (N, 18) joints to draw; a limb needs both its ends.
    half_px: half-width of limbs and radius of joints. limbs: (L, 2) int32. limb_colours: (L, 3), joint_colours: (18, 3)
    uint8. Raises ValueError on another shape or dtype.
    """
    count, joints = seen.shape
    check("canvas", canvas, np.uint8, (*canvas.shape[:2], 3))
    check("joints_px", joints_px, np.float64, (count, joints, 2))
    check("seen", seen, np.bool_, (count, joints))
    check("limbs", limbs, np.int32, (len(limbs), 2))
    check("limb_colours", limb_colours, np.uint8, (len(limbs), 3))
    check("joint_colours", joint_colours, np.uint8, (joints, 3))
    if len(limbs) and (limbs.min() < 0 or limbs.max() >= joints):
        raise ValueError(f"limbs name joints outside 0..{joints - 1}")
    height, width = canvas.shape[:2]
    tile = 1 << _TILE_BITS
    # How many pixels of each tile nothing is painted on.
    free = np.outer(*(np.minimum(size - np.arange(0, size, tile), tile) for size in (height, width))).astype(np.int32)
    ends = np.arange(joints, dtype=np.int32)
    strokes = np.concatenate([limbs, np.stack([ends, ends], axis=1)])
    colours = np.concatenate([limb_colours, joint_colours])
    painted = np.zeros((height, width), np.bool_)
    _draw_poses(canvas, painted, free, joints_px, seen, max(float(half_px), 0.5), strokes, colours)


def hide_joints(
    joints_camera: NDArray[np.float32],
    joints_px: NDArray[np.float32],
    agents: NDArray[np.int32],
    depth: NDArray[np.float32],
    slot: NDArray[np.int32],
    face: NDArray[np.bool_],
    slack_m: NDArray[np.float64],
    own_slack_m: float,
    seen: NDArray[np.bool_],
) -> None:
    """Take from `seen` (N, 18) the joints that another agent hides, and face joints turned away, hidden by the own head.

    joints_camera: (N, 18, 3) float32 metres; joints_px: (N, 18, 2) float32. agents: (N,) row of each in `slot` (H, W), what each pixel
    sees at `depth` (H, W). face: (18,). slack_m: (N,) how far a joint lies under its own skin at most; own_slack_m: the
    same for face joints. Joints outside the picture stay as they are.
    """
    count, joints = seen.shape
    check("joints_camera", joints_camera, np.float32, (count, joints, 3))
    check("joints_px", joints_px, np.float32, (count, joints, 2))
    check("agents", agents, np.int32, (count,))
    check("depth", depth, np.float32, slot.shape)
    check("slot", slot, np.int32, depth.shape)
    check("face", face, np.bool_, (joints,))
    check("slack_m", slack_m, np.float64, (count,))
    _hide_joints(joints_camera, joints_px, agents, depth, slot, face, slack_m, own_slack_m, seen)


@njit(cache=True)
def _hide_joints(joints_camera, joints_px, agents, depth, slot, face, slack_m, own_slack_m, seen):
    height, width = depth.shape
    for n in range(len(seen)):
        for j in range(seen.shape[1]):
            x, y = joints_px[n, j, 0], joints_px[n, j, 1]
            if not (0.0 <= x < width and 0.0 <= y < height):
                continue
            column, row = int(x), int(y)
            there = slot[row, column]
            if there < 0:
                continue
            behind = np.float64(joints_camera[n, j, 2]) - depth[row, column]
            if there == agents[n]:
                if face[j] and behind > own_slack_m + slack_m[n]:
                    seen[n, j] = False
            elif behind > slack_m[n]:
                seen[n, j] = False


@njit(cache=True)
def _any_free(free, x0, x1, y0, y1):
    """Whether a tile that a box touches has a pixel left that nothing is painted on."""
    for j in range(y0 >> _TILE_BITS, ((y1 - 1) >> _TILE_BITS) + 1):
        for i in range(x0 >> _TILE_BITS, ((x1 - 1) >> _TILE_BITS) + 1):
            if free[j, i] > 0:
                return True
    return False


@njit(cache=True, error_model="numpy")
def _fill(canvas, painted, free, middle_x, middle_y, long, way_x, way_y, half, red, green, blue):
    """An ellipse, or a disc where `long` is `half`, on pixels that are not painted yet. Arithmetic as in the twin, so bytes
    agree."""
    height, width = painted.shape
    wide = np.sqrt((long * way_x) ** 2 + (half * way_y) ** 2) + 1e-6
    tall = np.sqrt((long * way_y) ** 2 + (half * way_x) ** 2) + 1e-6
    if not (
        middle_x + wide >= 0.0 and middle_x - wide <= width and middle_y + tall >= 0.0 and middle_y - tall <= height
    ):
        return
    x0, x1 = int(max(np.ceil(middle_x - wide - 0.5), 0.0)), int(min(np.floor(middle_x + wide - 0.5) + 1, float(width)))
    y0, y1 = int(max(np.ceil(middle_y - tall - 0.5), 0.0)), int(min(np.floor(middle_y + tall - 0.5) + 1, float(height)))
    if x0 >= x1 or y0 >= y1 or not _any_free(free, x0, x1, y0, y1):
        return
    for row in range(np.uintp(y0), np.uintp(y1)):
        y = row + 0.5 - middle_y
        for column in range(np.uintp(x0), np.uintp(x1)):
            if painted[row, column]:
                continue
            x = column + 0.5 - middle_x
            along, across = (x * way_x + y * way_y) / long, (y * way_x - x * way_y) / half
            if along * along + across * across <= 1.0:
                painted[row, column] = True
                free[row >> np.uintp(_TILE_BITS), column >> np.uintp(_TILE_BITS)] -= 1
                canvas[row, column, 0] = red
                canvas[row, column, 1] = green
                canvas[row, column, 2] = blue


@njit(cache=True, error_model="numpy")
def _draw_poses(canvas, painted, free, joints_px, seen, half, strokes, colours):
    """From the last to the first: each pixel is painted once, by what lies on top of it."""
    for back in range(1, len(seen) + 1):
        n = np.uintp(len(seen) - back)
        for under in range(1, len(strokes) + 1):
            k = np.uintp(len(strokes) - under)
            a, b = np.uintp(strokes[k, 0]), np.uintp(strokes[k, 1])
            if not (seen[n, a] and seen[n, b]):
                continue
            ax, ay, bx, by = joints_px[n, a, 0], joints_px[n, a, 1], joints_px[n, b, 0], joints_px[n, b, 1]
            reach, way_x, way_y = 0.0, 1.0, 0.0
            if a != b:
                reach = np.hypot(bx - ax, by - ay) / 2
                if reach > 1e-6:
                    way_x, way_y = (bx - ax) / (2 * reach), (by - ay) / (2 * reach)
            _fill(canvas, painted, free, (ax + bx) / 2, (ay + by) / 2, max(reach, half), way_x, way_y, half,
                  colours[k, 0], colours[k, 1], colours[k, 2])  # fmt: skip
