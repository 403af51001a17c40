"""UsdSkel's own reckoning moves our people as we do: joints within a millimetre, skin with them."""

import json

import numpy as np
import pytest
from pxr import Usd, UsdGeom, UsdSkel, Vt

from assets.exchange.layouts import write_crowd
from assets.exchange.puppets import STEPS, beats, light_level, puppet
from assets.guides.lod import merged
from assets.motion.motions import load_motion
from assets.people.characters import load_character
from assets.people.mesh import dressed, posed_mesh
from assets.people.skeleton import solve
from pipeline.frames import FrameRange, FrameRate
from pipeline.types import CrowdLayout

FRAMES = 24


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    """A marching archer and two spearmen, one of whom stands, and a stage with them."""
    folder = tmp_path_factory.mktemp("puppets")
    cast = [("archer", 1), ("spearman", 0), ("spearman", 1)]
    motions = ("idle", "march")
    agents = [
        {"id": 7 + i, "name": f"line.{i}", "zone": "line", "character": c, "motion": motions[m], "scale": s, "seed": i}
        for i, ((c, m), s) in enumerate(zip(cast, (1.03, 1.0, 0.97), strict=True))
    ]
    (folder / "agents.json").write_text(json.dumps(agents))
    time_s = np.arange(FRAMES)[:, None] / 24
    yaws = np.array([3.0, -1.0, 0.4]) + np.array([0.4, 0.0, -0.2]) * time_s
    positions = np.array([[3.0, 0.2, -8], [0, 0, 0], [-20, 1, 30]]) + 1.3 * time_s[..., None] * [0.0, 0.0, 1.0]
    phases = np.array([0.91, 0.3, 0.05]) + time_s / np.array([1.08, 4.0, 1.2])
    np.save(folder / "motions.npy", np.tile(np.array([m for _, m in cast], np.uint8), (FRAMES, 1)))
    for name, array in (("positions", positions), ("yaws", yaws), ("phases", phases % 1)):
        np.save(folder / f"{name}.npy", array.astype(np.float32))
    paths = [folder / f"{name}.npy" for name in ("positions", "yaws", "phases", "motions")]
    layout = CrowdLayout(folder / "agents.json", *paths, FrameRange(1001, 1000 + FRAMES), 3, motions)
    write_crowd(layout, folder / "people.usdc", FrameRate(24), skinned=True)
    return layout, Usd.Stage.Open(str(folder / "people.usdc"))


def instances(stage):
    found = []
    for prim in stage.GetPrimAtPath("/Shot/Crowd/Agents").GetChildren():
        cache = UsdSkel.Cache()
        cache.Populate(UsdSkel.Root(prim), Usd.TraverseInstanceProxies())
        found.append((prim, cache, cache.GetSkelQuery(UsdSkel.Skeleton(prim.GetChild("Skeleton")))))
    return found


def truth_of(layout, index, row):
    """(bone heads in the person's space, the mesh's vertices) as this project poses them."""
    agent = json.loads(layout.agents.read_text())[index]
    figure = dressed(load_character(agent["character"]))
    phase = float(np.load(layout.phases)[row, index])
    _, heads = solve(figure.body.skeleton, load_motion(agent["motion"]).pose(phase, figure.build, figure.grip))
    return agent, heads, posed_mesh(load_character(agent["character"]), agent["motion"], phase)


@pytest.mark.parametrize("row", [0, 5, 11, 23])
def test_joints_stand_in_the_world_within_a_millimetre(shot, row):
    layout, stage = shot
    for index, (prim, _, query) in enumerate(instances(stage)):
        agent, heads, _ = truth_of(layout, index, row)
        local = np.array(query.ComputeJointSkelTransforms(1001 + row))[:-1, 3, :3]
        to_world = np.array(UsdGeom.XformCache(1001 + row).GetLocalToWorldTransform(prim.GetChild("Skeleton")))
        yaw = float(np.load(layout.yaws)[row, index])
        turned = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])

        # The solver puts hips at the motion's height; the mesh then stands with its lowest sole on the ground.
        lift = local[0, 1] - heads[0, 1]
        truth = (heads + np.array([0, lift, 0])) * agent["scale"] @ turned.T + np.load(layout.positions)[row, index]

        assert abs(lift) < 0.03
        assert np.abs(local @ to_world[:3, :3] + to_world[3, :3] - truth).max() < 1e-3


@pytest.mark.parametrize("row", [0, 11])
def test_skin_and_spear_lie_where_our_mesh_lies(shot, row):
    layout, stage = shot
    for index, (prim, cache, query) in enumerate(instances(stage)):
        agent, _, mesh = truth_of(layout, index, row)
        body = UsdGeom.Mesh(prim.GetChild("Body"))
        points = Vt.Vec3fArray(body.GetPointsAttr().Get())
        skinning = cache.GetSkinningQuery(body.GetPrim())

        assert skinning.ComputeSkinnedPoints(query.ComputeSkinningTransforms(1001 + row), points, 1001 + row)

        person = load_character(agent["character"])
        level, figure = light_level(person), dressed(person)
        away = np.linalg.norm(np.array(points) - merged(level, mesh), axis=1)
        stiff = level.merge @ (figure.hangs > 0) == 0  # hanging cloth swings here, not in the file
        assert np.median(away[stiff]) < 1e-3
        assert np.quantile(away[stiff], 0.95) < 0.012
        shaft = level.merge @ figure.slides.any(axis=1) > 0
        assert shaft.any() == (agent["character"] == "spearman")
        assert not shaft.any() or away[shaft].max() < 0.01


def test_instances_share_one_body_per_character(shot):
    _, stage = shot

    agents = stage.GetPrimAtPath("/Shot/Crowd/Agents").GetChildren()

    assert all(agent.IsInstance() for agent in agents)
    assert len(stage.GetPrototypes()) == 2
    assert agents[0].GetAttribute("battleplate:id").Get() == "7"


def test_weights_of_a_puppet_add_up_and_point_at_joints(shot):
    one = puppet("spearman")

    np.testing.assert_allclose(one.weights.sum(axis=1), 1, atol=1e-6)
    assert one.influences.max() < len(one.joints)
    assert all(parent < i for i, parent in enumerate(one.parents))
    assert len(set(one.joints)) == len(one.joints)


def struck(when, at, count):
    """What linear interpolation between beats gives, in steps, at whole frames."""
    return np.interp(np.arange(count), when.times, np.unwrap(when.steps, period=STEPS)) % STEPS


@pytest.mark.parametrize("per_frame", [0.039, 0.0011, -0.02, 0.3, 0.0])
def test_beats_pass_through_the_phases_of_every_frame(per_frame):
    phases = ((0.4 + per_frame * np.arange(50)) % 1).astype(np.float32)

    when = beats(("march",), np.zeros(50, np.uint8), phases)

    off = (struck(when, phases, 50) - phases * STEPS + STEPS / 2) % STEPS - STEPS / 2
    assert np.abs(off).max() < (1e-3 if per_frame else 0.51)
    assert (np.diff(when.times) > 0).all()


def test_a_change_of_motion_is_within_one_frame():
    motions = np.repeat(np.array([0, 1], np.uint8), 10)

    when = beats(("idle", "march"), motions, np.linspace(0, 0.5, 20, dtype=np.float32))

    assert (when.moves[when.times <= 9] == 0).all()
    assert (when.moves[when.times >= 10] == 1).all()


def test_a_clip_that_does_not_loop_ends_on_its_last_pose():
    phases = np.minimum(np.arange(40, dtype=np.float32) / 30, np.float32(0.999))

    when = beats(("fall",), np.zeros(40, np.uint8), phases)

    assert when.steps[0] == 0
    assert when.steps[-1] == STEPS
    assert (np.diff(when.steps) >= 0).all()
