"""Set and crowd hide each other pixel by pixel, against both laid over each other by hand in their true order."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from calibration.look.measured import read_look
from stages.comp_inputs import Placed, Shot
from stages.comp_order import order_of
from stages.composite import Params, merged
from tests.looks import write_hand_look

H, W = 24, 60
PLAIN = Params(light_wrap=0, grain=0)
NEAR, FAR_OFF = 8.0, 20.0


def soft(left, right):
    """(H, W) alpha: from column to column, over two columns to 0."""
    x = np.arange(W)
    return np.broadcast_to(np.clip(np.minimum(x - left, right - x) / 2 + 0.5, 0, 1), (H, W)).astype(np.float32).copy()


def placed(name, alpha, colour, depth_m, number=1):
    rgba = np.dstack([alpha * c for c in colour] + [alpha]).astype(np.float32)
    z = np.where(alpha > 0, np.float32(depth_m), np.float32(np.inf))
    numbers = np.where(alpha > 0, np.uint32(number), np.uint32(0))
    ids = np.where(alpha >= 0.5, numbers, np.uint32(0))
    nothing = np.zeros((H, W), np.float32)
    return Placed(name, rgba, alpha, nothing + 1, z, ids, numbers, np.zeros((H, W, 2), np.float32), nothing)


def shot():
    half = np.full((H, W, 3), 0.25, np.float16)
    nothing, far = np.zeros((H, W), np.float32), np.full((H, W), 500.0, np.float32)
    return Shot(half, half.astype(np.float32), far, nothing + 1, nothing, far + np.inf, {})


@pytest.fixture(scope="module")
def look(tmp_path_factory):
    return read_look(write_hand_look(tmp_path_factory.mktemp("look"), sigma=0.0).figures)


def frame(layers, look):
    return merged(shot(), order_of(layers), np.ones((H, W), np.float32), (1.0, 1.0, 1.0), look, PLAIN, 1001)


def over(front, back):
    return front.rgba[..., :3] + (1 - front.rgba[..., 3:]) * back


def test_who_stands_behind_a_wall_is_hidden_by_it_and_who_stands_before_it_is_not(look):
    wall = placed("set", soft(10, 40), (0.5, 0.4, 0.3), NEAR)
    crowd = placed("crowd", soft(20, 52), (0.1, 0.2, 0.6), FAR_OFF)
    crowd.depth_m[: H // 2] = np.where(crowd.alpha > 0, np.float32(5.0), np.float32(np.inf))[: H // 2]

    found = frame([wall, crowd], look).picture

    behind = over(wall, over(crowd, shot().rgb))
    before = over(crowd, over(wall, shot().rgb))
    np.testing.assert_allclose(found[: H // 2], before[: H // 2], atol=2e-3)
    np.testing.assert_allclose(found[H // 2 :], behind[H // 2 :], atol=2e-3)


def test_where_soft_edges_meet_nothing_counts_twice(look):
    wall = placed("set", soft(10, 40), (0.5, 0.4, 0.3), NEAR)
    crowd = placed("crowd", soft(39, 52), (0.1, 0.2, 0.6), FAR_OFF)

    found = frame([wall, crowd], look)

    np.testing.assert_allclose(found.picture, over(wall, over(crowd, shot().rgb)), atol=2e-3)
    np.testing.assert_allclose(found.kept, (1 - wall.alpha) * (1 - crowd.alpha), atol=2e-3)


@pytest.mark.parametrize("blur_px", [0.5, 1.0, 1.8])
@pytest.mark.parametrize("near_colour", [(0.5, 0.45, 0.4), (0.13, 0.12, 0.11)])
def test_behind_the_edge_of_a_nearer_piece_is_who_stands_between_and_not_the_farther_piece(look, blur_px, near_colour):
    """Against all three laid over each other by hand. The set is one layer, whose edges hold something of both pieces."""
    near, far = (blurred(part, blur_px) for part in (slanting(W / 2), np.ones((H, W), np.float32)))
    stone, rock = placed("set", near, near_colour, NEAR), placed("set", far, (0.3, 0.25, 0.2), 40.0)
    both = over(stone, rock.rgba[..., :3])
    depth = np.where(near > 0.02, np.float32(NEAR), np.float32(40.0))
    wall = replace(rock, rgba=np.dstack([both, np.ones((H, W))]).astype(np.float32), depth_m=depth)
    crowd = placed("crowd", soft(10, 50), (0.1, 0.2, 0.6), FAR_OFF)

    found = frame([wall, crowd], look).picture

    true = over(stone, over(crowd, rock.rgba[..., :3]))
    hard = over(crowd, both) * (depth > NEAR)[..., None] + both * (depth == NEAR)[..., None]
    off, off_hard = (np.abs(each - true)[:, 4:-4].max(axis=2) for each in (found, hard))
    assert off.max() < 0.35 * off_hard.max()
    assert off.sum() < 0.25 * off_hard.sum()


def slanting(column):
    """(H, W) alpha of what fills the left, up to a line that leans."""
    y, x = np.mgrid[:H, :W] + 0.5
    return np.clip(column + 0.4 * (y - H / 2) - x + 0.5, 0, 1).astype(np.float32)


def blurred(alpha, sigma_px):
    return cv2.GaussianBlur(alpha, (0, 0), sigma_px, borderType=cv2.BORDER_REPLICATE)


def test_nobodys_outline_shows_through_a_wall(look):
    wall = placed("set", np.ones((H, W), np.float32), (0.5, 0.4, 0.3), NEAR)
    crowd = placed("crowd", soft(20, 40), (0.0, 0.0, 0.9), FAR_OFF)

    alone, found = frame([wall], look), frame([wall, crowd], look)

    np.testing.assert_array_equal(found.final, alone.final)


def test_who_stands_at_a_wall_is_not_cut_by_it(look):
    """Nearer than a figure's own depth: the order of the layers holds."""
    wall = placed("set", soft(10, 50), (0.5, 0.4, 0.3), NEAR)
    crowd = placed("crowd", soft(20, 40), (0.1, 0.2, 0.6), NEAR + 0.2)

    assert order_of([wall, crowd]).front is None
    np.testing.assert_allclose(frame([wall, crowd], look).picture, over(crowd, over(wall, shot().rgb)), atol=2e-3)


def test_the_crowds_own_layer_is_what_is_seen_of_it():
    wall = placed("set", soft(10, 30), (0.5, 0.4, 0.3), NEAR)
    crowd = placed("crowd", soft(20, 52), (0.1, 0.2, 0.6), FAR_OFF, number=7)

    built, seen = order_of([wall, crowd]).seen

    assert built is wall
    np.testing.assert_allclose(seen.rgba, crowd.rgba * (1 - wall.rgba[..., 3:]), atol=1e-3)
    assert not seen.ids[:, 22:28].any()
    assert (seen.ids[:, 34:50] == 7).all()
    assert np.isinf(seen.depth_m[:, 22:28]).all()


@pytest.mark.parametrize("names", [("set",), ("crowd",), ("far", "crowd")])
def test_without_both_there_is_no_question(names):
    layers = [placed(name, soft(10, 30), (0.5, 0.4, 0.3), 5.0) for name in names]

    found = order_of(layers)

    assert found.front is None
    assert found.seen is layers
