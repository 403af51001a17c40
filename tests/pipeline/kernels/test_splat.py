"""Sprites on cards against a slow NumPy twin, and the facts that a comp relies on: place, order, size, filtering."""

import numpy as np
import pytest

from pipeline.kernels.splat import FADE_M, LEG_M, LEVELS, OPAQUE, Cards, pyramid, splat

FOCAL, K1 = 60.0, -0.1
ROOT = (8.0, 29.0)


def lens_rays(height, width, focal=FOCAL):
    """A barrel-distorted lens by fixed-point inversion."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    distorted = np.stack([(x - width / 2) / focal, (y - height / 2) / focal], -1)
    rays = distorted.copy()
    for _ in range(60):
        rays = distorted / (1 + K1 * (rays**2).sum(-1, keepdims=True))
    return rays.astype(np.float32)


def seen_at(point, height, width, focal=FOCAL):
    flat = np.asarray(point[:2]) / point[2]
    return flat * (1 + K1 * (flat**2).sum()) * focal + [width / 2, height / 2]


def sprites(count=3, seed=0, height=32, width=16):
    rng = np.random.default_rng(seed)
    alpha = rng.random((count, height, width, 1)).astype(np.float32) ** 0.5
    return np.concatenate([rng.random((count, height, width, 3)).astype(np.float32) * alpha, alpha], -1), (
        rng.normal(0, 0.2, (count, height, width)).astype(np.float32)
    )


def cards(roots, size=(40, 60), sprite=None, ids=None, **changes):
    """Upright cards that face the camera, nearest first as given; the whole picture is searched."""
    roots = np.array(roots, np.float32)
    n = len(roots)
    normal = np.tile(np.array([0, 0, -1], np.float32), (n, 1))
    given = {
        "roots": roots,
        "rights": np.tile(np.array([1, 0, 0], np.float32), (n, 1)),
        "ups": np.tile(np.array([0, -1, 0], np.float32), (n, 1)),
        "normals": normal,
        "metres_per_px": np.full(n, 2.0 / 32, np.float32),
        "sprites": np.zeros(n, np.int32) if sprite is None else np.array(sprite, np.int32),
        "boxes": np.tile(np.array([0, size[1], 0, size[0]], np.int32), (n, 1)),
        "tints": np.ones((n, 3), np.float32),
        "dims": np.zeros(n, np.float32),
        "leans": np.zeros((n, 2), np.float32),
        "ids": np.arange(1, n + 1, dtype=np.int32) if ids is None else np.array(ids, np.int32),
        "motions": np.zeros((n, 6), np.float32),
    }
    return Cards(**{**given, **changes})


def canvas(height=40, width=60):
    return (
        np.zeros((height, width, 4), np.float32),
        np.full((height, width), np.inf, np.float32),
        np.zeros((height, width), np.int32),
        np.zeros((height, width, 2), np.float32),
    )


def drawn(some, images, size=(40, 60)):
    buffers = canvas(*size)
    splat(lens_rays(*size), some, images, ROOT, *buffers)
    return buffers


# ---------------------------------------------------------------- the slow twin


def twin(rays, some, images, root_px, rgba, depth, ids, motion):
    """The same in NumPy, one pixel and card at a time, float64."""
    height, width = depth.shape
    for n in range(len(some.roots)):
        root, right, up, normal = (a[n].astype(float) for a in (some.roots, some.rights, some.ups, some.normals))
        per_m = 1 / float(some.metres_per_px[n])

        def on_card(x, y, root=root, right=right, up=up, normal=normal):
            ray = np.array([*rays[y, x].astype(float), 1.0])
            z = normal @ root / (normal @ ray)
            return np.array([right @ (z * ray - root), up @ (z * ray - root)]), z

        for y in range(some.boxes[n, 2], some.boxes[n, 3]):
            for x in range(some.boxes[n, 0], some.boxes[n, 1]):
                if rgba[y, x, 3] >= OPAQUE:
                    continue
                (u, v), z = on_card(x, y)
                bx, by = (x + 1 if x + 1 < width else x - 1), (y + 1 if y + 1 < height else y - 1)
                dx, dy = (on_card(bx, y)[0] - (u, v)) * (bx - x), (on_card(x, by)[0] - (u, v)) * (by - y)
                dx, dy = dx * (per_m, -per_m), dy * (per_m, -per_m)
                lod = np.log2(max(0.5 * max(np.linalg.norm(dx), np.linalg.norm(dy)), 1e-6))
                leg = np.clip(1 - v / LEG_M, 0, 1)
                at = root_px + ((u, v) - leg * some.leans[n]) * (per_m, -per_m)
                offsets = [(ox, oy) for oy in (-0.25, 0.25) for ox in (-0.25, 0.25)]
                colour = np.mean(
                    [trilinear(images, some.sprites[n], at + ox * dx + oy * dy, lod) for ox, oy in offsets], 0
                )
                alpha = colour[3]
                if alpha <= 0:
                    continue
                light = (1 - rgba[y, x, 3]) * (1 - some.dims[n] * np.clip(1 - v / FADE_M, 0, 1))
                rgba[y, x, :3] += light * some.tints[n] * colour[:3]
                rgba[y, x, 3] += (1 - rgba[y, x, 3]) * alpha
                if ids[y, x] == 0 and (alpha > 0.5 or np.isinf(depth[y, x])):
                    depth[y, x] = z + normal[2] * colour[4] / alpha
                    motion[y, x] = some.motions[n, :2] + u * some.motions[n, 2:4] + v * some.motions[n, 4:]
                    ids[y, x] = some.ids[n] if alpha > 0.5 else 0


def trilinear(images, sprite, at, lod):
    lod = np.clip(lod, 0, LEVELS - 1)
    level = min(int(lod), LEVELS - 2)
    low, high = (bilinear(images, sprite, at, step) for step in (level, level + 1))
    return (1 - lod + level) * low + (lod - level) * high


def bilinear(images, sprite, at, level):
    first, rows, columns = images.shapes[level]
    picture = images.texels[sprite, first : first + rows * columns].reshape(rows, columns, -1).astype(float)
    padded = np.pad(picture, ((1, 2), (1, 2), (0, 0)))
    x, y = np.clip(at / 2**level + 0.5, 0, (columns + 1, rows + 1))
    i, j = int(x), int(y)
    a, b = x - i, y - j
    top = padded[j, i] * (1 - a) + padded[j, i + 1] * a
    return top * (1 - b) + (padded[j + 1, i] * (1 - a) + padded[j + 1, i + 1] * a) * b


@pytest.mark.parametrize("size", [(40, 60), (33, 47), (24, 31)])
def test_splat_agrees_with_its_numpy_twin(size):
    images = pyramid(*sprites())
    tilt = (np.array([0.3, 0.1, -0.95]) / np.linalg.norm([0.3, 0.1, -0.95])).astype(np.float32)
    right = (np.array([0.95, 0, 0.3]) / np.hypot(0.95, 0.3)).astype(np.float32)
    some = cards(
        [[0.2, 0.8, 2.0], [-0.4, 0.9, 4.0], [0.6, 1.0, 9.0]],
        size,
        sprite=[0, 2, 1],
        normals=np.tile(tilt, (3, 1)),
        rights=np.tile(right, (3, 1)),
        ups=np.tile(np.cross(right, tilt), (3, 1)).astype(np.float32),
        tints=np.array([[1, 0.9, 0.8], [1.1, 1, 1], [0.7, 1, 1.2]], np.float32),
        dims=np.array([0.5, 0, 0.2], np.float32),
        leans=np.array([[0.1, 0.02], [0, 0], [-0.2, 0]], np.float32),
        motions=np.random.default_rng(1).normal(0, 1, (3, 6)).astype(np.float32),
    )

    ours, theirs = drawn(some, images, size), canvas(*size)
    twin(lens_rays(*size), some, images, ROOT, *theirs)

    for mine, slow in zip(ours, theirs, strict=True):
        assert np.isfinite(mine).sum() == np.isfinite(slow).sum()
        np.testing.assert_allclose(mine, slow, rtol=2e-4, atol=2e-4)
    assert (ours[2] > 0).any()


@pytest.mark.parametrize("root", [(0.0, 0.3, 3.0), (-1.1, 0.55, 3.0), (1.5, 0.6, 5.0)])
def test_root_of_a_sprite_lies_where_the_lens_puts_it(root):
    """A bright dot painted at the root must have its centroid at the projected point, through distortion."""
    dot = np.zeros((1, 32, 16, 4), np.float32)
    dot[0, 28:30, 7:9] = 1  # centred on ROOT
    size = (80, 120)
    rays, buffers = lens_rays(*size, focal=2 * FOCAL), canvas(*size)

    splat(rays, cards([root], size), pyramid(dot, dot[..., 0]), ROOT, *buffers)

    alpha = buffers[0][..., 3].astype(float)
    y, x = np.mgrid[0:80, 0:120] + 0.5
    centre = [(x * alpha).sum() / alpha.sum(), (y * alpha).sum() / alpha.sum()]
    np.testing.assert_allclose(centre, seen_at(root, *size, focal=2 * FOCAL), atol=0.1)


def test_lean_moves_the_feet_and_leaves_the_head():
    """Bright dots at the root and above the leg: the first moves by the lean, the second stays."""
    dots = np.zeros((1, 32, 16, 4), np.float32)
    dots[0, 28:30, 7:9] = dots[0, 4:6, 7:9] = 1
    size = (120, 120)

    def centres(**changes):
        buffers = canvas(*size)
        still = cards([[0, 0.9, 3.0]], size, **changes)
        splat(lens_rays(*size, focal=2 * FOCAL), still, pyramid(dots, dots[..., 0]), ROOT, *buffers)
        alpha, x = buffers[0][..., 3].astype(float), np.arange(120) + 0.5
        return [(part * x).sum() / part.sum() for part in (alpha[70:], alpha[:50])]

    still, leaning = centres(), centres(leans=np.array([[0.1, 0.0]], np.float32))

    assert leaning[0] - still[0] == pytest.approx(0.1 / 3 * 2 * FOCAL, abs=0.15)
    assert leaning[1] == pytest.approx(still[1], abs=1e-6)


def test_near_hides_far_and_gives_depth_id_and_motion():
    solid = np.ones((2, 32, 16, 4), np.float32)
    solid[0, ..., :3], solid[1, ..., :3] = (1, 0, 0), (0, 1, 0)
    motions = np.zeros((2, 6), np.float32)
    motions[:, 0] = (-3, 5)

    rgba, depth, ids, motion = drawn(
        cards([[0, 1.0, 4.0], [0.1, 1.0, 8.0]], sprite=[1, 0], ids=[90, 70], motions=motions),
        pyramid(solid, np.zeros((2, 32, 16), np.float32)),
    )

    x, y = seen_at((0, 0.5, 4.0), 40, 60).astype(int)
    np.testing.assert_allclose(rgba[y, x], [0, 1, 0, 1], atol=1e-5)
    assert depth[y, x] == pytest.approx(4.0)
    assert ids[y, x] == 90
    assert motion[y, x, 0] == -3


def test_relief_lies_between_the_viewer_and_the_card():
    solid = np.ones((1, 32, 16, 4), np.float32)

    _, depth, _, _ = drawn(cards([[0, 1.0, 4.0]]), pyramid(solid, np.full((1, 32, 16), 0.25, np.float32)))

    assert np.nanmin(depth[np.isfinite(depth)]) == pytest.approx(3.75, abs=1e-5)


def test_thin_cover_leaves_the_id_but_shows_depth():
    thin = np.full((1, 32, 16, 4), 0.3, np.float32)

    rgba, depth, ids, _ = drawn(cards([[0, 1.0, 4.0]]), pyramid(thin, np.zeros((1, 32, 16), np.float32)))

    assert rgba[..., 3].max() == pytest.approx(0.3, abs=1e-6)
    assert ids.max() == 0
    assert np.isfinite(depth).any()


@pytest.mark.parametrize("distance", [2.0, 6.0, 20.0, 60.0])
def test_far_sprites_shrink_without_losing_or_gaining_light(distance):
    """The area filter holds the energy: a card's summed alpha is its area on the screen times its mean alpha."""
    alpha = np.zeros((1, 32, 16, 4), np.float32)
    alpha[0, 8:24, 4:12] = np.indices((16, 8)).sum(0)[..., None] % 2  # a fine check: aliasing would show
    size = (80, 120)
    rays, buffers = lens_rays(*size, focal=2 * FOCAL), canvas(*size)

    splat(rays, cards([[0, 0.8, distance]], size), pyramid(alpha, alpha[..., 0]), ROOT, *buffers)

    px = 2 * FOCAL / distance * 2.0 / 32
    assert buffers[0][..., 3].sum() == pytest.approx(alpha[..., 3].sum() * px * px, rel=0.08)


def test_values_above_one_and_nan_stay_visible():
    bright = np.ones((1, 32, 16, 4), np.float32)
    bright[..., 0] = 40
    bright[0, 16, 8, 1] = np.nan

    rgba, _, _, _ = drawn(cards([[0, 1.0, 4.0]]), pyramid(bright, np.zeros((1, 32, 16), np.float32)))

    assert rgba[..., 0].max() == pytest.approx(40, rel=1e-5)
    assert np.isnan(rgba[..., 1]).any()


def test_cards_behind_the_camera_draw_nothing():
    rgba, depth, _, _ = drawn(cards([[0, 0.5, -4.0]]), pyramid(*sprites()))

    assert not rgba.any()
    assert np.isinf(depth).all()


def test_no_cards_change_nothing():
    rgba, _, _, _ = drawn(cards(np.zeros((0, 3))), pyramid(*sprites()))

    assert not rgba.any()


def test_sprites_of_odd_sizes_keep_their_place():
    images = pyramid(*sprites(1, height=30, width=11))

    assert images.shapes[0].tolist() == [0, 32, 32]
    assert images.texels.shape[1] == sum(4**k for k in range(LEVELS))
    odd_to_the_end = pyramid(*sprites(1, height=200, width=70))
    assert odd_to_the_end.shapes[-1, 1:].tolist() == [7, 3]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"boxes": np.array([[0, 61, 0, 40]], np.int32)}, "outside the picture"),
        ({"sprites": np.array([9], np.int32)}, "outside 0..2"),
        ({"rights": np.zeros((1, 3))}, "rights must be"),
        ({"motions": np.zeros((1, 2), np.float32)}, "motions must be"),
    ],
)
def test_wrong_arrays_are_refused_by_name(change, words):
    with pytest.raises(ValueError, match=words):
        drawn(cards([[0, 0, 4.0]], **change), pyramid(*sprites()))


def test_a_pyramids_levels_are_the_means_of_the_ones_before():
    pixels, relief = sprites()
    made = pyramid(pixels, relief)

    step = 2 ** (LEVELS - 1)
    level = np.zeros((len(pixels), *(-(-n // step) * step for n in pixels.shape[1:3]), 5), np.float32)
    level[:, : pixels.shape[1], : pixels.shape[2], :4] = pixels
    level[..., 4][:, : pixels.shape[1], : pixels.shape[2]] = relief * pixels[..., 3]
    for first, rows, columns in made.shapes:
        found = made.texels[:, first : first + rows * columns].reshape(len(pixels), rows, columns, 5)
        np.testing.assert_array_equal(found, level)
        level = np.float32(0.5) * (level[:, 0::2] + level[:, 1::2])
        level = np.float32(0.5) * (level[:, :, 0::2] + level[:, :, 1::2])
