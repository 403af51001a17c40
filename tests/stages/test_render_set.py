"""A set against the solved camera: paintings locked to their surfaces, and what its walls and people shade."""

import json
from dataclasses import replace

import numpy as np
import pytest

from assets.sets.fill import Fill
from assets.sets.projection import Projector, draw, frame_piece, read_pieces
from calibration.cameras import load_poses, pixel_rays_world
from calibration.lens import rays
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.sections import LightFacts
from pipeline.types import Lens, SetPaintings
from stages.render_layers import render_layers
from tests.stages.dolly import FRAMES, LENS, channels, layout_of, seen_at, shot_of

WALL_Z = -30.0


@pytest.fixture
def shot(tmp_path):
    return shot_of(tmp_path)


def pattern(points):
    """Waves of two lengths on the wall, (..., 3) linear."""
    x, y = points[..., 0], points[..., 1]
    wave = 0.5 + 0.22 * np.sin(2.3 * x + 0.7 * y) + 0.22 * np.sin(1.9 * y - 0.4 * x)
    return np.stack([wave, 0.8 * wave, 0.6 * wave], axis=-1)


@pytest.fixture
def walled(shot, tmp_path):
    """A wall that fills the picture, painted with `pattern` from frame 1002."""
    folder = tmp_path / "set"
    corners = np.array([[-40, -20, WALL_Z], [40, -20, WALL_Z], [40, 30, WALL_Z], [-40, 30, WALL_Z]], np.float32)
    triangles = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    normals, parts = np.tile(np.array([0, 0, 1], np.float32), (2, 1)), np.full(2, 32, np.int32)
    np.savez(folder / "meshes" / "wall.npz", vertices=corners, triangles=triangles, normals=normals, parts=parts)
    entry = {"name": "wall", "kind": "wall", "material": "stone", "seed": 1, "id": 3, "base_m": [0, 0, WALL_Z]}
    (folder / "pieces.json").write_text(json.dumps([{**entry, "yaw_rad": 0.0}]))
    [piece] = read_pieces(shot["set_layout"])
    pose = load_poses(shot["track"])[1]
    projector = frame_piece(piece, pose, 210.0, (-0.9, -0.6, 0.9, 0.6), 1.5, 1024)
    write_painting(folder, projector, *draw(piece, projector, 1))
    return shot


def write_painting(folder, projector, depth, triangle, points):
    rgba = np.concatenate([pattern(points), np.ones((*depth.shape, 1))], axis=-1) * (triangle >= 0)[..., None]
    exr.write(folder / "wall.exr", {**exr.rgba_channels(rgba.astype(np.float32)), "Z": depth})
    means = np.tile([0.9, 0.0, 0.9], (64, 1))
    keys, none = np.array([-2], np.int64), np.zeros((1, 3))
    Fill(np.zeros(3), 1.0, keys, none, means, np.array([0, 1.0, 0]), np.zeros(3), np.ones(3)).write(folder / "wall.npz")
    entry = {"piece": "wall", "keyframe": 1002, "file": "wall.exr", "bias_m": 0.3, "fill": "wall.npz"}
    (folder / "index.json").write_text(json.dumps([{**projector.entry(), **entry}]))


def wall_truth(shot, frame):
    """The pattern as an ideal camera sees it, 4 x 4 samples a pixel."""
    pose = load_poses(shot["track"])[FRAMES.index(frame)]
    total = np.zeros((LENS.height, LENS.width, 3))
    for oy in (-0.375, -0.125, 0.125, 0.375):
        for ox in (-0.375, -0.125, 0.125, 0.375):
            y, x = np.mgrid[0 : LENS.height, 0 : LENS.width] + 0.5
            centre, ways = pixel_rays_world(np.stack([x + ox, y + oy], -1), LENS, pose)
            total += pattern(centre + ways * ((WALL_Z - centre[2]) / ways[..., 2:])) / 16
    return total


@pytest.mark.parametrize("frame", [1001, 1002, 1004])
def test_painting_stays_on_its_surface_to_a_quarter_of_a_pixel(walled, frame):
    """The shift between render and truth, by least squares over blocks, as an optical flow would find it."""
    shown = channels(walled, "set", frame)["R"].astype(float)
    truth = wall_truth(walled, frame)[..., 0]

    gy, gx = np.gradient(truth)
    for top in range(8, 104, 32):
        for left in range(8, 200, 32):
            block = np.s_[top : top + 32, left : left + 32]
            design = np.stack([gx[block].ravel(), gy[block].ravel()], axis=1)
            shift, *_ = np.linalg.lstsq(design, (truth - shown)[block].ravel(), rcond=None)
            assert np.hypot(*shift) < 0.25
    assert np.abs(shown - truth)[4:-4, 4:-4].mean() < 0.01


@pytest.mark.parametrize(
    ("azimuth_deg", "thrown", "dark"), [(180.0, True, True), (180.0, False, False), (0.0, True, False)]
)
def test_a_wall_before_the_sun_darkens_the_ground_on_this_side(walled, azimuth_deg, thrown, dark):
    some = {"frames": FrameRange(1001, 1001), "light": LightFacts(sun_azimuth_deg=azimuth_deg, sun_elevation_deg=20.0)}

    made = render_layers(**{**walled, **some, "params": replace(walled["params"], set_shadow=thrown)})

    left = exr.read(made.shadow.path(1001)).channels["Y"]
    x, y = seen_at(walled, (4.0, 0, -20.0), 1001).astype(int)
    assert (left[y, x] < 0.6) == dark
    assert left[y, x] == 1 or dark
    assert (left[-1].max() < 0.6) == dark  # up to the camera and past it


def test_a_person_before_a_wall_throws_a_shadow_on_it_and_stays_lit(walled, tmp_path):
    """The sun comes from the camera's right, over its shoulder: beside the person, as far as rays are stopped by the card."""
    facts = LightFacts(sun_azimuth_deg=30.0, sun_elevation_deg=10.0)
    walled["layout"] = layout_of(tmp_path / "crowd", [[0.0, 0.0, WALL_Z + 2.0]])
    plain = channels(walled, "set", 1001, params=replace(walled["params"], set_shadow=False))

    found = channels(walled, "set", 1001, light=facts)

    pose, to_sun = load_poses(walled["track"])[0], np.array(facts.to_sun)
    y, x = np.nonzero(plain["A"] > 0.999)
    centre, ways = pixel_rays_world(np.stack([x, y], axis=1) + 0.5, LENS, pose)
    points = centre + ways * ((WALL_Z - centre[2]) / ways[:, 2])[:, None]
    flat = np.array([to_sun[2], 0, -to_sun[0]]) / np.hypot(to_sun[0], to_sun[2])
    level = np.array([to_sun[0], 0, to_sun[2]]) / np.hypot(to_sun[0], to_sun[2])
    way = (np.array([0, 0, WALL_Z + 2]) - points) @ level / (to_sun @ level)
    met = points + way[:, None] * to_sun
    across, tall = (met - np.array([0, 0, WALL_Z + 2])) @ flat, met[:, 1]
    dark = (np.abs(across) < 0.2) & (tall > 0.2) & (tall < 1.6)
    lit = (np.abs(across) > 0.5) | (tall > 2.1)
    ratio = found["R"][y, x].astype(float) / plain["R"][y, x].astype(float)
    sun = (1 / 0.4 - 1) / to_sun[1]
    around = 0.5 + 0.5 * 0.22 * (1 + sun * to_sun[1])
    assert dark.sum() > 20
    np.testing.assert_array_equal(ratio[lit], 1)
    np.testing.assert_allclose(np.median(ratio[dark]), around / (around + sun * to_sun[2]), rtol=0.1)
    lit, shaded = (
        channels(walled, "crowd", 1001, light=facts, params=replace(walled["params"], set_shadow=some))["R"]
        for some in (False, True)
    )
    np.testing.assert_array_equal(lit, shaded)


def test_set_layer_tells_depth_id_and_motion(walled):
    made = channels(walled, "set", 1002)

    pose = load_poses(walled["track"])[1]
    y, x = 60, 90
    centre, way = pixel_rays_world(np.array([x + 0.5, y + 0.5]), LENS, pose)
    point = centre + way * ((WALL_Z - centre[2]) / way[2])
    assert made["A"][y, x] == 1
    assert made["id"][y, x] == 3
    assert made["Z"][y, x] == pytest.approx((WALL_Z - centre[2]) / way[2], rel=2e-3)
    moved = seen_at(walled, point, 1003) - seen_at(walled, point, 1002)
    np.testing.assert_allclose([made["motion.x"][y, x], made["motion.y"][y, x]], moved, atol=0.02)


def test_what_no_keyframe_sees_is_shaded_like_its_part(walled, tmp_path):
    """A painting cut to the left half leaves the right half to the fill."""
    [piece] = read_pieces(walled["set_layout"])
    pose = load_poses(walled["track"])[1]
    projector = frame_piece(piece, pose, 210.0, (-0.9, -0.6, 0.0, 0.6), 1.5, 1024)
    write_painting(tmp_path / "set", projector, *draw(piece, projector, 1))
    walled["paintings"] = SetPaintings(tmp_path / "set", tmp_path / "set" / "index.json", tmp_path, "half", "", "")

    made = channels(walled, "set", 1002)

    assert made["G"][60, 230] == 0
    assert made["R"][60, 230] == pytest.approx(0.9, abs=1e-3)
    assert made["G"][60, 20] > 0.05


def test_edges_of_the_set_are_soft(walled, tmp_path):
    [piece] = read_pieces(walled["set_layout"])
    small = piece.vertices * [0.1, 0.1, 1]
    np.savez(
        tmp_path / "set" / "meshes" / "wall.npz",
        vertices=small.astype(np.float32),
        triangles=piece.triangles,
        normals=piece.normals,
        parts=piece.parts,
    )

    made = channels(walled, "set", 1003)

    between = (made["A"] > 0.1) & (made["A"] < 0.9)
    assert between.sum() > 20
    assert np.isinf(made["Z"][made["A"] == 0]).all()
    assert np.isfinite(made["Z"][made["A"] > 0]).all()


def test_a_frame_made_alone_equals_the_frame_made_with_others(walled, tmp_path):
    together = render_layers(**walled)
    alone = render_layers(**{**walled, "frames": FrameRange(1003, 1003), "out": tmp_path / "alone"})

    for one, other in zip((*together.layers, together), (*alone.layers, alone), strict=True):
        files = [getattr(made, "files", None) or made.shadow for made in (one, other)]
        assert files[0].path(1003).read_bytes() == files[1].path(1003).read_bytes()


def test_rays_of_the_projector_and_the_lens_agree_without_distortion():
    plain = Lens(64, 32, 50.0, 50.0, 30.0, 17.0)
    matrix = Projector(plain, tuple(np.eye(4).ravel())).matrix
    flat = rays(plain)
    point = np.array([*flat[5, 9] * 7, 7.0, 1.0])
    px = matrix @ point
    np.testing.assert_allclose(px[:2] / px[2], [9.5, 5.5], atol=1e-5)
