"""The kernel that follows brightness: its slow twin, the ends of its range, NaN, odd sizes."""

import numpy as np
import pytest

from pipeline.kernels.follow import changes

FLOOR = 0.005


def keys(t):
    """Keys 1981, a = -1/2, as published."""
    t = abs(t)
    if t < 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def twin(before, after, motion):
    """In plain Python, of one surface without edges."""
    height, width = before.shape
    out = np.full(before.shape, np.nan)
    for y in range(height):
        for x in range(width):
            u, v = x + motion[y, x, 0], y + motion[y, x, 1]
            if not (0 <= u < width - 1 and 0 <= v < height - 1):
                continue
            i, j, then = int(u), int(v), 0.0
            for b in range(j - 1, j + 3):
                for a in range(i - 1, i + 3):
                    value = after[min(max(b, 0), height - 1), min(max(a, 0), width - 1)]
                    then += keys(a - u) * keys(b - v) * value
            out[y, x] = (then - before[y, x]) / ((abs(then) + abs(before[y, x])) / 2 + FLOOR)
    return out


def surface(height, width):
    return np.ones((height, width), np.int32), np.full((height, width), 5, np.float32)


def run(before, after, motion):
    ids, depth = surface(*before.shape)
    return changes(before, after, motion, (ids, ids), (depth, depth), FLOOR)


@pytest.mark.parametrize(("height", "width"), [(9, 13), (2, 2), (5, 3)])
def test_it_agrees_with_its_twin(height, width):
    rng = np.random.default_rng(1)
    before, after = rng.uniform(0.05, 1, (2, height, width)).astype(np.float32)
    motion = rng.uniform(-2, 2, (height, width, 2)).astype(np.float32)

    assert np.allclose(run(before, after, motion), twin(before, after, motion), rtol=1e-4, atol=1e-5, equal_nan=True)


def test_what_is_not_solid_there_or_here_cannot_be_told():
    before, after = np.full((2, 6, 6), 0.5, np.float32)
    before[2, 2], after[4, 4] = np.nan, np.nan

    found = run(before, after, np.zeros((6, 6, 2), np.float32))

    assert np.isnan(found[2, 2])
    assert np.isnan(found[3:5, 3:5]).all()
    assert (found[:2, :5] == 0).all()


def test_beside_an_edge_the_rest_is_taken_to_be_alike():
    before, after = np.full((2, 6, 6), 0.5, np.float32)
    after[:, 4:] = np.nan

    found = run(before, after, np.full((6, 6, 2), 0.5, np.float32))

    assert np.allclose(found[:5, :3], 0, atol=1e-6)
    assert np.isnan(found[:5, 3]).all()


@pytest.mark.parametrize("motion", [np.nan, np.inf, -1e6, 1e6])
def test_a_motion_out_of_the_picture_cannot_be_followed(motion):
    picture = np.full((4, 5), 0.5, np.float32)

    assert np.isnan(run(picture, picture, np.full((4, 5, 2), motion, np.float32))).all()


def test_black_stays_black():
    black = np.zeros((4, 4), np.float32)

    assert np.nanmax(np.abs(run(black, black, np.zeros((4, 4, 2), np.float32)))) == 0


def test_shapes_that_do_not_fit_are_refused():
    ids, depth = surface(4, 4)
    picture = np.zeros((4, 4), np.float32)

    with pytest.raises(ValueError, match="do not fit"):
        changes(picture, picture, np.zeros((4, 5, 2), np.float32), (ids, ids), (depth, depth), FLOOR)
