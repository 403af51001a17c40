"""How much fine picture there is in a cell, beside a slow twin; grain that follows it, the same however the work is cut."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.kernels import fused, fused_torch, grain
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.graintexture import CELL, activity, lifts_of
from tests.pipeline.kernels.test_grain import film, four, profile, scene
from tests.pipeline.kernels.test_grainpatches import in_tiles, patchy

LAW = np.array([[0.3, 1.0, 4.0], [0.6, 1.0, 2.5], [1.0, 1.0, 1.0]], np.float32)
OTHERS = np.array([[0.3, 1.0, 4.0], [0.6, 1.0, 2.5], [0.8, 1.0, 1.5]], np.float32)
TURNING = np.array([[0.3, 1.0, 4.0], [0.2, 1.0, 2.5], [0.8, 1.0, 1.5], [1.0, 1.0, 0.1]], np.float32)  # four sources
LIGHT = np.array([[0.1, 0.3, 0.6], [0.6, 1.0, 1.5]], np.float32)
NONE = np.zeros((3, 0), np.float32)


def textured(stock, law=LAW):
    return replace(patchy(stock), texture=law, flecks=np.float32([0.25, 6]))


def random_picture(height, width, seed=1):
    return np.random.default_rng(seed).uniform(0.05, 0.6, (height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("size", [(64, 96), (50, 71), (17, 33), (9, 5)])
def test_activity_is_that_of_a_slow_twin(size):
    picture = random_picture(*size)
    even = np.pad(picture, [(0, n % 2) for n in size] + [(0, 0)], mode="edge")
    half = (even @ LUMINANCE.astype(np.float64)).reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean(axis=(1, 3))
    line = np.array([0.25, 0.5, 0.25])
    detail = (half - cv2.sepFilter2D(half, -1, line, line, borderType=cv2.BORDER_REPLICATE)) ** 2
    rows, columns = (-(-n // CELL) for n in size)
    own = np.empty((rows, columns, 2))
    for row, column in np.ndindex(rows, columns):
        here = np.s_[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        own[row, column] = detail[here].mean(), half[here].mean()
    light = cv2.sepFilter2D(own[..., 1], -1, line, line, borderType=cv2.BORDER_REPLICATE)

    found = activity(picture)

    assert found.shape == (rows, columns, 2)
    np.testing.assert_allclose(found[..., 0], np.sqrt(own[..., 0]), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[..., 1], light, rtol=1e-5)


def test_flats_and_slopes_have_none_and_light_scales_it():
    y, x = np.mgrid[:64, :64].astype(np.float32)

    found = activity(np.repeat((0.2 + 0.002 * x + 0.001 * y)[..., None], 3, axis=2))

    assert found[2:-2, 2:-2, 0].max() < 1e-5  # the picture's border bends the blur
    one, other = (activity(light * random_picture(64, 64)) for light in (np.float32(1), np.float32(4)))
    np.testing.assert_allclose(4 * one, other, rtol=1e-4)


def test_a_broken_cell_keeps_its_gain():
    picture = random_picture(64, 64)
    picture[20, 40, 1] = np.nan

    found = activity(picture)[..., 0]

    assert np.isnan(found[5, 10])
    assert np.isfinite(found[:3]).all()
    lifts = lifts_of(found, LAW[:2])
    assert np.isfinite(lifts).all()
    assert lifts[6, 11] == 0
    assert lifts[1, 1] == lifts[0, 0]


@pytest.mark.parametrize("law", [LAW, OTHERS], ids=["first", "all"])
def test_sources_swell_with_the_texture_under_them(law):
    picture = np.full((240, 240, 3), 0.3, np.float32)
    picture[:, 120:] *= 0.5 + random_picture(240, 120)
    apart = replace(profile(), mix=np.eye(3, dtype=np.float32))
    stocks = textured(apart, law), replace(textured(apart), texture=NONE)

    both = [grain.gain(stock, 3, 1001, picture) for stock in stocks]

    ratio = both[0] / both[1]
    seen = grain.active(stocks[0], activity(picture))
    for source, row in ((0, law[1]), (1, law[2]), (2, law[2])):
        lifts = np.interp(np.log(np.maximum(seen, 1e-3)), np.log(law[0]), np.log2(row))
        between = 0.375 * lifts[1:-1] + 0.625 * lifts[2:]  # at the first row and column of a cell
        wanted = 2 ** (0.375 * between[:, 1:-1] + 0.625 * between[:, 2:])
        found = ratio[2 * CELL :: CELL, 2 * CELL :: CELL, source][: wanted.shape[0], : wanted.shape[1]]
        np.testing.assert_allclose(found, wanted, rtol=1e-3)
    assert np.median(ratio[:, 130:, 0]) > 1.3 * np.median(ratio[:, :110, 0])
    flat, made = np.zeros((240, 240), np.float32), [np.empty_like(picture) for _ in stocks]
    for stock, out in zip(stocks, made, strict=True):
        grain.add_grain(picture, picture, flat, stock, 3, 1001, out)
    camera = [(m - picture) @ apart.camera_from_acescg.T for m in made]
    far = np.abs(camera[1]) > 1e-3
    np.testing.assert_allclose((camera[0] / np.where(far, camera[1], 1))[far], ratio[far], rtol=0.02)


def test_what_is_smooth_beside_an_edge_stays_smooth():
    picture = np.full((64, 240, 3), 0.3, np.float32)
    picture[:, 121:] = 0.6

    both = [
        grain.gain(stock, 3, 1001, picture)
        for stock in (textured(profile()), replace(textured(profile()), texture=NONE))
    ]

    ratio = (both[0] / both[1])[16:48, :, 0]
    least = np.float32(LAW[1, 0])
    np.testing.assert_allclose(ratio[:, :113], least, rtol=1e-4)
    np.testing.assert_allclose(ratio[:, 129:], least, rtol=1e-4)
    assert ratio[:, 117:122].min() > 1.5 * least


def test_all_sources_follow_the_light_around_a_place():
    """The luminance of some cells around it, not the pixel's: the ramp is even, its dots are not seen."""
    ramp = np.geomspace(0.05, 0.9, 240).astype(np.float32)
    picture = np.tile(ramp[None, :, None], (240, 1, 3))
    picture[1::2, ::2] *= 0.8
    picture[::2, 1::2] *= 1.2
    stock = replace(textured(profile()), light=LIGHT)

    both = [grain.gain(s, 3, 1001, picture) for s in (stock, replace(stock, light=NONE[:2]))]

    found = (both[0] / both[1])[8:-8, 8:-8]
    wanted = np.exp(np.interp(np.log(ramp), np.log(LIGHT[0]), np.log(LIGHT[1])))[8:-8]
    np.testing.assert_allclose(found, np.broadcast_to(wanted[:, None], found.shape), rtol=0.04)


def test_a_fourth_source_takes_over_where_it_is_smooth():
    """What is filtered wider lies in the smooth half, what is finer on the texture."""
    picture = np.full((240, 240, 3), 0.3, np.float32)
    picture[:, 120:] *= 0.5 + random_picture(240, 120)
    law = np.array([[0.05, 0.2], [0.1, 1.4], [1, 1], [1.4, 0.1]], np.float32)
    stock = textured(four(mix=((0.7, 0, 0, 0.7),) * 3), law)
    out = np.empty_like(picture)

    grain.add_grain(picture, picture, np.zeros((240, 240), np.float32), stock, 3, 1001, out)

    noise = ((out - picture) @ LUMINANCE)[8:-8]
    far = [(half[:, 5:] * half[:, :-5]).mean() / (half**2).mean() for half in (noise[:, 8:112], noise[:, 128:232])]
    own = [(0.8 * k[:, 5:] * k[:, :-5]).sum() if len(k) else 0 for k in stock.kernels[[3, 0]]]
    assert far[0] == pytest.approx(own[0], abs=0.12)
    assert abs(far[1]) < 0.1 < far[0]
    assert stock.rise == pytest.approx([1, 1], abs=0.01)


def test_activity_is_told_in_deviations_of_the_grains_luminance():
    stock, cells = profile(), np.float32([[[0.01, 0.05], [0.01, 0.4]]])

    found = grain.active(stock, cells)

    for k, level in enumerate((0.05, 0.4)):
        out, grey = np.empty((400, 400, 3), np.float32), np.full((400, 400, 3), level, np.float32)
        grain.add_grain(grey, grey, np.zeros((400, 400), np.float32), stock, 1, 1, out)
        assert found[0, k] == pytest.approx(0.01 / ((out - grey) @ LUMINANCE).std(), rel=0.03)


@pytest.mark.parametrize(
    ("stock", "law"),
    [
        (profile(), LAW),
        (profile(), OTHERS),
        (film(), OTHERS),
        (four(), TURNING),
    ],
    ids=["mixed, first", "mixed, all", "film, all", "four"],
)
@pytest.mark.parametrize("light", [LIGHT, NONE[:2]], ids=["light", "no light"])
def test_tiles_with_the_pictures_activity_give_the_same_bytes(stock, law, light):
    stock = replace(textured(stock, law), light=light)
    plate, picture, kept = scene()
    plate = plate.astype(np.float16).astype(np.float32)
    whole = np.empty_like(picture)
    grain.add_grain(plate, picture, kept, stock, 7, 1010, whole)

    assert whole.tobytes() == in_tiles(plate, picture, kept, stock, activity(picture)).tobytes()
    assert (
        fused.finish(plate.astype(np.float16), picture, kept.astype(np.float16), stock, 7, 1010)[0].tobytes()
        == whole.tobytes()
    )
    on_tensors, _ = fused_torch.finish(
        plate.astype(np.float16), picture, kept.astype(np.float16), stock, 7, 1010, "cpu"
    )
    np.testing.assert_allclose(on_tensors, whole, rtol=1e-5, atol=2e-6)
    even = np.zeros((len(law), 0), np.float32)
    for less in (replace(stock, texture=even, light=NONE[:2]), replace(stock, flecks=np.zeros(2, np.float32))):
        other = np.empty_like(picture)
        grain.add_grain(plate, picture, kept, less, 7, 1010, other)
        assert (other != whole).any()


def test_a_tile_alone_does_not_know_the_pictures_texture():
    plate, picture, kept = scene()

    with pytest.raises(ValueError, match="whole picture"):
        grain.add_grain(plate, picture, kept, textured(profile()), 7, 1010, picture, (8, 0))


def test_flecks_scatter_the_size_over_the_patches():
    even, patches = profile(), patchy(profile())
    with_flecks = replace(patches, flecks=np.float32([0.3, 6]))
    grey = np.zeros((600, 600, 3), np.float32)

    one, other = (grain.gain(stock, 5, 1001, grey)[..., 0].astype(np.float64) for stock in (patches, with_flecks))

    assert (other**2).mean() == pytest.approx(1, abs=0.03)
    assert np.log(other / one).std() == pytest.approx(0.3, rel=0.1)
    assert (grain.gain(even, 5, 1001, grey) == 1).all()


def test_wrong_laws_are_refused():
    with pytest.raises(ValueError, match="texture"):
        replace(profile(), texture=LAW)  # no patches
    with pytest.raises(ValueError, match="patches"):
        replace(profile(), flecks=np.float32([0.2, 6]))
    for law in (LAW[:, ::-1], -LAW, TURNING):
        with pytest.raises(ValueError, match="texture"):
            textured(profile(), np.ascontiguousarray(law))
    with pytest.raises(ValueError, match="light"):
        replace(profile(), light=LIGHT)  # no texture
    for light in (-LIGHT, np.ascontiguousarray(LIGHT[:, ::-1])):
        with pytest.raises(ValueError, match="light"):
            replace(textured(profile()), light=light)
    with pytest.raises(ValueError, match="blend"):
        replace(four(), blend=film().blend)
