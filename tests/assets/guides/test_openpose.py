"""Facts of pose maps: what pose-conditioned models learnt to read."""

from __future__ import annotations

import numpy as np
import pytest

from assets.guides.openpose import COLOURS, JOINTS, LIMBS, draw_pose, half_width_px
from pipeline.errors import AssetError

ALL = np.ones(18, bool)


def spread() -> np.ndarray:
    """Joints far from each other, so that every disc stays whole."""
    return np.array([(40 + 80 * (i % 6), 60 + 120 * (i // 6)) for i in range(18)], float) + 0.5


def test_joints_and_limbs_have_the_published_order():
    assert JOINTS[0] == "nose"
    assert JOINTS[2] == "right_shoulder"
    assert JOINTS[5] == "left_shoulder"
    assert JOINTS[16:] == ("right_ear", "left_ear")
    assert LIMBS[:4] == ((1, 2), (1, 5), (2, 3), (3, 4))
    assert len(LIMBS) == 17
    assert tuple(COLOURS[0]) == (255, 0, 0)
    assert tuple(COLOURS[17]) == (255, 0, 85)


def test_joints_are_full_colour_discs_of_radius_4_over_everything():
    canvas = np.zeros((400, 520, 3), np.uint8)

    draw_pose(canvas, spread(), ALL)

    for joint, (x, y) in enumerate(spread()):
        assert tuple(canvas[int(y), int(x)]) == tuple(COLOURS[joint])
        assert tuple(canvas[int(y), int(x) + 4]) == tuple(COLOURS[joint])
        assert tuple(canvas[int(y) - 3, int(x) - 2]) == tuple(COLOURS[joint])


def test_limbs_are_ellipses_of_half_width_4_at_60_percent():
    canvas = np.zeros((200, 200, 3), np.uint8)
    joints = np.full((18, 2), -99.0)
    joints[1], joints[2] = (20.5, 100.5), (180.5, 100.5)
    seen = np.zeros(18, bool)
    seen[[1, 2]] = True

    draw_pose(canvas, joints, seen)

    column = np.flatnonzero(canvas[:, 100].any(axis=1))
    assert list(column) == list(range(96, 105))
    assert tuple(canvas[100, 100]) == (153, 0, 0)
    assert len(np.flatnonzero(canvas[:, 50].any(axis=1))) < len(column)  # it narrows towards its ends


def test_a_limb_needs_both_its_joints():
    canvas = np.zeros((400, 520, 3), np.uint8)
    seen = np.zeros(18, bool)
    seen[[1, 2]] = True
    whole = canvas.copy()

    draw_pose(whole, spread(), seen)
    seen[2] = False
    draw_pose(canvas, spread(), seen)

    middle = ((spread()[1] + spread()[2]) / 2).astype(int)
    assert whole[middle[1], middle[0]].any()
    assert not canvas[middle[1], middle[0]].any()


def test_joints_outside_the_picture_are_harmless():
    canvas = np.zeros((64, 64, 3), np.uint8)

    draw_pose(canvas, np.full((18, 2), 1e4), ALL)
    draw_pose(canvas, np.full((18, 2), -1e4), ALL)

    assert not canvas.any()


@pytest.mark.parametrize(
    ("family", "height", "width", "half"),
    [
        ("controlnet", 512, 512, 4),
        ("xinsir", 400, 400, 4),
        ("xinsir", 1024, 768, 12),
        ("xinsir", 9000, 9000, 28),
        ("wan", 480, 832, 2),
        ("wan", 100, 100, 1),
    ],
)
def test_stroke_widths_are_what_each_family_saw(family: str, height: int, width: int, half: float):
    assert half_width_px(family, height, width) == half


def test_an_unknown_family_is_an_error():
    with pytest.raises(AssetError, match="model family 'crayon' is not known"):
        half_width_px("crayon", 512, 512)
