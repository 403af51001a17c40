"""Points under a projector get the colour that it throws on them, and only where it reaches."""

import numpy as np
import pytest

from pipeline.kernels.projection import PIXEL, TAKEN_BY, TEXEL_VARIANCE, blend, look_up
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
    return pyramid(rgba[None].astype(np.float32), np.ones((1, HEIGHT, WIDTH), np.float32))


def asked(points, *, normals=None, focal=FOCAL, painting=None, depth=None, bias_m=0.1):
    """What a camera that stands where the projector does is told."""
    points = np.array(points, np.float32)
    facing = np.tile(np.array([0, 0, -1], np.float32), (len(points), 1)) if normals is None else normals
    wall = np.full((HEIGHT, WIDTH), 4.0, np.float32) if depth is None else depth
    return look_up(points, facing, np.eye(4), focal, painting or ramp(), matrix(), wall, bias_m)


def test_colour_is_the_painting_where_the_point_projects():
    points = np.array([[0.3, -0.2, 4.0], [-1.4, 0.9, 4.0], [1.13, 1.0, 4.0]])

    colours, known, quality = asked(points)

    x, y = (points[:, :2] / 4 * FOCAL + [WIDTH / 2, HEIGHT / 2]).T
    np.testing.assert_allclose(colours, np.stack([x / WIDTH, y / HEIGHT, np.full(3, 0.25)], axis=1), atol=3e-4)
    assert (known > 0.5).all()
    cosines = 4 / np.linalg.norm(points, axis=1)
    np.testing.assert_allclose(quality, FOCAL / 4 * cosines, rtol=1e-5)


def test_thin_paint_keeps_its_colour():
    """Edges of a painting are half transparent; what they say of the colour is the same."""
    full, thin = (asked([[0.3, -0.2, 4.0]], painting=each)[0] for each in (ramp(), ramp(0.25)))

    np.testing.assert_allclose(full, thin, atol=1e-5)


@pytest.mark.parametrize(
    ("point", "why"),
    [((0.0, 0.0, 5.0), "behind the wall"), ((9.0, 0.0, 4.0), "beside the picture"), ((0.0, 0.0, -4.0), "behind it")],
)
def test_what_the_projector_does_not_see_is_unknown(point, why):
    colours, known, _ = asked([point])

    assert known[0] == 0, why
    assert not colours.any()


def test_nothing_there_shows_nothing():
    _, known, _ = asked([[0, 0, 4.0]], depth=np.full((HEIGHT, WIDTH), np.inf, np.float32))

    assert known[0] == 0


def test_grazing_light_is_trusted_little_and_the_back_not_at_all():
    turned = [(np.sin(a), 0.0, -np.cos(a)) for a in np.radians([0, 80, 88, 95])]

    _, known, _ = asked([[0, 0, 4.0]] * 4, normals=np.array(turned, np.float32))

    assert known[0] == 1
    assert (np.diff(known) < 0).all() or known[3] == known[2] == 0
    assert known[3] == 0


def weave(x, y, fade=1.0):
    """Waves of 6 texels crossing each other: no texel's box aliases them. fade: what of a wave a blur leaves."""
    return 0.5 + 0.5 * fade**2 * np.sin(np.pi / 3 * x) * np.sin(np.pi / 3 * y)


def woven(height=192, width=256, sharp=4):
    """A painting of `weave`, each texel the mean of its square, and its projector 4 m before a wall."""
    y, x = (np.mgrid[0 : height * sharp, 0 : width * sharp] + 0.5) / sharp
    grey = weave(x, y).reshape(height, sharp, width, sharp).mean(axis=(1, 3))
    rgba = np.stack([grey, grey, grey, np.ones_like(grey)], axis=-1)[None]
    project = np.array([[80.0, 0, width / 2, 0], [0, 80.0, height / 2, 0], [0, 0, 1, 0]], np.float64)
    return (pyramid(rgba.astype(np.float32), np.ones((1, height, width), np.float32)), project,
            np.full((height, width), 4.0, np.float32))  # fmt: skip


@pytest.mark.parametrize(("away", "turn"), [(4.0, 0.0), (14.0, 0.0), (4.0, 70.0), (9.0, 77.0)])
def test_a_wall_is_filtered_as_if_by_hundreds_of_samples_a_pixel(away, turn):
    """From afar, and so obliquely that a pixel is five times as long as wide."""
    painting, project, depth = woven()
    a = np.radians(turn)
    axes = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = axes, -axes @ (np.array([0.0, 0, 4]) - axes[2] * away)
    focal, side = 260.0, 48

    def met(x, y):
        ways = np.stack([(x - side / 2) / focal, (y - side / 2) / focal, np.ones_like(x)], axis=-1) @ axes
        centre = -axes.T @ pose[:3, 3]
        return centre + ways * ((4 - centre[2]) / ways[..., 2:])

    y, x = np.mgrid[0:side, 0:side] + 0.5
    shown, truth = np.zeros((side, side)), np.zeros((side, side))
    for oy in (-0.25, 0.25):
        for ox in (-0.25, 0.25):
            points = met(x + ox, y + oy).reshape(-1, 3).astype(np.float32)
            facing = np.tile(np.array([0, 0, -1], np.float32), (len(points), 1))
            shown += (
                look_up(points, facing, pose, focal, painting, project, depth, 0.1)[0][:, 0].reshape(side, side) / 4
            )
    steps = np.arange(-1.2, 1.201, 0.15)
    weights = np.exp(-0.5 * (steps / np.hypot(0.25, PIXEL)) ** 2)
    weights /= weights.sum()
    texels = np.sinc(1 / 6) * np.exp(-0.5 * (np.pi / 3) ** 2 * TEXEL_VARIANCE)
    for wy, oy in zip(weights, steps, strict=True):
        for wx, ox in zip(weights, steps, strict=True):
            at = met(x + ox, y + oy)
            truth += wy * wx * weave(at[..., 0] * 20 + 128, at[..., 1] * 20 + 96, texels)

    assert truth.std() > 0.01
    assert np.abs(shown - truth).mean() < 0.0105
    assert np.corrcoef(shown.ravel(), truth.ravel())[0, 1] > 0.998


def test_no_colour_of_an_occluder_comes_through_to_what_lies_behind():
    """A red post before a green wall: what a view past the post sees of the wall is green, or unknown."""
    x = np.arange(WIDTH) + 0.5
    post = np.abs(x - 30) < 6
    depth = np.where(post, 2.0, 4.0).astype(np.float32) * np.ones((HEIGHT, 1), np.float32)
    colour = np.where(post[:, None], (1.0, 0, 0, 1), (0, 1.0, 0, 1)).astype(np.float32)
    painting = pyramid(np.tile(colour, (HEIGHT, 1, 1))[None], np.ones((1, HEIGHT, WIDTH), np.float32))
    u = np.linspace(1, WIDTH - 1, 400)
    points = np.stack([(u - WIDTH / 2) / FOCAL * 4, np.full(400, 0.03), np.full(400, 4.0)], axis=1)

    for focal in (FOCAL, FOCAL / 6):
        colours, known, _ = asked(points, painting=painting, depth=depth, focal=focal)
        assert (known[np.abs(u - 30) < 5.5] == 0).all()
        assert (known[(np.abs(u - 30) > 7) & (np.abs(u - WIDTH / 2) < WIDTH / 2 - 5)] > 0.99).all()
        assert colours[known > 0.05, 0].max() < 0.045
        np.testing.assert_allclose(colours[known > 0.05, 1], 1, atol=0.045)


def test_a_slope_does_not_hide_itself():
    """Depth runs off by twelve times a texel's own size from one texel to the next; the bias is a fifth of that."""
    a = np.radians(85)
    normal = np.array([np.sin(a), 0, -np.cos(a)])
    u, v = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    rays = np.stack([(u - WIDTH / 2) / FOCAL, (v - HEIGHT / 2) / FOCAL, np.ones_like(u)], axis=-1)
    depth = normal @ (0, 0, 4.0) / (rays @ normal)
    seen = (depth > 0.5) & (depth < 8)
    at = rays[seen & (np.abs(v - 20) < 5)][::3]
    points = at * (normal @ (0, 0, 4.0) / (at @ normal))[:, None] + 0
    picture = np.where(seen, depth, np.inf).astype(np.float32)
    _, known, _ = asked(points, normals=np.tile(normal.astype(np.float32), (len(points), 1)), depth=picture, bias_m=0.2)

    inside = (np.abs(points[:, 0] / points[:, 2] * FOCAL) < WIDTH / 2 - 5) & (points[:, 2] < 6) & (points[:, 2] > 1)
    away = -points / np.linalg.norm(points, axis=1, keepdims=True)
    t = np.clip((away @ normal - 0.03) / 0.15, 0, 1)
    np.testing.assert_allclose(known[inside], (t * t * (3 - 2 * t))[inside], atol=1e-3)
    assert inside.sum() > 20


def slow_blend(colours, known, quality):
    """The rule of `blend`, point by point in words."""
    mixed, total = np.zeros(colours.shape[1:]), np.zeros(known.shape[1])
    for n in range(known.shape[1]):
        good = quality[:, n].astype(float) * known[:, n]
        if good.max() > 0:
            t = np.clip((good / good.max() - (1 - 2 * TAKEN_BY)) / (2 * TAKEN_BY), 0, 1)
            weights = known[:, n] * (3 * t**2 - 2 * t**3 + 1e-4)
            mixed[n] = weights @ colours[:, n] / weights.sum()
            total[n] = 1 - np.prod(1 - known[:, n].astype(float))
    return mixed, total


def test_blend_is_its_slow_twin():
    rng = np.random.default_rng(3)
    colours = rng.random((3, 500, 3), np.float32)
    known = (rng.random((3, 500), np.float32) * (rng.random((3, 500)) > 0.3)).astype(np.float32)
    quality = (10 + rng.random((3, 500), np.float32)).astype(np.float32)

    for mine, slow in zip(blend(colours, known, quality), slow_blend(colours, known, quality), strict=True):
        np.testing.assert_allclose(mine, slow, atol=2e-6)


def test_two_paintings_mix_only_where_they_are_nearly_as_good():
    """Black and white over a surface where one gets better as the other gets worse: no ghost, no step."""
    share = np.linspace(0, 1, 1001)
    colours = np.stack([np.zeros((1001, 3)), np.ones((1001, 3))]).astype(np.float32)
    quality = np.stack([1.5 - share, 0.5 + share]).astype(np.float32)

    mixed, total = blend(colours, np.ones((2, 1001), np.float32), quality)

    between = (mixed[:, 0] > 0.02) & (mixed[:, 0] < 0.98)
    assert 0.08 < between.mean() < 0.11
    assert (np.diff(mixed[:, 0]) >= -1e-6).all()
    assert np.diff(mixed[:, 0]).max() < 0.02
    assert (total == 1).all()


def test_far_views_read_a_coarser_painting():
    """A fine check seen from ten times as far is grey, not a sparkle of single texels."""
    check = (np.indices((HEIGHT, WIDTH)).sum(0) % 2).astype(np.float32)
    rgba = np.stack([check, check, check, np.ones_like(check)], axis=-1)[None]
    points = np.stack([np.linspace(-1, 1, 50), np.full(50, 0.05), np.full(50, 4.0)], axis=1)

    painting = pyramid(rgba, np.zeros((1, HEIGHT, WIDTH), np.float32))
    near, *_ = asked(points, painting=painting, focal=4 * FOCAL)
    far, *_ = asked(points, painting=painting, focal=FOCAL / 10)

    assert near.std() > 0.05
    np.testing.assert_allclose(far, 0.5, atol=1e-3)


def test_wrong_arrays_are_refused_by_name():
    with pytest.raises(ValueError, match="normals must be"):
        asked([[0, 0, 4.0]], normals=np.zeros((2, 3), np.float32))
