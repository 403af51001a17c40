"""What the model's figures say: nothing is lost in a true picture, structure is lost by blur and not by brightness."""

from __future__ import annotations

import cv2
import numpy as np

from assets.train.measure import _ssim

INSIDE = np.ones((64, 48), bool)


def picture() -> np.ndarray:
    rgba = np.random.default_rng(3).uniform(0.05, 0.6, (64, 48, 4)).astype(np.float32)
    rgba[..., 3] = 1
    return rgba


def test_a_true_picture_is_wholly_alike():
    assert _ssim(picture(), picture(), INSIDE) > 0.9999


def test_blur_costs_more_structure_than_a_touch_of_exposure():
    blurred = cv2.GaussianBlur(picture(), (0, 0), 1.5)
    brighter = picture() * np.float32([1.05, 1.05, 1.05, 1])

    assert _ssim(blurred, picture(), INSIDE) < 0.7
    assert _ssim(brighter, picture(), INSIDE) > 0.98
