"""The sheet of an atlas."""

import numpy as np

from assets.sprites.contact import contact_sheet
from assets.sprites.demand import Wanted


def test_each_person_has_a_row_and_phases_run_across():
    wanted = [Wanted("archer", "idle", 0, 0, phase) for phase in range(3)] + [Wanted("officer", "idle", 0, 0, 0)]
    sprites = np.zeros((4, 8, 6, 4), np.float16)
    sprites[2, ..., 0], sprites[2, ..., 3] = 0.8, 1

    sheet = contact_sheet(sprites, wanted)

    assert sheet.shape == (2 * 8, 16 * 6, 3)
    red = sheet[..., 0].astype(int) - sheet[..., 1] > 60
    assert red[:8, 12:18].all()
    assert red.sum() == 8 * 6


def test_nobody_leaves_an_empty_sheet():
    assert contact_sheet(np.zeros((0, 8, 6, 4), np.float16), []).shape == (8, 96, 3)
