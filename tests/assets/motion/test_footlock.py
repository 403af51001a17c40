"""Planted feet of walkers who turn, slow down and sidestep, measured on the posed skeleton in the world."""

import numpy as np
import pytest

from assets.crowd.avoidance import avoided, marching
from assets.crowd.members import Site, Variety, muster
from assets.motion.blending import planted
from assets.motion.footlock import MOST_M, backs, in_world, locked, spot
from assets.motion.motions import load_motion
from assets.people.characters import load_character
from assets.people.mesh import dressed
from assets.people.skeleton import solve
from pipeline.crowd_sections import Zone

RATE = 24
TIMES = np.arange(96) / RATE


def posed(names, phases, figure):
    motions = [load_motion(name) for name in names]
    poses = [m.pose(float(p), figure.build, figure.grip) for m, p in zip(motions, phases, strict=True)]
    down = np.array([[planted(m, float(p), side) for side in "LR"] for m, p in zip(motions, phases, strict=True)])
    return poses, down


def contact_slides_m(figure, poses, down, doing, plan, yaws, scale):
    """How far points of heels, soles and toes that are on the ground on two frames of one motion go between them."""
    skeleton, build = figure.body.skeleton, figure.build
    found = []
    for k, side in enumerate("LR"):
        ankle = skeleton.head(f"foot.{side}")
        ahead = (skeleton.head(f"toe3-1.{side}") - ankle) * (1, 0, 1)
        ahead /= np.linalg.norm(ahead)
        sole, toes = ankle - (0, build.ankle_m, 0), skeleton.head(f"toe3-3.{side}")
        points = {"heel": ("foot", sole - ahead * build.heel_m), "sole": ("foot", sole), "tip": ("toe3-1", toes)}
        before = {}
        for frame, pose in enumerate(poses):
            rotations, heads = solve(skeleton, pose)
            pitch = (pose.left_leg, pose.right_leg)[k].pitch
            touching = {"heel"} if pitch > 1e-9 else {"tip"} if pitch < -1e-9 else set(points)
            now = {}
            for name in touching if down[frame, k] else ():
                bone, rest = points[name]
                i = skeleton.index(f"{bone}.{side}")
                x, _, z = scale * (rotations[i] @ (rest - skeleton.heads[i]) + heads[i])
                c, s = np.cos(yaws[frame]), np.sin(yaws[frame])
                now[name] = doing[frame], plan[frame] + (x * c + z * s, z * c - x * s)
            found += [
                np.linalg.norm(p - before[n][1]) for n, (d, p) in now.items() if n in before and before[n][0] == d
            ]
            before = now
    return np.array(found)


def walker(motion, plan, yaws, figure):
    """Poses of someone whose phase goes with the way, backwards where he backs."""
    steps = np.linalg.norm(np.diff(plan, axis=0), axis=1)
    gone = np.concatenate([[0.0], np.cumsum(np.where(backs(plan, yaws)[1:], -steps, steps))])
    walks = load_motion(motion)
    return posed([motion] * len(plan), (0.2 + gone / (walks.speed_mps * walks.cycle_s)) % 1.0, figure)


def ways():
    """Plan and yaws of people who are no straight walkers at even speed."""
    gone = 1.3 * (TIMES - 0.11 * TIMES**2)  # slows down from 1.3 to 0.16 m/s
    turn = gone / 1.5
    ring = 1.5 * np.stack([1 - np.cos(turn), np.sin(turn)], 1)
    aside = np.stack([0.5 * TIMES, 0.4 * np.sin(TIMES)], 1)
    back = np.stack([0.1 * TIMES, -0.5 * TIMES], 1)
    return {
        "slows down round a bend": (ring, turn),
        "steps aside": (aside, np.zeros(len(TIMES))),
        "backs": (back, 0.2 * np.sin(TIMES)),
    }


@pytest.mark.parametrize("name", ways())
def test_planted_feet_stay_within_a_millimetre(name):
    plan, yaws = ways()[name]
    figure = dressed(load_character("legionary"))
    poses, down = walker("walk", plan, yaws, figure)
    doing = [0] * len(plan)

    raw = contact_slides_m(figure, poses, down, doing, plan, yaws, 1.0)
    held = contact_slides_m(figure, locked(poses, down, plan, yaws, 1.0, figure.build), down, doing, plan, yaws, 1.0)

    assert np.percentile(raw, 90) > 3e-3
    assert len(held) > 60
    assert held.max() < 1e-3


def test_walkers_of_a_crowd_that_pass_through_another_do_not_slide():
    bodies = []
    for name, z, heading in (("north", -4.0, 0.0), ("south", 4.0, np.pi)):
        zone = Zone(name, 20, motion="march", avoid=True)
        site = Site(np.array([[-4.0, z - 2], [4.0, z - 2], [4.0, z + 2], [-4.0, z + 2]]), heading, np.zeros(2))
        bodies.append(marching(zone, site, muster(zone, site, 7, Variety()), {}, TIMES, 7, Variety()))
    done, figure = avoided(bodies, TIMES, ())[0], dressed(load_character("legionary"))
    held = []
    for agent in range(0, 20, 5):
        names = [done.motion_names[m] for m in done.motions[:, agent]]
        poses, down = posed(names, done.phases[:, agent], figure)
        doing, scale = done.motions[:, agent].astype(int).tolist(), bodies[0].members.scales[agent]
        where = done.plan[:, agent], done.yaws[:, agent], scale
        made = locked(poses, down, *where, figure.build, doing)
        held.append(contact_slides_m(figure, made, down, doing, *where))

    assert np.concatenate(held).max() < 1e-3


def test_who_is_pushed_back_backs_and_who_walks_does_not():
    ahead, zeros = np.stack([np.zeros(96), 0.6 * TIMES], 1), np.zeros(96)

    assert not backs(ahead, zeros).any()
    assert backs(-ahead, zeros).all()
    assert not backs(-5 * ahead, zeros).any()  # nobody runs backwards
    assert not backs(0 * ahead, zeros).any()


def test_a_straight_walk_is_left_as_it_is():
    figure = dressed(load_character("legionary"))
    plan = np.stack([np.zeros(len(TIMES)), 1.2 * TIMES], 1)
    poses, down = walker("walk", plan, np.zeros(len(TIMES)), figure)

    made = locked(poses, down, plan, np.zeros(len(TIMES)), 1.0, figure.build)

    for before, after in zip(poses, made, strict=True):
        np.testing.assert_allclose(after.left_leg.ankle, before.left_leg.ankle, atol=5e-4)
        np.testing.assert_allclose(after.hips, before.hips, atol=5e-4)


def test_the_spot_of_a_rolling_foot_is_the_one_of_the_flat_foot():
    figure = dressed(load_character("legionary"))
    poses, down = walker("walk", np.stack([np.zeros(96), 1.2 * TIMES], 1), np.zeros(96), figure)

    feet = in_world(figure.build, poses, np.stack([np.zeros(96), 1.2 * TIMES], 1), np.zeros(96), 1.0)

    both = down[1:, 0] & down[:-1, 0]
    assert np.linalg.norm(np.diff(feet[:, 0, :2], axis=0), axis=1)[both].max() < 5e-4
    flat = [p for p, d in zip(poses, down, strict=True) if d[0] and abs(p.left_leg.pitch) < 1e-12]
    assert flat
    assert spot(figure.build, flat[0].left_leg, 1.0)[1] == flat[0].left_leg.ankle[2]


def test_who_is_carried_off_is_not_put_back_farther_than_a_leg_reaches():
    figure = dressed(load_character("legionary"))
    plan = np.stack([3.0 * TIMES, np.zeros(len(TIMES))], 1)
    poses, down = posed(["idle"] * len(TIMES), np.zeros(len(TIMES)), figure)

    made = locked(poses, down, plan, np.zeros(len(TIMES)), 1.0, figure.build)

    assert max(abs(m.left_leg.ankle[0] - p.left_leg.ankle[0]) for m, p in zip(made, poses, strict=True)) < 1.5 * MOST_M
