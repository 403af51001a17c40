"""Patches found again: true warps of a picture known in closed form, light, edges, a slow NumPy twin."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from pipeline.kernels import anchor

SIZE = (61, 83)
AT = np.array([[30.3, 28.7], [41.0, 30.0], [52.6, 33.9]])
UPRIGHT = (1.0, 0.0, 0.0, 1.0)


def seen(shape: np.ndarray, middle: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """A smooth picture, its point `middle` moved by `shift` and all around it by `shape` (2, 2)."""
    y, x = np.mgrid[: SIZE[0], : SIZE[1]].astype(float)
    back = np.linalg.inv(shape)
    dx, dy = x - middle[0] - shift[0], y - middle[1] - shift[1]
    u, v = back[0, 0] * dx + back[0, 1] * dy + middle[0], back[1, 0] * dx + back[1, 1] * dy + middle[1]
    waves = np.sin(0.31 * u + 0.2 * v) + np.sin(0.27 * v - 0.11 * u + 1) + np.sin(0.19 * u) * np.cos(0.23 * v)
    return (120 + 30 * waves).astype(np.float32)


def warps(at: np.ndarray) -> np.ndarray:
    return np.concatenate([at, np.tile(UPRIGHT, (len(at), 1))], axis=1)


@pytest.mark.parametrize("light", [(1.0, 0.0), (0.7, 25.0)])
def test_place_and_shape_are_found_whatever_the_light(light):
    shape, shift = np.array([[1.12, 0.05], [-0.04, 0.95]]), np.array([1.4, -0.9])
    patches, inverses = anchor.cut(seen(np.eye(2), AT[1], np.zeros(2)), AT[1:2], 8)
    at = warps(AT[1:2])

    score = anchor.find(light[0] * seen(shape, AT[1], shift) + np.float32(light[1]), patches, inverses, at, 20)

    np.testing.assert_allclose(at[0, :2], AT[1] + shift, atol=0.01)
    np.testing.assert_allclose(at[0, 2:].reshape(2, 2), shape, atol=0.01)
    assert score[0] > 0.999


def test_another_thing_is_not_alike():
    patches, inverses = anchor.cut(seen(np.eye(2), AT[1], np.zeros(2)), AT, 8)
    noise = np.random.default_rng(1).uniform(0, 255, SIZE).astype(np.float32)

    assert (anchor.find(noise, patches, inverses, warps(AT), 10) < 0.8).all()


def test_who_leaves_the_picture_is_told():
    picture = seen(np.eye(2), AT[1], np.zeros(2))
    patches, inverses = anchor.cut(picture, AT, 8)
    at = warps(np.array([[7.0, 30.0], [41.0, 30.0], [np.nan, 30.0]]))

    scores = anchor.find(picture, patches, inverses, at, 5)

    assert scores[0] == scores[2] == -1
    assert scores[1] > 0.5


def test_as_its_numpy_twin():
    first, second = seen(np.eye(2), AT[1], np.zeros(2)), seen(1.05 * np.eye(2), AT[1], np.array([0.6, 0.3]))
    patches, inverses = anchor.cut(first, AT, 6)
    found, twins = warps(AT), warps(AT)

    anchor.find(second, patches, inverses, found, 3)

    for at, patch, inverse in zip(twins, patches, inverses, strict=True):
        for _ in range(3):
            _step(second, patch.astype(float), inverse, at, 6)
    np.testing.assert_allclose(found, twins, atol=1e-4)


def test_the_same_whatever_the_threads():
    picture = seen(1.03 * np.eye(2), AT[1], np.array([0.4, 0.2]))
    patches, inverses = anchor.cut(seen(np.eye(2), AT[1], np.zeros(2)), AT, 8)
    most, found = numba.get_num_threads(), []
    for threads in (1, most):
        numba.set_num_threads(threads)
        at = warps(AT)
        found.append((anchor.find(picture, patches, inverses, at, 6).tobytes(), at.tobytes()))
    numba.set_num_threads(most)

    assert found[0] == found[1]


def test_wrong_arrays_are_named():
    picture = np.zeros(SIZE, np.float32)
    patches, inverses = anchor.cut(picture, AT, 4)

    with pytest.raises(ValueError, match="at is"):
        anchor.cut(picture, AT.astype(np.float32), 4)
    with pytest.raises(ValueError, match="picture is"):
        anchor.find(picture.astype(np.float64), patches, inverses, warps(AT), 1)
    with pytest.raises(ValueError, match="do not fit 3 patches"):
        anchor.find(picture, patches, inverses, warps(AT)[:2], 1)


def _step(picture, patch, inverse, at, half):
    """One inverse compositional step of one patch."""
    y, x = np.mgrid[-half : half + 1, -half : half + 1].astype(float)
    weight = np.exp(-(x**2 + y**2) / (2 * (half / 1.2) ** 2))
    own, shape = patch[1:-1, 1:-1], at[2:].reshape(2, 2)
    by_x, by_y = (patch[1:-1, 2:] - patch[1:-1, :-2]) / 2, (patch[2:, 1:-1] - patch[:-2, 1:-1]) / 2
    mean = (weight * own).sum() / weight.sum()
    slopes = np.stack([by_x, by_y, by_x * x, by_x * y, by_y * x, by_y * y, own - mean, np.ones_like(own)])
    places = [at[1] + shape[1, 0] * x + shape[1, 1] * y, at[0] + shape[0, 0] * x + shape[0, 1] * y]
    off = map_coordinates(picture.astype(float), places, order=1) - own
    step = inverse @ (slopes * weight * off).sum(axis=(1, 2))
    step[:2], step[2:6] = np.clip(step[:2], -1, 1), np.clip(step[2:6], -0.3, 0.3)
    shape = shape @ np.linalg.inv(np.eye(2) + step[2:6].reshape(2, 2))
    at[:2] -= shape @ step[:2]
    at[2:] = shape.ravel()
