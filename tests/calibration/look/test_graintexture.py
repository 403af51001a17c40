"""Activity of measured blocks is what the kernel finds in the picture; too few blocks tell no law."""

import cv2
import numpy as np
import pytest

from calibration.look.grainblocks import LEVEL_BLUR, match_blocks
from calibration.look.graintexture import activity_of, texture_law
from pipeline.kernels.color import LUMINANCE
from pipeline.kernels.graintexture import CELL, activity
from tests.scenes import Scene


def test_activity_of_blocks_is_that_of_the_pictures_cells():
    picture = Scene(width=640, height=360, frames=2, grain=0).picture(1001)
    smooth = cv2.GaussianBlur(picture, (0, 0), LEVEL_BLUR) @ LUMINANCE.astype(np.float32)

    rows, columns = 360 // CELL, 640 // CELL
    cut = smooth[: rows * CELL, : columns * CELL].reshape(rows, CELL, columns, CELL).transpose(0, 2, 1, 3)
    found = activity_of(cut)

    wanted = activity(picture)[:rows, :columns]
    seen = wanted > 0.02
    assert seen.sum() > 100
    assert np.median(found[seen] / wanted[seen]) == pytest.approx(1, abs=0.05)
    assert np.abs(np.log(found[seen] / wanted[seen])).mean() < 0.1


def test_few_blocks_tell_no_law():
    first, second = (Scene(width=160, height=96, frames=2, grain=0.02).picture(f) for f in (1001, 1002))
    blocks = match_blocks(first, second, 16)

    found = texture_law(blocks, np.full_like(blocks.rest, 0.02), np.eye(3), np.arange(len(blocks.level)))

    assert len(blocks.level) < 200
    assert found.shape == (2, 0)
