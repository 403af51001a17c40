"""The matrices against published colour bars; subsampling against its own inverse."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.io import yuv

# 75% colour bars, 8 bit limited range, Y Cb Cr. Sources: ITU-R BT.709 (as in SMPTE RP 219), ITU-R BT.601 (EBU bars).
BARS = {
    "bt709": {
        (0.75, 0.75, 0.75): (180, 128, 128), (0.75, 0.75, 0): (168, 44, 136), (0, 0.75, 0.75): (145, 147, 44),
        (0, 0.75, 0): (133, 63, 52), (0.75, 0, 0.75): (63, 193, 204), (0.75, 0, 0): (51, 109, 212), (0, 0, 0.75): (28, 212, 120),
    },
    "bt601": {
        (0.75, 0.75, 0.75): (180, 128, 128), (0.75, 0.75, 0): (162, 44, 142), (0, 0.75, 0.75): (131, 156, 44),
        (0, 0.75, 0): (112, 72, 58), (0.75, 0, 0.75): (84, 184, 198), (0.75, 0, 0): (65, 100, 212), (0, 0, 0.75): (35, 212, 114),
    },
}  # fmt: skip


@pytest.mark.parametrize("matrix", list(BARS))
def test_colour_bars_have_their_published_codes(matrix: str) -> None:
    colors = np.array(list(BARS[matrix]), np.float32)[None]

    codes = yuv.yuv_from_rgb(colors, matrix=matrix, bits=8, full_range=False, chroma="444")

    assert np.stack(codes, -1)[0].tolist() == [list(c) for c in BARS[matrix].values()]


@pytest.mark.parametrize("matrix", list(BARS))
def test_published_codes_are_the_colour_bars(matrix: str) -> None:
    y, u, v = np.array(list(BARS[matrix].values()), np.uint8).T[:, None, :]

    rgb = yuv.rgb_from_yuv(y, u, v, matrix=matrix, bits=8, full_range=False)

    assert np.abs(rgb[0] - np.array(list(BARS[matrix]))).max() < 0.005  # half a code


@pytest.mark.parametrize("matrix", list(yuv.LUMA_RED_BLUE))
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bits", [8, 10, 12])
def test_there_and_back_is_within_rounding(matrix: str, full_range: bool, bits: int) -> None:
    rgb = np.random.default_rng(2).random((8, 10, 3)).astype(np.float32)

    codes = yuv.yuv_from_rgb(rgb, matrix=matrix, bits=bits, full_range=full_range, chroma="444")
    back = yuv.rgb_from_yuv(*codes, matrix=matrix, bits=bits, full_range=full_range)

    assert np.abs(back - rgb).max() < 1.75 / 2**bits  # luma and chroma each rounded by half a code


@pytest.mark.parametrize("chroma", ["422", "420"])
def test_subsampled_ramps_stay_where_they_are(chroma: str) -> None:
    """A wrong siting moves a ramp by a quarter or half a pixel: 0.6% of full scale here, five times the limit."""
    x, y = np.meshgrid(np.arange(40, dtype=np.float32), np.arange(30, dtype=np.float32))
    rgb = np.stack([x / 80 + 0.2, y / 60 + 0.2, 0.5 - x / 160], axis=-1)

    codes = yuv.yuv_from_rgb(rgb, matrix="bt709", bits=12, full_range=True, chroma=chroma)
    back = yuv.rgb_from_yuv(*codes, matrix="bt709", bits=12, full_range=True)

    assert np.abs(back - rgb)[2:-2, 2:-2].max() < 0.0012


@pytest.mark.parametrize("size", [(2, 2), (7, 9), (1, 1)])
def test_odd_planes_are_filled_to_the_edge(size: tuple[int, int]) -> None:
    height, width = size
    half = np.full(((height + 1) // 2, (width + 1) // 2), 512, np.uint16)

    rgb = yuv.rgb_from_yuv(np.full(size, 502, np.uint16), half, half, matrix="bt709", bits=10, full_range=False)

    assert rgb.shape == (height, width, 3)
    assert np.allclose(rgb, (502 - 64) / 876, atol=1e-6)
