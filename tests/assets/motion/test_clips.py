"""Facts of every clip: planted points that do not slide, legs that reach, joints of people, no pops, nothing sunk."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from assets.motion.motions import MOTIONS, Grip, Motion, load_motion
from assets.people.characters import load_character
from assets.people.mesh import dressed, posed_mesh
from assets.people.skeleton import Pose, Skeleton, solve

GRIPS = [
    Grip(right, left) for right in ("free", "spear", "sword", "banner") for left in ("free", "shield", "strap", "bow")
]
PEOPLE = [("legionary", 0), ("villager", 3), ("officer", 5), ("archer", 2)]
GROUND_M = 0.01


def solved(skeleton: Skeleton, pose: Pose):
    rotations, heads = solve(skeleton, pose)
    return rotations, heads


def contacts(skeleton: Skeleton, build, side: str):
    """Heel, sole, ball and the tip of the middle toe: (bone, point in rest)."""
    ankle = skeleton.head(f"foot.{side}")
    ahead = (skeleton.head(f"toe3-1.{side}") - ankle) * (1, 0, 1)
    ahead /= np.linalg.norm(ahead)
    sole = ankle - (0, build.ankle_m, 0)
    ball = np.mean([skeleton.head(f"toe{toe}-1.{side}") for toe in (1, 2, 3)], axis=0)
    return {
        "heel": ("foot", sole - ahead * build.heel_m),
        "sole": ("foot", sole),
        "ball": ("foot", ball),
        "tip": ("toe3-1", skeleton.head(f"toe3-3.{side}")),
    }


def slide_m(motion: Motion, figure, side: str, moments: int = 40) -> float:
    """How far any point that is on the ground strays from where it came down, while the body moves at its speed."""
    skeleton, build = figure.body.skeleton, figure.build
    first, last = next((a, b) for s, a, b in motion.footfalls if s == side)
    points, down, worst = contacts(skeleton, build, side), {}, 0.0
    for phase in np.linspace(first, last - 1e-6, moments):
        pose = motion.pose(phase % 1.0 if motion.loops else phase, build, figure.grip)
        pitch = (pose.left_leg if side == "L" else pose.right_leg).pitch
        rotations, heads = solved(skeleton, pose)
        on_ground = {"heel"} if pitch > 1e-9 else {"ball", "tip"} if pitch < -1e-9 else set(points)
        for name, (bone, rest) in points.items():
            i = skeleton.index(f"{bone}.{side}")
            world = rotations[i] @ (rest - skeleton.heads[i]) + heads[i]
            world = world + np.array([0, 0, motion.speed_mps * motion.cycle_s * phase])
            if name not in on_ground:
                down.pop(name, None)
                continue
            worst = max(worst, float(np.linalg.norm(world - down.setdefault(name, world))))
    return worst


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("who", PEOPLE)
def test_what_touches_the_ground_stays_within_a_millimetre(name: str, who: tuple[str, int]):
    figure = dressed(load_character(*who))

    assert max(slide_m(load_motion(name), figure, side) for side in "LR") < 0.001


@pytest.mark.parametrize("speed_mps", [0.6, 1.6, 2.1, 2.3, 4.5])
def test_whoever_goes_at_any_speed_does_not_slide(speed_mps: float):
    from assets.motion.motions import moving_at

    figure = dressed(load_character("legionary"))
    going, marching = moving_at(speed_mps), load_motion("march").at_speed(speed_mps)

    assert going.speed_mps == marching.speed_mps == speed_mps
    assert slide_m(going, figure, "L") < 0.001
    assert slide_m(marching, figure, "R") < 0.001


@lru_cache(maxsize=1)
def figure_of(name: str):
    return dressed(load_character(name))


@pytest.mark.parametrize("name", MOTIONS)
def test_legs_are_never_asked_beyond_their_length_and_joints_stay_human(name: str):
    """For every grip: ankles are where they were asked for; knees, elbows, wrists and necks bend as people's do."""
    figure, motion = figure_of("spearman"), load_motion(name)
    skeleton = figure.body.skeleton
    at = skeleton.index

    for grip in GRIPS:
        for phase in np.arange(10) / 10 + 0.03:
            pose = motion.pose(phase, figure.build, grip)
            rotations, heads = solved(skeleton, pose)
            for side, leg in (("L", pose.left_leg), ("R", pose.right_leg)):
                place = {n: heads[at(f"{n}.{side}")] for n in ("upperleg01", "lowerleg01", "foot", "upperarm01",
                                                               "lowerarm01", "wrist")}  # fmt: skip
                assert np.linalg.norm(place["foot"] - leg.ankle) < 1e-6
                knee = bend_deg(place["upperleg01"], place["lowerleg01"], place["foot"])
                elbow = bend_deg(place["upperarm01"], place["lowerarm01"], place["wrist"])
                assert knee < 150
                assert elbow < 152
                assert place["lowerleg01"][1] > 0.03
                assert place["wrist"][1] > -0.02
                wrist = rotations[at(f"wrist.{side}")] @ rotations[at(f"lowerarm01.{side}")].T
                direction = place["wrist"] - place["lowerarm01"]
                cos = (wrist @ direction) @ direction / (direction @ direction)
                assert np.degrees(np.arccos(np.clip(cos, -1, 1))) < 84, (grip, phase, side)
            neck = rotations[at("head")] @ rotations[at("spine01")].T
            assert np.degrees(np.arccos(np.clip((np.trace(neck) - 1) / 2, -1, 1))) < 75


def bend_deg(a, joint, b) -> float:
    one, other = joint - a, b - joint
    return float(np.degrees(np.arccos(one @ other / np.linalg.norm(one) / np.linalg.norm(other))))


@pytest.mark.parametrize("name", [name for name, motion in MOTIONS.items() if motion.loops])
def test_the_seam_of_a_loop_is_like_the_rest_of_it(name: str):
    """Over the seam no bone's angular acceleration is out of the ordinary."""
    figure, motion, steps = figure_of("legionary"), load_motion(name), 96
    skeleton = figure.body.skeleton
    bones = [skeleton.index(b) for b in ("root", "spine01", "head", "upperarm01.R", "lowerarm01.L", "upperleg01.L",
                                         "lowerleg01.R")]  # fmt: skip
    turns = np.stack(
        [solved(skeleton, motion.pose(k / steps, figure.build, figure.grip))[0][bones] for k in range(steps)]
    )

    accelerations = np.abs(np.roll(turns, -1, 0) - 2 * turns + np.roll(turns, 1, 0)).max(axis=(2, 3))

    seam = np.maximum(accelerations[0], accelerations[-1])
    assert (seam < 1.5 * accelerations[2:-2].max(axis=0) + 1e-4).all()


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("who", ["legionary", "archer"])
def test_nobody_is_in_the_ground(name: str, who: str):
    """Skin, clothes and armour stay above it in every clip; a runner may leave it, but not by a hand."""
    figure = dressed(load_character(who))
    motion = load_motion(name)

    for phase in (0.0, 0.21, 0.43, 0.62, 0.86):
        mesh = posed_mesh(load_character(who), name, phase)
        lowest = mesh.vertices[figure.worn, 1].min()
        assert lowest > -GROUND_M
        assert lowest < (0.06 if motion.speed_mps > 2 else 0.012)


def test_who_has_fallen_lies_flat_and_stays():
    person = load_character("spearman")
    figure = dressed(person)

    lying = posed_mesh(person, "fall", 0.999)
    before, after = posed_mesh(person, "fall", 0.95), posed_mesh(person, "fall", 7.3)

    body = lying.vertices[figure.worn]
    assert body[:, 1].max() < 0.55
    assert np.ptp(body[:, 2]) > 1.2
    hips, neck = lying.joints[[8, 11], 2].mean(), lying.joints[1, 2]
    for z in (hips, neck, neck - 0.2):  # seat, shoulders and head rest on the ground, the body is not on one elbow
        assert body[np.abs(body[:, 2] - z) < 0.08, 1].min() < 0.06
    assert np.abs(lying.vertices - before.vertices).max() < 0.02
    assert np.abs(lying.vertices - after.vertices).max() < 1e-3


@pytest.mark.parametrize("name", MOTIONS)
def test_no_joint_jumps(name: str):
    """From one film frame to the next nothing moves faster than a hand that strikes or a foot that kicks back."""
    person, motion = load_character("legionary"), load_motion(name)
    frames = round(motion.cycle_s * 24)

    joints = np.stack([posed_mesh(person, name, k / frames).joints for k in range(frames)])

    speeds = np.linalg.norm(np.diff(joints, axis=0), axis=2) * 24
    assert speeds.max() < 11


def test_only_the_archer_draws_and_the_string_goes_with_his_hand():
    archer, legionary = dressed(load_character("archer")), dressed(load_character("legionary"))
    draw, brace = load_motion("draw"), load_motion("brace")

    assert draw.pose(0.45, archer.build, archer.grip).string == pytest.approx(1.0)
    assert draw.pose(0.62, archer.build, archer.grip).string == pytest.approx(0.0, abs=1e-9)
    assert draw.pose(0.45, legionary.build, legionary.grip) == brace.pose(0.45, legionary.build, legionary.grip)
    mesh = posed_mesh(load_character("archer"), "draw", 0.45)
    middle = mesh.vertices[archer.string].mean(axis=0)
    assert np.linalg.norm(middle - mesh.joints[4]) < 0.16  # the right wrist


def test_a_runner_leaves_the_ground_and_a_walker_never():
    build = figure_of("officer").build
    run, walk = load_motion("run"), load_motion("walk")

    flight = [run.pose(p, build, Grip()).clear_m for p in np.arange(40) / 40]

    assert 0.005 < max(flight) < 0.08
    assert max(walk.pose(p, build, Grip()).clear_m for p in np.arange(40) / 40) < 0.002
