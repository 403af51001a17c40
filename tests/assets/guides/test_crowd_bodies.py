"""Facts of own poses in a crowd's guides: a change of motion is no jump, and near feet stand on uneven ground."""

from __future__ import annotations

import numpy as np
import pytest

from assets.guides.crowd_bodies import ever_near, with_own
from assets.guides.crowd_drawn import Drawn
from assets.guides.crowd_people import camera_from_people, people_of
from assets.guides.crowd_pose import joints_of
from assets.near.bodies import Bodies
from assets.sprites.cards import Agents

FRAMES, CHANGE = 30, 6
NAMES = ("brace", "cheer")


def agents() -> Agents:
    """One man who braces, then cheers."""
    doing = np.zeros((FRAMES, 1), np.uint8)
    doing[CHANGE:] = 1
    since = np.arange(FRAMES)[:, None] / 24
    phases = np.where(doing == 0, since / 2.4, (since - CHANGE / 24) / 1.1) % 1
    positions, yaws = np.zeros((FRAMES, 1, 3), np.float32), np.zeros((FRAMES, 1), np.float32)
    return Agents(
        np.array([100_001]), ["north_0001"], ["peasant"], NAMES, doing, np.array([5]), np.ones(1), positions, yaws,
        phases.astype(np.float32),
    )  # fmt: skip


@pytest.fixture(scope="module")
def bodies() -> Bodies:
    return Bodies(agents(), 1, lambda x, z: 0.2 * x, lambda x, z: np.array([[-0.2, 1, 0]] * len(x)) / np.hypot(0.2, 1))


def placed(bodies: Bodies, near: bool, own: bool) -> tuple[np.ndarray, np.ndarray]:
    """(joints (F, 18, 3), vertices of the second mesh (F, V, 3)) before a camera in the origin."""
    joints, vertices = [], []
    for row in range(FRAMES):
        crowd = people_of(bodies.agents, row, 1, lambda x, z: np.tile([0.2, 0.0], (len(x), 1)))
        if own:
            crowd = with_own(crowd, bodies, np.array([near]), (row, min(row + 1, FRAMES - 1)))
        frames = camera_from_people(crowd, crowd.now, np.eye(4))
        joints.append(joints_of(crowd, crowd.now, frames, np.zeros(1, np.int32))[0])
        vertices.append(Drawn(crowd, np.array([1])).placed(crowd.now, frames, "vertices"))
    return np.stack(joints), np.stack(vertices)


def fastest(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(points, axis=0), axis=2).max(axis=1)


@pytest.mark.parametrize("near", [False, True])
def test_no_joint_and_no_vertex_jumps_where_the_motion_changes(bodies, near):
    cut_joints, cut_vertices = placed(bodies, near, own=False)
    joints, vertices = placed(bodies, near, own=True)

    assert fastest(cut_joints)[CHANGE - 1] > 0.25  # metres from one frame to the next: what would be seen
    assert fastest(joints).max() < 0.16
    assert fastest(vertices).max() < 0.6 * fastest(cut_vertices)[CHANGE - 1]


def test_the_one_who_changes_ends_as_all_who_share_his_motion(bodies):
    shared, _ = placed(bodies, near=False, own=False)
    own, _ = placed(bodies, near=False, own=True)

    assert np.array_equal(own[:CHANGE], shared[:CHANGE])
    assert np.array_equal(own[-1], shared[-1])
    assert not np.array_equal(own[CHANGE + 3], shared[CHANGE + 3])


def test_who_is_near_on_any_frame_is_near_on_all():
    poses = np.tile(np.eye(4), (2, 1, 1))
    positions = np.array([[[0, 0, 5.0], [0, 0, 40], [0, 0, -3]], [[0, 0, 30], [0, 0, 40], [0, 0, -3]]])

    assert ever_near(positions, np.ones(3), poses, np.full(len(poses), 1 / 1000)).tolist() == [True, False, False]
