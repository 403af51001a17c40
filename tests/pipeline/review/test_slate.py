"""Burn-ins and contact sheets: the picture is left alone, the words are there and inside."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.review import slate
from pipeline.review.sheet import Pair, contact_sheet, spread


def grey(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 90, np.uint8)


@pytest.mark.parametrize(("height", "width"), [(270, 480), (540, 960), (1080, 1920), (858, 2048)])
def test_the_band_covers_nothing_and_holds_every_word(height: int, width: int) -> None:
    picture = grey(height, width)

    out = slate.burn_in(picture, "ridge_010  comp  v001", "1001", "01:00:00:23")
    ink = (out[height:].max(axis=2) > 120).nonzero()

    assert np.array_equal(out[:height], picture)
    assert out.shape[0] % 2 == 0
    assert ink[0].min() > 0
    assert ink[0].max() < out.shape[0] - height - 1
    assert ink[1].min() > 0
    assert ink[1].max() < width - 1
    assert (np.abs(ink[1] - width / 2) < 30).any()


def test_other_frames_have_other_numbers() -> None:
    a, b = (slate.burn_in(grey(270, 480), "s", str(n), "") for n in (1001, 1002))

    assert not np.array_equal(a, b)


def test_colours_are_red_green_blue() -> None:
    picture = np.zeros((60, 200, 3), np.uint8)

    slate.write(picture, "MMMM", 10, 40, 30, ink=(250, 0, 0))

    assert picture[..., 0].max() > 200
    assert picture[..., 1:].max() < 30


def test_the_sheet_shows_plate_left_and_comp_right() -> None:
    pairs = [
        Pair(1001 + i, "01:00:00:00", np.full((90, 160, 3), 50 + i, np.uint8), np.full((90, 160, 3), 200, np.uint8))
        for i in range(3)
    ]

    sheet = contact_sheet("ridge_010_comp_v001", "frames 1001-1003", pairs)

    half = sheet.shape[1] // 2
    assert [int((sheet[:, :half] == 50 + i).all(axis=2).sum()) >= 90 * 160 for i in range(3)] == [True] * 3
    assert (sheet[:, half:] == 200).all(axis=2).sum() >= 3 * 90 * 160


@pytest.mark.parametrize(
    ("first", "last", "count", "frames"),
    [(1001, 1048, 4, [1001, 1017, 1032, 1048]), (1001, 1002, 4, [1001, 1002]), (5, 5, 3, [5]), (1, 9, 1, [1])],
)
def test_frames_are_spread(first: int, last: int, count: int, frames: list[int]) -> None:
    assert spread(first, last, count) == frames
