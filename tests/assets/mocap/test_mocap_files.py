"""Broken captures: one clear line each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assets.mocap.capture import read_capture
from assets.mocap.load import is_capture, load_clip
from assets.mocap.rigs import RIGS, plain, roles_of
from assets.motion.motions import Grip, load_motion
from pipeline.crowd_sections import CaptureFile
from pipeline.errors import AssetError
from tests import mocaprigs as rigs


@pytest.fixture(scope="module")
def moved() -> rigs.Take:
    walk = load_motion("walk")
    poses = [walk.pose(frame / 32 % 1.0, rigs.build(), Grip()) for frame in range(12)]
    return rigs.take(poses, walk.speed_mps)


@pytest.fixture
def bvh(tmp_path: Path, moved: rigs.Take) -> Path:
    return rigs.write_bvh(tmp_path / "walk.bvh", moved)


@pytest.fixture
def glb(tmp_path: Path, moved: rigs.Take) -> Path:
    return rigs.write_glb(tmp_path / "walk.glb", moved)


def refused(path: Path) -> str:
    with pytest.raises(AssetError) as caught:
        load_clip(path.stem, CaptureFile(path))
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)
    return str(caught.value)


def edited(path: Path, old: str, new: str) -> Path:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return path


def test_a_bvh_file_that_is_cut_off_between_frames(bvh: Path):
    bvh.write_text("\n".join(bvh.read_text().splitlines()[:-5]))

    assert "12 frames are announced, 7 are there: the file is cut off" in refused(bvh)


def test_a_bvh_file_that_is_cut_off_within_a_frame(bvh: Path):
    bvh.write_text(bvh.read_text()[:-100])

    assert "need 69 finite numbers" in refused(bvh)


def test_a_bvh_file_that_is_cut_off_within_its_hierarchy(bvh: Path):
    bvh.write_text(bvh.read_text()[:900])

    assert "HIERARCHY or MOTION is missing" in refused(bvh)


def test_a_bvh_file_with_an_unclosed_brace(bvh: Path):
    text = bvh.read_text()
    bvh.write_text(text.replace("}\nMOTION", "\nMOTION"))

    assert "1 braces are open" in refused(bvh)


def test_a_wrong_count_of_channels(bvh: Path):
    edited(bvh, "CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 3 Zrotation Xrotation")

    assert "3 channels are announced, 2 follow" in refused(bvh)


def test_rows_that_do_not_fit_the_channels(bvh: Path):
    edited(bvh, "CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 2 Zrotation Xrotation")

    assert "69 values, need 68" in refused(bvh)


def test_no_frames(bvh: Path):
    edited(bvh, "Frames: 12", "Frames: 0")

    assert "0 frames" in refused(bvh)


def test_too_few_frames(bvh: Path):
    lines = bvh.read_text().splitlines()
    bvh.write_text("\n".join(lines[:-9]).replace("Frames: 12", "Frames: 3"))

    assert "3 frames, need 8 or more" in refused(bvh)


def test_a_number_that_is_none(bvh: Path):
    lines = bvh.read_text().splitlines()
    lines[-1] = "nan " + lines[-1].split(" ", 1)[1]
    bvh.write_text("\n".join(lines))

    assert "finite numbers" in refused(bvh)


def test_joints_that_are_missing_are_listed(bvh: Path):
    text = bvh.read_text()
    bvh.write_text(text.replace("LeftForeArm", "Bone7").replace("RightFoot", "Bone8"))

    message = refused(bvh)

    assert "no joint found for leftforearm, rightfoot;" in message
    assert "SMPL-X" in message


def test_a_rig_that_never_stands_up(tmp_path: Path, moved: rigs.Take):
    flat = rigs.Take(moved.names, moved.parents, moved.rest * (1, 0, 0), moved.turns, moved.places)

    assert "stands upright" in refused(rigs.write_bvh(tmp_path / "flat.bvh", flat))


def test_a_file_that_is_not_there_and_one_of_another_kind(tmp_path: Path):
    assert "is not there" in refused(tmp_path / "walk.bvh")
    assert ".bvh, .glb" in refused(tmp_path / "walk.fbx")


def test_a_gltf_file_that_is_cut_off(glb: Path):
    glb.write_bytes(glb.read_bytes()[:-1000])

    assert "it is cut off" in refused(glb)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"animations": [{}], "nodes": []}', "\x00"])
def test_a_gltf_file_of_nonsense(tmp_path: Path, text: str):
    path = tmp_path / "walk.gltf"
    path.write_text(text)

    assert "again" in refused(path) or "no animation" in refused(path)


def test_a_gltf_file_without_animation(tmp_path: Path, glb: Path):
    data = glb.read_bytes()
    document = json.loads(data[20 : 20 + int.from_bytes(data[12:16], "little")])
    del document["animations"]
    path = tmp_path / "still.gltf"
    path.write_text(json.dumps(document | {"buffers": []}))

    assert "holds no animation" in refused(path)


def test_a_usd_file_of_nonsense_and_one_without_a_skeleton(tmp_path: Path):
    nonsense, empty = tmp_path / "walk.usdc", tmp_path / "empty.usda"
    nonsense.write_bytes(b"PXR-USDC but not really")
    empty.write_text("#usda 1.0\n")

    assert "cannot be opened as USD" in refused(nonsense)
    assert "0 skeletons, none with a SkelAnimation" in refused(empty)


def test_a_gltf_file_is_seen_alike_by_an_independent_reader(glb: Path, moved: rigs.Take):
    import trimesh

    scene = trimesh.load_scene(glb)
    capture = read_capture(glb)

    for name, joint in (("mixamorig:LeftFoot", capture.joints.index("mixamorig:LeftFoot")), ("mixamorig:Hips", 0)):
        place = scene.graph.get(name)[0][:3, 3]
        assert capture.positions[0, joint] == pytest.approx(place, abs=1e-4)


def test_bvh_and_gltf_and_usd_of_one_take_are_one_capture(bvh: Path, glb: Path, tmp_path: Path, moved: rigs.Take):
    usd = rigs.write_usd(tmp_path / "walk.usdc", moved)
    first, *others = (read_capture(path) for path in (bvh, glb, usd))

    order = [plain(name) for name in first.joints]
    for other in others:
        same = [[plain(name) for name in other.joints].index(name) for name in order]
        assert np.abs(other.rotations[:, same] - first.rotations).max() < 1e-4
        assert np.abs(other.positions[:, same] - first.positions).max() < 1e-4
        assert (
            np.abs(other.rest[same, :3, 3] - first.rest[:, :3, 3] - (other.rest[0] - first.rest[0])[:3, 3]).max() < 1e-4
        )
        assert other.rate == first.rate


@pytest.mark.parametrize(
    ("joints", "hand"),
    [
        ("Hips Spine Chest Neck Head LeftShoulder LeftArm LeftForeArm LeftHand RightShoulder RightArm RightForeArm RightHand "
         "LeftThigh LeftShin LeftFoot LeftToe RightThigh RightShin RightFoot RightToe", "LeftHand"),
        ("Hips Chest Chest2 Neck Head LeftCollar LeftShoulder LeftElbow LeftWrist RightCollar RightShoulder RightElbow "
         "RightWrist LeftHip LeftKnee LeftAnkle LeftToe RightHip RightKnee RightAnkle RightToe", "LeftWrist"),
        ("pelvis left_hip right_hip spine1 left_knee right_knee spine2 left_ankle right_ankle spine3 left_foot right_foot neck "
         "left_collar right_collar head left_shoulder right_shoulder left_elbow right_elbow left_wrist right_wrist",
         "left_wrist"),
        ("root lhipjoint lfemur ltibia lfoot ltoes rhipjoint rfemur rtibia rfoot rtoes lowerback upperback thorax lowerneck "
         "upperneck head lclavicle lhumerus lradius lwrist rclavicle rhumerus rradius rwrist", "lwrist"),
        ("Pelvis L5 L3 T12 T8 Neck Head RightShoulder RightUpperArm RightForeArm RightHand LeftShoulder LeftUpperArm "
         "LeftForeArm LeftHand RightUpperLeg RightLowerLeg RightFoot RightToe LeftUpperLeg LeftLowerLeg LeftFoot LeftToe",
         "LeftHand"),
        ("root pelvis spine_01 spine_02 spine_03 clavicle_l upperarm_l lowerarm_l hand_l clavicle_r upperarm_r lowerarm_r "
         "hand_r neck_01 head thigh_l calf_l foot_l ball_l thigh_r calf_r foot_r ball_r", "hand_l"),
    ],
)  # fmt: skip
def test_the_joints_of_common_rigs_are_known(joints: str, hand: str):
    names = joints.split()

    roles = roles_of(names, "rig")

    assert names[roles["hand.L"]] == hand
    assert (
        len({roles[f"{role}.{side}"] for role in ("arm", "forearm", "hand", "upleg", "leg", "foot") for side in "LR"})
        == 12
    )
    assert {"neck", "head", "toe.L", "toe.R", "collar.L"} & set(roles)


def test_our_own_rig_is_known():
    roles = roles_of(rigs.skeleton().names, "ours")

    assert rigs.skeleton().names[roles["foot.R"]] == "foot.R"
    assert len(RIGS) == 8


def test_what_is_a_capture_by_its_name():
    assert is_capture("mocap/walk.BVH")
    assert is_capture("walk.usdc")
    assert not is_capture("walk")
