"""What a layout hands on of a capture: the same motion, known by its content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assets.mocap.baked import packed, unpacked
from assets.mocap.load import load_clip
from assets.mocap.motion import captured_motion
from assets.motion.motions import MOTIONS, Grip, Motion, learn_captures, load_motion
from assets.people.skeleton import solve
from pipeline.crowd_sections import CaptureFile
from pipeline.errors import AssetError
from tests import mocaprigs as rigs
from tests.assets.mocap.test_mocap_roundtrip import contact_points, walking

FREE = Grip()


def heads(motion: Motion, phase: float) -> np.ndarray:
    return solve(rigs.skeleton(), motion.pose(phase, rigs.build(), FREE))[1]


def starting(seconds: float = 4.0) -> list:
    """Poses of someone who stands, walks off and stands again, and how far he has come: the truth of an uneven way."""
    walk, times = load_motion("walk"), np.arange(round(seconds * rigs.RATE)) / rigs.RATE
    share = np.clip((times - 0.8) / 0.8, 0, 1) * np.clip((seconds - 0.8 - times) / 0.8, 0, 1)
    gone = np.cumsum(share * walk.speed_mps / rigs.RATE)
    poses = [walk.pose(metres / (walk.speed_mps * walk.cycle_s) % 1.0, rigs.build(), FREE) for metres in gone]
    return [poses, gone]


@pytest.fixture(scope="module")
def walk_bvh(tmp_path_factory) -> Path:
    return rigs.write_bvh(tmp_path_factory.mktemp("baked") / "walk.bvh", walking("walk", 60))


def test_what_was_packed_poses_as_the_clip_did(walk_bvh: Path, tmp_path: Path):
    clip = load_clip("stroll", CaptureFile(walk_bvh))
    (tmp_path / "stroll.0a.npz").write_bytes(packed(clip))

    learn_captures([tmp_path / "stroll.0a.npz"])
    motion, before = load_motion("stroll.0a"), captured_motion(clip)

    assert packed(clip) == packed(unpacked("stroll.0a", tmp_path / "stroll.0a.npz"))
    assert (motion.name, motion.loops) == ("stroll.0a", True)
    assert motion.cycle_s == pytest.approx(before.cycle_s, rel=1e-6)
    assert motion.speed_mps == pytest.approx(before.speed_mps, rel=1e-6)
    np.testing.assert_allclose(motion.footfalls[0][1:], before.footfalls[0][1:], atol=1e-6)
    for phase in (0.0, 0.31, 0.77):
        np.testing.assert_allclose(heads(motion, phase), heads(before, phase), atol=1e-5)


def test_only_what_was_learnt_is_known(tmp_path: Path):
    with pytest.raises(AssetError, match="motion 'stroll' is not known"):
        load_motion("stroll")
    (tmp_path / "broken.npz").write_bytes(b"PK")
    with pytest.raises(AssetError, match="no captured motion of a layout"):
        learn_captures([tmp_path / "broken.npz"])
    assert "broken" not in MOTIONS


def test_an_uneven_way_comes_back_and_feet_stay_where_they_stand(tmp_path: Path):
    """Someone stands, walks, stands: the way by phase is that of the capture, and whoever goes that way does not slide."""
    poses, gone = starting()
    take = rigs.take(poses)
    take.places[..., 2] += gone[:, None]
    clip = load_clip("start", CaptureFile(rigs.write_bvh(tmp_path / "start.bvh", take)))
    motion = captured_motion(clip)

    phases = np.linspace(0, 1, len(gone))
    way = motion.gone_m(phases)

    assert not motion.loops
    assert motion.cycle_s == pytest.approx((len(gone) - 1) / rigs.RATE, rel=1e-6)
    assert way[-1] == pytest.approx(gone[-1], abs=0.08)
    assert np.abs(way - gone).max() < 0.12  # the hips' own sway, and a start that is smoothed
    slides = []
    for side, first, last in motion.footfalls:
        at = np.linspace(first + 1e-6, last - 1e-6, 30)
        points = np.array([contact_points(motion, rigs.build(), side, phase) for phase in at])
        points[..., 2] += (motion.gone_m(at) - motion.speed_mps * motion.cycle_s * at)[:, None]
        for place in (0, 1):
            low = points[:, place][points[:, place, 1] < 1e-4]
            slides += list(np.linalg.norm(low - low[:1], axis=1))
    assert len(motion.footfalls) >= 4
    assert max(slides) < 0.001


def test_a_cut_and_a_loop_are_as_asked(walk_bvh: Path):
    walk = load_motion("walk")

    once = captured_motion(load_clip("a", CaptureFile(walk_bvh, loop=False)))
    cut = captured_motion(load_clip("b", CaptureFile(walk_bvh, start_s=0.5, end_s=1.5, loop=True)))

    assert (once.loops, cut.loops) == (False, True)
    assert once.cycle_s == pytest.approx(59 / rigs.RATE)
    assert once.gone_m(np.ones(1))[0] == pytest.approx(59 / rigs.RATE * walk.speed_mps, rel=0.04)
    assert cut.cycle_s == pytest.approx(1.0)
    with pytest.raises(AssetError, match=r"lasts 1.97 s, start_s = 0 and end_s = 9 reach beyond"):
        load_clip("c", CaptureFile(walk_bvh, end_s=9.0))
    with pytest.raises(AssetError, match="8 or more"):
        load_clip("d", CaptureFile(walk_bvh, start_s=1.0, end_s=1.1))


def test_weapons_are_carried_or_wielded_as_asked(walk_bvh: Path):
    """The captured right wrist swings with the walk; a carried spear's hand is where our marchers have it."""
    spear, phases = Grip("spear", "shield"), np.linspace(0, 1, 9)

    def wrists(motion: Motion) -> np.ndarray:
        return np.array([motion.pose(float(phase), rigs.build(), spear).right_arm.wrist for phase in phases])

    carried, wielded = (captured_motion(load_clip("a", CaptureFile(walk_bvh, carry=carry))) for carry in (None, False))
    free = [captured_motion(load_clip("a", CaptureFile(walk_bvh))).pose(float(p), rigs.build(), FREE) for p in phases]
    np.testing.assert_array_equal(wrists(carried), wrists(load_motion("march")))
    np.testing.assert_array_equal(wrists(wielded), [pose.right_arm.wrist for pose in free])


def test_a_banner_is_borne_upright_whatever_the_captured_arm_did(walk_bvh: Path):
    wields = captured_motion(load_clip("a", CaptureFile(walk_bvh, carry=False)))
    ours = load_motion("march").pose(0.3, rigs.build(), Grip("banner"))

    pose = wields.pose(0.3, rigs.build(), Grip("banner"))

    assert (pose.right_arm, pose.shaft_m) == (ours.right_arm, ours.shaft_m)


def test_a_clip_of_a_gltf_is_taken_by_name(tmp_path: Path):
    path = rigs.write_glb(tmp_path / "walk.glb", walking("walk", 40))
    with pytest.raises(AssetError, match="holds no animation 'run'"):
        load_clip("run", CaptureFile(path, clip="run"))
    with pytest.raises(AssetError, match="one motion without a name"):
        load_clip("run", CaptureFile(rigs.write_bvh(tmp_path / "w.bvh", walking("walk", 40)), clip="run"))
