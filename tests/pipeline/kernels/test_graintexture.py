"""How much picture there is in a cell, beside a slow twin; grain that follows it, the same however the work is cut."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from pipeline.kernels import fused, fused_torch, grain
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.graintexture import CELL, activity, lifts_of
from tests.pipeline.kernels.test_grain import film, profile, scene
from tests.pipeline.kernels.test_grainpatches import in_tiles, patchy

LAW = np.array([[0.01, 0.1, 0.4], [1.0, 1.5, 2.5]], np.float32)


def textured(stock, law=LAW):
    return replace(patchy(stock), texture=law)


def random_picture(height, width, seed=1):
    return np.random.default_rng(seed).uniform(0.05, 0.6, (height, width, 3)).astype(np.float32)


@pytest.mark.parametrize("size", [(64, 96), (50, 71), (17, 33), (9, 5)])
def test_activity_is_that_of_a_slow_twin(size):
    picture = random_picture(*size)
    even = np.pad(picture, [(0, n % 2) for n in size] + [(0, 0)], mode="edge")
    half = (even @ LUMINANCE.astype(np.float64)).reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2).mean(axis=(1, 3))
    line = np.array([0.25, 0.5, 0.25])
    blurred = cv2.sepFilter2D(half, -1, line, line, borderType=cv2.BORDER_REPLICATE)

    found = activity(picture)

    assert found.shape == tuple(-(-n // CELL) for n in size)
    for row in range(found.shape[0]):
        for column in range(found.shape[1]):
            cell = blurred[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8]
            y, x = np.mgrid[: cell.shape[0], : cell.shape[1]]
            plane = np.stack([np.ones(cell.size), y.ravel(), x.ravel()], axis=1)
            rest = cell.ravel() - plane @ np.linalg.lstsq(plane, cell.ravel(), rcond=None)[0]
            assert found[row, column] == pytest.approx(rest.std() / (cell.mean() + 1e-3), rel=1e-4, abs=1e-6)


def test_flats_and_slopes_have_none_whatever_the_light():
    y, x = np.mgrid[:64, :64].astype(np.float32)

    found = activity(np.repeat((0.2 + 0.002 * x + 0.001 * y)[..., None], 3, axis=2))

    assert found[1:-1, 1:-1].max() < 1e-3  # the picture's border bends the blur
    one, other = (activity(light * random_picture(64, 64)) for light in (np.float32(1), np.float32(4)))
    np.testing.assert_allclose(one, other, rtol=0.02)


def test_a_broken_cell_keeps_its_gain():
    picture = random_picture(64, 64)
    picture[20, 40, 1] = np.nan

    found = activity(picture)

    assert np.isnan(found[1, 2])
    lifts = lifts_of(found, LAW)
    assert np.isfinite(lifts).all()
    assert lifts[2, 3] == 0
    assert lifts[1, 1] == lifts[0, 0]


def test_grain_swells_with_the_texture_under_it():
    picture = np.full((480, 480, 3), 0.3, np.float32)
    picture[:, 240:] *= random_picture(480, 240)
    even = patchy(profile())

    both = [grain.gain(stock, 3, 1001, picture) for stock in (textured(profile()), even)]

    ratio = both[0] / both[1]
    assert ratio[40:-40, 40:200] == pytest.approx(1, rel=1e-4)
    cells = activity(picture)[3:-3, 18:-3]
    wanted = 2 ** np.interp(np.log(cells), np.log(LAW[0]), np.log2(LAW[1]))
    middles = ratio[48 + 8 : -48 : 16, 288 + 8 : -48 : 16]
    np.testing.assert_allclose(middles, wanted[: middles.shape[0], : middles.shape[1]], rtol=0.03)
    flat = np.zeros((480, 480), np.float32)
    made = [np.empty_like(picture) for _ in range(2)]
    for stock, out in zip((textured(profile()), even), made, strict=True):
        grain.add_grain(picture, picture, flat, stock, 3, 1001, out)
    added, plain = (m - picture for m in made)
    far = np.abs(plain) > 1e-3
    np.testing.assert_allclose(
        (added / np.where(far, plain, 1))[far], np.repeat(ratio[..., None], 3, 2)[far], rtol=0.01
    )


@pytest.mark.parametrize("stock", [profile(), film()], ids=["mixed", "film"])
def test_tiles_with_the_pictures_activity_give_the_same_bytes(stock):
    stock = textured(stock)
    plate, picture, kept = scene()
    plate = plate.astype(np.float16).astype(np.float32)
    whole = np.empty_like(picture)
    grain.add_grain(plate, picture, kept, stock, 7, 1010, whole)

    assert whole.tobytes() == in_tiles(plate, picture, kept, stock, activity(picture)).tobytes()
    assert fused.finish(plate.astype(np.float16), picture, kept, stock, 7, 1010)[0].tobytes() == whole.tobytes()
    on_tensors, _ = fused_torch.finish(plate.astype(np.float16), picture, kept, stock, 7, 1010, "cpu")
    np.testing.assert_allclose(on_tensors, whole, rtol=1e-5, atol=2e-6)
    even = np.empty_like(picture)
    grain.add_grain(plate, picture, kept, patchy(stock_without(stock)), 7, 1010, even)
    assert (even != whole).any()


def stock_without(stock):
    return replace(stock, texture=np.zeros((2, 0), np.float32))


def test_a_tile_alone_does_not_know_the_pictures_texture():
    plate, picture, kept = scene()

    with pytest.raises(ValueError, match="whole picture"):
        grain.add_grain(plate, picture, kept, textured(profile()), 7, 1010, picture, (8, 0))


def test_wrong_laws_are_refused():
    with pytest.raises(ValueError, match="texture"):
        replace(profile(), texture=LAW)  # no patches
    for law in (LAW[:, ::-1], -LAW):
        with pytest.raises(ValueError, match="texture"):
            textured(profile(), np.ascontiguousarray(law))
