"""Drawings of notes: read strictly, drawn smoothly where they were drawn."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.errors import ReviewRefused
from pipeline.screening.out.drawn import drawn
from pipeline.screening.out.remarks import Stroke, read_drawing


def drawing(**changes) -> str:
    return json.dumps(
        {"strokes": [{"colour": "#ff5a36", "width": 0.004, "points": [[0.1, 0.2], [0.3, 0.4]], **changes}]}
    )


def test_a_drawing_is_read():
    assert read_drawing(drawing()) == (Stroke((255, 90, 54), 0.004, ((0.1, 0.2), (0.3, 0.4))),)
    assert read_drawing("") == ()


@pytest.mark.parametrize(
    "text",
    ["{", "[]", "{}", '{"strokes": 1}', '{"strokes": [1]}', drawing(colour="red"), drawing(colour="#zzzzzz"),
     drawing(width=0), drawing(width=True), drawing(width=9), drawing(points=[]), drawing(points=[[1]]),
     drawing(points=[["a", 1]]), drawing(points=[[float("nan"), 0]]), drawing(points=[[99, 0]]),
     json.dumps({"strokes": [{}] * 501}), drawing(points=[[0.5, 0.5]] * 20_001)],
)  # fmt: skip
def test_what_is_no_drawing_is_refused_in_one_line(text):
    with pytest.raises(ReviewRefused, match=r"^drawing: ") as refused:
        read_drawing(text)
    assert "\n" not in str(refused.value)


def test_a_level_stroke_covers_the_pixels_that_it_should():
    """A line of 4 px along y = 18: rows 16 to 19 are the stroke's, whole; beyond it nothing is touched."""
    picture = np.full((36, 64, 3), 100, np.uint8)

    out = drawn(picture, [Stroke((255, 0, 0), 4 / 64, ((0.25, 0.5), (0.75, 0.5)))])

    middle = out[:, 20:44]
    assert (middle[17:19] == (255, 0, 0)).all()
    share = (middle[:, :, 0].astype(float) - 100) / 155
    assert share.sum(axis=0) == pytest.approx(4, abs=0.3)  # its width, counted by coverage
    assert (out[:13] == 100).all()
    assert (out[23:] == 100).all()
    assert (picture == 100).all()


def test_a_slanting_stroke_has_smooth_edges():
    out = drawn(np.zeros((72, 128, 3), np.uint8), [Stroke((255, 255, 255), 0.03, ((0.1, 0.1), (0.9, 0.8)))])

    assert len(np.unique(out)) > 10


def test_strokes_lie_where_the_picture_is_large_or_small():
    """The same drawing on a picture of twice the size, reduced, is the same drawing."""
    stroke = Stroke((255, 255, 255), 0.05, ((0.2, 0.3), (0.5, 0.7), (0.8, 0.2)))
    small = drawn(np.zeros((90, 160, 3), np.uint8), [stroke]).astype(float)
    large = drawn(np.zeros((180, 320, 3), np.uint8), [stroke]).astype(float)

    reduced = large.reshape(90, 2, 160, 2, 3).mean(axis=(1, 3))
    assert np.abs(reduced - small).mean() < 1.0


def test_a_point_is_a_dot_and_what_lies_outside_is_cut():
    dot = drawn(np.zeros((36, 64, 3), np.uint8), [Stroke((0, 255, 0), 0.1, ((0.5, 0.5),))])
    cut = drawn(np.zeros((36, 64, 3), np.uint8), [Stroke((0, 255, 0), 0.1, ((1.5, 0.5), (1.9, 0.9)))])

    assert dot[..., 1].sum() / 255 == pytest.approx(np.pi * 3.2**2, rel=0.1)
    assert not cut.any()
