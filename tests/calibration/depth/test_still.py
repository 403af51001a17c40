"""Depth without walkers: a wrong near answer around someone who moves does not hold a layer out."""

from __future__ import annotations

import numpy as np

from calibration.depth.still import still_depth
from pipeline.frames import FrameFiles
from pipeline.io import exr
from pipeline.types import DepthMaps
from tests.scenes import Scene, write_shot

FRAME = 1005


def test_a_hole_that_a_walker_tore_is_mended_from_other_frames(tmp_path):
    """Each frame has a near, untrusted blot where somebody stood, each at another place."""
    scene = Scene(width=320, height=180, frames=9, actor=False)
    shot = write_shot(scene, tmp_path)
    files = FrameFiles(tmp_path / "depth", "depth.%04d.exr", shot.plate.files.frames)
    for number, frame in enumerate(files.frames):
        z = scene.depth_m(frame).astype(np.float32)
        confidence = np.where(np.isfinite(z), np.float32(1), np.float32(0))
        blot = (slice(90, 140), slice(40 + 25 * number, 75 + 25 * number))
        z[blot], confidence[blot] = 2.0, 0.1
        exr.write(files.path(frame), {"Z": z, "C": confidence})
    true = scene.depth_m(FRAME)

    z, confidence = still_depth(shot.plate, shot.track, DepthMaps(files), FRAME)

    blot = (slice(94, 136), slice(144, 171))
    assert np.median(np.abs(z[blot] / true[blot] - 1)) < 0.05
    untouched = (slice(90, 140), slice(0, 35))
    np.testing.assert_array_equal(z[untouched], true[untouched].astype(np.float32))
    assert confidence[blot].mean() > 0.3
