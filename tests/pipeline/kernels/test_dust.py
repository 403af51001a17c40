"""Optical depth through flat Gaussians against their sum along each ray, step by step."""

import numba
import numpy as np
import pytest

from pipeline.kernels.dust import PARTS, Clouds, optical_depth, reach

SIZE = (70, 41)
UP = np.array([0.1, -0.97, 0.22])
UP = (UP / np.linalg.norm(UP)).astype(np.float32)
FOCAL = 60.0


def rays_of(height, width):
    y, x = np.mgrid[:height, :width] + 0.5
    return np.stack([(x - width / 2) / FOCAL, (y - height / 2) / FOCAL], axis=-1).astype(np.float32)


def clouds_of(*puffs):
    """Of (middle, wide, high, mass, lit); each box is the whole picture."""
    middles, wide, high, masses, lit = (np.array(part, np.float32) for part in zip(*puffs, strict=True))
    boxes = np.tile(np.array([0, SIZE[1], 0, SIZE[0]], np.int32), (len(puffs), 1))
    return Clouds(middles, wide, high, masses, lit, boxes)


THREE = clouds_of(
    ((0.3, 0.5, 9.0), 0.6, 0.25, 0.2, 1.0),
    ((-1.5, -0.8, 14.0), 0.9, 0.7, 0.5, 0.5),
    ((0.9, 1.9, 6.0), 0.4, 0.5, 0.1, 0.2),
)
SURFACES = {"near_m": 9.2, "cover": 0.3, "far_m": 13.5}


def summed(clouds, surfaces=SURFACES):
    planes = {name: np.full(SIZE, value, np.float32) for name, value in surfaces.items()}
    out = np.full((PARTS, *SIZE), np.nan, np.float32)
    ends = reach(clouds.masses, clouds.wide_m, clouds.high_m).astype(np.float32)
    optical_depth(rays_of(*SIZE), clouds, UP, ends, out=out, **planes)
    return np.moveaxis(out, 0, -1)


def stepped(clouds, until, since=0.0, steps=400):
    """(H, W, N) by adding up extinction along each ray."""
    rays = rays_of(*SIZE).astype(np.float64)
    ways = np.concatenate([rays, np.ones((*SIZE, 1))], axis=-1)
    z = np.linspace(since, until, steps, endpoint=False) + (until - since) / steps / 2
    found = []
    for middle, wide, high, mass in zip(clouds.middles, clouds.wide_m, clouds.high_m, clouds.masses, strict=True):
        off = z[:, None, None, None] * ways - middle
        upwards = off @ UP.astype(np.float64)
        across = (off**2).sum(axis=-1) - upwards**2
        density = np.exp(-0.5 * (across / wide**2 + upwards**2 / high**2)) * mass
        density /= (2 * np.pi) ** 1.5 * wide**2 * high
        found.append(density.sum(axis=0) * (until - since) / steps * np.linalg.norm(ways, axis=-1))
    return np.stack(found, axis=-1)


def test_it_is_the_sum_along_the_ray_up_to_each_surface():
    near, far = (stepped(THREE, SURFACES[name]) for name in ("near_m", "far_m"))

    out = summed(THREE)

    lowered = 0.012 * stepped(THREE, 20.0).max(axis=(0, 1)).sum()  # profiles end at FARTHEST deviations
    np.testing.assert_allclose(out[..., 0], near.sum(axis=-1), atol=lowered)
    np.testing.assert_allclose(out[..., 1], far.sum(axis=-1), atol=lowered)
    lit = ((0.3 * near + 0.7 * far) * [1.0, 0.5, 0.2]).sum(axis=-1)
    np.testing.assert_allclose(out[..., 3], lit, atol=lowered)


def test_through_its_middle_a_puff_takes_its_mass_over_its_section():
    one = clouds_of(((0.0, 0.5 / FOCAL * 10, 10.0), 0.5, 0.5, 0.3, 1.0))

    out = summed(one, {"near_m": np.inf, "cover": 0.0, "far_m": np.inf})

    assert out[35, 20, 1] == pytest.approx(0.3 / (2 * np.pi * 0.25), rel=2e-3)


def test_depth_lies_at_the_puff_or_before_what_stops_the_ray():
    one = clouds_of(((0.0, 0.0, 10.0), 0.5, 0.5, 0.3, 1.0))

    free = summed(one, {"near_m": np.inf, "cover": 0.0, "far_m": np.inf})
    stopped = summed(one, {"near_m": np.inf, "cover": 0.0, "far_m": 9.8})

    assert free[35, 20, 2] / free[35, 20, 1] == pytest.approx(10.0, abs=0.01)
    assert stopped[35, 20, 2] / stopped[35, 20, 1] == pytest.approx(9.8, abs=0.01)
    assert stopped[35, 20, 1] == pytest.approx(free[35, 20, 1] * 0.3446, rel=2e-3)  # of a normal below -0.4 deviations


def test_far_from_the_camera_float32_is_enough():
    """400 m away a ray misses a middle by centimetres."""
    far = clouds_of(((0.0, 2.0, 400.0), 3.0, 2.0, 9.0, 1.0))

    out = summed(far, {"near_m": np.inf, "cover": 0.0, "far_m": 401.5})

    np.testing.assert_allclose(out[..., 1], stepped(far, 401.5, 385.0)[..., 0], atol=0.02 * out[..., 1].max())


def test_nothing_reaches_beyond_its_box_and_none_is_zero():
    few = THREE.boxes.copy()
    few[:] = [5, 9, 30, 67]
    boxed = Clouds(THREE.middles, THREE.wide_m, THREE.high_m, THREE.masses, THREE.lit, few)

    out, whole = summed(boxed), summed(THREE)

    inside = np.zeros(SIZE, bool)
    inside[30:67, 5:9] = True
    np.testing.assert_array_equal(out[inside], whole[inside])
    assert not out[~inside].any()
    few[:, 1] = 0
    assert not summed(boxed).any()


def test_a_puff_fades_to_nothing_where_it_ends():
    masses = np.array([1e-6, 1e-3, 1.0])

    ends = reach(masses, np.full(3, 0.5), np.full(3, 0.3))

    assert ends[0] == 0
    assert 0 < ends[1] < ends[2] == pytest.approx(3.0)
    weak = summed(clouds_of(((0.0, 0.0, 9.0), 1.2, 1.2, 3e-3, 1.0)))[..., 1]
    edge = (weak > 0) & ~(np.roll(weak, 1, axis=1) > 0)
    assert weak[edge].max() < 0.2 * weak.max()


def test_the_bits_are_the_same_for_any_number_of_threads():
    once = summed(THREE)
    assert once.any()
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(summed(THREE), once)
    finally:
        numba.set_num_threads(before)


def test_nan_stays_visible():
    planes = {name: np.full(SIZE, value, np.float32) for name, value in SURFACES.items()}
    planes["far_m"][35, 20] = np.nan
    out = np.zeros((PARTS, *SIZE), np.float32)

    optical_depth(rays_of(*SIZE), THREE, UP, np.full(3, 3, np.float32), out=out, **planes)

    assert np.isnan(out[1, 35, 20])
    assert np.isfinite(out[:, 35, 21]).all()


def test_wrong_arrays_are_refused():
    planes = {name: np.full(SIZE, value, np.float32) for name, value in SURFACES.items()}
    out, ends = np.zeros((PARTS, *SIZE), np.float32), np.full(3, 3, np.float32)

    with pytest.raises(ValueError, match="near_m is"):
        optical_depth(rays_of(*SIZE), THREE, UP, ends, out=out, **{**planes, "near_m": np.zeros(SIZE)})
    with pytest.raises(ValueError, match="ends is"):
        optical_depth(rays_of(*SIZE), THREE, UP, ends[:2], out=out, **planes)
