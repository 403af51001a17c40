"""What is written as USD is read back to the bit, and pxr's own eyes see in it what we meant."""

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from pxr import Gf, Usd, UsdGeom

from assets.exchange.layouts import ShotCamera, of_layout, read_crowd, write_crowd
from assets.people.recipes import bring, learn_recipes
from calibration.lens import project
from pipeline.errors import AssetError, FormatError
from pipeline.frames import FrameRange, FrameRate
from pipeline.types import CrowdLayout, Lens

RATE = FrameRate(24000, 1001)


def layout_in(folder, count=6, frames=8, characters=("peasant", "archer"), seed=1):
    """A layout with everything that may differ between agents and frames."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    motions = ("idle", "march")
    agents = [
        {
            "id": 200_001 + i,
            "name": f"north wall.{i + 1:05d}",
            "zone": ("north wall", "south")[i % 2],
            "character": characters[i % len(characters)],
            "motion": motions[i % 2],
            "scale": round(1 + 0.02 * float(rng.normal()), 5),
            "seed": int(rng.integers(2**31)),
        }
        for i in range(count)
    ]
    (folder / "agents.json").write_text(json.dumps(agents))
    time_s = np.arange(frames)[:, None] / 24
    yaws = rng.uniform(-7, 7, count) + time_s * rng.normal(size=count)
    ways = np.stack([np.sin(yaws), np.zeros_like(yaws), np.cos(yaws)], axis=-1)
    positions = rng.uniform(-40, 40, (count, 3)) + 1.3 * time_s[..., None] * ways
    doing = np.broadcast_to(np.arange(count) % 2, (frames, count)).copy()
    doing[frames // 2 :, : min(2, count)] = 1
    for name, array in (("positions", positions), ("yaws", yaws), ("phases", (time_s + rng.random(count)) % 0.999)):
        np.save(folder / f"{name}.npy", array.astype(np.float32))
    np.save(folder / "motions.npy", doing.astype(np.uint8))
    paths = [folder / f"{name}.npy" for name in ("positions", "yaws", "phases", "motions")]
    return CrowdLayout(folder / "agents.json", *paths, FrameRange(1001, 1000 + frames), count, motions)


@pytest.fixture
def layout(tmp_path):
    return layout_in(tmp_path / "layout")


@pytest.mark.parametrize("suffix", [".usdc", ".usda", ".usd"])
def test_a_layout_comes_back_to_the_bit(layout, tmp_path, suffix):
    file = tmp_path / f"crowd{suffix}"

    write_crowd(layout, file, RATE)

    back, sent = read_crowd(file, layout.frames, RATE), of_layout(layout)
    for field in fields(sent):
        one, other = getattr(sent, field.name), getattr(back, field.name)
        np.testing.assert_array_equal(one, other, err_msg=field.name)
        assert getattr(one, "dtype", None) == getattr(other, "dtype", None), field.name


def test_a_part_of_the_shot_is_read_as_that_part(layout, tmp_path):
    write_crowd(layout, tmp_path / "crowd.usdc", RATE)

    back = read_crowd(tmp_path / "crowd.usdc", FrameRange(1004, 1005), RATE)

    np.testing.assert_array_equal(back.positions, np.load(layout.positions)[3:5])
    assert back.notes == ()


def test_pxr_sees_metres_y_up_and_everyone_in_his_place(layout, tmp_path):
    write_crowd(layout, tmp_path / "crowd.usdc", RATE)

    stage = Usd.Stage.Open(str(tmp_path / "crowd.usdc"))
    points = UsdGeom.PointInstancer(stage.GetPrimAtPath("/Shot/Crowd"))
    sent = of_layout(layout)
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert stage.GetTimeCodesPerSecond() == pytest.approx(24 / 1.001)
    assert (stage.GetStartTimeCode(), stage.GetEndTimeCode()) == (1001, 1008)
    for row in (0, 5):
        there = np.array(points.ComputeInstanceTransformsAtTime(1001 + row, 1001 + row))
        ahead = there[:, 2, :3] / sent.scales[:, None]
        np.testing.assert_allclose(there[:, 3, :3], sent.positions[row], atol=1e-6)
        np.testing.assert_allclose(there[:, 1, 1], sent.scales, atol=2e-3)
        np.testing.assert_allclose(ahead[:, 0], np.sin(sent.yaws[row]), atol=2e-3)
        np.testing.assert_allclose(ahead[:, 2], np.cos(sent.yaws[row]), atol=2e-3)


def test_every_character_is_one_light_body_of_his_height(layout, tmp_path):
    write_crowd(layout, tmp_path / "crowd.usdc", RATE)

    stage = Usd.Stage.Open(str(tmp_path / "crowd.usdc"))
    points = UsdGeom.PointInstancer(stage.GetPrimAtPath("/Shot/Crowd"))
    bodies = [UsdGeom.Mesh(stage.GetPrimAtPath(t)) for t in points.GetPrototypesRel().GetTargets()]
    assert [body.GetPrim().GetName() for body in bodies] == ["archer", "peasant"]
    for body in bodies:
        points_m = np.array(body.GetPointsAttr().Get())
        assert len(points_m) <= 3000
        assert 1.6 < np.ptp(points_m[:, 1]) < 2.4
        assert abs(points_m[:, 1].min()) < 0.03
        assert UsdGeom.Mesh.ValidateTopology(
            body.GetFaceVertexIndicesAttr().Get(), body.GetFaceVertexCountsAttr().Get(), len(points_m)
        )[0]


def test_edited_headings_win_over_the_ones_we_noted(layout, tmp_path):
    write_crowd(layout, tmp_path / "crowd.usda", RATE)
    stage = Usd.Stage.Open(str(tmp_path / "crowd.usda"))
    turns = UsdGeom.PointInstancer(stage.GetPrimAtPath("/Shot/Crowd")).GetOrientationsAttr()
    for time in turns.GetTimeSamples():
        turns.Set([Gf.Quath(1, 0, 0, 0)] * 2 + list(turns.Get(time))[2:], time)
    stage.GetRootLayer().Save()

    back = read_crowd(tmp_path / "crowd.usda", layout.frames, RATE)

    np.testing.assert_array_equal(back.yaws[:, :2], 0)
    np.testing.assert_array_equal(back.yaws[:, 2:], np.load(layout.yaws)[:, 2:])


def test_the_camera_sees_through_usd_what_the_lens_sees(layout, tmp_path):
    lens = Lens(1920, 1080, 1500.0, 1480.0, 985.0, 520.0)  # off-centre, and pixels that are not square
    turn = np.array([[0.96, 0.0, -0.28], [0.0, -1.0, 0.0], [-0.28, 0.0, -0.96]])
    poses = np.tile(np.eye(4), (8, 1, 1))
    poses[:, :3, :3] = turn
    poses[:, :3, 3] = [-turn @ [0.1 * f, 1.7, 9.0] for f in range(8)]

    write_crowd(layout, tmp_path / "crowd.usdc", RATE, ShotCamera(poses, lens, 24.9))

    stage = Usd.Stage.Open(str(tmp_path / "crowd.usdc"))
    camera = UsdGeom.Camera(stage.GetPrimAtPath("/Shot/Camera"))
    points = np.random.default_rng(3).uniform([-2, 0, -5], [2, 2, 3], (20, 3))
    assert camera.GetFocalLengthAttr().Get() == pytest.approx(1500 * 24.9 / 1920)
    for row in (0, 6):
        frustum = camera.GetCamera(1001 + row).frustum
        world = frustum.ComputeViewMatrix() * frustum.ComputeProjectionMatrix()
        seen = np.array([world.Transform(Gf.Vec3d(*point)) for point in points.tolist()])
        pixels = np.stack([(seen[:, 0] + 1) / 2 * 1920, (1 - seen[:, 1]) / 2 * 1080], axis=1)
        truth = project(points @ poses[row, :3, :3].T + poses[row, :3, 3], lens)
        np.testing.assert_allclose(pixels, truth, atol=0.01)


def test_a_lens_s_distortion_is_written_beside_the_camera(layout, tmp_path):
    lens = Lens(1920, 1080, 1500.0, 1500.0, 960.0, 540.0, -0.11, 0.02, 1e-4, -2e-4)
    poses = np.tile(np.eye(4), (8, 1, 1))

    write_crowd(layout, tmp_path / "crowd.usdc", RATE, ShotCamera(poses, lens))

    stage = Usd.Stage.Open(str(tmp_path / "crowd.usdc"))
    camera = stage.GetPrimAtPath("/Shot/Camera")
    written = [camera.GetAttribute(f"battleplate:{name}").Get() for name in ("k1", "k2", "p1", "p2")]
    assert written == [-0.11, 0.02, 1e-4, -2e-4]


@pytest.mark.parametrize("skinned", [False, True])
def test_equal_inputs_give_equal_bytes(layout, tmp_path, skinned):
    for name in ("one", "two"):
        write_crowd(layout, tmp_path / f"{name}.usdc", RATE, skinned=skinned)

    assert (tmp_path / "one.usdc").read_bytes() == (tmp_path / "two.usdc").read_bytes()


def test_a_shot_without_a_crowd_is_a_stage_without_agents(tmp_path):
    layout = layout_in(tmp_path / "layout", count=0)

    write_crowd(layout, tmp_path / "crowd.usdc", RATE)

    assert read_crowd(tmp_path / "crowd.usdc", layout.frames, RATE).positions.shape == (8, 0, 3)


def test_the_shows_own_go_by_the_names_that_people_say(tmp_path):
    """Into the file, out of it, and whatever the content of their recipes is meanwhile."""
    (tmp_path / "guard.toml").write_text('extends = "peasant"\nname = "guard"\nversion = 1\n')
    layout = layout_in(tmp_path / "layout", characters=("guard", "guard_in_azure", "archer"))
    own = replace(layout, recipes=bring([tmp_path / "guard.toml"], tmp_path / "layout/characters"))
    file = tmp_path / "crowd.usda"

    write_crowd(own, file, RATE)

    back = read_crowd(file, layout.frames, RATE, own=learn_recipes(own.recipes))
    assert set(back.characters) == {"guard", "guard_in_azure", "archer"}
    assert "/guard" in file.read_text()
    assert of_layout(own).characters[0].partition(".")[0] == "guard" != of_layout(own).characters[0]
    with pytest.raises(AssetError, match="unknown prototype guard, guard_in_azure"):
        read_crowd(file, layout.frames, RATE)


def test_names_that_differ_only_in_signs_stay_apart(layout, tmp_path):
    agents = json.loads(layout.agents.read_text())
    for i, agent in enumerate(agents):
        agent["name"] = ("a-b", "a_b", "ä.b", "1", "/", "a b")[i]
    layout.agents.write_text(json.dumps(agents))

    write_crowd(layout, tmp_path / "crowd.usdc", RATE)

    assert read_crowd(tmp_path / "crowd.usdc", layout.frames, RATE).names == ("a-b", "a_b", "ä.b", "1", "/", "a b")


def test_another_ending_is_refused_and_nothing_is_left_behind(layout, tmp_path):
    with pytest.raises(FormatError, match=r"crowd\.abc: a stage is written as \.usdc"):
        write_crowd(layout, tmp_path / "crowd.abc", RATE)

    assert not (tmp_path / "crowd.abc").exists()


def test_ten_thousand_agents_fit_in_thirty_megabytes(tmp_path):
    """Positions 11.5 MB, headings twice 5.8, phases 3.8: floats do not get smaller, and nothing is lost."""
    layout = layout_in(tmp_path / "layout", count=10_000, frames=96)

    write_crowd(layout, tmp_path / "crowd.usdc", RATE)

    assert (tmp_path / "crowd.usdc").stat().st_size < 30e6
    back = read_crowd(tmp_path / "crowd.usdc", layout.frames, RATE)
    np.testing.assert_array_equal(back.phases, np.load(layout.phases))
    assert back.notes == ()
