"""Canvases: allowed sizes, the picture whole in the middle, and back again."""

from __future__ import annotations

import numpy as np
import pytest

from assets.providers.canvas import Sizes, canvas_for
from pipeline.errors import ProviderNonsense

ASKED = [
    (48, 64),
    (64, 48),
    (128, 256),
    (1, 1),
    (1, 700),
    (333, 77),
    (512, 512),
    (1024, 1024),
    (1920, 1080),
    (1999, 2047),
]
FREE = [
    Sizes(),
    Sizes(least_px=320, multiple_px=16, most_pixels=4_194_303),
    Sizes(least_px=64, most_px=3072, longest=2.5, most_pixels=9_437_184),
    Sizes(multiple_px=64, most_px=1024, longest=1.5, native_pixels=512 * 512),
]

FIXED = [Sizes(fixed=((1280, 720),)), Sizes(fixed=((512, 512), (640, 1408), (1408, 640), (1024, 1024)))]


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("sizes", FREE)
def test_a_free_canvas_keeps_every_limit_and_holds_the_picture(sizes: Sizes, asked: tuple[int, int]) -> None:
    canvas = canvas_for(sizes, *asked)

    width, height = canvas.size_px
    assert sizes.least_px <= min(width, height)
    assert max(width, height) <= sizes.most_px
    assert width % sizes.multiple_px == height % sizes.multiple_px == 0
    assert width * height <= sizes.most_pixels
    assert max(width, height) <= sizes.longest * min(width, height)
    assert canvas.inner_px[0] <= width
    assert canvas.inner_px[1] <= height


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("sizes", FREE + FIXED)
def test_the_picture_fills_its_canvas_in_one_direction(sizes: Sizes, asked: tuple[int, int]) -> None:
    canvas = canvas_for(sizes, *asked)

    assert not sizes.fixed or canvas.size_px in sizes.fixed
    wide, high = (i / s for i, s in zip(canvas.inner_px, canvas.size_px, strict=True))
    slack = max(sizes.multiple_px, 2) / min(canvas.size_px)
    assert max(wide, high) >= 1 - slack


def test_the_fixed_size_nearest_in_shape_is_taken_and_of_those_the_largest() -> None:
    sizes = Sizes(fixed=((512, 512), (1024, 1024), (768, 1408), (1408, 768)))

    assert canvas_for(sizes, 100, 100).size_px == (1024, 1024)
    assert canvas_for(sizes, 64, 128).size_px == (768, 1408)
    assert canvas_for(sizes, 1920, 1080).size_px == (1408, 768)


def test_a_small_picture_is_painted_at_the_size_a_model_paints_best() -> None:
    canvas = canvas_for(Sizes(), 128, 256)

    assert 0.95 < canvas.size_px[0] * canvas.size_px[1] / 1024**2 < 1.05
    assert canvas.size_px[1] == pytest.approx(2 * canvas.size_px[0], abs=2)


def test_a_large_picture_is_not_made_smaller_where_it_fits() -> None:
    assert canvas_for(Sizes(), 1920, 1080).size_px == (1920, 1080)


@pytest.mark.parametrize("sizes", [Sizes(), Sizes(longest=1.2), Sizes(fixed=((1280, 720),)), Sizes(multiple_px=64)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_what_was_laid_on_a_canvas_comes_back(sizes: Sizes, channels: tuple[int, ...]) -> None:
    y, x = np.mgrid[:60, :41]
    picture = np.repeat((x * 4 + y)[..., None], 3, -1).astype(np.uint8)[..., : channels[0] if channels else 1]
    picture = picture if channels else picture[..., 0]
    canvas = canvas_for(sizes, 41, 60)

    back = canvas.brought_back(canvas.laid(picture), "who")

    assert back.dtype == np.uint8
    assert back.shape == picture.shape
    assert np.abs(back.astype(int) - picture).max() <= 2


def test_around_the_picture_is_black() -> None:
    canvas = canvas_for(Sizes(fixed=((200, 100),)), 10, 10)

    laid = canvas.laid(np.full((10, 10), 255, np.uint8))

    assert laid[:, 50:150].min() == 255
    assert laid[:, :50].max() == laid[:, 150:].max() == 0


def test_an_answer_of_another_size_is_refused() -> None:
    canvas = canvas_for(Sizes(fixed=((200, 100),)), 20, 10)

    with pytest.raises(ProviderNonsense, match="who: answered 100 x 50 px, shown were 200 x 100"):
        canvas.brought_back(np.zeros((50, 100, 3), np.uint8), "who")


def test_where_any_scale_will_do_an_answer_of_the_same_shape_comes_back() -> None:
    y, x = np.mgrid[:60, :41]
    picture = np.repeat((x * 4 + y)[..., None], 3, -1).astype(np.uint8)
    canvas = canvas_for(Sizes(fixed=((246, 180),), any_scale=True), 41, 60)
    laid = canvas.laid(picture)

    back = canvas.brought_back(laid.repeat(2, 0).repeat(2, 1), "who")

    assert np.abs(back.astype(int) - picture).max() <= 2
    with pytest.raises(ProviderNonsense, match="answered 246 x 90 px"):
        canvas.brought_back(laid[:90], "who")
