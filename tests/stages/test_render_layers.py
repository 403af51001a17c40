"""Layers against the solved camera: feet where they belong, near before far, paintings locked to their surfaces."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from assets.sets.fill import Fill
from assets.sets.projection import Projector, draw, frame_piece, read_pieces
from assets.sprites.atlas import VIEWS, phases_of
from calibration.cameras import load_poses, look_at, pixel_rays_world, to_camera
from calibration.lens import project, rays
from pipeline.crowd_sections import CrowdDust
from pipeline.errors import ConfigError
from pipeline.far_sections import FarCards, SetCard
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.sections import LightFacts
from pipeline.types import FAR, VEIL, CameraTrack, CharacterAtlas, CrowdLayout, Ground, Lens, SetLayout, SetPaintings
from stages.render_layers import Params, render_layers
from tests.boxes import box, hit
from tests.layers import nobody_near
from tests.looks import HAND_LIGHT

LENS = Lens(240, 136, 210.0, 210.0, 121.0, 67.0, -0.12, 0.03, 5e-4, -3e-4)
FRAMES = FrameRange(1001, 1004)
ROOT = (8.0, 28.0)
PER_PX = 2.4 / 32
WALL_Z = -30.0


def track_of(folder):
    """A dolly that moves, pans and rolls a little."""
    poses = []
    for i in range(len(FRAMES)):
        eye = np.array([0.12 * i, 1.8 + 0.02 * i, 0.1 * i])
        roll = np.array([0.02 * i, 1.0, 0.0])
        poses.append(look_at(eye, (0.05 * i, 1.0, -12.0), roll / np.linalg.norm(roll)))
    np.save(folder / "poses.npy", np.stack(poses))
    file = folder / "none"
    return CameraTrack(folder / "poses.npy", file, file, file, file, FRAMES, LENS, 0.1, "truth")


def ground_of(folder):
    np.save(folder / "heights.npy", np.zeros((3, 3), np.float32))
    return Ground(folder / "heights.npy", -50.0, -50.0, 50.0, folder / "none")


def layout_of(folder, positions, scale=1.0):
    """Idle legionaries at positions (F, N, 3) or (N, 3)."""
    folder.mkdir(parents=True, exist_ok=True)
    positions = np.broadcast_to(np.asarray(positions, np.float32), (len(FRAMES), *np.shape(positions)[-2:]))
    count = positions.shape[1]
    agents = [
        {"id": 100_001 + i, "name": f"north.{i + 1:05d}", "zone": "north", "character": "legionary", "motion": "idle",
         "scale": scale, "seed": 17 * i + 1}
        for i in range(count)
    ]  # fmt: skip
    (folder / "agents.json").write_text(json.dumps(agents))
    np.save(folder / "positions.npy", positions)
    np.save(folder / "yaws.npy", np.zeros((len(FRAMES), count), np.float32))
    np.save(folder / "phases.npy", np.zeros((len(FRAMES), count), np.float32))
    np.save(folder / "motions.npy", np.zeros((len(FRAMES), count), np.uint8))
    files = [folder / f"{name}.npy" for name in ("positions", "yaws", "phases", "motions")]
    return CrowdLayout(folder / "agents.json", *files, FRAMES, count, ("idle",))


def atlas_of(folder, sprite, elevation=0.05, motion="idle"):
    """Every view and phase shows the one sprite (32, 16, 4)."""
    folder.mkdir(parents=True, exist_ok=True)
    listed = [
        {"character": "legionary", "motion": motion, "phase": p, "view": v, "variant": 0}
        for p in range(phases_of(motion))
        for v in range(VIEWS)
    ]
    np.save(folder / "sprites.npy", np.broadcast_to(sprite, (len(listed), *sprite.shape)).astype(np.float16))
    np.save(folder / "reliefs.npy", np.zeros((len(listed), *sprite.shape[:2]), np.float16))
    index = {"metres_per_px": PER_PX, "root_px": ROOT, "elevation_rad": elevation, "variants": 1, "sprites": listed}
    (folder / "index.json").write_text(json.dumps(index))
    files = [folder / name for name in ("sprites.npy", "reliefs.npy", "index.json", "sheet.png")]
    return CharacterAtlas(*files, "truth", "", "")


def nothing_built(folder):
    (folder / "meshes").mkdir(parents=True, exist_ok=True)
    (folder / "pieces.json").write_text("[]")
    (folder / "index.json").write_text("[]")
    return (
        SetLayout(folder / "meshes", folder / "pieces.json"),
        SetPaintings(folder, folder / "index.json", folder / "sheet.png", "truth", "", ""),
    )


def dot():
    """A bright square centred on the root."""
    sprite = np.zeros((32, 16, 4), np.float32)
    sprite[26:30, 6:10] = 1
    return sprite


def figure(colour=(0.3, 0.2, 0.1)):
    sprite = np.zeros((32, 16, 4), np.float32)
    sprite[4:28, 4:12] = (*colour, 1)
    return sprite


@pytest.fixture
def shot(tmp_path):
    built, paintings = nothing_built(tmp_path / "set")
    return {
        "track": track_of(tmp_path),
        "atlas": atlas_of(tmp_path / "atlas", figure()),
        "near": nobody_near(tmp_path / "near"),
        "layout": layout_of(tmp_path / "crowd", [[0.0, 0.0, -12.0]]),
        "set_layout": built,
        "paintings": paintings,
        "ground": ground_of(tmp_path),
        "light": LightFacts(),
        "plate_light": HAND_LIGHT,
        "params": Params(brightness=0, hue=0, crowding=0),
        "frames": FRAMES,
        "out": tmp_path / "layers",
    }


def channels(shot, name, frame, **changes):
    made = render_layers(**{**shot, "frames": FrameRange(frame, frame), **changes})
    return exr.read(next(layer for layer in made.layers if layer.name == name).files.path(frame)).channels


def seen_at(shot, point, frame):
    pose = load_poses(shot["track"])[FRAMES.index(frame)]
    return project(to_camera(np.atleast_2d(point), pose), LENS)[0]


# ---------------------------------------------------------------- crowd


@pytest.mark.parametrize("frame", [1001, 1003, 1004])
def test_feet_are_seen_where_the_lens_projects_them_on_every_frame(shot, tmp_path, frame):
    """The point between the feet is fixed in the world; its dot's centroid must follow the projection to 0.1 px."""
    places = np.array([[-3.0, 0, -9.0], [0.2, 0, -6.0], [3.6, 0, -10.0], [-0.8, 0, -18.0]])
    shot["layout"] = layout_of(tmp_path / "crowd", places)
    shot["atlas"] = atlas_of(tmp_path / "atlas", dot())

    alpha = channels(shot, "crowd", frame)["A"].astype(float)

    for place in places:
        x, y = seen_at(shot, place, frame)
        reach = 210 * 4 * PER_PX / -place[2] + 2
        rows, columns = (slice(max(0, int(v - reach)), int(v + reach) + 2) for v in (y, x))
        part = alpha[rows, columns]
        yy, xx = np.mgrid[rows, columns] + 0.5
        centre = np.array([(xx * part).sum(), (yy * part).sum()]) / part.sum()
        np.testing.assert_allclose(centre, (x, y), atol=0.1)


def test_near_hides_far_and_ids_name_who_is_seen(shot, tmp_path):
    shot["layout"] = layout_of(tmp_path / "crowd", [[0.0, 0, -20.0], [0.0, 0, -8.0]])

    made = channels(shot, "crowd", 1001)

    x, y = seen_at(shot, (0, 0.9, -8.0), 1001).astype(int)
    assert made["id"][y, x] == 100_002
    pose = load_poses(shot["track"])[0]
    assert made["Z"][y, x] == pytest.approx(to_camera(np.array([[0, 0.9, -8.0]]), pose)[0, 2], abs=0.05)
    manifest = json.loads((shot["out"] / "crowd.json").read_text())
    assert manifest[str(made["id"][y, x])] == "north.00002"
    np.testing.assert_allclose([made[c][y, x] for c in "RGBA"], [0.3, 0.2, 0.1, 1], atol=2e-3)


def test_height_on_screen_is_the_sprites_height_at_its_distance(shot, tmp_path):
    shot["layout"] = layout_of(tmp_path / "crowd", [[0.0, 0, -10.0]], scale=1.04)

    alpha = channels(shot, "crowd", 1001)["A"]

    x, foot = seen_at(shot, (0, 0, -10.0), 1001)
    head = seen_at(shot, (0, 24 * PER_PX * 1.04, -10.0), 1001)[1]
    column = alpha[:, int(x)].astype(float)
    assert column.sum() == pytest.approx(foot - head, rel=0.02)


def test_motion_is_how_far_the_pixel_goes_until_the_next_frame(shot, tmp_path):
    moving = np.array([[[0.1 * i, 0, -10.0 + 0.05 * i]] for i in range(len(FRAMES))])
    shot["layout"] = layout_of(tmp_path / "crowd", moving)

    for frame in (1002, 1004):
        made, i = channels(shot, "crowd", frame), FRAMES.index(frame)
        here, there = (i, i + 1) if frame < 1004 else (i - 1, i)  # the last frame carries on as it came
        up = np.array([0, 1.0, 0])
        moved = seen_at(shot, moving[there][0] + up, 1001 + there) - seen_at(shot, moving[here][0] + up, 1001 + here)
        x, y = seen_at(shot, moving[i][0] + up, frame).astype(int)
        found = [made["motion.x"][y, x], made["motion.y"][y, x]]
        np.testing.assert_allclose(found, moved, atol=0.05)


def test_removing_one_agent_changes_no_pixel_outside_its_own(shot, tmp_path):
    places = np.array([[-2.5, 0, -10.0], [2.5, 0, -10.0]])
    both = channels(shot, "crowd", 1001, layout=layout_of(tmp_path / "two", places))
    one = channels(shot, "crowd", 1001, layout=layout_of(tmp_path / "one", places[:1]))

    gone = both["id"] == 100_002
    untouched = ~cv2.dilate(gone.astype(np.uint8), np.ones((5, 5))).astype(bool)
    for name in ("R", "A", "Z", "id"):
        np.testing.assert_array_equal(both[name][untouched], one[name][untouched])


def test_shadow_darkens_the_ground_at_the_feet_and_away_from_the_sun_only(shot):
    made = render_layers(**{**shot, "frames": FrameRange(1001, 1001), "light": LightFacts(sun_azimuth_deg=90.0)})

    left = exr.read(made.shadow.path(1001)).channels["Y"]
    x, y = seen_at(shot, (0, 0, -12.0), 1001).astype(int)
    assert left[y, x] < 0.5
    west, east = (seen_at(shot, (side, 0, -12.0), 1001).astype(int) for side in (-1.2, 1.2))
    assert left[west[1], west[0]] < 0.6
    assert left[east[1], east[0]] == 1
    assert (left[:40] == 1).all()
    assert left.max() == 1


# ---------------------------------------------------------------- set


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


# ---------------------------------------------------------------- people in the shade

SIDE_SUN = LightFacts(sun_azimuth_deg=60.0, sun_elevation_deg=30.0)


@pytest.fixture
def beside_a_wall(shot, tmp_path):
    """Two in the evening: the shadow of a wall at the right falls on one's lower half; the other stands beyond it."""
    folder = tmp_path / "set"
    wall = box((3, -1, -20), (3.2, 2.9, -4))
    np.savez(
        folder / "meshes" / "wall.npz",
        vertices=wall.vertices,
        triangles=wall.triangles,
        normals=wall.normals,
        parts=wall.parts,
    )
    entry = {"name": "wall", "kind": "wall", "material": "stone", "seed": 1, "id": 3, "base_m": [3, 0, -12]}
    (folder / "pieces.json").write_text(json.dumps([{**entry, "yaw_rad": 0.0}]))
    shot["layout"] = layout_of(tmp_path / "crowd", [[0.0, 0.0, -12.0], [-5.0, 0.0, -12.0]])
    shot["plate_light"] = replace(shot["plate_light"], shadow_rgb=(0.25, 0.33, 0.44))
    shot["light"] = SIDE_SUN
    return shot


def test_a_person_is_dark_as_far_up_as_rays_to_the_sun_are_stopped(beside_a_wall):
    lit = channels(beside_a_wall, "crowd", 1001, params=replace(beside_a_wall["params"], set_shadow=False))
    found = channels(beside_a_wall, "crowd", 1001)

    to_sun, pose = np.array(SIDE_SUN.to_sun), load_poses(beside_a_wall["track"])[0]
    mine = (lit["A"] > 0.999) & (lit["id"] == 100_001)
    y, x = np.nonzero(mine)
    centre, ways = pixel_rays_world(np.stack([x, y], axis=1) + 0.5, LENS, pose)
    ways = ways / to_camera(centre + ways, pose)[:, 2:]
    points = centre + ways * lit["Z"][mine][:, None].astype(float)
    wall = [box((3, -1, -20), (3.2, 2.9, -4))]
    dark = hit(wall, points, to_sun)
    edge = dark != hit(wall, points + np.array([0, 0.3, 0]), to_sun)
    edge |= dark != hit(wall, points - np.array([0, 0.3, 0]), to_sun)
    assert (dark & ~edge).sum() > 20
    assert (~dark & ~edge).sum() > 20
    for name, shadow in zip("RGB", beside_a_wall["plate_light"].shadow_rgb, strict=True):
        ratio = found[name][mine].astype(float) / lit[name][mine].astype(float)
        np.testing.assert_array_equal(ratio[~dark & ~edge], 1)
        sun = (1 / shadow - 1) / to_sun[1]  # a figure that is flat looks at the camera, level
        faced = to_sun @ np.array([-pose[2, 0], 0, -pose[2, 2]])
        around = 0.5 + 0.5 * {"R": 0.22, "G": 0.185, "B": 0.15}[name] * (1 + sun * to_sun[1])
        np.testing.assert_allclose(ratio[dark & ~edge], around / (around + sun * faced), rtol=0.04)


def test_who_stands_beyond_the_shadow_keeps_every_bit(beside_a_wall):
    lit = channels(beside_a_wall, "crowd", 1002, params=replace(beside_a_wall["params"], set_shadow=False))
    found = channels(beside_a_wall, "crowd", 1002)

    x = int(seen_at(beside_a_wall, (-2.5, 1.0, -12.0), 1002)[0])
    assert (lit["id"][:, :x] == 100_002).any()
    for name in lit:
        np.testing.assert_array_equal(found[name][:, :x], lit[name][:, :x])
    for name in ("A", "Z", "id", "motion.x", "motion.y"):
        np.testing.assert_array_equal(found[name], lit[name])
    assert (found["R"] != lit["R"]).any()


def test_the_ground_is_no_darker_where_a_person_in_the_shade_throws_a_shadow(beside_a_wall):
    beside_a_wall["params"] = replace(beside_a_wall["params"], contact=0.0)
    ways = {"frames": FrameRange(1001, 1001)}
    both = exr.read(render_layers(**{**beside_a_wall, **ways}).shadow.path(1001)).channels["Y"]
    nobody = layout_of(beside_a_wall["out"].parent / "nobody", np.zeros((0, 3)))
    alone = exr.read(render_layers(**{**beside_a_wall, **ways, "layout": nobody}).shadow.path(1001)).channels["Y"]

    full = alone <= alone.min() + 1e-3
    assert full.sum() > 200
    np.testing.assert_array_equal(both[full], alone[full])


# ---------------------------------------------------------------- the stage


def test_a_frame_made_alone_equals_the_frame_made_with_others(walled, tmp_path):
    together = render_layers(**walled)
    alone = render_layers(**{**walled, "frames": FrameRange(1003, 1003), "out": tmp_path / "alone"})

    for one, other in zip((*together.layers, together), (*alone.layers, alone), strict=True):
        files = [getattr(made, "files", None) or made.shadow for made in (one, other)]
        assert files[0].path(1003).read_bytes() == files[1].path(1003).read_bytes()


def test_shot_with_nobody_and_nothing_renders_empty_layers(shot, tmp_path):
    shot["layout"] = layout_of(tmp_path / "nobody", np.zeros((0, 3)))

    for name in ("set", "crowd"):
        made = channels(shot, name, 1001)
        assert not made["A"].any()
        assert np.isinf(made["Z"]).all()
        assert not made["id"].any()


def test_rays_of_the_projector_and_the_lens_agree_without_distortion():
    plain = Lens(64, 32, 50.0, 50.0, 30.0, 17.0)
    matrix = Projector(plain, tuple(np.eye(4).ravel())).matrix
    flat = rays(plain)
    point = np.array([*flat[5, 9] * 7, 7.0, 1.0])
    px = matrix @ point
    np.testing.assert_allclose(px[:2] / px[2], [9.5, 5.5], atol=1e-5)


@pytest.mark.parametrize("change", [{"contact": 1.5}, {"contact_m": 0.0}, {"softness": 3.0}])
def test_settings_out_of_range_are_named(change):
    with pytest.raises(ConfigError, match=rf"render_layers\.{next(iter(change))}"):
        Params(**change)


# ---------------------------------------------------------------- dust


def test_dust_is_a_layer_of_its_own_and_only_where_it_is_asked_for(shot):
    plain = render_layers(**shot)
    assert [layer.name for layer in plain.layers] == ["set", "crowd"]

    dusty = render_layers(**{**shot, "out": shot["out"].parent / "dusty", "dust": CrowdDust(1.0)})

    assert [layer.name for layer in dusty.layers] == ["set", "crowd", VEIL]
    assert json.loads(dusty.layers[2].manifest.read_text()) == {}
    for before, after in zip(plain.layers, dusty.layers, strict=False):
        assert before.files.path(1002).read_bytes() == after.files.path(1002).read_bytes()


def test_a_zone_has_its_own_amount_of_dust(shot, tmp_path):
    """A marcher of zone north, amid dust that is nobody else's."""
    rows = np.arange(len(FRAMES))[:, None, None]
    shot["layout"] = layout_of(tmp_path / "march", np.array([[0.0, 0.0, -9.0]]) + rows * np.array([0.2, 0, 0]))
    np.save(tmp_path / "march/phases.npy", np.linspace(0, 0.2, len(FRAMES), dtype=np.float32)[:, None])
    layout = replace(shot["layout"], motion_names=("march",))
    veils = {
        name: channels(
            {**shot, "layout": layout, "atlas": atlas_of(tmp_path / "a", figure(), motion="march"), "dust": dust},
            VEIL,
            1003,
        )["A"]
        for name, dust in {
            "all": CrowdDust(1.0),
            "zone": CrowdDust(0.0, zones=(("north", 1.0),)),
            "none": CrowdDust(1.0, zones=(("north", 0.0),)),
        }.items()
    }

    assert veils["all"].max() > 0.05
    np.testing.assert_array_equal(veils["zone"], veils["all"])
    assert not veils["none"].any()


# ---------------------------------------------------------------- cards


def test_cards_are_a_layer_of_their_own_behind_all_others(shot, tmp_path):
    picture = np.full((16, 32), 0.5, np.float32)
    exr.write(tmp_path / "hills.exr", {c: exr.half(picture) for c in "RGB"})
    card = SetCard("hills", tmp_path / "hills.exr", 900.0, bearing_deg=0.0, width_deg=40.0, haze_m=50.0)
    plain = render_layers(**shot)

    far = render_layers(**{**shot, "out": shot["out"].parent / "far", "far": FarCards((card,))})

    assert [layer.name for layer in far.layers] == [FAR, "set", "crowd"]
    assert json.loads(far.layers[0].manifest.read_text()) == {"1": "hills"}
    planes = exr.read(far.layers[0].files.path(1002)).channels
    there = planes["A"] > 0
    assert there.any()
    np.testing.assert_array_equal(planes["air"][there], 50.0)
    np.testing.assert_allclose(planes["Z"][there], 900.0, rtol=0.15)
    for before, after in zip(plain.layers, far.layers[1:], strict=True):
        assert before.files.path(1002).read_bytes() == after.files.path(1002).read_bytes()
