"""People of the plate in a set's shadow, against rays cast one by one and round bodies in closed form."""

import numpy as np
import pytest
from scipy import ndimage

from assets.sunlight.kept import read_sun, write_sun
from assets.sunlight.maps import SunMaps
from assets.sunlight.on_people import left_on_people, rounded
from assets.sunlight.share import Sunlight
from assets.view import View
from tests.boxes import box, hit, sun

LEFT = (0.25, 0.32, 0.42)
SIZE = 320, 240


def view():
    """Level, from 1.2 m above the ground, along -z."""
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = pose[:3, :3] @ np.array([0.0, -1.2, 0.0])
    y, x = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    rays = np.stack([(x - SIZE[1] / 2) / 400, (y - SIZE[0] / 2) / 400], axis=-1).astype(np.float32)
    return View(rays, lambda points: points[..., :2], pose, pose, 0)


def column(radius_m=0.25, away_m=5.0):
    """An upright round column: matte, depth along z, world normals."""
    camera = view()
    slope = camera.rays[..., 0].astype(np.float64)
    a, b, c = 1 + slope**2, -2 * away_m, away_m**2 - radius_m**2
    inside = b * b - 4 * a * c > 0
    z = np.where(inside, (-b - np.sqrt(np.maximum(b * b - 4 * a * c, 0))) / (2 * a), np.inf)
    normals = np.zeros((*SIZE, 3))
    normals[inside] = np.stack([slope[inside] * z[inside], 0 * z[inside], away_m - z[inside]], axis=-1) / radius_m
    tall = np.abs(camera.rays[..., 1] * away_m) < 1.7  # beyond the picture on both ends
    return (inside & tall).astype(np.float32), z.astype(np.float32), normals


def world(camera, z):
    rays = np.concatenate([camera.rays, np.ones((*SIZE, 1))], axis=-1)
    return (rays * np.where(np.isfinite(z), z, 0)[..., None] - camera.pose[:3, 3]) @ camera.pose[:3, :3]


def test_a_round_column_loses_the_sun_where_rays_are_stopped_and_it_faces_it():
    camera, (matte, z, normals), to_sun = view(), column(), sun(35, 60)
    wall = [box((0.5, 0, -5.2), (0.7, 1.9, -4.0))]
    sunlight = Sunlight(SunMaps.of(wall, to_sun, 1e-6), LEFT)

    left = left_on_people(sunlight, camera, matte, np.where(matte > 0, z, np.float32(np.inf)))

    people = matte == 1
    dark = hit(wall, world(camera, z).reshape(-1, 3), to_sun).reshape(SIZE)
    inner = people & (np.abs(camera.rays[..., 0]) < 0.046)  # at its rim a normal turns by 30 degrees in a pixel
    inner &= np.abs(camera.rays[..., 1]) < 0.28  # its ends are rounded
    inner &= ndimage.maximum_filter(dark, 3) == ndimage.minimum_filter(dark, 3)
    true = np.where(dark[..., None], sunlight.left(normals), 1.0)
    assert 1000 < (dark & people).sum() < 0.7 * people.sum()
    assert (left[~people] == 1).all()
    off = np.abs(left - true).max(axis=-1)[inner]
    assert np.median(off[dark[inner]]) < 0.02
    assert (off > 0.08).mean() < 0.005
    assert (left[people & ~dark] == 1).mean() > 0.96


def test_an_outline_is_rounded_as_a_rod_is():
    width = 40
    matte = np.zeros((30, 64), np.float32)
    matte[:, 12 : 12 + width] = 1

    whole = rounded(np.tile(matte, (8, 1)))
    normals = whole[120]

    np.testing.assert_allclose(whole, np.broadcast_to(normals, whole.shape), atol=1e-3)  # it goes on beyond the picture
    x = (np.arange(12, 12 + width) + 0.5 - 32) / (width / 2)
    np.testing.assert_allclose(normals[12 : 12 + width, 0], x, atol=0.05)
    np.testing.assert_allclose(normals[12 : 12 + width, 1], 0, atol=0.02)
    assert (normals[12 : 12 + width, 2] > 0).all()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=1e-5)


def test_large_and_empty_outlines_have_normals_too():
    y, x = np.mgrid[:600, :500]
    disc = (np.hypot(x - 250, y - 300) < 200).astype(np.float32)

    normals = rounded(disc)

    np.testing.assert_allclose(normals[300, 250], (0, 0, 1), atol=0.02)
    assert normals[300, 70, 0] < -0.8
    assert normals[120, 250, 1] < -0.8
    for plain in (np.zeros((5, 7), np.float32), np.ones((5, 7), np.float32), np.ones((1, 3), np.float32)):
        assert (rounded(plain)[..., 2] == 1).all()


@pytest.mark.parametrize("what", ["nobody", "beyond"])
def test_where_nothing_is_taken_nothing_is_said(what):
    camera, (matte, z, _) = view(), column()
    walls = [box((0.5, 0, -5.2), (0.7, 1.9, -4.0))] if what == "nobody" else [box((8, 0, -5), (9, 1, -4))]
    sunlight = Sunlight(SunMaps.of(walls, sun(35, 60), 0.03), LEFT)
    matte = np.zeros_like(matte) if what == "nobody" else matte

    assert left_on_people(sunlight, camera, matte, np.where(matte > 0, z, np.float32(np.inf))) is None


def test_a_sun_comes_back_from_its_file(tmp_path):
    wall = [box((0.5, 0, -5.2), (0.7, 1.9, -4.0))]
    sunlight = Sunlight(SunMaps.of(wall, sun(35, 60), 0.03), LEFT, 0.8)

    write_sun(tmp_path / "sun.json", sunlight)
    again = read_sun(tmp_path / "sun.json", wall, LEFT)

    assert (again.maps.to_sun == sunlight.maps.to_sun).all()
    assert (again.maps.softness, again.left_rgb, again.strength) == (0.03, LEFT, 0.8)
    np.testing.assert_array_equal(again.maps.maps[0].depth, sunlight.maps.maps[0].depth)
