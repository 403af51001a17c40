"""Motion blur against 64 pictures of the open shutter, figures before and behind each other."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import pytest

from pipeline.kernels.blur import motion_blur

SIZE = (80, 140)
SHUTTER = 0.5


@dataclass(frozen=True)
class Figure:
    """An ellipse with a pattern, at a depth, that moves so many pixels a frame."""

    z_m: float
    middle: tuple[float, float]
    half: tuple[float, float]
    moves: tuple[float, float]
    colour: tuple[float, float, float]
    waves: float


FRONT, BACK = (0.7, 0.2, 0.1), (0.2, 0.3, 0.5)
SCENES = {
    "a runner before what stands": (
        Figure(10, (60, 40), (9, 28), (20, 0), FRONT, 0.6), Figure(30, (68, 40), (60, 22), (0, 0), BACK, 0.3),
    ),
    "who stands before what runs": (
        Figure(10, (70, 40), (11, 32), (0, 0), FRONT, 0.6), Figure(30, (70, 40), (48, 18), (20, 5), BACK, 0.3),
    ),
    "two that meet": (
        Figure(10, (55, 40), (9, 28), (16, 0), FRONT, 0.6), Figure(30, (82, 40), (15, 22), (-16, 3), BACK, 0.3),
    ),
    "over the frame's border": (
        Figure(10, (3, 40), (10, 28), (20, 0), FRONT, 0.6), Figure(30, (137, 40), (10, 28), (20, 0), BACK, 0.3),
    ),
}  # fmt: skip


def drawn(figures, time, samples):
    """(H, W, 4), nearest depth (H, W) and its motion (H, W, 2) at a moment, in frames."""
    y, x = (np.mgrid[0 : SIZE[0] * samples, 0 : SIZE[1] * samples] + 0.5) / samples
    rgba, depth, motion = np.zeros((*x.shape, 4)), np.full(x.shape, np.inf), np.zeros((*x.shape, 2))
    for figure in sorted(figures, key=lambda f: -f.z_m):
        u, v = x - figure.middle[0] - figure.moves[0] * time, y - figure.middle[1] - figure.moves[1] * time
        inside = (u / figure.half[0]) ** 2 + (v / figure.half[1]) ** 2 <= 1
        pattern = 0.6 + 0.4 * np.sin(u * figure.waves) * np.sin(v * figure.waves * 1.3)
        rgba[inside] = np.dstack([*(pattern * c for c in figure.colour), np.ones_like(pattern)])[inside]
        depth[inside], motion[inside] = figure.z_m, figure.moves
    blocks = (SIZE[0], samples, SIZE[1], samples)
    nearest = depth.reshape(blocks).min(axis=(1, 3))
    moves = np.zeros((*SIZE, 2))
    for figure in figures:
        moves[nearest == figure.z_m] = figure.moves
    colour = rgba.reshape(*blocks, 4).mean(axis=(1, 3))
    return colour.astype(np.float32), nearest.astype(np.float32), moves.astype(np.float32)


def blurred(figures):
    layer, depth, motion = drawn(figures, 0.0, 4)
    out, out_depth = np.empty_like(layer), np.empty_like(depth)
    motion_blur(layer, depth, motion, SHUTTER, out, out_depth)
    return layer, out


@pytest.mark.parametrize("scene", SCENES)
def test_sixty_four_moments_of_the_open_shutter(scene):
    """Errors are means over the picture, where white is 1."""
    figures = SCENES[scene]
    truth = np.mean([drawn(figures, ((k + 0.5) / 64 - 0.5) * SHUTTER, 2)[0] for k in range(64)], axis=0)

    layer, out = blurred(figures)

    assert np.abs(out - truth).mean() < 0.0022
    assert np.abs(out - truth).mean() < 0.2 * np.abs(layer - truth).mean()
    assert np.quantile(np.abs(out - truth), 0.99) < 0.25 * np.quantile(np.abs(layer - truth), 0.99)
    assert out[..., 3].sum() == pytest.approx(truth[..., 3].sum(), rel=0.02)


def test_who_stands_in_front_of_what_runs_stays_sharp():
    layer, out = blurred(SCENES["who stands before what runs"])

    np.testing.assert_allclose(out[22:58, 62:79], layer[22:58, 62:79], rtol=1e-6)


def test_threads_give_equal_bytes():
    _, many = blurred(SCENES["two that meet"])
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        _, one = blurred(SCENES["two that meet"])
    finally:
        numba.set_num_threads(before)

    assert one.tobytes() == many.tobytes()


def test_a_shutter_that_opens_late_shows_the_figure_further_along():
    figure = (Figure(10, (60, 40), (9, 28), (16, 0), FRONT, 0.6),)
    layer, depth, motion = drawn(figure, 0.0, 4)
    out, out_depth = np.empty_like(layer), np.empty_like(depth)

    motion_blur(layer, depth, motion, SHUTTER, out, out_depth, late=0.25)

    truth = np.mean([drawn(figure, (k + 0.5) / 64 * SHUTTER, 2)[0] for k in range(64)], axis=0)
    assert np.abs(out - truth).mean() < 0.1 * np.abs(layer - truth).mean()
