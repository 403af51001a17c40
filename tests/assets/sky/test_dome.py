"""A sky in every direction: where a panorama's and a flat picture's pixels stand, and what is refused."""

import math

import numpy as np
import pytest

from assets.sky.dome import mean_light, sky_of
from pipeline.errors import AssetError, FormatError
from pipeline.io import exr, images
from pipeline.sky_sections import SkyBrief

AHEAD, SUN = np.array([0.0, 0.0, -1.0]), np.array([0.0, 1.0, 0.0])
WIDE = 360  # a pixel to a degree


def towards(right_deg, up_deg):
    right, up = np.radians(right_deg), np.radians(up_deg)
    return np.stack(np.broadcast_arrays(
        np.sin(right) * np.cos(up), np.sin(up), -np.cos(right) * np.cos(up)), axis=-1).reshape(1, -1, 3)  # fmt: skip


def panorama(path, height=WIDE // 2, horizon=None):
    """Red rises by a hundredth a degree to the right, green by one a degree above the horizon."""
    horizon = height / 2 if horizon is None else horizon
    x, y = np.meshgrid(np.arange(WIDE) + 0.5 - WIDE / 2, horizon - np.arange(height) - 0.5)
    exr.write_rgb(path, np.dstack([2 + x / 100, 1 + y / 100, np.ones_like(x)]).astype(np.float32))
    return path


def looked(brief, right_deg, up_deg, focal=1e4):
    return sky_of(brief, AHEAD, SUN, focal)(towards(right_deg, up_deg))[0]


def test_a_panorama_stands_by_degrees_from_where_the_camera_looks(tmp_path):
    brief = SkyBrief(picture=panorama(tmp_path / "sky.exr"))

    found = looked(brief, np.array([0.0, 30.0, -75.0]), np.array([10.0, 40.0, 25.5]))

    np.testing.assert_allclose(found[:, 0], [2.0, 2.3, 1.25], atol=2e-3)
    np.testing.assert_allclose(found[:, 1], [1.1, 1.4, 1.255], atol=2e-3)


def test_yaw_turns_it_to_the_right_and_rise_lifts_it(tmp_path):
    brief = SkyBrief(picture=panorama(tmp_path / "sky.exr"), yaw_deg=20.0, rise_deg=-5.0)

    found = looked(brief, 20.0, 10.0)[0]

    assert found[0] == pytest.approx(2.0, abs=2e-3)
    assert found[1] == pytest.approx(1.15, abs=2e-3)


def test_a_part_of_a_panorama_says_where_its_horizon_is(tmp_path):
    path = panorama(tmp_path / "upper.exr", height=90, horizon=90)

    assert looked(SkyBrief(picture=path, horizon=1.0), 0.0, 30.0)[0, 1] == pytest.approx(1.3, abs=2e-3)
    with pytest.raises(AssetError, match=r"360 x 90, a part of a panorama .* Write horizon"):
        looked(SkyBrief(picture=path), 0.0, 30.0)


def test_below_the_horizon_its_own_light_goes_on(tmp_path):
    brief = SkyBrief(picture=panorama(tmp_path / "sky.exr"))

    np.testing.assert_allclose(looked(brief, 5.0, -12.0), looked(brief, 5.0, 0.0), atol=1e-6)


def test_a_panorama_closes_behind_without_a_seam(tmp_path):
    x, _ = np.meshgrid(np.arange(WIDE) + 0.5, np.arange(WIDE // 2))
    exr.write_rgb(tmp_path / "sky.exr", np.dstack([2 + np.sin(np.radians(x))] * 3).astype(np.float32))

    found = looked(SkyBrief(picture=tmp_path / "sky.exr"), np.arange(175.0, 185.1, 0.25), 10.0)[:, 0]

    wanted = 2 + np.sin(np.radians(np.arange(175.0, 185.1, 0.25) + 180))
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_fine_noise_of_a_large_panorama_does_not_shimmer(tmp_path):
    """Seen four times smaller than it is, and near the zenith, white noise of 1 keeps little of its spread."""
    noise = np.random.default_rng(1).normal(4.0, 1.0, (512, 1024, 1)).astype(np.float32)
    exr.write_rgb(tmp_path / "sky.exr", np.maximum(noise, 0).repeat(3, axis=2))
    brief, focal = SkyBrief(picture=tmp_path / "sky.exr"), 1024 / (2 * math.pi) / 4

    level = looked(brief, np.arange(0, 360, 0.7), 20.0, focal)[:, 0]
    zenith = looked(brief, np.arange(0, 360, 0.7), 84.0, focal)[:, 0]

    assert level.std() < 0.3
    assert zenith.std() < 0.2


def test_a_flat_picture_is_seen_as_its_lens_saw_it(tmp_path):
    x, y = np.meshgrid(np.arange(400) + 0.5, np.arange(200) + 0.5)
    exr.write_rgb(tmp_path / "sky.exr", np.dstack([x / 100, y / 100, np.ones_like(x)]).astype(np.float32))
    brief = SkyBrief(picture=tmp_path / "sky.exr", fov_deg=90.0, yaw_deg=10.0, rise_deg=5.0)

    middle, right, beyond = looked(brief, np.array([10.0, 40.0, 60.0]), np.array([5.0, 5.0, 5.0]))

    np.testing.assert_allclose(middle[:2], [2.0, 1.0], atol=2e-3)
    # 30 degrees aside at the same height, by the pinhole's own formula
    ahead, aside = math.cos(math.radians(5)), math.radians(30)
    depth = ahead * ahead * math.cos(aside) + math.sin(math.radians(5)) ** 2
    assert right[0] == pytest.approx(2.0 + 2.0 * ahead * math.sin(aside) / depth, abs=3e-3)
    assert np.isnan(beyond).all()


def test_pictures_that_are_none_are_told_by_the_section(tmp_path):
    tall = images.write_png(tmp_path / "tall.png", np.zeros((300, 300, 3), np.uint8))

    assert tall is None
    with pytest.raises(AssetError, match=r"\[sky\] .*300 x 300; a panorama is at most half as high as wide"):
        looked(SkyBrief(picture=tmp_path / "tall.png"), 0.0, 10.0)
    with pytest.raises(FormatError, match=r"\[sky\] .*no such file"):
        looked(SkyBrief(picture=tmp_path / "missing.png"), 0.0, 10.0)


def test_a_sky_of_one_light_lights_white_to_as_much():
    assert mean_light(lambda d: np.full(d.shape, 0.7, np.float32)) == pytest.approx(0.7, rel=1e-4)
    rising = mean_light(lambda d: np.repeat(d[..., 1:2], 3, axis=-1).astype(np.float32))
    assert rising == pytest.approx(2 / 3, rel=1e-3)  # the mean of a cosine over itself
