"""Colour: known values, round trips, the fast view against the exact one, helpful errors."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.io import color


def scene(seed: int = 0, shape: tuple[int, int] = (120, 160)) -> np.ndarray:
    """Ten stops up and down of natural, not too saturated colour."""
    rng = np.random.default_rng(seed)
    level = np.exp2(rng.uniform(-9, 4, (*shape, 1)))
    return (level * (0.7 + 0.6 * rng.random((*shape, 3)))).astype(np.float32)


def test_srgb_white_and_grey_are_acescg_white_and_grey() -> None:
    rgb = np.array([[[1.0, 1.0, 1.0], [0.5, 0.5, 0.5]]], np.float32)

    got = color.to_acescg(rgb, "sRGB - Texture")

    assert got[0, 0] == pytest.approx([1, 1, 1], abs=1e-4)
    assert got[0, 1] == pytest.approx([((0.5 + 0.055) / 1.055) ** 2.4] * 3, abs=1e-4)  # IEC 61966-2-1


def test_logc3_mid_grey_is_the_makers() -> None:
    """ARRI, "ALEXA Log C Curve": 18% grey at EI 800 is code 400 of 1023 (0.391)."""
    got = color.to_acescg(np.full((1, 1, 3), 0.391007, np.float32), "ARRI LogC3 (EI800)")

    assert got.ravel() == pytest.approx([0.18] * 3, abs=1e-4)


@pytest.mark.parametrize("name", ["ARRI LogC3 (EI800)", "ARRI LogC4", "S-Log3 S-Gamut3.Cine", "ACES2065-1", "ACEScct"])
def test_round_trip_keeps_the_picture(name: str) -> None:
    rgb = scene()

    back = color.to_acescg(color.from_acescg(rgb, name), name)

    assert np.abs(back / rgb - 1).max() < 5e-4


def test_alpha_passes_and_the_input_is_left_alone() -> None:
    rgba = np.dstack([scene(), np.full((120, 160), 0.25, np.float32)])
    before = rgba.copy()

    got = color.from_acescg(rgba, "ACEScct")

    assert (got[..., 3] == 0.25).all()
    assert np.array_equal(rgba, before)


def test_fast_view_stays_near_the_exact_one() -> None:
    rgb = scene()

    error = np.abs(color.to_display_8bit(rgb) - color.to_display(rgb) * 255)

    assert np.percentile(error, 99) < 0.8  # of 255; rounding alone is 0.5
    assert error.max() < 2.5


def test_tracker_log_spreads_black_to_8() -> None:
    rgb = np.array([0, 0.18, 8, 100, -1], np.float32).reshape(1, 5, 1).repeat(3, 2)

    got = color.log_8bit(rgb)[0, :, 0]

    assert got.tolist() == [0, 133, 255, 255, 0]


def test_aliases_are_resolved() -> None:
    assert color.known("sRGB - Texture") == "sRGB Encoded Rec.709 (sRGB)"
    assert color.known("lin_ap1_scene") == "ACEScg"


@pytest.mark.parametrize(
    ("name", "hint"), [("sRGB - Txture", "sRGB Encoded Rec.709"), ("logc", "ARRI LogC"), ("", "ACEScg")]
)
def test_unknown_names_get_a_suggestion(name: str, hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        color.to_acescg(scene(), name)


def test_unknown_view_is_named() -> None:
    with pytest.raises(ConfigError, match=r"It has: ACES 2\.0"):
        color.to_display(scene(), view="Film look")
