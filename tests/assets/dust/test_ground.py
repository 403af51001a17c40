"""The ground's depth from few rays against every ray."""

import numpy as np

from assets.dust.ground import ground_depth
from assets.view import View
from calibration.cameras import look_at
from calibration.ground.heightfield import Heightfield
from calibration.lens import project, rays
from pipeline.types import Lens

LENS = Lens(203, 121, 220.0, 220.0, 101.0, 60.0, -0.08, 0.02, 5e-4, -3e-4)
POSE = look_at(np.array([0.0, 2.2, 4.0]), (2.0, 1.0, -30.0))


def hills():
    x, z = np.meshgrid(np.arange(-80, 81.0), np.arange(-120, 21.0))
    return Heightfield((1.5 * np.sin(x / 9) * np.cos(z / 13)).astype(np.float32), -80.0, -120.0, 1.0)


def depths(heights, where):
    asked = []

    def meet(eye, ways):
        asked.append(len(ways))
        return heights.meet_rays(eye, ways)

    view = View(rays(LENS), lambda points: project(points, LENS), POSE, POSE, 1)
    found = ground_depth(view, meet, where)
    ways = np.concatenate([view.rays, np.ones((*view.size, 1))], axis=-1).reshape(-1, 3) @ POSE[:3, :3]
    true = view.to_camera(heights.meet_rays(view.centre, ways))[:, 2].reshape(view.size)
    return found, np.where(np.isnan(true), np.inf, true), sum(asked)


def test_level_ground_takes_few_rays():
    everywhere = np.ones((LENS.height, LENS.width), bool)

    found, true, asked = depths(Heightfield.flat(), everywhere)

    seen = np.isfinite(true)
    assert 0.3 < seen.mean() < 0.7
    np.testing.assert_array_equal(np.isfinite(found), seen)
    np.testing.assert_allclose(found[seen], true[seen], rtol=2e-3)
    assert asked < 0.4 * everywhere.size


def test_ridges_stay_sharp():
    where = np.zeros((LENS.height, LENS.width), bool)
    where[40:, 20:190] = True

    found, true, _ = depths(hills(), where)

    seen = where & np.isfinite(true)
    off = np.abs(found[seen] / true[seen] - 1)
    assert np.isinf(found[~where]).all()
    assert np.quantile(off, 0.99) < 0.03
    assert off.max() < 0.2


def test_nothing_asked_nothing_told():
    found, _, asked = depths(hills(), np.zeros((LENS.height, LENS.width), bool))

    assert asked == 0
    assert np.isinf(found).all()
