"""The circle of confusion is the thin lens's own; a focus pull goes straight in dioptres."""

import numpy as np
import pytest

from calibration.look.focus import aperture_scale, blur_radius_px, focus_at
from pipeline.errors import ConfigError
from pipeline.optics_sections import LensFacts
from pipeline.sections import CameraFacts
from pipeline.types import Lens

LENS = Lens(3840, 2160, 5335.0, 5335.0, 1920.0, 1080.0)  # 50 mm on 36 mm, focused at 3 m


@pytest.mark.parametrize("depth_m", [1.2, 2.5, 3.0, 8.0, 1e6])
def test_the_circle_of_confusion_of_the_textbook(depth_m):
    """c = N^-1 f^2 |Z - s| / (Z (s - f)): f 50 mm, N 2, s 3 m, sensor 36 mm across 3840 pixels; a ray traced by hand."""
    focal, stop, focus, pitch = 0.05, 2.0, 3.0, 0.036 / 3840
    image = focal * focus / (focus - focal)
    lens = Lens(3840, 2160, image / pitch, image / pitch, 1920.0, 1080.0)
    wanted = focal**2 / stop * (depth_m - focus) / (depth_m * (focus - focal)) / 2 / pitch

    scale = aperture_scale(LensFacts(f_number=stop), CameraFacts(focal_mm=50), lens)

    assert blur_radius_px(np.float32([[depth_m]]), focus, scale)[0, 0] == pytest.approx(wanted, rel=1e-4, abs=1e-4)


def test_the_focal_length_comes_from_the_sensor_where_it_was_not_written_down():
    said = LensFacts(f_number=2)
    known = aperture_scale(said, CameraFacts(focal_mm=50), LENS)

    assert aperture_scale(said, CameraFacts(sensor_width_mm=36), LENS) == pytest.approx(known, rel=1e-3)
    with pytest.raises(ConfigError, match="sensor_width_mm"):
        aperture_scale(said, CameraFacts(), LENS)


def test_focus_between_keys_goes_straight_in_dioptres_and_stays_beyond():
    keys = ((1001, 2.0), (1011, float("inf")))

    assert focus_at(keys, 1006) == pytest.approx(4)
    assert focus_at(keys, 990) == 2
    assert focus_at(keys, 1020) == float("inf")
    assert blur_radius_px(np.float32([[4]]), focus_at(keys, 1020), 8.0)[0, 0] == -2
