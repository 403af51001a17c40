"""How near people stand and go: feet on the slope, from one motion to another, round a bend."""

import numpy as np

from assets.motion.footlock import in_world
from assets.motion.motions import load_motion
from assets.people.characters import load_character
from assets.people.figures import dressed
from tests.assets.near.nearpeople import agents_at, bodies_of

SLOPE = np.array([0.12, -0.07])  # rise of the ground along x and z


def test_feet_stand_on_the_slope():
    """Each planted sole's lowest point lies within a centimetre of the ground there."""
    agents = agents_at([[2.0, 0, -3.0]], motions=("brace",), scale=1.05)
    agents.positions[..., 1] = agents.positions[..., 0] * SLOPE[0] + agents.positions[..., 2] * SLOPE[1]
    bodies = bodies_of(agents, SLOPE)

    world = bodies.placed(0, 1).world()

    figure = dressed(bodies.character(0))
    soles = world[figure.soles]
    clear = soles[:, 1] - soles[:, 0] * SLOPE[0] - soles[:, 2] * SLOPE[1]
    for side in (1, -1):
        assert abs(clear[np.sign(figure.vertices[figure.soles][:, 0]) == side].min()) < 0.01


def test_a_change_of_motion_is_a_way_and_not_a_jump():
    """From idling to a march: no joint jumps, where the bare change of clips does."""
    frames, begun = 36, 6
    doing = (np.arange(frames) >= begun)[:, None]
    agents = agents_at([[0.0, 0, 0.0]], motions=("idle", "march"), doing=doing, frames=frames)
    speed = 1.3 * np.clip((np.arange(frames) - begun + 1) / 14, 0, 1)
    gone = np.cumsum(speed / 24)
    agents.positions[:, 0] = np.stack([gone * np.sin(0.4), 0 * gone, gone * np.cos(0.4)], axis=1)
    stride = 1.3 * 1.0
    agents.phases[:, 0] = np.where(doing[:, 0], gone / stride % 1, 0.3 + np.arange(frames) / 96)
    bodies = bodies_of(agents)

    def joints(row):
        placed = bodies.placed(0, row)
        return placed.mesh.joints @ placed.world_from_person[:, :3].T + placed.world_from_person[:, 3]

    crossed = np.stack([joints(row) for row in range(begun - 2, begun + 4)])
    bodies._crossings[0, begun] = None
    bodies._parts.clear()
    cut = np.linalg.norm(joints(begun) - crossed[1], axis=1).max()
    steps = np.linalg.norm(np.diff(crossed, axis=0), axis=-1).max()
    assert steps < 0.5 * cut


def test_planted_feet_of_one_who_walks_a_bend_stay_put():
    """Each foot's spot in the world, while it is down; the bare cycle would turn it along with the body."""
    frames = 48
    speed, radius = load_motion("march").speed_mps, 3.0
    turn = np.arange(frames) * speed / 24 / radius
    agents = agents_at([[0.0, 0, 0.0]], motions=("march",), frames=frames)
    agents.positions[:, 0] = np.stack([radius * np.cos(turn), 0 * turn, -radius * np.sin(turn)], axis=1)
    agents.yaws[:, 0] = np.pi + turn
    agents.phases[:, 0] = np.arange(frames) / 24 / load_motion("march").cycle_s % 1
    bodies, build = bodies_of(agents), dressed(load_character("legionary", 1)).build

    plan = agents.positions[:, 0].astype(float)[:, [0, 2]]
    slides = []
    for poses in ([bodies.pose(0, row) for row in range(frames)], [bodies._step(0, row)[0] for row in range(frames)]):
        spots = in_world(build, poses, plan, agents.yaws[:, 0].astype(float), 1.0)
        down = np.array([bodies._step(0, row)[1] for row in range(frames)])
        steps = np.linalg.norm(np.diff(spots[..., :2], axis=0), axis=-1)
        slides.append(np.percentile(steps[down[1:] & down[:-1]], 90))
    assert slides[0] < 1e-3 < 3e-3 < slides[1]
