"""One frame of the plate: eight moments of the open shutter, each at its own place within the pixel, and the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assets.demo.actors import CAST, Actor, Posed, pose, radiance, take_light
from assets.demo.camera import FRAMES, LENS, SHUTTER, camera_from_world, rays
from assets.demo.light import Baked, LightView, cascade_views
from assets.demo.mesh import Floats, Ints, SceneMesh
from assets.demo.sky import TO_SUN, clearness, haze, sky
from pipeline.types import Lens

_SKY_STEP = np.radians(0.035)  # of the sky's picture, half a pixel of the plate
_SKY_AZIMUTH, _SKY_LOW, _SKY_HIGH = np.radians(42.0), np.radians(-3.0), np.radians(30.0)


@dataclass(frozen=True, slots=True)
class Set:
    """Everything that stands still: geometry, baked light, the sun's light maps, the sky's picture."""

    mesh: SceneMesh
    baked: Baked
    sun_views: list[LightView]
    sun_maps: list[Floats]
    sky_picture: Floats
    near: NDArray[np.int64]  # vertices that an actor may shade


@dataclass(frozen=True, slots=True)
class Shot:
    """One frame: rgb (H, W, 3) ACEScg without grain; depth (H, W) metres at the shutter's middle; matte (H, W) of actors."""

    rgb: Floats
    depth: Floats
    matte: Floats


def _faces_the_lens(mesh: SceneMesh) -> NDArray[np.bool_]:
    """(T,) which triangles any frame can show: not turned away from every camera (leaves have no back), not out of frame."""
    a, b, c = (mesh.vertices[mesh.triangles[:, k]] for k in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)
    thin = mesh.thin[mesh.triangles[:, 0]] > 0
    turned, inside = np.zeros(len(a), bool), np.zeros(len(a), bool)
    across, up = LENS.width / LENS.focal_x_px * 0.56 + 0.03, LENS.height / LENS.focal_y_px * 0.56 + 0.03
    for frame in np.linspace(FRAMES.first - 1, FRAMES.last + 1, 7):
        at = camera_from_world(frame)
        eye = (-at[:3, :3].T @ at[:3, 3]).astype(np.float32)
        towards = eye - a
        turned |= (normals * towards).sum(1) > -0.03 * np.linalg.norm(towards, axis=1)
        for corner in (a, b, c):
            local = corner @ at[:3, :3].T.astype("f4") + at[:3, 3].astype("f4")
            reach = local[:, 2] + 0.5
            inside |= (np.abs(local[:, 0]) < across * reach) & (np.abs(local[:, 1]) < up * reach) & (reach > 0)
    return (turned | thin) & inside


def _kept(mesh: SceneMesh, baked: Baked) -> tuple[SceneMesh, Baked]:
    """Only what a frame can show: half of the triangles, and so half of the time."""
    triangles = mesh.triangles[_faces_the_lens(mesh)]
    used = np.unique(triangles)
    number = np.zeros(len(mesh.vertices), np.int32)
    number[used] = np.arange(len(used), dtype=np.int32)
    parts = (mesh.vertices[used], number[triangles], mesh.normals[used], mesh.albedo[used], mesh.thin[used])
    return SceneMesh(*parts), Baked(baked.sunlit[used], baked.ambient[used])


def prepare(mesh: SceneMesh, baked: Baked, sun_px: int = 4096) -> Set:
    """Light maps and sky, once for all frames."""
    from pipeline.kernels.shade import light_map

    views = cascade_views(TO_SUN, sun_px)
    maps = [light_map(view.see(mesh.vertices), mesh.triangles, sun_px) for view in views]
    azimuth = np.arange(-_SKY_AZIMUTH, _SKY_AZIMUTH, _SKY_STEP)
    high = np.arange(_SKY_LOW, _SKY_HIGH, _SKY_STEP)
    a, h = np.meshgrid(azimuth, high)
    directions = np.stack([np.sin(a) * np.cos(h), np.sin(h), -np.cos(a) * np.cos(h)], -1)
    picture = sky(directions.reshape(-1, 3)).reshape(directions.shape).astype(np.float32)
    mesh, baked = _kept(mesh, baked)
    x, _, z = mesh.vertices.T
    near = np.flatnonzero((np.abs(x) < 14) & (z > -32) & (z < 0))
    return Set(mesh, baked, views, maps, picture, near)


def _sky_at(scene: Set, directions: NDArray) -> Floats:
    import cv2

    azimuth = np.arctan2(directions[..., 0], -directions[..., 2])
    high = np.arcsin(np.clip(directions[..., 1], -1, 1))
    column = ((azimuth + _SKY_AZIMUTH) / _SKY_STEP).astype(np.float32)
    row = ((high - _SKY_LOW) / _SKY_STEP).astype(np.float32)
    return np.asarray(cv2.remap(scene.sky_picture, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))


def _sun_past_scene(scene: Set, person: Posed) -> Floats:
    from pipeline.kernels.shade import lit

    seen = np.ones(len(person.vertices), np.float32)
    for view, depth in zip(scene.sun_views, scene.sun_maps, strict=True):
        lit(view.see(person.vertices, person.normals, 0.03), depth, 1.2 / view.px_per_m, seen)
    return seen


def _lit_scene(scene: Set, people: list[Posed]) -> Floats:
    """Radiance of every static vertex with the actors' shadows of this frame."""
    colour = scene.baked.ambient + scene.baked.sunlit
    near = scene.near
    ground, normals = scene.mesh.vertices[near], scene.mesh.normals[near]
    sun, sky_share = np.ones(len(near), np.float32), np.ones(len(near), np.float32)
    for person in people:
        taken = take_light(person, ground, normals)
        sun *= taken[0]
        sky_share *= taken[1]
    colour[near] = scene.baked.ambient[near] * sky_share[:, None] + scene.baked.sunlit[near] * sun[:, None]
    return colour


def _numbers(lens: Lens) -> tuple[float, ...]:
    return lens.focal_x_px, lens.focal_y_px, lens.centre_x_px, lens.centre_y_px, lens.k1, lens.k2


def _offsets(count: int) -> list[tuple[float, float]]:
    """Where within the pixel each moment looks: the R2 sequence shuffled against time, its mean exactly at the centre."""
    k = (np.arange(count) * 5) % count + 0.5
    places = np.stack([0.7548776662466927 * k % 1, 0.5698402909980532 * k % 1], axis=1)
    return [(float(x), float(y)) for x, y in places - places.mean(axis=0)]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one moment shows: depth (H, W), and the triangles of the scene and of the crowd of actors (-1: not there)."""

    depth: Floats
    of_scene: Ints
    of_actors: Ints
    weights: Floats


def _look(scene: Set, lens: Lens, when: NDArray, offset: tuple[float, float], actors: Floats, faces: Ints) -> _Seen:
    """Draw the scene, then the actors, through one lens at one moment."""
    from pipeline.kernels.raster import empty_buffers, rasterize
    from pipeline.kernels.shade import see

    depth, ids, weights = empty_buffers(lens.height, lens.width)
    first = 0
    for vertices, triangles in ((scene.mesh.vertices, scene.mesh.triangles), (actors, faces)):
        camera, pixels = see(vertices, when, _numbers(lens))
        pixels -= np.array(offset, np.float32)
        rasterize(camera, triangles, rays(lens, offset), pixels, depth, ids, weights, first_id=first)
        first += len(triangles)
    still = len(scene.mesh.triangles)
    return _Seen(
        depth, np.where(ids < still, ids, -1).astype("i4"), np.where(ids < still, -1, ids - still).astype("i4"), weights
    )


def render_frame(scene: Set, lens: Lens, frame: int, samples: int = 8, cast: tuple[Actor, ...] = CAST) -> Shot:
    """Render one frame. Motion between the shutter's opening and closing is a straight line for every vertex."""
    from pipeline.kernels.shade import interpolate

    middle = [pose(actor, frame) for actor in cast]
    opened = _stacked([pose(actor, frame - SHUTTER / 2) for actor in cast])
    closed = _stacked([pose(actor, frame + SHUTTER / 2) for actor in cast])
    faces = _faces(middle)
    at = camera_from_world(frame)
    eye = -at[:3, :3].T @ at[:3, 3]
    static = _lit_scene(scene, middle)
    colours = [radiance(person, _sun_past_scene(scene, person), eye) for person in middle]
    actors = np.concatenate([np.zeros((0, 3), np.float32), *colours])
    veil = haze(_directions(lens, at)[0].reshape(-1, 3)).reshape(lens.height, lens.width, 3)
    rgb = np.zeros((lens.height, lens.width, 3), np.float64)
    matte = np.zeros((lens.height, lens.width), np.float64)
    for sample, offset in enumerate(_offsets(samples)):
        share = (sample + 0.5) / samples
        when = camera_from_world(frame + (share - 0.5) * SHUTTER)
        seen = _look(scene, lens, when, offset, _mixed(opened, closed, share), faces)
        light = interpolate(scene.mesh.triangles, seen.of_scene, seen.weights, static)
        light += interpolate(faces, seen.of_actors, seen.weights, actors)
        rgb += _with_air(scene, light, seen.depth, _directions(lens, when, offset), veil, float(eye[1]))
        matte += seen.of_actors >= 0
    truth = _look(scene, lens, at, (0.0, 0.0), _stacked(middle), faces)
    return Shot((rgb / samples).astype("f4"), truth.depth, (matte / samples).astype("f4"))


def _stacked(people: list[Posed]) -> Floats:
    return np.concatenate([np.zeros((0, 3), np.float32), *(person.vertices for person in people)])


def _mixed(opened: Floats, closed: Floats, share: float) -> Floats:
    return opened * np.float32(1 - share) + closed * np.float32(share)


def _faces(people: list[Posed]) -> Ints:
    starts = np.cumsum([0] + [len(person.vertices) for person in people]).astype(np.int32)
    shifted = [person.triangles + start for person, start in zip(people, starts[:-1], strict=True)]
    return np.concatenate([np.zeros((0, 3), np.int32), *shifted])


def _directions(lens: Lens, when: NDArray, offset: tuple[float, float] = (0.0, 0.0)) -> tuple[Floats, Floats]:
    """Unit world directions (H, W, 3) of the pixels and how long each ray is per metre of depth (H, W)."""
    table = rays(lens, offset)
    along = np.concatenate([table, np.ones_like(table[..., :1])], -1)
    length = np.sqrt(table[..., 0] ** 2 + table[..., 1] ** 2 + 1)
    return (along / length[..., None]) @ when[:3, :3].astype(np.float32), length


def _with_air(
    scene: Set, light: Floats, depth: Floats, looking: tuple[Floats, Floats], veil: Floats, eye_m: float
) -> NDArray:
    directions, length = looking
    hit = np.isfinite(depth)
    out = np.empty_like(light)
    rows = int(np.flatnonzero(np.any(~hit, axis=1)).max(initial=-1)) + 1  # below them is no sky
    if rows:
        out[:rows] = _sky_at(scene, directions[:rows])
    through = clearness(depth[hit] * length[hit], directions[hit][:, 1], eye_m)
    out[hit] = light[hit] * through + veil[hit] * (1 - through)
    return out
