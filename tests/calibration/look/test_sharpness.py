"""Edges of a known softness are measured, through grain."""

import cv2
import numpy as np
import pytest

from calibration.look.sharpness import USUAL_PX, edge_sigma_px


def polygons(sigma_px, grain=0.003, seed=1):
    generator = np.random.default_rng(seed)
    big = np.full((240 * 8, 320 * 8), 0.1, np.float32)
    for _ in range(14):
        centre = generator.uniform([0, 0], [320 * 8, 240 * 8])
        points = centre + generator.uniform(-380, 380, (3, 2))
        cv2.fillPoly(big, [points.astype(np.int32)], float(generator.uniform(0.05, 0.6)))
    big = cv2.GaussianBlur(big, (0, 0), sigma_px * 8)
    picture = cv2.resize(big, (320, 240), interpolation=cv2.INTER_AREA)
    picture = picture + grain * generator.standard_normal(picture.shape)
    return np.repeat(picture[..., None], 3, 2).astype(np.float32)


@pytest.mark.parametrize("sigma_px", [0.6, 0.9, 1.4])
def test_known_softness_is_measured(sigma_px):
    found, edges = edge_sigma_px([polygons(sigma_px, seed=s) for s in (1, 2, 3)])

    wanted = np.hypot(sigma_px, np.sqrt(1 / 12))  # the pixel's own area softens too
    assert edges > 40
    assert found == pytest.approx(wanted, rel=0.15)


def test_a_picture_without_edges_is_taken_as_usual():
    found, edges = edge_sigma_px([np.full((60, 80, 3), 0.2, np.float32)])

    assert (found, edges) == (USUAL_PX, 0)
