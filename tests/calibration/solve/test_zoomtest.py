"""A zoom on the way is told from a lens that holds, by tracks of known cameras."""

from __future__ import annotations

import numpy as np

from calibration.cameras import look_at, to_camera
from calibration.lens import project, zoomed
from calibration.solve.solved import Solve
from calibration.solve.zoomtest import zooming
from pipeline.types import Lens

LENS = Lens(640, 360, 560.0, 560.0, 320.0, 180.0, -0.05, 0.01)
FRAMES = 12


def solved(longer: float, noise_px: float) -> Solve:
    """A sideways dolly with `longer` at its end, as one focal length that holds would begin to be adjusted."""
    rng = np.random.default_rng(4)
    points = np.column_stack([rng.uniform(-8, 8, 150), rng.uniform(-2, 4, 150), rng.uniform(-30, -6, 150)])
    poses = np.stack([look_at([0.1 * k, 1.7, -0.05 * k], [0.1 * k, 1.5, -20.0]) for k in range(FRAMES)])
    seen = []
    for row, pose in enumerate(poses):
        px = project(to_camera(points, pose), zoomed(LENS, longer ** (row / (FRAMES - 1))))
        inside = np.flatnonzero((px > 0).all(axis=1) & (px < (640, 360)).all(axis=1))
        noisy = px[inside] + noise_px * rng.standard_normal((len(inside), 2))
        seen.append(np.column_stack([np.full(len(inside), row), inside, noisy]))
    return Solve(poses, LENS, points, np.concatenate(seen))


def test_a_zoom_is_likely_where_it_explains_what_one_focal_length_does_not():
    found = zooming(solved(1.1, noise_px=0.05))

    assert found.likely
    assert found.free_px < 0.6 * found.held_px
    assert 1.05 < found.ratio < 1.11


def test_noise_alone_is_no_zoom():
    found = zooming(solved(1.0, noise_px=0.4))

    assert not found.likely
    assert found.free_px > 0.95 * found.held_px
