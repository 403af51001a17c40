"""What a piece wears: colours of paintings stay on the surface they were thrown on, others spread over what none shows."""

from dataclasses import replace

import numpy as np
import pytest

from assets.sets.fill import Fill, fill_from, seen_by
from assets.sets.lines import silhouettes
from assets.sets.paintings import Painting, Surface, Thrown, known_colours, worn
from assets.sets.projection import Piece, draw, draw_guides, frame_piece
from assets.sets.surface import spread_points
from calibration.cameras import look_at
from pipeline.errors import FormatError
from pipeline.sections import LightFacts

WINDOW = (-1.0, -1.0, 1.0, 1.0)
LIGHT = LightFacts(sun_azimuth_deg=20.0)


def boxes(*spans):
    """A piece of boxes, each (low corner, high corner), of wall."""
    vertices, triangles, normals = [], [], []
    for low, high in spans:
        for axis in range(3):
            for side, at in ((-1, low), (1, high)):
                u, v = [k for k in range(3) if k != axis]
                corners = np.tile(np.array(low, float), (4, 1))
                corners[:, axis] = at[axis]
                corners[1:3, u], corners[2:4, v] = high[u], high[v]
                first = 4 * len(normals) // 2
                vertices += list(corners)
                triangles += [[first, first + 1, first + 2], [first, first + 2, first + 3]]
                normals += [np.eye(3)[axis] * side] * 2
    return Piece(
        "piece", 1, "stone", 1, np.zeros(3), 0.0, np.array(vertices, np.float32), np.array(triangles, np.int32),
        np.array(normals, np.float32), np.full(len(triangles), 32, np.int32),
    )  # fmt: skip


WALL_AND_POST = boxes(((-12, 0, -1), (12, 8, 0)), ((-1, 0, 5), (1, 7, 6)))


def stripes(points):
    """Colours of places: what truth is here. The post, before z = 2, is red; the wall has stripes of green and blue."""
    wave = 0.5 + 0.4 * np.sin(1.7 * points[..., 0]) * np.cos(1.3 * points[..., 1])
    wall = np.stack([np.zeros_like(wave), wave, 0.5 * wave], axis=-1)
    return np.where((points[..., 2] > 2)[..., None], (0.8, 0.0, 0.0), wall)


def painted(piece, place, sharpness=3.0, tint=1.0):
    projector = frame_piece(piece, look_at(place, (0.0, 4.0, 0.0)), 120.0, WINDOW, sharpness, 1024)
    depth, triangle, points = draw(piece, projector, 1)
    straight = np.concatenate([tint * stripes(points), np.ones((*depth.shape, 1))], axis=-1)
    rgba = (straight * (triangle >= 0)[..., None]).astype(np.float32)
    fill = fill_from(spread_points(piece), [seen_by(projector, draw_guides(piece, projector), rgba)], LIGHT)
    metres = float(np.median(depth[triangle >= 0])) / projector.lens.focal_x_px
    return Painting(piece.name, Thrown.of(projector, rgba, depth, 3 * metres + 0.05), fill)


def shown(piece, place, focal=120.0):
    """Surface points that a camera elsewhere sees, and where in its picture."""
    pose = look_at(place, (0.0, 4.0, 0.0))
    projector = frame_piece(piece, pose, focal, WINDOW, 1.0, 1024)
    _, triangle, points = draw(piece, projector, 1)
    hit = triangle >= 0
    normals = piece.normals[triangle[hit]]
    return Surface(points[hit], normals, normals, piece.parts[triangle[hit]], pose, projector.lens.focal_x_px)


@pytest.mark.parametrize("x", [-9.0, 3.0, 14.0])
def test_a_painting_seen_from_elsewhere_is_the_surface_s_own_colour(x):
    """Beside the post, on the wall, nothing of the post's red; on the post nothing of the wall's green."""
    painting, surface = painted(WALL_AND_POST, (0.0, 4.0, 30.0)), shown(WALL_AND_POST, (x, 5.0, 26.0))

    colours, known, _ = known_colours(surface, [painting.thrown])

    truth = stripes(surface.points)
    front = surface.normals[:, 2] > 0.5
    sure = (known > 0.9) & front
    assert sure.sum() > 0.7 * front.sum()
    assert np.abs(colours - truth)[sure].mean() < 0.002
    on_wall = (known > 0.02) & front & (surface.points[:, 2] < 2)
    assert colours[on_wall, 0].max() < 0.02
    hidden = front & (surface.points[:, 2] < 0.5) & (np.abs(surface.points[:, 0]) < 1) & (surface.points[:, 1] < 6.5)
    assert known[hidden].max(initial=0) == 0


def test_two_paintings_leave_no_ghost_and_no_seam():
    """Where both see the wall one is shown; a painting 10 percent off in colour shows by at most that, and not in between."""
    left, right = painted(WALL_AND_POST, (-12.0, 4.0, 25.0)), painted(WALL_AND_POST, (12.0, 4.0, 25.0), tint=1.1)
    surface = shown(WALL_AND_POST, (0.0, 4.0, 28.0))

    colours, known, _ = known_colours(surface, [left.thrown, right.thrown])

    face = (surface.points[:, 2] < 2) & (surface.normals[:, 2] > 0.5) & (known > 0.9)
    ratio = colours[face, 1] / stripes(surface.points[face])[:, 1]
    strong = stripes(surface.points[face])[:, 1] > 0.3
    mixed = (ratio > 1.03) & (ratio < 1.07) & strong
    assert face.sum() > 2500
    assert mixed.sum() < 0.005 * strong.sum()
    assert known_colours(surface, [left.thrown])[1][face].min() < 0.5  # behind the post: the right one alone knows it


def test_slopes_and_corners_are_no_edges_but_outlines_and_occlusions_are():
    roof = boxes(((-20, -1, -30), (20, 0, 20)), ((-2, 0, 2), (2, 5, 4)))
    projector = frame_piece(roof, look_at((0.0, 6.0, 30.0), (0.0, 2.0, 0.0)), 120.0, WINDOW, 2.0, 1024)
    depth, _, points = draw(roof, projector, 1)

    found = silhouettes(depth, projector.lens.focal_x_px)

    floor = np.isfinite(depth) & (points[..., 1] < 0.01) & (np.abs(points[..., 0]) < 18) & (points[..., 2] < 1.5)
    away = np.abs(points[..., 0]) > 5
    assert not found[floor & away & (points[..., 2] > -18)].any()
    top = np.isfinite(depth) & (points[..., 1] > 4.99) & (np.abs(points[..., 0]) < 1.5)
    crest = np.flatnonzero(top[:, depth.shape[1] // 2])[0]
    assert found[crest, depth.shape[1] // 2]
    assert found[crest - 1, depth.shape[1] // 2]


def test_unseen_faces_wear_the_nearest_seen_of_their_part_in_the_shot_s_light():
    """Red on the left, blue on the right: so are the sides that no painting sees, each in its own light."""
    house = boxes(((-10, 0, -6), (10, 8, 0)))
    projector = frame_piece(house, look_at((0.0, 4.0, 30.0), (0.0, 4.0, 0.0)), 120.0, WINDOW, 2.0, 512)
    drawn = draw_guides(house, projector)
    _, triangle, points = draw(house, projector, 1)
    facing = np.clip(house.normals[triangle] @ np.array(LIGHT.to_sun), 0, None)[..., None]
    light = np.array(LIGHT.sky_rgb) + facing * np.array(LIGHT.sun_rgb)
    albedo = np.where(points[..., :1] < 0, (0.4, 0.3, 0.3), (0.3, 0.3, 0.4))
    alpha = (triangle >= 0)[..., None]
    rgba = np.concatenate([albedo * light * alpha, alpha], axis=-1).astype(np.float32)
    fill = fill_from(spread_points(house), [seen_by(projector, drawn, rgba)], LIGHT)
    back = np.array([[-9.9, 4.0, -4.0], [9.9, 4.0, -4.0], [-8.0, 4.0, -6.0], [8.0, 4.0, -6.0]])

    got = fill.albedo_at(back, np.full(4, 32))

    warm = got[:, 0] / got[:, 2]
    np.testing.assert_allclose(warm, [4 / 3, 3 / 4, 4 / 3, 3 / 4], rtol=0.06)
    np.testing.assert_allclose(fill.means[32], 0.33, atol=0.06)


def test_where_nothing_is_painted_the_fill_is_worn(tmp_path):
    house = boxes(((-10, 0, -6), (10, 8, 0)))
    painting, surface = painted(house, (0.0, 4.0, 30.0)), shown(house, (0.0, 4.0, -30.0))
    painting.fill.write(tmp_path / "fill.npz")
    again = replace(painting, fill=Fill.read(tmp_path / "fill.npz"))

    colours = worn(surface, house, [painting])

    assert (known_colours(surface, [painting.thrown])[1] == 0).mean() > 0.9
    assert (colours.sum(axis=1) > 0.02).all()
    np.testing.assert_array_equal(colours, worn(surface, house, [again]))
    (tmp_path / "fill.npz").write_bytes(b"gone")
    with pytest.raises(FormatError, match=r"fill\.npz.*Run generate_set again"):
        Fill.read(tmp_path / "fill.npz")


def test_points_are_spread_by_area_and_for_an_equal_mesh_they_are_equal():
    piece = boxes(((0, 0, 0), (10, 2, 4)))
    spread = spread_points(piece, 4000)

    assert spread.areas_m2.sum() == pytest.approx(2 * (10 * 2 + 10 * 4 + 2 * 4))
    top = spread.normals[:, 1] > 0.5
    assert top.mean() == pytest.approx(40 / 136, abs=0.01)
    quarter = (spread.points[top][:, 0] < 5) & (spread.points[top][:, 2] < 2)
    assert quarter.mean() == pytest.approx(0.25, abs=0.02)
    np.testing.assert_array_equal(spread.points, spread_points(piece, 4000).points)
    few = spread_points(piece, 5)
    assert few.areas_m2.sum() == pytest.approx(136)
