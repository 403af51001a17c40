"""Facts of the crowd's raster: it agrees with the one for single meshes and with slow twins."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from pipeline.kernels import crowdplace, crowdraster, crowdread, raster
from pipeline.kernels.crowdplace import LensTable
from pipeline.kernels.crowdraster import Scene

SIZE = (36, 48)
FOCAL = 40.0


def bent(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A barrel lens: pixels of undistorted x/z, y/z."""
    grow = 1 - 0.12 * (x * x + y * y)
    return SIZE[1] / 2 + FOCAL * x * grow, SIZE[0] / 2 + FOCAL * y * grow


@lru_cache(maxsize=1)
def rays() -> np.ndarray:
    px, py = np.meshgrid(np.arange(SIZE[1]) + 0.5, np.arange(SIZE[0]) + 0.5)
    x, y = (px - SIZE[1] / 2) / FOCAL, (py - SIZE[0] / 2) / FOCAL
    at_x, at_y = x, y
    for _ in range(60):
        grow = 1 - 0.12 * (at_x * at_x + at_y * at_y)
        at_x, at_y = x / grow, y / grow
    return np.stack([at_x, at_y], axis=-1).astype(np.float32)


def table(nodes: int = 60) -> LensTable:
    x, y = np.meshgrid(np.linspace(-1, 1, nodes), np.linspace(-1, 1, nodes))
    step = 2 / (nodes - 1)
    return LensTable((-1.0, -1.0), (step, step), np.ascontiguousarray(np.stack(bent(x, y), axis=-1)))


def scene(seed: int = 1, agents: int = 6, near_m: float = 1.0) -> Scene:
    """Agents of 7 random triangles each, all wearing one of two meshes."""
    random = np.random.default_rng(seed)
    count = 12
    centres = np.stack(
        [random.uniform(-1, 1, agents), random.uniform(-0.6, 0.6, agents), random.uniform(near_m, 4, agents)], 1
    )
    vertices = (centres[:, None] + random.normal(0, 0.35, (agents, count, 3))).reshape(-1, 3).astype(np.float32)
    triangles = random.integers(0, count, (14, 3)).astype(np.int32)
    return Scene(
        vertices, crowdplace.to_pixels(vertices, table()), triangles, random.integers(1, 20, 14).astype(np.uint8),
        np.zeros(14, np.int8),
        (count * np.arange(agents)).astype(np.int32), (7 * (np.arange(agents) % 2)).astype(np.int32),
        np.full(agents, 7, np.int32), (101 + random.permutation(agents)).astype(np.uint32), *chunks(triangles, agents),
    )  # fmt: skip


def chunks(triangles: np.ndarray, agents: int) -> tuple[np.ndarray, ...]:
    """Each mesh of 7 triangles in two chunks, of 4 and 3."""
    rows, corners = [], []
    for mesh in (0, 7):
        for first, end in ((0, 4), (4, 7)):
            mine = np.unique(triangles[mesh + first : mesh + end])
            rows.append((first, end, len(corners), len(corners) + len(mine)))
            corners += mine.tolist()
    first_chunks = (2 * (np.arange(agents) % 2)).astype(np.int32)
    orders = np.array([1, 0, 2, 3], np.int32)
    return np.array(rows, np.int32), np.array(corners, np.int32), orders, first_chunks, np.full(agents, 2, np.int32)


def drawn(s: Scene, order: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    depth, slot = np.full(SIZE, np.inf, np.float32), np.full(SIZE, -1, np.int32)
    triangle = np.full(SIZE, -1, np.int32)
    order = np.arange(len(s.ids), dtype=np.int32) if order is None else order
    crowdraster.draw(s, rays(), crowdraster.ray_ranges(rays()), order, depth, slot, triangle)
    return depth, slot, triangle


def twin(s: Scene) -> tuple[np.ndarray, np.ndarray]:
    """Every ray against every triangle, by Cramer's rule; backs are where a ray leaves the outside's half of space."""
    depth, slot = np.full(SIZE, np.inf), np.full(SIZE, -1)
    for n in range(len(s.ids)):
        mine = slice(s.first_triangles[n], s.first_triangles[n] + s.triangle_counts[n])
        for t, front in zip(s.triangles[mine], s.fronts[mine].tolist(), strict=True):
            a, b, c = s.vertices[s.firsts[n] + t].astype(float)
            out = np.cross(b - a, c - a)
            volume = np.dot(a, np.cross(b, c))
            if abs(volume) < 1e-12:
                continue
            for y in range(SIZE[0]):
                for x in range(SIZE[1]):
                    ray = np.array([*rays()[y, x], 1.0])
                    if front * np.dot(ray, out) > 0:
                        continue
                    w = np.array([np.dot(ray, np.cross(p, q)) for p, q in ((b, c), (c, a), (a, b))]) / volume
                    z = 1 / w.sum() if (w >= 0).all() and w.sum() > 0 else np.inf
                    if raster.NEAR_M <= z < depth[y, x]:
                        depth[y, x], slot[y, x] = z, n
    return depth, slot


@pytest.mark.parametrize(("near_m", "sides"), [(1.0, 1), (0.1, 1), (1.0, 3), (0.1, 3), (0.1, 2)])
def test_agrees_with_every_ray_against_every_triangle(near_m: float, sides: int):
    """Also where triangles cross the near plane, and where some are seen from their outside or their inside alone."""
    s = scene(3, 2, near_m)
    s = replace(s, fronts=((np.arange(14) % sides + 1) % 3 - 1).astype(np.int8) if sides > 1 else s.fronts)

    depth, slot, _ = drawn(s)
    true_depth, true_slot = twin(s)

    assert (slot == true_slot).mean() > 0.999  # float32 of equal edges
    same = slot == true_slot
    assert np.allclose(depth[same], true_depth[same], rtol=1e-5)


def test_agrees_with_the_raster_for_single_meshes():
    s = scene(5)
    buffers = raster.empty_buffers(*SIZE)

    for n in range(len(s.ids)):
        mesh = s.triangles[s.first_triangles[n] : s.first_triangles[n] + 7] + s.firsts[n]
        pixels = np.nan_to_num(s.pixels)
        raster.rasterize(s.vertices, np.ascontiguousarray(mesh), rays(), pixels, *buffers, first_id=7 * n)
    depth, slot, triangle = drawn(s)

    assert np.array_equal(depth, buffers[0])
    assert np.array_equal(np.where(slot >= 0, 7 * slot + triangle, -1), buffers[1])


def test_the_order_of_drawing_changes_nothing():
    s = scene(7)
    s.vertices[12:24] = s.vertices[36:48]  # two agents in one place: of equal depths the lower id wins
    s = Scene(s.vertices, crowdplace.to_pixels(s.vertices, table()), s.triangles, s.parts, s.fronts, s.firsts,
              s.first_triangles, s.triangle_counts, s.ids, s.chunks, s.corners, s.orders, s.first_chunks, s.chunk_counts)  # fmt: skip

    there, back = drawn(s), drawn(s, np.arange(6, dtype=np.int32)[::-1].copy())

    assert np.array_equal(there[0], back[0])
    assert np.array_equal(labelled(there[1], s.ids), labelled(back[1], s.ids))


def labelled(slot, ids):
    out = np.zeros(slot.shape, np.uint32)
    crowdread.label(slot, ids, out)
    return out


@pytest.mark.parametrize("spread_m", [0.02, 0.1, 0.4, 1.2])
def test_what_is_left_out_as_hidden_is_hidden(spread_m):
    """Many small or large people before each other, near ones first: as single meshes drawn one after the other."""
    random = np.random.default_rng(11)
    s = scene(3, agents=160)
    centres = np.stack(
        [random.uniform(-1, 1, 160), random.uniform(-0.6, 0.6, 160), np.sort(random.uniform(2, 3, 160))], 1
    )
    vertices = (centres[:, None] + random.normal(0, spread_m, (160, 12, 3))).reshape(-1, 3).astype(np.float32)
    s = replace(s, vertices=vertices, pixels=crowdplace.to_pixels(vertices, table()))

    depth, slot, triangle = drawn(s)

    twin = raster.empty_buffers(*SIZE)
    meshes = [s.firsts[a] + s.triangles[s.first_triangles[a] :][:7] for a in range(160)]
    raster.rasterize(vertices, np.concatenate(meshes).astype(np.int32), rays(), s.pixels, *twin)
    assert np.array_equal(depth, twin[0])
    assert np.array_equal(np.where(slot >= 0, 7 * slot + triangle, -1), twin[1])
    assert (slot >= 0).any()


def test_whatever_the_order_of_chunks_the_same_triangle_wins():
    s = scene(4, agents=20)
    doubled = s.triangles.copy()
    doubled[4:7] = doubled[0:3]  # of equal triangles of one person the first wins, though its chunk is drawn last
    s = replace(s, triangles=doubled)
    rows, corners, *_ = chunks(doubled, 20)

    pictures = [
        drawn(replace(s, chunks=rows, corners=corners, orders=np.array(orders, np.int32)))
        for orders in ((0, 1, 2, 3), (1, 0, 3, 2))
    ]

    assert all(np.array_equal(a, b) for a, b in zip(*pictures, strict=True))
    assert (pictures[0][2][(pictures[0][1] >= 0) & (pictures[0][1] % 2 == 0)] < 4).all()


def test_an_agent_half_turned_lies_half_way():
    random = np.random.default_rng(5)
    poses, others = (random.normal(size=(3, count, 3)).astype(np.float32) for count in (8, 4))
    parents = random.integers(0, 4, 8).astype(np.int32)
    bins, shares = np.array([[0, 1], [2, 0]], np.int32), np.array([0.25, 0.5], np.float32)
    frames = np.tile(np.eye(3, 4), (2, 1, 1))
    out = np.empty((16, 3), np.float32)
    turning = crowdplace.Turning(others, parents, np.array([0.5, 1.0], np.float32))

    firsts = np.array([0, 8], np.int32)
    crowdplace.place(poses, bins, shares, frames, np.zeros((2, 2), np.float32), firsts, out, turning)

    def mixed(table, n):
        return (1 - shares[n]) * table[bins[n, 0]] + shares[n] * table[bins[n, 1]]

    assert np.allclose(out[:8], 0.5 * mixed(poses, 0) + 0.5 * mixed(others, 0)[parents], atol=1e-6)
    assert np.allclose(out[8:], mixed(others, 1)[parents], atol=1e-6)


def test_the_lens_table_is_as_good_as_the_lens():
    random = np.random.default_rng(2)
    points = np.stack([random.uniform(-1, 1, 500), random.uniform(-1, 1, 500), np.ones(500)], 1) * random.uniform(
        1, 30, (500, 1)
    )
    points = points.astype(np.float32)

    pixels = crowdplace.to_pixels(points, table())

    truth = np.stack(bent(points[:, 0] / points[:, 2], points[:, 1] / points[:, 2]), axis=1)
    assert np.abs(pixels - truth).max() < 0.01
    assert np.isnan(crowdplace.to_pixels(np.array([[0, 0, 0.01]], np.float32), table())).all()


def test_place_mixes_two_poses_and_bends_legs_to_the_slope():
    random = np.random.default_rng(3)
    poses = random.uniform(0, 2, (4, 9, 3)).astype(np.float32)
    bins, shares = np.array([[3, 0], [1, 2]], np.int32), np.array([0.25, 0.5], np.float32)
    frames, slopes = random.normal(0, 1, (2, 3, 4)), np.array([[0.1, -0.2], [0, 0]], np.float32)
    out = np.full((20, 3), 7, np.float32)

    crowdplace.place(poses, bins, shares, frames, slopes, np.array([11, 0], np.int32), out)

    for n, first in enumerate((11, 0)):
        points = (1 - shares[n]) * poses[bins[n, 0]] + shares[n] * poses[bins[n, 1]]
        low = np.clip(1 - points[:, 1] / crowdplace.LEG_M, 0, 1)
        points[:, 1] += low * (points[:, [0, 2]] @ slopes[n])
        assert np.allclose(out[first : first + 9], points @ frames[n, :, :3].T + frames[n, :, 3], atol=1e-5)
    assert (out[9:11] == 7).all()


def test_resolve_reads_off_what_the_weights_of_a_triangle_say():
    """A slow twin: solve for the point that each pixel sees, and mix the corners by hand."""
    s, random = scene(9), np.random.default_rng(4)
    depth, slot, triangle = drawn(s)
    normals = random.normal(0, 1, s.vertices.shape).astype(np.float32)
    there = s.vertices + random.normal(0, 0.05, s.vertices.shape).astype(np.float32)
    out = np.zeros((*SIZE, 3), np.float32), np.zeros(SIZE, np.uint8), np.zeros((*SIZE, 2), np.float32)

    crowdread.resolve(s, rays(), slot, triangle, normals, there, table(), -1, *out)

    for y, x in np.argwhere(slot >= 0)[::7]:
        rows = s.firsts[slot[y, x]] + s.triangles[s.first_triangles[slot[y, x]] + triangle[y, x]]
        ray = np.array([*rays()[y, x], 1.0])
        w = np.linalg.solve(s.vertices[rows].astype(float).T, ray * float(depth[y, x]))
        normal = w @ normals[rows]
        normal *= -np.sign(normal @ ray) / np.linalg.norm(normal)
        point = w @ there[rows]
        px, py = bent(point[0] / point[2], point[1] / point[2])
        assert np.allclose(out[0][y, x], normal, atol=2e-3)
        assert out[1][y, x] == s.parts[s.first_triangles[slot[y, x]] + triangle[y, x]]
        assert np.allclose(out[2][y, x], (x + 0.5 - px, y + 0.5 - py), atol=0.02)
    top = int(np.flatnonzero((slot >= 0).any(axis=1))[3])
    band = tuple(np.zeros_like(each[top:]) for each in out)
    crowdread.resolve(s, rays()[top:], slot[top:], triangle[top:], normals, there, table(), -1, *band, top)
    assert all(np.array_equal(some, all_[top:]) for some, all_ in zip(band, out, strict=True))
    assert not out[0][slot < 0].any()
    assert not out[1][slot < 0].any()
    assert not out[2][slot < 0].any()


def test_rank_counts_quarters_largest_first():
    slot = np.array([[0, 1, -1, -1], [1, 1, -1, 2], [3, 2, 0, 0], [1, 0, 0, 0]], np.int32)
    ids = np.array([50, 40, 30, 20], np.uint32)

    who, cover = np.zeros((2, 2, 4), np.uint32), np.zeros((2, 2, 4), np.float32)

    crowdread.rank(slot, ids, who, cover)

    assert who[0, 0].tolist() == [40, 50, 0, 0]
    assert cover[0, 0].tolist() == [0.75, 0.25, 0, 0]
    assert who[0, 1].tolist() == [30, 0, 0, 0]
    assert cover[0, 1].tolist() == [0.25, 0, 0, 0]
    assert who[1, 0].tolist() == [20, 30, 40, 50]  # equal shares by id
    assert cover[1, 1].tolist() == [1, 0, 0, 0]


def test_what_compiled_code_could_not_read_is_refused():
    s = scene()

    with pytest.raises(ValueError, match="order names agents outside"):
        drawn(s, np.array([6], np.int32))
    with pytest.raises(ValueError, match="bins name poses outside"):
        crowdplace.place(np.zeros((2, 3, 3), np.float32), np.array([[0, 2]], np.int32), np.zeros(1, np.float32),
                          np.zeros((1, 3, 4)), np.zeros((1, 2), np.float32), np.zeros(1, np.int32), np.zeros((3, 3), np.float32))  # fmt: skip
    with pytest.raises(ValueError, match="vertices reach outside"):
        crowdplace.place(np.zeros((2, 3, 3), np.float32), np.array([[0, 1]], np.int32), np.zeros(1, np.float32),
                          np.zeros((1, 3, 4)), np.zeros((1, 2), np.float32), np.ones(1, np.int32), np.zeros((3, 3), np.float32))  # fmt: skip
