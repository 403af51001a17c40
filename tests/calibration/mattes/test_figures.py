"""Figures cut out one by one, on painted pictures."""

import numpy as np
import pytest

from calibration.depth.views import View
from calibration.mattes.figures import cut_out, filled, ghosts, join, without_mostly
from pipeline.types import Lens

SURE = 5.0
SIZE = (160, 200)
LEFT, RIGHT = (slice(40, 130), slice(50, 80)), (slice(40, 130), slice(120, 150))


def view(picture: np.ndarray) -> View:
    return View(1001, picture, Lens(SIZE[1], SIZE[0], 180.0, 180.0, 100.0, 80.0), np.eye(4))


@pytest.fixture
def picture() -> np.ndarray:
    """A red figure, a blue one beside it, earth around; (160, 200, 3) float32 encoded."""
    earth = np.float32([0.5, 0.45, 0.35]) + 0.02 * np.random.default_rng(4).standard_normal((*SIZE, 3), np.float32)
    earth[LEFT] += np.float32([0.2, -0.3, -0.25])
    earth[RIGHT] += np.float32([-0.4, -0.3, 0.3])
    return earth


def region(*parts) -> np.ndarray:
    out = np.zeros(SIZE, np.bool_)
    for part in parts:
        out[part] = True
    return out


def test_a_figures_unknown_part_is_filled_and_its_neighbour_left_alone(picture):
    """The background behind the red one's head and all of the blue one is unknown: only the head is red."""
    head = (slice(40, 70), LEFT[1])
    rough = region((slice(70, 130), LEFT[1]))
    deviations = np.where(rough, 4 * SURE, 0).astype(np.float32)
    unknown, nowhere = region(head, RIGHT), region()

    matte = cut_out(rough.astype(np.float32), deviations, SURE, view(picture), unknown, unknown, nowhere)

    assert matte[head].mean() > 0.95
    assert matte[RIGHT].mean() < 0.02
    assert matte[~region(LEFT)].mean() < 0.01


def test_cutting_out_twice_gives_the_same(picture):
    rough = region(LEFT, RIGHT)
    given = (np.where(rough, 4 * SURE, 0).astype(np.float32), SURE, view(picture), region(), region(), region())

    first, second = (cut_out(rough.astype(np.float32), *given) for _ in range(2))

    assert np.array_equal(first, second)


def test_nothing_found_stays_nothing(picture):
    nothing = np.zeros(SIZE, np.float32)
    marked = region()

    assert not join(marked, marked, marked).any()
    assert not cut_out(nothing, nothing, SURE, view(picture), region(LEFT), region(LEFT), marked).any()
    assert not without_mostly(marked, region(LEFT)).any()
    assert not ghosts(picture, picture, marked, region(RIGHT)).any()


def test_a_figure_needs_certain_pixels():
    assert join(region(LEFT, RIGHT), region(LEFT), region())[RIGHT].max() == 0
    assert join(region(LEFT, RIGHT), region(LEFT), region())[LEFT].mean() > 0.95


def test_a_ghost_is_where_only_the_look_shows_somebody(picture):
    """The look shows the red one where he was before; the frame shows the earth there, and him where he is now."""
    before = (slice(40, 130), slice(5, 35))
    behind = picture.copy()
    behind[before] = picture[LEFT]
    figure, ground = region((slice(60, 120), slice(55, 75))), region((slice(0, 160), slice(160, 200)))

    found = ghosts(picture, behind, figure, ground)

    assert found[before].mean() > 0.8
    assert not found[LEFT].any()
    assert not found[RIGHT].any()


def test_regions_mostly_doubted_are_dropped_whole_and_others_kept_whole():
    strip, figure = (slice(40, 130), slice(10, 13)), LEFT

    kept = without_mostly(region(strip, figure), region(strip, (slice(40, 60), LEFT[1])))

    assert np.array_equal(kept, region(figure))


def test_a_hole_is_filled_unless_the_background_shows_through_it():
    ring = region(LEFT)
    hole = (slice(80, 86), slice(60, 66))
    ring[hole] = False

    assert filled(ring.astype(np.uint8), region())[hole].all()
    assert not filled(ring.astype(np.uint8), region(hole))[hole].any()
