"""Light wrap: towards the light beside a layer, by how bright it is, and only at the layer's own silhouette."""

from __future__ import annotations

import numpy as np
import pytest

from stages.comp_edges import wrapped
from stages.comp_inputs import Placed

H, W, SIGMA = 60, 90, 2.0
LAYER = slice(20, 50), slice(30, 70)
GREY = 0.1


def placed(visible: np.ndarray | None = None) -> Placed:
    """A grey box; of it, what `visible` (H, W) leaves."""
    alpha = np.zeros((H, W), np.float32)
    alpha[LAYER] = 1
    seen = np.ones_like(alpha) if visible is None else visible
    rgba = np.dstack([alpha * GREY] * 3 + [alpha]).astype(np.float32) * seen[..., None]
    numbers = (alpha > 0).astype(np.uint32)
    still, held = np.zeros((H, W, 2), np.float32), np.zeros_like(alpha)
    return Placed("crowd", rgba, alpha, seen, np.ones_like(alpha), numbers, numbers, still, held)


def plate(value: float) -> np.ndarray:
    return np.full((H, W, 3), value, np.float32)


def risen(layer: Placed, behind: np.ndarray, amount: float = 0.6, white: float = 1.0) -> np.ndarray:
    """How much green rose, (H, W)."""
    return (wrapped(layer, behind, amount, SIGMA, white) - layer.rgba)[..., 1]


def test_a_bright_plate_wraps_at_the_edge_and_fades_inside() -> None:
    rise = risen(placed(), plate(0.8))

    across = rise[35, LAYER[1]]
    assert (np.diff(across[:7]) <= 0).all()
    assert across[0] == pytest.approx(0.6 * 0.4 * 0.8 * (0.8 - GREY), rel=0.15)  # four tenths of the light get there
    assert (rise[27:43, 37:63] == 0).all()
    assert (rise[placed().alpha == 0] == 0).all()


def test_a_darker_plate_changes_nothing() -> None:
    assert (risen(placed(), plate(0.5 * GREY)) == 0).all()


def test_wrap_grows_with_the_plates_brightness_faster_than_the_light_itself() -> None:
    shade, sky = (risen(placed(), plate(value))[35, 30] / value for value in (0.2, 0.8))

    assert sky > 4 * shade > 0


def test_no_pixel_becomes_brighter_than_the_light_nor_changes_its_alpha() -> None:
    layer, behind = placed(), plate(0.7)

    out = wrapped(layer, behind, 10.0, SIGMA, 0.1)

    assert out[..., :3].max() <= 0.7 + 1e-6
    np.testing.assert_array_equal(out[..., 3], layer.rgba[..., 3])


def test_coloured_light_keeps_its_colour() -> None:
    behind = plate(GREY)
    behind[..., 0] = 0.9

    rise = (wrapped(placed(), behind, 0.6, SIGMA, 1.0) - placed().rgba)[35, 30]

    assert rise[0] > 0.01
    assert rise[1] == rise[2] == pytest.approx(0, abs=1e-7)


def test_nothing_wraps_where_the_plate_stands_before_the_layer() -> None:
    """The lower half is behind a rock: along the rock's edge the layer has no silhouette of its own."""
    seen = np.ones((H, W), np.float32)
    seen[40:] = 0

    rise = risen(placed(seen), plate(0.8))

    assert rise[39, 40:60].max() == 0
    assert rise[20, 40:60].min() > 0.01


def test_what_is_cut_out_is_what_the_whole_picture_gives() -> None:
    """A speck in a far corner makes the cut as large as the picture."""
    behind = np.random.default_rng(2).random((H, W, 3), np.float32)
    near, far = placed(), placed()
    far.alpha[0, 0] = far.alpha[-1, -1] = 1e-6

    out = [wrapped(layer, behind, 0.6, SIGMA, 1.0)[LAYER] for layer in (near, far)]

    np.testing.assert_allclose(out[0], out[1], atol=1e-6)


def test_an_empty_layer_and_an_amount_of_nothing_keep_the_bits() -> None:
    empty = placed(np.zeros((H, W), np.float32))
    empty.alpha[:] = 0

    assert (risen(empty, plate(1)) == 0).all()
    assert (risen(placed(), plate(1), amount=0.0) == 0).all()


def test_the_reach_follows_the_plates_width_unless_it_is_said() -> None:
    said, by_width = (wrapped(placed(), plate(0.8), 0.6, sigma, 1.0) for sigma in (W / 400, 0.0))

    np.testing.assert_array_equal(said, by_width)
