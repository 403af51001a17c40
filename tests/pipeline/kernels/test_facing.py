"""Where surfaces of a relief face, against a ball, whose normals are known."""

import numpy as np
import pytest

from pipeline.kernels.facing import facings

PER_PX = 0.02


def ball(size=64, radius=0.5):
    """Relief, cover and true normals (right, up, towards) of a ball in the middle."""
    y, x = np.mgrid[:size, :size] + 0.5 - size / 2
    right, up = x * PER_PX, -y * PER_PX
    square = radius**2 - right**2 - up**2
    towards = np.sqrt(np.maximum(square, 0))
    cover = (square > 0).astype(np.float32)
    normals = np.stack([right, up, towards], axis=-1) / radius
    return (towards * cover).astype(np.float32), cover, normals


def unit(*way):
    return np.array([way], np.float32) / np.float32(np.linalg.norm(way))


def test_a_ball_faces_all_sides():
    relief, cover, normals = ball()
    to_light, up = unit(0.5, 0.6, 0.4), unit(0, 1, 0.1)
    out = np.full((1, 64, 64, 2), -7, np.float32)

    facings(relief[None], cover[None], to_light, up, PER_PX, out)

    well = (normals[..., 2] > 0.4) & (cover > 0)
    np.testing.assert_allclose(out[0][well][:, 0], np.maximum(normals @ to_light[0], 0)[well], atol=0.08)
    np.testing.assert_allclose(out[0][well][:, 1], (normals @ up[0])[well], atol=0.08)
    assert (out[0][cover == 0] == -7).all()


def test_a_step_does_not_turn_the_surfaces_on_its_sides():
    relief = np.zeros((1, 8, 9), np.float32)
    relief[..., 5:] = 0.7
    out = np.zeros((1, 8, 9, 2), np.float32)

    facings(relief, np.ones_like(relief), unit(0, 0, 1), unit(0, 1, 0), PER_PX, out)

    np.testing.assert_array_equal(out[..., 0], 1)
    np.testing.assert_array_equal(out[..., 1], 0)


def test_one_pixel_faces_the_viewer_and_nothing_is_fine():
    out = np.zeros((1, 1, 1, 2), np.float32)

    facings(*np.ones((2, 1, 1, 1), np.float32), unit(0, 0, 1), unit(0, 1, 0), PER_PX, out)
    facings(
        *np.zeros((2, 0, 3, 3), np.float32),
        *np.zeros((2, 0, 3), np.float32),
        PER_PX,
        np.zeros((0, 3, 3, 2), np.float32),
    )

    np.testing.assert_array_equal(out.ravel(), [1, 0])


def test_what_compiled_code_could_not_read_is_refused():
    relief = np.zeros((1, 3, 3), np.float32)

    with pytest.raises(ValueError, match="up"):
        facings(relief, relief, unit(0, 0, 1), np.zeros((2, 3), np.float32), PER_PX, np.zeros((1, 3, 3, 2), np.float32))
