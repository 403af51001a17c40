"""Facts of a banner's cloth on its posed pole: it hangs down, swings, closes its loops, stays in hand, frame and over ground."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assets.motion.motions import MOTIONS, load_motion
from assets.motion.rotations import about
from assets.people.characters import load_character
from assets.people.cloth import Flown, flown
from assets.people.mesh import dressed, mesh_of, posed_mesh
from assets.sprites.guides import ROOT_M, TALL_M
from assets.sprites.sprite import WIDTH_PX, frame_width_px

BEARERS = ("standard_bearer", "flag_bearer")
LOOPS = [name for name, motion in MOTIONS.items() if motion.loops]


def hung(form: str = "vexillum", pitch: float = 0.0, drape: tuple[float, float] = (0.0, 0.0), lift: float = 0.0):
    """A cloth of 0.5 m by 0.6 m on a pole of 2 m that leans forward by `pitch`: (its vertices, the bar's middle)."""
    rows, columns = 13, 11
    down, across = np.meshgrid(np.linspace(0, 0.6, rows), np.linspace(0, 0.5, columns), indexing="ij")
    across = across - (0.25 if form == "vexillum" else 0.0)
    pole = np.array([[0, 0, 0], [0, 2.0, 0], [0.25, 2.0, 0], [-0.25, 2.0, 0]]) @ about((1, 0, 0), pitch).T
    ends = [np.array([k]) for k in range(4)] if form == "vexillum" else [np.array([k]) for k in (0, 1, 1, 1)]
    cloth = Flown(form, np.arange(4, 4 + down.size), across.ravel(), down.ravel(), np.ones(down.size), 0.5, 0.6, *ends)
    pole = pole + np.array([0.0, lift, 0.0])
    points = flown(cloth, np.concatenate([pole, np.zeros((down.size, 3))]), drape, 0.0)
    return points.reshape(rows, columns, 3), pole[1]


@pytest.mark.parametrize("pitch", [0.0, 0.3, 0.6, -0.4])
def test_a_vexillum_hangs_down_from_its_bar_however_the_pole_leans(pitch: float):
    points, bar = hung(pitch=pitch)

    hem = points[-1].mean(axis=0) - bar

    lean = np.degrees(np.arctan2(hem[2], -hem[1]))
    assert 0.5 < -hem[1] < 0.62
    assert abs(lean) < 12 + 0.2 * abs(np.degrees(pitch))  # a stiff sheet would lean as much as its pole
    assert np.abs(points[0] - bar)[:, 1:].max() < 0.02


@pytest.mark.parametrize("form", ["vexillum", "flag"])
def test_drape_swings_the_cloth_back_and_to_the_left(form: str):
    still, back, left = (hung(form, drape=d)[0][-1].mean(axis=0) for d in ((0.0, 0.0), (0.15, 0.0), (0.0, 0.15)))

    assert back[2] < still[2] - 0.02
    assert left[0] > still[0] + 0.02


def test_more_swing_is_no_longer_cloth():
    calm, wild = (hung(drape=d)[0] for d in ((0.0, 0.0), (0.2, 0.1)))

    lengths = [np.linalg.norm(np.diff(points, axis=0), axis=2).sum(axis=0) for points in (calm, wild)]

    assert np.allclose(lengths[0], 0.6, rtol=0.08)
    assert np.allclose(lengths[1], 0.6, rtol=0.15)


def test_what_reaches_the_ground_lies_on_it():
    points, _ = hung(pitch=np.pi / 2, lift=0.2)

    assert points[..., 1].min() > 0
    assert points[-1, :, 1].max() < 0.05
    assert points[-1, :, 2].mean() < points[0, :, 2].mean() - 0.15  # back along the pole, not in a heap


@pytest.mark.parametrize("who", BEARERS)
@pytest.mark.parametrize("motion", LOOPS)
def test_the_cloth_s_loop_closes(who: str, motion: str):
    person = load_character(who)
    rows = dressed(person).flown.rows

    step = np.abs(posed_mesh(person, motion, 0.01).vertices - posed_mesh(person, motion, 0.0).vertices)[rows].max()
    seam = np.abs(posed_mesh(person, motion, 0.0).vertices - posed_mesh(person, motion, 0.99).vertices)[rows].max()

    assert 0 < seam < 1.5 * step + 1e-4


@pytest.mark.parametrize("who", BEARERS)
@pytest.mark.parametrize("motion", MOTIONS)
def test_the_pole_stays_in_the_hand_and_the_cloth_whole(who: str, motion: str):
    person = load_character(who, 3)
    cloth = dressed(person).flown
    own = np.zeros(len(dressed(person).vertices), bool)
    own[cloth.rows] = True
    faces = dressed(person).triangles
    faces = faces[own[faces].all(axis=1)]

    for phase in (0.05, 0.3, 0.55, 0.8, 0.99):
        mesh = posed_mesh(person, motion, phase)
        foot, head = (mesh.vertices[rows].mean(axis=0) for rows in (cloth.foot, cloth.head))
        along = (head - foot) / np.linalg.norm(head - foot)
        wrist = mesh.joints[4] - foot
        assert np.linalg.norm(np.cross(wrist, along)) < 0.12  # COCO's wrist lies a palm behind the grip
        assert 0.3 < wrist @ along < 2.2
        sides = np.linalg.norm(mesh.vertices[faces] - np.roll(mesh.vertices[faces], 1, axis=1), axis=2)
        assert sides.max() < 0.055  # woven at 0.02 m, 0.028 across
        assert mesh.vertices[cloth.rows, 1].min() > -1e-6


@pytest.mark.parametrize("who", BEARERS)
@pytest.mark.parametrize("motion", [name for name in MOTIONS if name != "fall"])
def test_a_banner_stays_within_its_sprite_s_frame(who: str, motion: str):
    half_m = frame_width_px(motion) / 2 * TALL_M / 128 + (0.03 if frame_width_px(motion) == WIDTH_PX else 0.0)

    for phase in (0.0, 0.25, 0.5, 0.75):
        mesh = posed_mesh(load_character(who), motion, phase)
        points = mesh.vertices[np.unique(mesh.triangles[mesh.parts >= 18])]  # shaft, blade, banner
        assert points[:, 1].max() < TALL_M - ROOT_M
        assert np.hypot(points[:, 0], points[:, 2]).max() < half_m


def test_cheering_raises_it():
    person = load_character("standard_bearer")
    tops = [posed_mesh(person, "cheer", phase).vertices[dressed(person).flown.rows, 1].max() for phase in (0.0, 0.5)]

    assert tops[1] > tops[0] + 0.12


def test_it_follows_late_with_the_rest_of_the_cloth():
    """assets.motion.secondary.lag speaks through Pose.drape, and the banner listens."""
    person = load_character("standard_bearer")
    figure = dressed(person)
    pose = load_motion("march").pose(0.3, figure.build, figure.grip)

    plain, late = (
        mesh_of(person, p).vertices for p in (pose, replace(pose, drape=(pose.drape[0] + 0.1, pose.drape[1])))
    )

    moved = np.abs(late - plain).max(axis=1)
    assert moved[figure.flown.rows].max() > 0.05
    assert moved[figure.shaft].max() < 1e-6
