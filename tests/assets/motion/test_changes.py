"""Who changes his motion goes through the library's crossing: nothing jumps, feet stay, the atlas stays bounded."""

from functools import lru_cache

import numpy as np
import pytest

from assets.crowd.cues import first_phases, under_way_s
from assets.motion.blending import STANDARD
from assets.motion.changes import (
    WAY_M,
    Moves,
    changes_in,
    crossing_of,
    nearest,
    pose_of,
    step_in,
    steps_per_s,
    unlike_m,
    way_of,
)
from assets.motion.grips import Grip
from assets.motion.motions import load_motion
from assets.people.characters import load_character
from assets.people.mesh import dressed, mesh_of, posed_mesh
from assets.sprites.atlas import Change, bin_phase, phase_bin
from assets.sprites.guides import sprite_guides

SPEAR = Grip("spear", "shield")
RATE, TURNS_AT = 24.0, 10
WHO = load_character("legionary")
CASES = [("idle", "march"), ("idle", "brace"), ("charge", "brace"), ("brace", "thrust"), ("thrust", "idle"),
         ("march", "charge"), ("brace", "fall")]  # fmt: skip


def life(before: str, after: str, frames: int = 60, starts: float = 0.3) -> Moves:
    """One agent, heading 0, who changes on frame TURNS_AT as a layout has it: speed rises or falls at 2.5 m/s2."""
    old, new = load_motion(before), load_motion(after)
    times = np.arange(frames) / RATE
    since = times - (TURNS_AT - 1) / RATE
    if new.speed_mps > old.speed_mps == 0:
        gone = new.speed_mps * under_way_s(since, np.array(new.speed_mps))
    else:
        slower = np.sign(new.speed_mps - old.speed_mps) * 2.5
        takes = abs(new.speed_mps - old.speed_mps) / 2.5
        within = np.clip(since, 0, takes)
        gone = old.speed_mps * times + slower * within**2 / 2
        gone += (new.speed_mps - old.speed_mps) * np.maximum(since - takes, 0)
    turns = gone[TURNS_AT - 1]
    was = starts + (gone / (old.speed_mps * old.cycle_s) if old.speed_mps else times / old.cycle_s)
    first = float(first_phases(before, after, np.array([was[TURNS_AT - 1] % 1]))[0])
    will = first + ((gone - turns) / (new.speed_mps * new.cycle_s) if new.speed_mps else since / new.cycle_s)
    will = will % 1 if new.loops else np.clip(will, 0, 0.999)
    phases = np.where(np.arange(frames) < TURNS_AT, was % 1, will)[:, None]
    motions = (np.arange(frames) >= TURNS_AT).astype(np.uint8)[:, None]
    places = np.zeros((frames, 1, 3))
    places[:, 0, 2] = gone
    return Moves((before, after), motions, phases, np.zeros((frames, 1)), places, np.ones(1), RATE)


@lru_cache(maxsize=1024)
def _plain(motion: str, number: int):
    return posed_mesh(WHO, motion, float(bin_phase(motion, number)))


def shown(moves: Moves, *, crossed: bool = True):
    """The mesh that each frame's sprite shows."""
    changes, figure, meshes = changes_in(moves), dressed(WHO), []
    for row in range(len(moves.motions)):
        number = changes.event[row, 0]
        if crossed and number >= 0:
            pose = pose_of(changes.all[number], int(changes.step[row, 0]), figure.build, figure.grip)
            meshes.append(mesh_of(WHO, pose))
        else:
            name = moves.motion_names[moves.motions[row, 0]]
            meshes.append(_plain(name, int(phase_bin(name, moves.phases[row, 0]))))
    return meshes


def largest_step_m(meshes) -> float:
    """The farthest that any joint jumps from one frame to the next."""
    joints = np.array([mesh.joints for mesh in meshes])
    return float(np.linalg.norm(np.diff(joints, axis=0), axis=-1).max())


def liveliest_m(motion: str) -> float:
    """The farthest that a joint jumps between neighbouring frames of the motion's own sprites, a whole cycle long."""
    clip = load_motion(motion)
    times = np.arange(int(clip.cycle_s * RATE) + 2) / RATE / clip.cycle_s
    phases = times % 1 if clip.loops else np.minimum(times, 0.999)
    return largest_step_m([_plain(motion, int(number)) for number in phase_bin(motion, phases)])


@pytest.mark.parametrize(("before", "after"), CASES)
def test_a_change_jumps_no_farther_than_its_motions_do(before: str, after: str):
    """From a calm motion to another, the arms may go at 12 cm a frame."""
    usual = max(liveliest_m(before), liveliest_m(after))

    crossed = largest_step_m(shown(life(before, after)))

    assert crossed < max(1.05 * usual, 0.12)


def test_a_cut_would_be_seen():
    """What crossings are for: the same change without one."""
    moves = life("idle", "brace")

    assert largest_step_m(shown(moves, crossed=False)) > 3 * largest_step_m(shown(moves))


@pytest.mark.parametrize(("before", "after"), [("idle", "brace"), ("charge", "brace")])
def test_the_picture_has_no_spike_where_motions_change(before: str, after: str):
    moves = life(before, after, 46)

    def differences(meshes):
        drawn = [sprite_guides(mesh, 0.8, 0.1, 64, 64) for mesh in meshes]
        pictures = np.array([np.dstack([each.coverage, each.normals]) for each in drawn])
        return np.abs(np.diff(pictures, axis=0)).mean(axis=(1, 2, 3))

    crossed, cut = differences(shown(moves)), differences(shown(moves, crossed=False))
    around = crossed[TURNS_AT - 1 :]

    assert crossed[TURNS_AT - 1] < 0.6 * cut[TURNS_AT - 1]
    assert around.max() < max(1.05 * crossed[: TURNS_AT - 1].max(), 0.6 * cut.max())


def test_a_crossing_begins_and_ends_in_its_motions():
    change = Change("charge", 3, "brace", 2, 14, 26)

    poses = crossing_of(change, STANDARD, SPEAR).poses
    ends = [load_motion(name).pose(float(bin_phase(name, number)), STANDARD, SPEAR) for name, number in change.ends()]

    assert len(poses) == change.steps + 1
    for pose, end in zip((poses[0], poses[-1]), ends, strict=True):
        assert pose.left_leg.ankle == pytest.approx(end.left_leg.ankle, abs=1e-6)
        assert pose.right_arm.wrist == pytest.approx(end.right_arm.wrist, abs=1e-6)


@pytest.mark.parametrize("way", [0, 10, 20])
def test_who_halts_stays_on_his_legs(way: int):
    """Whoever comes to a halt from a run strides on: no foot lands so far ahead that he has to sit down."""
    poses = crossing_of(Change("charge", 5, "brace", 2, way, 26), STANDARD, SPEAR).poses

    assert min(pose.hips[1] for pose in poses) > min(poses[0].hips[1], poses[-1].hips[1]) - 0.08


@pytest.mark.parametrize("change", [Change("idle", 0, "march", 3, 9, 18), Change("charge", 0, "brace", 3, 1, 26),
                                    Change("march", 2, "charge", 3, 20, 16)])  # fmt: skip
def test_nobody_goes_back_on_his_way(change: Change):
    way = way_of(change)

    assert way[0] == 0
    assert way[-1] == pytest.approx(change.way * WAY_M)
    assert (np.diff(way) > -1e-9).all()


def test_a_change_lies_where_the_layout_has_it():
    moves = life("idle", "march")

    changes = changes_in(moves)
    (change,), end = changes.all, int(changes.ends[0])

    assert changes.rows.tolist() == [TURNS_AT]
    assert changes.event[:TURNS_AT, 0].max() == changes.event[end:, 0].max() == -1
    assert (np.diff(changes.step[TURNS_AT:end, 0]) >= 0).all()
    assert end - (TURNS_AT - 1) == pytest.approx(change.steps / steps_per_s("idle", "march") * RATE, abs=1)
    assert change.before_bin == phase_bin("idle", moves.phases[TURNS_AT - 1, 0])
    assert abs(change.after_bin - phase_bin("march", moves.phases[end - 1, 0])) in (0, 1, 15)
    assert change.way * WAY_M == pytest.approx(moves.positions[end - 1, 0, 2], abs=0.12)


def test_a_motion_left_at_once_is_passed_over():
    moves = life("idle", "march")
    motions = moves.motions.copy()
    motions[TURNS_AT + 3 :] = 0

    changes = changes_in(
        Moves(moves.motion_names, motions, moves.phases, moves.yaws, moves.positions, np.ones(1), RATE)
    )

    assert [(c.before, c.after) for c in changes.all] == [("idle", "idle")]


def test_a_change_that_is_cut_short_ends_before_the_next():
    moves = life("idle", "march")
    motions = moves.motions.copy()
    motions[TURNS_AT + 8 :] = 0

    changes = changes_in(
        Moves(moves.motion_names, motions, moves.phases, moves.yaws, moves.positions, np.ones(1), RATE)
    )

    assert changes.rows.tolist() == [TURNS_AT, TURNS_AT + 8]
    assert changes.ends[0] <= TURNS_AT + 8


def test_the_nearest_crossing_is_the_most_alike():
    wanted = Change("march", 3, "brace", 2, 5, 20)
    painted = [Change("march", number, "brace", 2, 5, 20) for number in (0, 4, 11)]

    assert nearest(wanted, painted) == painted[1]
    assert unlike_m([wanted], [wanted])[0, 0] == 0
    assert [step_in(Change("march", 0, "brace", 0, 5, 10), wanted, step) for step in (1, 10, 19)] == [1, 5, 9]
