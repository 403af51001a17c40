"""Facts of how costumes take light, on a flat patch whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from assets.people.characters import Material
from pipeline.kernels import costume
from pipeline.kernels.raster import empty_buffers, rasterize_orthographic

SIZE, SS, STEP_M = 6, 2, 0.01


def patch(kind: int, *, sun=(0.0, 0.0, 1.0), light=(1.0, 0.0, 0.0), albedo=0.4, shadow_depth=np.inf, sky=1.0, part=1):
    """A square of one material that fills the picture and faces the viewer, lit as told; up is +y."""
    edge = SIZE * SS
    corners = np.array([(0, 0, 0), (edge, 0, 0), (edge, edge, 0), (0, edge, 0)], np.float32)
    corners = (corners - (edge / 2, edge / 2, 0)) * (4, 4, 1) + (edge / 2, edge / 2, 0)
    triangles = np.array([(0, 1, 2), (0, 2, 3)], np.int32)
    buffers = empty_buffers(edge, edge)
    rasterize_orthographic(corners.astype(np.float32), triangles, *buffers)
    normals = np.tile(np.float32((0, 0, 1)), (4, 1))
    rest = np.float32([(0, 1, 0), (0.2, 1, 0), (0.2, 1.2, 0), (0, 1.2, 0)])
    table = np.array([sun, *(3 * [level] for level in light), (0, 1, 0)], np.float32)
    shadow = np.full((8, 8), shadow_depth, np.float32)
    frame = np.zeros((3, 4), np.float32)
    frame[:2, 3] = 4.0
    return costume.shade(
        *buffers,
        (triangles, normals, rest, np.full(2, part, np.int32), np.full(4, sky, np.float32)),
        (np.full((23, 3), albedo, np.float32), np.full(23, kind, np.int32), 3.0),
        table,
        (shadow, frame, 0.01),
        (STEP_M, 0.0, 0.0),
        SS,
    )


def test_materials_have_the_same_numbers_on_both_sides_of_the_kernel():
    assert [material.name for material in Material] == [
        "SKIN",
        "HAIR",
        "CLOTH",
        "LEATHER",
        "METAL",
        "WOOD",
        "PAINT",
        "MAIL",
    ]
    assert [getattr(costume, material.name) for material in Material] == list(range(8))


def test_noise_agrees_with_its_twin():
    def lattice(x, y, z):
        h = (x * 374761393 + y * 668265263 + z * 2147483647 + 1013904223) % 2**32
        h = ((h ^ (h >> 13)) * 1274126177) % 2**32
        return ((h ^ (h >> 16)) % 2**24) / 16777215.0

    def twin(point):
        low = np.floor(point).astype(int)
        share = point - low
        share = share * share * (3 - 2 * share)
        total = 0.0
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(corner, share, 1 - share))
            total += weight * lattice(*(int(v) for v in low + corner))
        return total

    for point in np.random.default_rng(2).uniform(-40, 40, (60, 3)):
        assert costume.noise(*point) == pytest.approx(twin(point), abs=1e-9)


@pytest.mark.parametrize("kind", list(Material))
def test_every_material_is_finite_opaque_and_not_negative(kind: Material):
    picture = patch(kind, light=(1.0, 0.3, 0.2))

    assert np.isfinite(picture).all()
    assert picture.min() >= 0
    assert np.allclose(picture[..., 3], 1.0, atol=1e-6)


@pytest.mark.parametrize("kind", [Material.SKIN, Material.CLOTH, Material.WOOD])
def test_a_rough_surface_that_faces_the_sun_shows_about_its_albedo(kind: Material):
    picture = patch(kind, albedo=0.4)

    assert 0.25 < picture[..., :3].mean() < 0.6


def test_no_light_no_picture():
    assert not patch(Material.CLOTH, light=(0.0, 0.0, 0.0))[..., :3].any()


def test_what_lies_in_shadow_takes_no_sun():
    lit, shadowed = patch(Material.PAINT), patch(Material.PAINT, shadow_depth=-1.0)

    assert lit[..., :3].min() > 0.05
    assert shadowed[..., :3].max() < 1e-6


def test_the_sky_reaches_as_far_as_it_is_seen():
    whole, half = (patch(Material.WOOD, light=(0.0, 1.0, 0.5), sky=share) for share in (1.0, 0.5))

    assert np.allclose(half[..., :3], whole[..., :3] / 2, rtol=1e-4)


def test_metal_mirrors_where_paint_does_not():
    """With the sun behind the viewer, polished metal outshines paint of the same colour."""
    metal, paint = patch(Material.METAL), patch(Material.PAINT)

    assert metal[..., :3].max() > 1.5 * paint[..., :3].max()


def test_shade_refuses_parts_without_a_colour():
    with pytest.raises(ValueError, match="albedos"):
        patch(Material.CLOTH, part=40)
