"""Facts of the crowd's pose maps: equal to the readable drawing, and of the sizes that each model family saw."""

from __future__ import annotations

import numpy as np
import pytest

from assets.guides.openpose import COLOURS, LIMBS, draw_pose, half_width_px, limb_colours
from pipeline.kernels.posemap import draw_poses, hide_joints

_LIMBS = np.array(LIMBS, np.int32)


def drawn(size: tuple[int, int], joints: np.ndarray, seen: np.ndarray, half: float) -> np.ndarray:
    canvas = np.zeros((*size, 3), np.uint8)
    draw_poses(canvas, joints, seen, half, _LIMBS, limb_colours(), COLOURS)
    return canvas


@pytest.mark.parametrize("half", [0.2, 1.0, 4.0, 5.0, 12.0])
def test_equals_the_readable_drawing_in_every_byte(half: float):
    random = np.random.default_rng(int(10 * half))
    joints, seen = random.uniform(-30, 230, (9, 18, 2)), random.random((9, 18)) < 0.8
    joints[0, 3] = joints[0, 2]  # a limb without length
    twin = np.zeros((170, 200, 3), np.uint8)

    for at, told in zip(joints, seen, strict=True):
        draw_pose(twin, at, told, half)

    assert np.array_equal(drawn((170, 200), joints, seen, half), twin)


def test_a_crowd_over_a_picture_is_painted_as_if_one_after_the_other():
    """So many that most of their strokes lie under others, on a picture whose sides are no whole number of tiles."""
    random = np.random.default_rng(3)
    joints = random.uniform(-4, 60, (300, 1, 2)) + random.normal(0, 5, (300, 18, 2))
    seen = random.random((300, 18)) < 0.7
    canvas = random.integers(0, 255, (37, 53, 3)).astype(np.uint8)
    twin = canvas.copy()

    for at, told in zip(joints, seen, strict=True):
        draw_pose(twin, at, told, 3.0)
    draw_poses(canvas, joints, seen, 3.0, _LIMBS, limb_colours(), COLOURS)

    assert np.array_equal(canvas, twin)


@pytest.mark.parametrize(
    ("family", "size", "half"),
    [
        ("controlnet", (1080, 1920), 4),
        ("xinsir", (1080, 1920), 12),
        ("xinsir", (400, 480), 4),
        ("wan", (1080, 1920), 5),
    ],
)
def test_strokes_have_the_width_and_colour_of_the_family(family: str, size: tuple[int, int], half: int):
    """By hand: a level upper arm from (80.5, 60.5) to (300.5, 60.5), and nothing else."""
    joints, seen = np.full((1, 18, 2), -500.0), np.zeros((1, 18), bool)
    joints[0, 2], joints[0, 3] = (80.5, 60.5), (300.5, 60.5)
    seen[0, [2, 3]] = True

    canvas = drawn(size, joints, seen, half_width_px(family, *size))

    assert np.flatnonzero(canvas[:, 190].any(axis=1)).tolist() == list(range(60 - half, 61 + half))
    assert canvas[60, 190].tolist() == [153, 102, 0]  # 60% of limb 2: 255, 170, 0
    shoulder = (canvas == (255, 170, 0)).all(axis=2)
    assert shoulder[60 - half, 80]
    assert not shoulder[60 - half - 1].any()
    assert np.flatnonzero(shoulder[60]).tolist() == list(range(80 - half, 81 + half))
    assert canvas[60, 300].tolist() == [255, 255, 0]


def test_who_comes_later_lies_on_top():
    joints = np.full((2, 18, 2), 50.5)
    seen = np.zeros((2, 18), bool)
    seen[0, 0], seen[1, 7] = True, True

    assert drawn((100, 100), joints, seen, 4)[50, 50].tolist() == COLOURS[7].tolist()


def test_joints_far_outside_or_nowhere_are_harmless():
    for value in (1e9, -1e9, np.nan, np.inf):
        assert not drawn((64, 64), np.full((1, 18, 2), value), np.ones((1, 18), bool), 4.0).any()


def test_a_joint_is_hidden_by_others_but_not_by_the_own_body():
    depth, slot = np.full((8, 8), 5.0, np.float32), np.zeros((8, 8), np.int32)
    depth[:, 4:], slot[:, 4:] = np.inf, -1
    joints = np.zeros((2, 18, 3), np.float32)
    joints[..., 2] = 5.2
    joints[1, 5:, 2] = 5.1
    at = np.full((2, 18, 2), 2.5, np.float32)
    at[:, 17] = 6.5  # where nobody is
    at[:, 16] = 99.0
    face, seen = np.zeros(18, bool), np.ones((2, 18), bool)
    face[0] = True

    hide_joints(joints, at, np.array([0, 1], np.int32), depth, slot, face, np.array([0.15, 0.15]), -0.05, seen)

    assert not seen[0, 0]  # the face is turned away
    assert seen[0, 1:].all()
    assert not seen[1, :5].any()
    assert seen[1, 5:].all()
