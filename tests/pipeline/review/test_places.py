"""The places are where they must be in a picture that was made for them; the difference hides nothing."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.review.places import beside, difference, enlarged, places

H, W = 240, 400


def frame() -> dict[str, np.ndarray]:
    """Grey, with four boxes of a layer: near, dark, bright, far; the bright one stands before a black plate."""
    planes = {c: np.full((H, W), 0.3, np.float16) for c in "RGB"}
    alpha, ids = np.zeros((H, W), np.float16), np.zeros((H, W), np.uint32)
    depth = np.full((H, W), np.inf, np.float32)
    boxes = {1: (10, 60, 0.3, 4.0), 2: (110, 160, 0.01, 20.0), 3: (220, 270, 2.0, 30.0), 4: (340, 390, 0.3, 90.0)}
    for c in "RGB":
        planes[c][:, 200:290] = 0
    for number, (left, right, level, z) in boxes.items():
        rows, columns = slice(100, 200 if number == 1 else 150), slice(left, right)
        ids[rows, columns], alpha[rows, columns], depth[rows, columns] = number, 1, z
        for c in "RGB":
            planes[c][rows, columns] = level
    alpha[99, 220:270] = 0.5
    return planes | {"crowd.A": alpha, "crowd.id": ids, "depth.Z": depth}


def centre(what: str) -> tuple[float, float]:
    [place] = [p for p in places(frame()) if p.what == what]
    return place.left + place.width / 2, place.top + place.height / 2


def test_each_place_is_found() -> None:
    def within(at: tuple[float, float], left: int, right: int, top: int, bottom: int) -> bool:
        return left - 2 <= at[0] <= right + 2 and top - 2 <= at[1] <= bottom + 2

    assert within(centre("darkest"), 110, 160, 100, 150)
    assert within(centre("brightest"), 220, 270, 100, 150)
    assert within(centre("farthest"), 340, 390, 100, 150)
    assert within(centre("strongest edge"), 220, 270, 92, 106)
    assert centre("feet of the nearest") == pytest.approx((35, 199), abs=2)


def test_windows_stay_inside_the_picture() -> None:
    for place in places(frame()):
        assert place.cut(frame()["R"]).shape == (place.height, place.width)
        assert min(place.left, place.top) >= 0


def test_where_no_layer_is_there_is_nothing_to_look_at() -> None:
    planes = frame()
    planes["crowd.A"][:] = 0

    assert places(planes) == []
    assert places({c: planes[c] for c in "RGB"}) == []


def test_the_smallest_change_is_seen_and_no_change_is_black() -> None:
    plate = np.full((4, 5, 3), 0.2, np.float16)
    comp = plate.copy()
    comp[1, 2, 0] = np.nextafter(comp[1, 2, 0], np.float16(1))
    comp[2, 3, 1] = np.nan

    shown = difference(plate, comp)

    assert shown[1, 2, 0] >= 64
    assert shown[2, 3, 1] == 255
    assert np.count_nonzero(shown) == 2


def test_at_200_per_cent_pixels_are_repeated_and_made_square() -> None:
    picture = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)

    assert np.array_equal(enlarged(picture), picture.repeat(2, axis=0).repeat(2, axis=1))
    assert enlarged(picture, 2.0).shape == (8, 24, 3)
    assert beside(picture, picture, 2).shape == (4, 14, 3)
