"""Our own motions, written as foreign rigs do, come back as they were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from assets.mocap.load import load_clip
from assets.mocap.motion import captured_motion
from assets.motion.gaits import Build
from assets.motion.motions import Grip, Motion, load_motion
from assets.people.skeleton import solve
from pipeline.crowd_sections import CaptureFile
from tests import mocaprigs as rigs

FREE = Grip()
# What a rig's joints tell: the bones between them are shared out by our own spine.
BONES = [bone for _, _, bone, _ in rigs.JOINTS if not bone.startswith("spine0") or bone == "spine01"]
SHIFTS = np.linspace(-0.05, 0.05, 51)


def walking(name: str, frames: int = 80, **rig: float) -> rigs.Take:
    motion = load_motion(name)
    step = 1 / (rigs.RATE * motion.cycle_s)
    poses = [motion.pose((0.3 + step * frame) % 1.0, rigs.build(), FREE) for frame in range(frames)]
    return rigs.take(poses, motion.speed_mps, **rig)


WRITERS = {
    "cm, Z up.bvh": lambda path: rigs.write_bvh(path, walking("walk", heading_rad=0.7), up=rigs.Z_UP),
    "metres, Y up.bvh": lambda path: rigs.write_bvh(path, walking("march", heading_rad=-2.0), metres=1.0),
    "cm, Z up.glb": lambda path: rigs.write_glb(path, walking("walk", heading_rad=2.0)),
    "SMPL-X, cm, Z up.usda": lambda path: rigs.write_usd(path, walking("march", heading_rad=0.2, family=1)),
    "SMPL-X, long legs, short arms, inch.bvh": lambda path: rigs.write_bvh(
        path, walking("march", family=1, lower=1.2, upper=0.85), metres=0.0254
    ),
    "A-pose.bvh": lambda path: rigs.write_bvh(path, walking("walk", t_pose=False, fingers=True)),
}


def came_back(path: Path) -> Motion:
    return captured_motion(load_clip(path.stem, CaptureFile(path)))


@pytest.fixture(scope="module", params=WRITERS)
def pair(request, tmp_path_factory) -> tuple[Motion, Motion]:
    """(our motion, what came back of it)."""
    path = WRITERS[request.param](tmp_path_factory.mktemp("capture") / request.param)
    return load_motion(_source(request.param)), came_back(path)


def _source(name: str) -> str:
    return "walk" if name in ("cm, Z up.bvh", "cm, Z up.glb", "A-pose.bvh") else "march"


def posed(motion: Motion, phase: float) -> tuple[np.ndarray, np.ndarray]:
    ours = rigs.skeleton()
    index = [ours.index(bone) for bone in BONES]
    rotations, heads = solve(ours, motion.pose(phase % 1.0, rigs.build(), FREE))
    return rotations[index], heads[index]


def test_period_and_speed_come_back(pair):
    ours, theirs = pair

    assert theirs.loops
    assert theirs.cycle_s == pytest.approx(ours.cycle_s, rel=0.005)
    assert theirs.speed_mps == pytest.approx(ours.speed_mps, rel=0.01)


def test_joints_and_angles_come_back(pair):
    ours, theirs = pair
    phases = np.arange(24) / 24
    came = [posed(theirs, phase) for phase in phases]

    # The cycle begins where the left foot lands, which may be found a frame early or late.
    def off(shift: float) -> float:
        return float(
            np.mean([np.abs(posed(ours, p + shift)[1] - c[1]) for p, c in zip(phases[::4], came[::4], strict=True)])
        )

    shift = min(SHIFTS, key=off)
    truth = [posed(ours, phase + shift) for phase in phases]

    places = [np.linalg.norm(c[1] - t[1], axis=1) for c, t in zip(came, truth, strict=True)]
    turns = [Rotation.from_matrix(c[0] @ t[0].transpose(0, 2, 1)).magnitude() for c, t in zip(came, truth, strict=True)]
    assert np.max(places) < 0.010
    assert np.degrees(np.max(turns)) < 2.0
    assert abs(shift) <= 1 / (rigs.RATE * ours.cycle_s)


def test_footfalls_come_back(pair):
    ours, theirs = pair
    frame = 1 / (rigs.RATE * ours.cycle_s)

    assert [side for side, *_ in theirs.footfalls] == ["L", "R"]
    for (_, first, last), (_, ours_first, ours_last) in zip(theirs.footfalls, ours.footfalls, strict=True):
        assert first == pytest.approx(ours_first, abs=1.5 * frame)
        assert last - first == pytest.approx(ours_last - ours_first, abs=2.5 * frame)


@pytest.mark.parametrize("leg_share", [1.0, 0.9, 1.1])
def test_planted_feet_slide_at_most_a_millimetre(pair, leg_share: float):
    """Whatever the body: heel, then sole, then toe joints stay on one spot of the ground while it passes."""
    _, theirs = pair
    own = rigs.build()
    build = Build(
        own.leg_m * leg_share,
        own.hip_m,
        own.ankle_m,
        own.heel_m * leg_share,
        own.ball_m * leg_share,
        1.75,
        own.knuckle_m,
    )

    slides = []
    for side, first, last in theirs.footfalls:
        phases = np.linspace(first + 1e-6, last - 1e-6, 60)
        points = np.array([contact_points(theirs, build, side, phase) for phase in phases])
        for heel_or_toes in (0, 1):
            there = points[:, heel_or_toes]
            low = there[:, 1] < 1e-4
            slides += list(np.linalg.norm(there[low] - there[low][:1], axis=1)) if low.any() else []
        assert (points[..., 1].min(axis=1) < 1e-6).all()
    assert max(slides) < 0.001


def contact_points(motion: Motion, build: Build, side: str, phase: float) -> np.ndarray:
    """(2, 3) the heel's end and the sole under the toe joints, in the world, of a foot as assets.people.skeleton turns it."""
    leg = getattr(motion.pose(phase % 1.0, build, FREE), {"L": "left_leg", "R": "right_leg"}[side])
    sign = 1.0 if side == "L" else -1.0
    cos, sin = np.cos(leg.pitch), np.sin(leg.pitch)
    ahead = np.array([sign * np.sin(leg.yaw), 0.0, np.cos(leg.yaw)])
    places = []
    for along, up, over in (
        (-build.heel_m, -build.ankle_m, 0.0),
        (build.ball_m, build.knuckle_m - build.ankle_m, build.knuckle_m),
    ):
        point = np.array(leg.ankle) + ahead * (along * cos - up * sin)
        point[1] += along * sin + up * cos - over
        point[2] += motion.speed_mps * motion.cycle_s * phase
        places.append(point)
    return np.array(places)


def test_both_legs_reach_on_any_body(pair):
    _, theirs = pair
    own = rigs.build()
    for share in (0.88, 1.0, 1.12):
        build = Build(own.leg_m * share, own.hip_m, own.ankle_m, own.heel_m, own.ball_m, 1.75 * share, own.knuckle_m)
        for phase in np.arange(40) / 40:
            pose = theirs.pose(phase, build, FREE)
            turn = Rotation.from_euler("YXZ", [pose.pelvis[1], pose.pelvis[0], -pose.pelvis[2]])
            for sign, leg in ((1, pose.left_leg), (-1, pose.right_leg)):
                hip = pose.hips + turn.apply([sign * build.hip_m, 0, 0])
                assert np.linalg.norm(hip - leg.ankle) <= 0.9981 * build.leg_m


def test_the_seam_is_no_jump(pair):
    _, theirs = pair
    steps = np.array([posed(theirs, phase)[1] for phase in np.arange(-4, 5) / 200])

    moves = np.linalg.norm(np.diff(steps, axis=0), axis=2).max(axis=1)

    assert moves[3:5].max() < 1.6 * np.median(moves) + 0.002


def test_a_captured_walk_goes_at_another_speed(pair):
    _, theirs = pair

    faster = theirs.at_speed(1.2 * theirs.speed_mps)

    assert faster.speed_mps == pytest.approx(1.2 * theirs.speed_mps)
    assert faster.cycle_s < theirs.cycle_s
    ankles = [faster.pose(phase, rigs.build(), FREE).left_leg.ankle[2] for phase in (0.15, 0.25)]
    assert (ankles[0] - ankles[1]) / (0.1 * faster.cycle_s) == pytest.approx(faster.speed_mps, rel=0.001)


def test_our_own_writer_and_the_reader_agree_on_rate(tmp_path: Path):
    from assets.mocap.capture import read_capture
    from pipeline.frames import FrameRate

    capture = read_capture(rigs.write_bvh(tmp_path / "walk.bvh", walking("walk", frames=20)))

    assert capture.rate == FrameRate(30, 1)
    assert capture.frames == 20


def test_a_treadmill_is_undone(tmp_path: Path):
    """Clips made to go on the spot: the ground that slides under the feet tells the speed."""
    walk = load_motion("walk")
    poses = [walk.pose(frame / rigs.RATE / walk.cycle_s % 1.0, rigs.build(), FREE) for frame in range(70)]

    theirs = came_back(rigs.write_bvh(tmp_path / "belt.bvh", rigs.take(poses, 0.0, heading_rad=2.0)))

    assert theirs.speed_mps == pytest.approx(walk.speed_mps, rel=0.02)
    assert theirs.cycle_s == pytest.approx(walk.cycle_s, rel=0.02)


@pytest.mark.parametrize("frames", [33, 34])
def test_one_round_is_enough(tmp_path: Path, frames: int):
    walk = load_motion("walk")
    poses = [walk.pose(frame / rigs.RATE / walk.cycle_s % 1.0, rigs.build(), FREE) for frame in range(frames)]

    theirs = came_back(rigs.write_bvh(tmp_path / "once.bvh", rigs.take(poses, walk.speed_mps)))

    assert theirs.loops
    assert theirs.cycle_s == pytest.approx(walk.cycle_s, rel=0.02)
    assert theirs.speed_mps == pytest.approx(walk.speed_mps, rel=0.02)


def test_a_clip_that_does_not_come_back_is_played_once(tmp_path: Path):
    fall = load_motion("fall")
    count = round(fall.cycle_s * rigs.RATE)
    poses = [fall.pose(min(frame / (count - 1), 0.999), rigs.build(), FREE) for frame in range(count)]

    theirs = came_back(rigs.write_bvh(tmp_path / "fall.bvh", rigs.take(poses)))

    assert not theirs.loops
    assert theirs.speed_mps == 0
    assert theirs.cycle_s == pytest.approx(fall.cycle_s, rel=0.05)
    first, last = (theirs.pose(phase, rigs.build(), FREE) for phase in (0.0, 0.999))
    assert (first.lying, last.lying) == (0.0, 1.0)
    assert last.hips[1] == pytest.approx(fall.pose(0.999, rigs.build(), FREE).hips[1], abs=0.03)
