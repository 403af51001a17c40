"""The set's layer: how much of a pixel a piece covers, along edges that hardly lean."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from assets.sets.layer import draw_set
from assets.view import View
from calibration.cameras import look_at
from calibration.lens import project
from pipeline.types import Lens
from stages.seen import rays_of
from tests.assets.sets.test_paintings import boxes

LENS = Lens(120, 90, 100.0, 100.0, 60.3, 45.2, 0.0, 0.0, 0.0, 0.0)
FINE = 16  # samples a pixel and axis, of the truth


def view_of(lens, lean_deg):
    lean = np.radians(lean_deg)
    pose = look_at((0.0, 4.0, 20.0), (0.0, 4.0, 0.0), (np.sin(lean), np.cos(lean), 0.0))
    return View(rays_of(lens, 0, 0), partial(project, lens=lens), pose, pose, 1)


@pytest.mark.parametrize("lean_deg", [1.0, 3.0, 20.0])
def test_an_edge_that_hardly_leans_is_covered_in_quarters(lean_deg):
    """Root mean square of what coverage misses: 0.072 with four steps, 0.144 with the two of a square along the picture."""
    wall = boxes(((-4, 1, -1), (4, 6, 0)))
    fine = Lens(LENS.width * FINE, LENS.height * FINE, *(FINE * v for v in (100.0, 100.0, 60.3, 45.2)))

    drawn = draw_set(view_of(LENS, lean_deg), partial(rays_of, LENS), (wall,), (), 100.0).rgba[..., 3]

    x = fine_cover(fine, lean_deg)
    edge = (x > 0) & (x < 1)
    assert edge.sum() > 100
    assert np.sqrt(np.mean((drawn - x)[edge] ** 2)) < 0.1
    np.testing.assert_array_equal(drawn[~edge], x[~edge])


def test_a_slope_hides_what_of_a_grounded_wall_lies_in_it():
    wall = boxes(((-4, -3, -1), (4, 6, 0)))
    fine = Lens(LENS.width * FINE, LENS.height * FINE, *(FINE * v for v in (100.0, 100.0, 60.3, 45.2)))

    def slope(x, z):
        return 1 + 0.2 * x

    def drawn(piece):
        return draw_set(view_of(LENS, 3.0), partial(rays_of, LENS), (piece,), (), 100.0, slope)

    seen, whole = drawn(replace(wall, grounded=True)), drawn(wall)
    true = fine_cover(fine, 3.0, low=(slope(-4, 0), slope(4, 0)))
    edge = (true > 0) & (true < 1)
    assert np.sqrt(np.mean((seen.rgba[..., 3] - true)[edge] ** 2)) < 0.1
    np.testing.assert_array_equal(seen.rgba[~edge][:, 3], true[~edge])
    assert np.isinf(seen.depth[true == 0]).all()
    assert whole.rgba[..., 3].sum() > 1.3 * true.sum()


def fine_cover(fine, lean_deg, low=(1.0, 1.0)):
    """(H, W) share of each pixel that the wall's front covers: its corners' polygon at every fine sample. low: y of both feet."""
    view = view_of(fine, lean_deg)
    corners = view.pixels(np.array([[-4, low[0], 0], [4, low[1], 0], [4, 6, 0], [-4, 6, 0]], float))
    y, x = np.mgrid[0 : fine.height, 0 : fine.width] + 0.5
    inside = np.ones(x.shape, bool)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) <= 0
    return inside.reshape(LENS.height, FINE, LENS.width, FINE).mean(axis=(1, 3))
