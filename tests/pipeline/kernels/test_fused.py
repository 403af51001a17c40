"""Compiled steps, one after the other, are the comp of a NumPy twin: at the ends of the range, whatever the tiles and threads."""

import numba
import numpy as np
import pytest

from pipeline.kernels import color, fused, grain, merge
from pipeline.kernels.color import LUMINANCE, Grade
from pipeline.kernels.fused_torch import Beside
from pipeline.kernels.grain import Grain

SIZE = (35, 530)  # more than one block either way
WARM = Grade(0.3, (1.1, 1.0, 0.9), (0.004, 0.0, -0.002), (0.9, 1.0, 1.2), 0.8)
LINEAR = Grade(-0.2, (1.1, 1.0, 0.9), (0.004, 0.0, -0.002), (1.0, 1.0, 1.0), 1.2)


def profile(strength=1.0):
    taps = np.pad(np.outer([1, 4, 6, 4, 1], [1, 4, 6, 4, 1]), (grain.TAPS - 5) // 2).astype(np.float32)
    levels, sigmas = np.float32([[0, 0.1, 0.5, 3]] * 3), np.float32([[0.004, 0.01, 0.02, 0.05]] * 3)
    mix = np.linalg.cholesky(np.array([[1, 0.5, 0.2], [0.5, 1, 0.4], [0.2, 0.4, 1]])).astype(np.float32)
    camera = np.float32([[1.28, -0.2, -0.08], [-0.14, 1.3, -0.16], [0.02, -0.3, 1.28]])
    return Grain(
        levels, sigmas * np.float32(strength), np.tile(taps / np.sqrt((taps**2).sum()), (3, 1, 1)), mix, camera
    )


def scene(size=SIZE):
    """A layer with a hole, an opaque part, light above 1, values below 0; everything around it."""
    random = np.random.default_rng(4)
    front = random.random((4, *size), dtype=np.float32)
    front[:3] *= 2 * front[3]
    front[:, :12] = 0
    front[:, 20:24, 100:400] = 0
    front[3, 24:28] = 1
    front[1, 29] = -0.125
    plate = (3 * random.random((3, *size), dtype=np.float32)).astype(np.float16)
    plate[0, :, 7] = -0.0
    beside = Beside(
        outside=random.random((4, *size), dtype=np.float32),
        wrap=0.6,
        white=0.9,
        shadow=np.maximum(random.random(size, dtype=np.float32), np.float32(np.arange(size[0])[:, None] != 3)),
        veil=random.random((3, *size), dtype=np.float32),
        depth_m=(100 * random.random(size, dtype=np.float32)).astype(np.float32),
        air=(0.4, 0.5, 0.6),
        extinction_per_m=0.004,
    )
    return front.astype(np.float16), plate, beside


def graded(rgb, alpha, by):
    gain = np.float32(by.slope) * np.float32(2**by.exposure_ev)
    v = rgb / np.where(alpha != 0, alpha, 1)[..., None] * gain + np.float32(by.offset)
    v = np.where(v > 0, np.maximum(v, 1e-30) ** np.float32(by.power), v)
    grey = (v @ LUMINANCE)[..., None]
    solid = ((grey + (v - grey) * np.float32(by.saturation)) * alpha[..., None]).astype(np.float32)
    if by.power == (1, 1, 1):  # without a power even pure light is desaturated
        light = rgb * gain
        bare = (light @ LUMINANCE)[..., None] * (1 - by.saturation) + light * by.saturation
    else:
        bare = rgb * gain
    return np.where(alpha[..., None] != 0, solid, bare).astype(np.float32)


def as_half(share):
    """Rounded to the halves there are, down where that would make it 1."""
    half = share.astype(np.float16)
    return np.where((share < 1) & (half == 1), np.nextafter(np.float16(1), np.float16(0)), half).astype(np.float32)


def twin(front, plate, beside, profile, by, seed=7, frame=1010):
    """The same comp step by step: picture before grain (H, W, 3) and `final`, float32."""
    rgba, shot = (np.moveaxis(a, 0, 2).astype(np.float32) for a in (front, plate))
    rgb, alpha = graded(rgba[..., :3], rgba[..., 3], by), rgba[..., 3]
    through = np.exp(-beside.extinction_per_m * beside.depth_m)[..., None]
    rgb = rgb * through + alpha[..., None] * np.float32(beside.air) * (1 - through)
    outside = np.moveaxis(beside.outside, 0, 2)
    light = outside[..., :3] / np.maximum(outside[..., 3:], 1e-4)
    edge = np.minimum(beside.wrap * outside[..., 3] * np.clip(light @ LUMINANCE / beside.white, 0, 1), 1)[..., None]
    rgb = rgb + edge * np.maximum(alpha[..., None] * light - rgb, 0)
    shade = beside.shadow[..., None]
    air = np.minimum(np.moveaxis(beside.veil, 0, 2), shot)
    picture = rgb + (1 - alpha[..., None]) * np.where(shade >= 1, shot, air + (shot - air) * shade)
    kept = as_half(as_half(beside.shadow) * (1 - np.minimum(alpha, 1)))
    camera = (p @ profile.camera_from_acescg.T for p in (shot, picture))
    had, wants = (np.stack([grain.sigma_at(p[..., c], c, profile) for c in range(3)], 2) for p in camera)
    lacks = np.sqrt(np.maximum(wants**2 - (kept[..., None] * had) ** 2, 0))
    made = picture + (lacks * grain.noise(*kept.shape, profile, seed, frame)) @ profile.acescg_from_camera.T
    return np.where(kept[..., None] < 1, made, picture)


def pixels(planes, dtype=np.float32):
    return np.ascontiguousarray(np.moveaxis(planes, 0, 2).astype(dtype))


def comped(front, plate, beside, by=WARM):
    """What the stages do, on planes: (3, H, W) float16."""
    layer, shot, kept = pixels(front), pixels(plate, np.float16), np.ones(plate.shape[1:], np.float16)
    picture = shot.astype(np.float32)
    if by is not None:
        color.grade(layer, by, layer)
    if beside.depth_m is not None:
        color.haze(layer, beside.depth_m, np.float32(beside.air), beside.extinction_per_m, layer)
    if beside.shadow is not None:
        merge.multiply_shadow(picture, beside.shadow, pixels(beside.veil), picture)
        kept = fused.held(np.clip(beside.shadow, 0, 1))
    if beside.outside is not None:
        merge.light_wrap(layer, pixels(beside.outside), beside.wrap, beside.white, layer)
    fused.lay_over(layer, picture, kept)
    _, final = fused.finish(shot, picture, kept, profile(), 7, 1010)
    return np.ascontiguousarray(np.moveaxis(final, 2, 0))


@pytest.mark.parametrize("by", [WARM, LINEAR], ids=["power", "linear"])
def test_comp_is_its_steps_one_by_one(by):
    front, plate, beside = scene()

    made = np.moveaxis(comped(front, plate, beside, by), 0, 2).astype(np.float32)

    wanted = twin(front, plate, beside, profile(), by)
    np.testing.assert_allclose(made, wanted, rtol=2e-3, atol=2e-5)  # a half's last place, and sigma near black


def test_what_nothing_reaches_leaves_with_its_bits():
    front, plate, beside = scene()

    made = comped(front, plate, beside).view(np.uint16)

    untouched = (front == 0).all(axis=0) & (beside.shadow >= 1)
    assert 0.3 < untouched.mean() < 0.6
    np.testing.assert_array_equal(made[:, untouched], plate.view(np.uint16)[:, untouched])
    assert (made[:, ~untouched] != plate.view(np.uint16)[:, ~untouched]).mean() > 0.95


def test_nan_of_a_layer_stays_visible():
    front, plate, beside = scene()
    front[1, 20, 5] = front[3, 21, 6] = np.nan

    made = comped(front, plate, beside)

    assert np.isnan(made[1, 20, 5])
    assert np.isnan(made[:, 21, 6]).all()
    assert np.isfinite(np.delete(made.reshape(3, -1), [20 * SIZE[1] + 5, 21 * SIZE[1] + 6], axis=1)).all()


def test_any_number_of_threads_gives_the_same_bytes():
    front, plate, beside = scene()
    whole = comped(front, plate, beside)
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    alone = comped(front, plate, beside)
    numba.set_num_threads(before)

    assert alone.tobytes() == whole.tobytes()


def test_over_is_porter_duff_whatever_the_tiles():
    front, plate, _ = scene()
    layer, behind = pixels(front), pixels(plate)
    picture, kept = behind.copy(), np.full(SIZE, 0.75, np.float16)
    fused.lay_over(layer, picture, kept)

    for y, x in ((0, 0), (3, 11), (17, 211)):
        cut = slice(y, y + 17), slice(x, x + 211)
        part, share = np.ascontiguousarray(behind[cut]), np.full((17, 211), 0.75, np.float16)
        fused.lay_over(np.ascontiguousarray(layer[cut]), part, share)
        np.testing.assert_array_equal(part, picture[cut])
        np.testing.assert_array_equal(share, kept[cut])

    alpha = layer[..., 3:].astype(np.float64)
    np.testing.assert_allclose(picture, layer[..., :3] + (1 - alpha) * behind, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(kept, 0.75 * (1 - alpha[..., 0]), rtol=2**-11, atol=2**-25)


@pytest.mark.parametrize("threads", [1, 2])
def test_over_of_many_bands_is_that_of_each_row(threads):
    random, before = np.random.default_rng(3), numba.get_num_threads()
    layer, picture = (random.random((1100, 35, c), np.float32) for c in (4, 3))
    kept = random.random((1100, 35), np.float32).astype(np.float16)
    rows = [(layer[y : y + 1].copy(), picture[y : y + 1].copy(), kept[y : y + 1].copy()) for y in range(1100)]

    numba.set_num_threads(min(threads, before))
    fused.lay_over(layer, picture, kept)
    numba.set_num_threads(before)

    for row in rows:
        fused.lay_over(*row)
    np.testing.assert_array_equal(picture, np.concatenate([row[1] for row in rows]))
    np.testing.assert_array_equal(kept, np.concatenate([row[2] for row in rows]))


def test_a_picture_without_grain_is_rounded_and_keeps_its_own_values():
    front, plate, _ = scene()
    layer, shot, kept = pixels(front), pixels(plate, np.float16), np.ones(SIZE, np.float16)
    picture = shot.astype(np.float32)
    fused.lay_over(layer, picture, kept)

    grained, final = fused.finish(shot, picture, kept, profile(0), 7, 1010)

    np.testing.assert_array_equal(grained, picture)
    np.testing.assert_array_equal(final, picture.astype(np.float16))


def test_opaque_hides_and_empty_leaves_the_bits():
    layer = np.zeros((9, 13, 4), np.float32)
    layer[4:, :, :3] = 4 * np.random.default_rng(1).random((5, 13, 3), dtype=np.float32)
    layer[4:, :, 3] = 1
    picture = np.random.default_rng(2).random((9, 13, 3), dtype=np.float32)
    plate, kept = picture.copy(), np.full((9, 13), 0.5, np.float16)

    fused.lay_over(layer, picture, kept)

    np.testing.assert_array_equal(picture[:4], plate[:4])
    np.testing.assert_array_equal(picture[4:], layer[4:, :, :3])
    np.testing.assert_array_equal(kept[:, 0], [0.5] * 4 + [0] * 5)


def test_wrong_arrays_are_refused():
    front, plate, _ = scene()
    layer, shot, kept = pixels(front), pixels(plate, np.float16), np.ones(SIZE, np.float16)
    with pytest.raises(ValueError, match="layer is"):
        fused.lay_over(layer[..., :3], shot.astype(np.float32), kept)
    with pytest.raises(ValueError, match="C order"):
        fused.lay_over(layer[:, ::-1], shot.astype(np.float32), kept)
    with pytest.raises(ValueError, match="plate is"):
        fused.finish(shot.astype(np.float32), shot.astype(np.float32), kept, profile(), 1, 1)
