"""People in the shade of a set: dark as far up as rays to the sun are stopped, everybody else to the last bit as before."""

import json
from dataclasses import replace

import numpy as np
import pytest

from calibration.cameras import load_poses, pixel_rays_world, to_camera
from pipeline.frames import FrameRange
from pipeline.io import exr
from pipeline.sections import LightFacts
from stages.render_layers import render_layers
from stages.seen import view_of
from tests.boxes import box, hit
from tests.stages.dolly import LENS, channels, layout_of, nobody_before, seen_at, shot_of

SIDE_SUN = LightFacts(sun_azimuth_deg=60.0, sun_elevation_deg=30.0)


@pytest.fixture
def shot(tmp_path):
    return shot_of(tmp_path)


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


def test_a_hill_of_the_plate_shades_who_stands_behind_it(shot, tmp_path):
    """A bank 3 m high at the right; the ground itself keeps the plate's own light."""
    x, _ = np.meshgrid(-50 + 0.5 * np.arange(201), np.arange(201))
    np.save(tmp_path / "bank.npy", (3 * np.exp(-(((x - 4) / 1.2) ** 2))).astype(np.float32))
    shot["ground"] = replace(shot["ground"], heights=tmp_path / "bank.npy", cell_m=0.5)
    shot["layout"] = layout_of(tmp_path / "crowd", [[0.0, 0.0, -12.0], [-8.0, 0.0, -12.0]])
    shot["light"] = SIDE_SUN
    plain = {**shot, "params": replace(shot["params"], relief_shadow=False)}
    none = {**shot, "params": replace(shot["params"], set_shadow=False)}

    found, lit, old = (channels(each, "crowd", 1001) for each in (shot, plain, none))

    one, other = ((lit["A"] > 0.99) & (lit["id"] == number) for number in (100_001, 100_002))
    ratio = found["G"][one].astype(float) / lit["G"][one].astype(float)
    assert ratio.min() < 0.8
    np.testing.assert_array_equal(found["G"][other], lit["G"][other])
    for name in "RGBA":
        np.testing.assert_array_equal(lit[name], old[name])
    shades = []
    for k, each in enumerate((shot, none)):
        out = tmp_path / f"shade{k}"
        out.mkdir()
        made = render_layers(**{**each, "frames": FrameRange(1001, 1001), "out": out})
        shades.append(exr.read(made.shadow.path(1001)).channels["Y"])
    np.testing.assert_array_equal(*shades)


def test_people_of_the_plate_lose_the_sun_where_the_crowd_hides_it(beside_a_wall, tmp_path):
    """Somebody of the plate stands where the shadow of one of the crowd falls, then where none does."""
    to_sun, view = np.array(SIDE_SUN.to_sun), view_of(beside_a_wall["track"], 1001)
    beside_a_wall["params"] = replace(beside_a_wall["params"], set_shadow=False)
    told = {}
    for name, away in {"in it": 1.2, "out of it": -1.2}.items():
        feet = np.array([-5.0, 0.0, -12.0]) - away * to_sun * [1, 0, 1] / np.hypot(to_sun[0], to_sun[2])
        matte, z = np.zeros(view.size, np.float16), float(view.to_camera(feet[None])[0, 2])
        low, high = (seen_at(beside_a_wall, feet + np.array((0.0, h, 0.0)), 1001) for h in (0.1, 1.6))
        matte[int(high[1]) : int(low[1]), int(low[0]) - 2 : int(low[0]) + 3] = 1
        mattes = nobody_before(tmp_path / name)
        away_m = np.where(matte > 0, np.float32(z), np.float32(np.inf))
        exr.write(mattes.files.path(1001), {"A": matte, "Z": away_m})

        made = render_layers(
            **{**beside_a_wall, "mattes": mattes, "frames": FrameRange(1001, 1001), "out": tmp_path / "out" / name}
        )

        told[name] = exr.read(made.shadow.path(1001)).channels.get("people")
        assert json.loads(made.sun.read_text())["set"] is False
        if told[name] is not None:
            assert (told[name][matte == 0] == 1).all()
            assert (told[name][matte == 1] < 0.5).mean() > 0.2

    assert told["in it"] is not None
    assert told["out of it"] is None
