"""CIEDE2000 against the published pairs of Sharma, Wu and Dalal (2005), table 1."""

import numpy as np
import pytest

from assets.train.differences import delta_e_2000, lab_of

PAIRS = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0009), 7.1792),
    ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0011), 7.2195),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
    ((90.8027, -2.0831, 1.4410), (91.1528, -1.6435, 0.0447), 1.4441),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("first", "second", "published"), PAIRS)
def test_published_pairs(first, second, published):
    assert delta_e_2000(np.array(first), np.array(second)) == pytest.approx(published, abs=5e-5)
    assert delta_e_2000(np.array(second), np.array(first)) == pytest.approx(published, abs=5e-5)


def test_a_white_card_is_white():
    assert lab_of(np.ones((2, 3), np.float32)) == pytest.approx(np.array([[100, 0, 0]] * 2), abs=0.3)
