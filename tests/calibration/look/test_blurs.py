"""What blurred the edges is told apart: filmed polygons at six distances, with known focus, iris and shutter."""

import cv2
import numpy as np
import pytest

from calibration.look.blurs import EdgeTable, find_blurs
from calibration.look.sharpness import edges_of

WIDTH, BAND, FINE = 640, 80, 4
NEAR = np.linspace(0.02, 0.3, 6)  # one over metres, of each band
FRAMES = (1001, 1010, 1020)


def filmed(seed, radius, moves_px, sigma_px=0.6, grain=0.003):
    """(H, W, 3): a band of polygons per distance, spread over a disc, moved along x, softened, sampled, grained."""
    rng, bands = np.random.default_rng(seed), []
    for near in NEAR:
        size = ((BAND + 40) * FINE, WIDTH * FINE)
        picture = np.full(size, 0.2, np.float32)
        for _ in range(60):
            corners = rng.integers(0, size[::-1]) + rng.integers(-90, 90, (5, 2))
            cv2.fillConvexPoly(picture, cv2.convexHull(corners.astype(np.int32)), float(rng.uniform(0.03, 0.8)))
        reach = abs(radius(near)) * FINE
        if reach > 0.6:
            y, x = np.mgrid[-np.ceil(reach) : reach + 1, -np.ceil(reach) : reach + 1]
            disc = np.clip(reach + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
            picture = cv2.filter2D(picture, -1, disc / disc.sum())
        picture = cv2.blur(picture, (max(1, round(moves_px(near) * FINE)), 1))
        picture = cv2.GaussianBlur(picture, (0, 0), sigma_px * FINE)
        bands.append(cv2.resize(picture, (WIDTH, BAND + 40), interpolation=cv2.INTER_AREA)[20:-20])
    grey = np.concatenate(bands)
    return np.repeat((grey + grain * rng.standard_normal(grey.shape))[..., None], 3, 2).astype(np.float32)


def table(scale, focus, shutter, speed):
    """scale: px a dioptre; focus: dioptres per frame; speed: pixels a frame per dioptre."""
    columns = []
    for seed, (frame, sharp) in enumerate(zip(FRAMES, focus, strict=True)):
        edges = edges_of(filmed(seed, lambda n, d=sharp: scale * (n - d), lambda n: speed * n * shutter), 3)
        band = np.clip(edges.at_px[:, 1] // BAND, 0, len(NEAR) - 1).astype(int)
        inside = np.abs(edges.at_px[:, 1] % BAND - BAND / 2) < BAND / 2 - 8
        near = NEAR[band]
        along = speed * near * edges.normals[:, 0]
        columns.append([c[inside] for c in (np.full(len(near), frame), near, along, edges.sigma_px**2)])
    return EdgeTable(*(np.concatenate([c[k] for c in columns]) for k in range(4)))


def test_a_focus_pull_and_the_shutter_are_told_apart():
    found = find_blurs(table(14.0, (0.25, 0.15, 0.05), 0.25, 25.0))

    assert found.scale_px_m == pytest.approx(14, rel=0.15)
    assert [frame for frame, _ in found.focus] == list(FRAMES)
    np.testing.assert_allclose([1 / metres for _, metres in found.focus], (0.25, 0.15, 0.05), atol=0.025)
    assert found.shutter_deg == pytest.approx(90, rel=0.15)
    assert found.sharpest_sigma_px == pytest.approx(np.hypot(0.6, np.sqrt(1 / 12)), rel=0.1)


def test_motion_alone_is_no_depth_of_field():
    """What is near moves faster: a shutter must not pass for a focus far away."""
    found = find_blurs(table(0.0, (0.1, 0.1, 0.1), 0.5, 30.0))

    assert found.focus == ()
    assert "distance explains" in found.focus_note
    assert found.shutter_deg == pytest.approx(180, rel=0.12)
    assert found.shutter_confidence > 0.8


def test_a_still_sharp_plate_tells_neither():
    found = find_blurs(table(0.0, (0.1, 0.1, 0.1), 0.0, 0.0))

    assert found.focus == ()
    assert found.shutter_deg == 0
    assert "0 edges move" in found.shutter_note


def test_too_few_edges_say_so():
    few = EdgeTable(np.full(5, 1001), np.full(5, 0.1), np.zeros(5), np.ones(5))

    assert find_blurs(few).focus_note == "none: 5 usable edges, need 150"
