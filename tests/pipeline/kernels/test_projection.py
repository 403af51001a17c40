"""Points under a projector get the colour that it throws on them, and only where it reaches."""

import numpy as np
import pytest

from pipeline.kernels.projection import look_up
from pipeline.kernels.splat import pyramid

FOCAL, WIDTH, HEIGHT = 40.0, 64, 48


def matrix():
    """A projector at the origin of the world that looks along +z."""
    return np.array([[FOCAL, 0, WIDTH / 2, 0], [0, FOCAL, HEIGHT / 2, 0], [0, 0, 1, 0]], np.float64)


def ramp(alpha=1.0):
    """Red grows to the right, green downwards; premultiplied."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    straight = np.stack([x / WIDTH, y / HEIGHT, np.full_like(x, 0.25)], axis=-1)
    rgba = np.concatenate([straight * alpha, np.full((HEIGHT, WIDTH, 1), alpha)], axis=-1)
    return pyramid(rgba[None].astype(np.float32), np.zeros((1, HEIGHT, WIDTH), np.float32))


def asked(points, *, normals=None, focals=None, painting=None, depth=None, bias_m=0.1):
    points = np.array(points, np.float32)
    facing = np.tile(np.array([0, 0, -1], np.float32), (len(points), 1)) if normals is None else normals
    shown = np.full(len(points), FOCAL / 4, np.float32) if focals is None else np.array(focals, np.float32)
    wall = np.full((HEIGHT, WIDTH), 4.0, np.float32) if depth is None else depth
    return look_up(points, facing, shown, painting or ramp(), matrix(), wall, bias_m)


def test_colour_is_the_painting_where_the_point_projects():
    points = np.array([[0.3, -0.2, 4.0], [-1.4, 0.9, 4.0], [1.13, 1.0, 4.0]])

    colours, known = asked(points)

    x, y = (points[:, :2] / 4 * FOCAL + [WIDTH / 2, HEIGHT / 2]).T
    np.testing.assert_allclose(colours, np.stack([x / WIDTH, y / HEIGHT, np.full(3, 0.25)], axis=1), atol=1e-5)
    assert (known > 0.5).all()


def test_thin_paint_keeps_its_colour():
    """Edges of a painting are half transparent; what they say of the colour is the same."""
    full, thin = asked([[0.3, -0.2, 4.0]])[0], asked([[0.3, -0.2, 4.0]], painting=ramp(0.25))[0]

    np.testing.assert_allclose(full, thin, atol=1e-5)


@pytest.mark.parametrize(
    ("point", "why"),
    [((0.0, 0.0, 5.0), "behind the wall"), ((9.0, 0.0, 4.0), "beside the picture"), ((0.0, 0.0, -4.0), "behind it")],
)
def test_what_the_projector_does_not_see_is_unknown(point, why):
    colours, known = asked([point])

    assert known[0] == 0, why
    assert not colours.any()


def test_nothing_there_shows_nothing():
    _, known = asked([[0, 0, 4.0]], depth=np.full((HEIGHT, WIDTH), np.inf, np.float32))

    assert known[0] == 0


def test_grazing_light_is_trusted_little_and_the_back_not_at_all():
    turned = [(np.sin(a), 0.0, -np.cos(a)) for a in np.radians([0, 80, 88, 95])]

    _, known = asked([[0, 0, 4.0]] * 4, normals=np.array(turned, np.float32))

    assert known[0] == 1
    assert (np.diff(known) < 0).all() or known[3] == known[2] == 0
    assert known[3] == 0


def test_far_views_read_a_coarser_painting():
    """A fine check seen from ten times as far is grey, not a sparkle of single texels."""
    check = (np.indices((HEIGHT, WIDTH)).sum(0) % 2).astype(np.float32)
    rgba = np.stack([check, check, check, np.ones_like(check)], axis=-1)[None]
    points = np.stack([np.linspace(-1, 1, 50), np.full(50, 0.05), np.full(50, 4.0)], axis=1)

    painting = pyramid(rgba, np.zeros((1, HEIGHT, WIDTH), np.float32))
    near, _ = asked(points, painting=painting, focals=np.full(50, FOCAL))
    far, _ = asked(points, painting=painting, focals=np.full(50, FOCAL / 40))

    assert near.std() > 0.05
    np.testing.assert_allclose(far, 0.5, atol=0.02)


def test_wrong_arrays_are_refused_by_name():
    with pytest.raises(ValueError, match="normals must be"):
        asked([[0, 0, 4.0]], normals=np.zeros((2, 3), np.float32))
