"""Channel names as the field's programs write them."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.io.channels import alpha_name, color_names, luma_weights, rgb_from_luma_chroma


@pytest.mark.parametrize(
    ("names", "color", "alpha"),
    [
        ("R G B", "R G B", None),
        ("R G B A Z", "R G B", "A"),
        ("r g b a", "r g b", "a"),
        ("red green blue alpha", "red green blue", "alpha"),
        ("rgba.R rgba.G rgba.B rgba.A depth.Z", "rgba.R rgba.G rgba.B", "rgba.A"),
        ("ViewLayer.Combined.R ViewLayer.Combined.G ViewLayer.Combined.B ViewLayer.Combined.A", None, None),
        ("A.R A.G A.B beauty.R beauty.G beauty.B", "beauty.R beauty.G beauty.B", None),
        ("specular.R specular.G specular.B diffuse.R diffuse.G diffuse.B", "diffuse.R diffuse.G diffuse.B", None),
        ("left.R left.G left.B right.R right.G right.B", "left.R left.G left.B", None),
        ("Y A", "Y Y Y", "A"),
        ("Y RY BY", "Y RY BY", None),
    ],
)
def test_the_picture_is_found(names: str, color: str | None, alpha: str | None) -> None:
    wanted = color or "ViewLayer.Combined.R ViewLayer.Combined.G ViewLayer.Combined.B"

    assert color_names(names.split()) == tuple(wanted.split())
    assert alpha_name(names.split()) == (alpha if color else "ViewLayer.Combined.A")


@pytest.mark.parametrize("names", ["Z", "A", "X Y.Z motion.u", "R G"])
def test_no_picture_is_said(names: str) -> None:
    assert color_names(names.split()) is None


def test_luma_weights_are_the_standards() -> None:
    rec709 = (0.64, 0.33, 0.30, 0.60, 0.15, 0.06, 0.3127, 0.3290)
    rec2020 = (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, 0.3127, 0.3290)

    assert luma_weights(rec709) == pytest.approx((0.2126, 0.7152, 0.0722), abs=1e-4)
    assert luma_weights(rec2020) == pytest.approx((0.2627, 0.6780, 0.0593), abs=1e-4)


def test_luma_and_chroma_give_the_colour_back() -> None:
    rgb = np.random.default_rng(1).random((4, 6, 3)) + 0.1
    luma = rgb @ np.array([0.2126, 0.7152, 0.0722])

    got = rgb_from_luma_chroma(luma, (rgb[..., 0] - luma) / luma, (rgb[..., 2] - luma) / luma)

    assert np.allclose(got, rgb, atol=1e-6)
