"""Lines for a painter: a box's own edges where they project, nothing on slopes and round walls, borders of parts."""

import itertools

import numpy as np

from assets.providers.request import SetPart
from assets.sets.lines import drawn_lines
from assets.sets.pieces import build
from assets.sets.projection import Piece, Projector, draw_guides
from calibration.cameras import look_at
from pipeline.types import Lens

LENS = Lens(200, 160, 220.0, 220.0, 100.0, 80.0)
EYE = (3.0, 3.2, 9.0)


def projector():
    return Projector(LENS, tuple(look_at(EYE, (0.0, 1.0, 0.0)).ravel()))


def box(part_of_top=SetPart.WALL):
    """2 x 2 x 2 m on the ground."""
    corners = np.array(list(itertools.product((-1, 1), (0, 2), (-1, 1))), np.float32)
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = [tri for a, b, c, d in quads for tri in ((a, b, c), (a, c, d))]
    normals = np.repeat(
        np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]], np.float32), 2, 0
    )
    parts = np.full(12, SetPart.WALL, np.int32)
    parts[normals[:, 1] > 0] = part_of_top
    return Piece("box", 1, "stone", 1, np.zeros(3), 0.0, corners, np.array(faces, np.int32), normals, parts)


def lines_of(piece):
    return draw_guides(piece, projector()).guides.edges[0] > 0


def seen_edges(piece):
    """Pixels, four to each, along the nine edges of the box that the camera sees."""
    hidden = np.array([-1, 0, -1])
    ends = [(a, b) for a, b in itertools.combinations(piece.vertices.astype(float), 2) if (a != b).sum() == 1]
    ends = [(a, b) for a, b in ends if not ((a == hidden).all() or (b == hidden).all())]
    assert len(ends) == 9
    t = np.linspace(0, 1, 400)[:, None]
    points = np.concatenate([a + t * (b - a) for a, b in ends])
    flat = np.column_stack([points, np.ones(len(points))]) @ projector().matrix.T
    return flat[:, :2] / flat[:, 2:]


def test_a_box_is_drawn_by_its_nine_seen_edges():
    piece = box()
    found = lines_of(piece)
    truth = seen_edges(piece)

    y, x = np.nonzero(found)
    off = np.hypot(x[:, None] + 0.5 - truth[:, 0], y[:, None] + 0.5 - truth[:, 1])
    assert off.min(axis=1).max() < 1.6  # no line where no edge is
    assert off.min(axis=0).max() < 1.6  # no edge without its line
    assert found.sum() < 1.5 * len(np.unique(truth.astype(int), axis=0))  # a pixel wide


def test_round_walls_have_no_line_between_their_facets():
    tower = build("tower", 3.0, 5.0)
    middle = (0.0, 0.0, 0.0)
    piece = Piece("tower", 1, "stone", 1, np.array(middle), 0.0, tower.vertices.astype(np.float32), tower.triangles,
                  tower.normals, tower.parts, tower.corner_normals)  # fmt: skip
    drawn = draw_guides(piece, projector())
    wall = drawn.guides.parts[0] == SetPart.WALL
    inside = wall & np.roll(wall, 4, 0) & np.roll(wall, -4, 0) & np.roll(wall, 4, 1) & np.roll(wall, -4, 1)

    assert inside.sum() > 1000
    assert drawn.guides.edges[0][inside].mean() < 0.02


def test_a_border_of_parts_on_one_plane_is_a_line_and_a_slope_is_none():
    rays = (np.mgrid[0:40, 0:60][0] + 0.5 - 10) / 100
    depth = (1.5 / np.maximum(rays, 0.05)).astype(np.float32)  # the ground, from 1.5 m
    depth[:16] = np.inf
    normals = np.zeros((40, 60, 3), np.float32)
    normals[..., 1] = -1
    parts = np.where(np.arange(60) < 30, SetPart.WALL, SetPart.GROUND) * np.ones((40, 1), np.int32)

    found = drawn_lines(depth, normals, parts.astype(np.int32), 100.0)

    assert (found[16:, 29] == 1).all()
    assert (found[16, :] == 1).all()
    found[16:, 29] = found[16] = 0
    assert not found.any()
