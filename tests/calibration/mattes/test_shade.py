"""What a passing shadow explains, and what it does not."""

import cv2
import numpy as np
import pytest

from calibration.mattes.shade import unexplained, upright

PATCH = (slice(30, 90), slice(50, 70))  # as tall as a person, and as narrow


def ground(seed: int = 3) -> np.ndarray:
    """(120, 160, 3) float32 encoded: textured earth."""
    noise = np.random.default_rng(seed).standard_normal((120, 160)).astype(np.float32)
    texture = cv2.GaussianBlur(noise, (0, 0), 1.2)
    return np.asarray((0.5 + 0.15 * texture)[..., None] * np.float32([1.0, 0.9, 0.75]), np.float32)


@pytest.mark.parametrize("light", [0.75, 1.3], ids=["comes", "goes"])
def test_a_cast_shadow_that_comes_or_goes_is_explained(light):
    behind = ground()
    picture = behind.copy()
    picture[PATCH] *= light

    left = unexplained(picture, behind)[PATCH][5:-5, 5:-5]

    assert np.median(left) < 0.25 * np.median(np.abs(picture - behind)[PATCH])


def test_a_dark_person_is_not_explained():
    """As dark as the shadow on average, but with a texture of his own."""
    behind = ground()
    picture = behind.copy()
    picture[PATCH] = 0.6 * ground(seed=8)[PATCH]

    left = np.minimum(unexplained(picture, behind), np.abs(picture - behind).max(axis=2))[PATCH][5:-5, 5:-5]

    assert np.median(left) > 0.7 * np.median(np.abs(picture - behind).max(axis=2)[PATCH])


def test_another_colour_is_not_explained():
    behind = ground()
    picture = behind.copy()
    picture[PATCH] *= np.float32([1.0, 0.6, 0.4])

    assert np.isinf(unexplained(picture, behind)[PATCH][8:-8, 8:-8]).all()


def test_nothing_is_explained_where_nothing_changed():
    assert np.isinf(unexplained(ground(), ground())).all()


def test_what_lies_flat_is_a_shadow_and_what_stands_is_not():
    behind = ground()
    picture = behind.copy()
    lies, stands = (slice(100, 104), slice(20, 45)), (slice(40, 80), slice(100, 112))
    marked = np.zeros(behind.shape[:2], np.bool_)
    for part in (lies, stands):
        picture[part] *= 0.7
        marked[part] = True

    kept = upright(marked, picture, behind)

    assert kept[lies].mean() < 0.05
    assert kept[stands].mean() > 0.9
    assert not (kept & ~marked).any()


def test_an_unknown_background_makes_no_shadow_of_a_standing_figure():
    behind = np.full((120, 160, 3), np.nan, np.float32)
    marked = np.zeros((120, 160), np.bool_)
    marked[PATCH] = True

    assert upright(marked, ground(), behind)[PATCH].all()
