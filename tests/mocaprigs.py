"""Foreign rigs that do what our own motions do: the truth for imports. Nothing here knows how the importers work."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from assets.motion.gaits import Build
from assets.people.bodies import rest_body
from assets.people.skeleton import Pose, Skeleton, hand_axes, solve

RATE = 30
HEIGHT_M = 1.714  # its legs are 0.85 m, which is the body that a speed is told for
BODY = (("gender", 1.0), ("muscle", 0.6), ("weight", 0.5))
Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])  # z_up_from_y_up
# (name in the family of Mixamo, in that of SMPL-X, our bone that it turns with and starts at, parent)
JOINTS = [
    ("Hips", "pelvis", "root", ""), ("Spine", "spine1", "spine04", "Hips"), ("Spine1", "spine2", "spine02", "Spine"),
    ("Spine2", "spine3", "spine01", "Spine1"), ("Neck", "neck", "neck01", "Spine2"), ("Head", "head", "head", "Neck"),
]  # fmt: skip
for _side, _word in (("L", "Left"), ("R", "Right")):
    _small = _word.lower()
    JOINTS += [
        (f"{_word}Shoulder", f"{_small}_collar", f"clavicle.{_side}", "Spine2"),
        (f"{_word}Arm", f"{_small}_shoulder", f"upperarm01.{_side}", f"{_word}Shoulder"),
        (f"{_word}ForeArm", f"{_small}_elbow", f"lowerarm01.{_side}", f"{_word}Arm"),
        (f"{_word}Hand", f"{_small}_wrist", f"wrist.{_side}", f"{_word}ForeArm"),
        (f"{_word}UpLeg", f"{_small}_hip", f"upperleg01.{_side}", "Hips"),
        (f"{_word}Leg", f"{_small}_knee", f"lowerleg01.{_side}", f"{_word}UpLeg"),
        (f"{_word}Foot", f"{_small}_ankle", f"foot.{_side}", f"{_word}Leg"),
        (f"{_word}ToeBase", f"{_small}_foot", f"toe3-1.{_side}", f"{_word}Foot"),
    ]
FINGERS = [
    (f"{word}Hand{name}1", f"{word.lower()}_{name.lower()}1", f"finger{number}-1.{word[0]}", f"{word}Hand")
    for word in ("Left", "Right")
    for name, number in (("Index", 2), ("Middle", 3), ("Ring", 4), ("Pinky", 5))
]


@dataclass(frozen=True, eq=False)
class Take:
    """A rig's motion, metres, Y up. rest (J, 3); turns (F, J, 3, 3) away from rest, world; places (F, J, 3)."""

    names: list[str]
    parents: list[int]
    rest: np.ndarray
    turns: np.ndarray
    places: np.ndarray

    def turned(self, turn: np.ndarray, scale: float) -> Take:
        return Take(
            self.names,
            self.parents,
            self.rest @ turn.T * scale,
            turn @ self.turns @ turn.T,
            self.places @ turn.T * scale,
        )


def skeleton() -> Skeleton:
    return rest_body(BODY, HEIGHT_M).skeleton


def build() -> Build:
    ours = skeleton()
    return Build(
        leg_m=ours.leg_length_m(), hip_m=float(ours.hip_offset()[0]), ankle_m=0.085, heel_m=0.06, ball_m=0.15,
        height_m=HEIGHT_M, knuckle_m=0.03,
    )  # fmt: skip


def take(
    poses: list[Pose], speed_mps: float = 0.0, heading_rad: float = 0.0, family: int = 0, lower: float = 1.0,
    upper: float = 1.0, t_pose: bool = True, fingers: bool = False,
) -> Take:  # fmt: skip
    """Our skeleton in `poses`, one a frame, as a foreign rig whose rest is a T-pose and whose limbs have other lengths.

    lower, upper: scales of hips and legs, and of the rest of the body. heading_rad: the way it goes, about Y.
    """
    ours, table = skeleton(), JOINTS + FINGERS * fingers
    index = [ours.index(bone) for _, _, bone, _ in table]
    names = [joint[family] for joint in table]
    parents = [next((i for i, j in enumerate(table) if j[0] == parent), -1) for *_, parent in table]
    still = _t_pose(ours, [bone for _, _, bone, _ in table]) if t_pose else [np.eye(3)] * len(table)
    scales = [lower if n.endswith(("Hips", "Leg", "Foot", "Base")) else upper for n, *_ in table]
    offsets = [
        scale * (ours.heads[i] - (ours.heads[index[p]] if p >= 0 else 0))
        for i, p, scale in zip(index, parents, scales, strict=True)
    ]
    rest = np.zeros((len(names), 3))
    for joint, parent in enumerate(parents):
        rest[joint] = offsets[joint] if parent < 0 else rest[parent] + still[parent] @ offsets[joint]
    head = Rotation.from_euler("y", heading_rad).as_matrix()
    turns, places = [], []
    for frame, pose in enumerate(poses):
        rotations, heads = solve(ours, pose)
        rotations = head @ rotations[index]
        root = head @ (lower * (heads[index[0]] + (0, 0, speed_mps * frame / RATE))) + (3.0, 0.0, -2.0)
        there = np.zeros((len(names), 3))
        for joint, parent in enumerate(parents):
            there[joint] = root if parent < 0 else there[parent] + rotations[parent] @ offsets[joint]
        places.append(there)
        turns.append(rotations @ np.stack(still).transpose(0, 2, 1))
    return Take(names, parents, rest, np.array(turns), np.array(places))


def _t_pose(ours: Skeleton, bones: list[str]) -> list[np.ndarray]:
    """What turns each of our bones from our rest into a T-pose: arms out, palms down; legs straight, feet ahead."""
    ways = {}
    for side, sign in (("L", 1.0), ("R", -1.0)):
        chains = (("upperarm01", "lowerarm01", "wrist"), ("upperleg01", "lowerleg01", "foot"))
        for (a, b, c), way in zip(chains, ((sign, 0, 0), (0, -1, 0)), strict=True):
            for first, second in ((a, b), (b, c)):
                bone = ours.head(f"{second}.{side}") - ours.head(f"{first}.{side}")
                ways[f"{first}.{side}"] = Rotation.align_vectors([way], [bone])[0].as_matrix()
        knuckles, grip = hand_axes(ours, side)
        palm = Rotation.align_vectors([(sign, 0, 0), (0, 0, 1)], [knuckles, grip])[0]
        ways[f"wrist.{side}"] = palm.as_matrix()
        toes = ours.head(f"toe3-1.{side}") - ours.head(f"foot.{side}")
        ahead = Rotation.from_euler("y", -np.arctan2(toes[0], toes[2])).as_matrix()
        ways[f"foot.{side}"] = ways[f"toe3-1.{side}"] = ahead
    return [ways.get(bone, np.eye(3)) for bone in bones]


def write_bvh(path: Path, moved: Take, metres: float = 0.01, up: np.ndarray | None = None) -> Path:
    """A BVH file with an End Site under each joint without children, root moving, all angles Z X Y."""
    moved = moved.turned(np.eye(3) if up is None else up, 1 / metres)
    lines = ["HIERARCHY"]
    order: list[int] = []

    def joint(number: int, depth: int) -> None:
        order.append(number)
        parent, pad = moved.parents[number], "\t" * depth
        offset = moved.rest[number] - (moved.rest[parent] if parent >= 0 else moved.rest[number])
        channels = "Zrotation Xrotation Yrotation"
        lines.append(f"{pad}{'JOINT' if parent >= 0 else 'ROOT'} {moved.names[number]}")
        lines.append(pad + "{")
        lines.append(f"{pad}\tOFFSET " + " ".join(f"{v:.6f}" for v in offset))
        lines.append(f"{pad}\tCHANNELS " + ("3 " if parent >= 0 else "6 Xposition Yposition Zposition ") + channels)
        children = [i for i, p in enumerate(moved.parents) if p == number]
        for child in children:
            joint(child, depth + 1)
        if not children:
            lines.extend([f"{pad}\tEnd Site", pad + "\t{", f"{pad}\t\tOFFSET 0 1 0", pad + "\t}"])
        lines.append(pad + "}")

    joint(0, 0)
    lines += ["MOTION", f"Frames: {len(moved.turns)}", f"Frame Time: {1 / RATE:.7f}"]
    for turns, places in zip(moved.turns, moved.places, strict=True):
        values = list(places[0])
        for number in order:
            parent = moved.parents[number]
            local = turns[number] if parent < 0 else turns[parent].T @ turns[number]
            values += list(Rotation.from_matrix(local).as_euler("ZXY", degrees=True))
        lines.append(" ".join(f"{v:.6f}" for v in values))
    path.write_text("\n".join(lines) + "\n")
    return path


def frames_of(moved: Take) -> tuple[np.ndarray, np.ndarray]:
    """(bind (J, 4, 4), transforms (F, J, 4, 4)) with joint axes that point anywhere, as real exports have them."""
    axes = Rotation.random(len(moved.names), np.random.default_rng(5)).as_matrix()
    bind = np.tile(np.eye(4), (len(moved.names), 1, 1))
    bind[:, :3, :3], bind[:, :3, 3] = axes, moved.rest
    transforms = np.tile(np.eye(4), (len(moved.turns), len(moved.names), 1, 1))
    transforms[..., :3, :3], transforms[..., :3, 3] = moved.turns @ axes, moved.places
    return bind, transforms


def locals_of(world: np.ndarray, parents: list[int]) -> np.ndarray:
    """(..., J, 4, 4) transforms against the parents."""
    return np.stack(
        [
            world[..., j, :, :] if p < 0 else np.linalg.inv(world[..., p, :, :]) @ world[..., j, :, :]
            for j, p in enumerate(parents)
        ],
        axis=-3,
    )


def write_glb(path: Path, moved: Take) -> Path:
    """A binary glTF as exporters write it: centimetres and Z up under a node that scales and turns them back."""
    bind, moving = frames_of(moved.turned(Z_UP, 100.0))
    armature = np.eye(4)
    armature[:3, :3] = Z_UP.T * 0.01
    local, chunks, views, accessors = locals_of(moving, moved.parents), b"", [], []

    def add(values: np.ndarray, kind: str) -> int:
        nonlocal chunks
        data = values.astype("<f4").tobytes()
        views.append({"buffer": 0, "byteOffset": len(chunks), "byteLength": len(data)})
        chunks += data
        bounds = {"min": [float(values.min())], "max": [float(values.max())]} if kind == "SCALAR" else {}
        accessors.append(
            {"bufferView": len(views) - 1, "componentType": 5126, "count": len(values), "type": kind} | bounds
        )
        return len(accessors) - 1

    times = add(np.arange(len(moving)) / RATE, "SCALAR")
    samplers, channels = [], []
    nodes = [{"name": f"mixamorig:{name}"} for name in moved.names]
    for joint, parent in enumerate(moved.parents):
        if parent >= 0:
            nodes[parent].setdefault("children", []).append(joint)
        quaternions = Rotation.from_matrix(local[:, joint, :3, :3]).as_quat()
        nodes[joint] |= {"translation": local[0, joint, :3, 3].tolist(), "rotation": quaternions[0].tolist()}
        for kind, values in (("rotation", quaternions), ("translation", local[:, joint, :3, 3])):
            samplers.append({"input": times, "output": add(values, "VEC4" if kind == "rotation" else "VEC3")})
            channels.append({"sampler": len(samplers) - 1, "target": {"node": joint, "path": kind}})
    inverse = add(np.linalg.inv(armature @ bind).transpose(0, 2, 1).reshape(-1, 16), "MAT4")
    nodes.append({"name": "Armature", "children": [0], "matrix": armature.T.ravel().tolist()})
    document = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [len(nodes) - 1]}], "nodes": nodes,
        "skins": [{"joints": list(range(len(moved.names))), "inverseBindMatrices": inverse}],
        "animations": [{"samplers": samplers, "channels": channels}], "accessors": accessors, "bufferViews": views,
        "buffers": [{"byteLength": len(chunks)}],
    }  # fmt: skip
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    body = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(chunks), 0x004E4942) + chunks
    path.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body)
    return path


def write_usd(path: Path, moved: Take) -> Path:
    """A UsdSkel stage in centimetres, Z up, 24 time codes a second of which each key takes more than one."""
    from pxr import Gf, Usd, UsdGeom, UsdSkel, Vt

    moved = moved.turned(Z_UP, 100.0)
    bind, moving = frames_of(moved)
    stage = Usd.Stage.CreateNew(str(path))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    stage.SetTimeCodesPerSecond(RATE)
    UsdSkel.Root.Define(stage, "/Man")
    skeleton_prim = UsdSkel.Skeleton.Define(stage, "/Man/Rig")
    paths: list[str] = []
    for name, parent in zip(moved.names, moved.parents, strict=True):
        paths.append(f"{paths[parent]}/{name}" if parent >= 0 else name)

    def matrices(array: np.ndarray) -> object:
        return Vt.Matrix4dArray([Gf.Matrix4d(*m.T.ravel().tolist()) for m in array])

    skeleton_prim.CreateJointsAttr(paths)
    skeleton_prim.CreateBindTransformsAttr(matrices(bind))
    skeleton_prim.CreateRestTransformsAttr(matrices(locals_of(bind, moved.parents)))
    animation = UsdSkel.Animation.Define(stage, "/Man/Rig/Walk")
    animation.CreateJointsAttr(paths)
    animation.CreateScalesAttr(Vt.Vec3hArray([Gf.Vec3h(1, 1, 1)] * len(paths)))
    local = locals_of(moving, moved.parents)
    for frame, there in enumerate(local):
        quaternions = [Rotation.from_matrix(m[:3, :3]).as_quat() for m in there]
        turns = Vt.QuatfArray([Gf.Quatf(float(q[3]), *map(float, q[:3])) for q in quaternions])
        animation.CreateRotationsAttr().Set(turns, 1 + frame)
        places = Vt.Vec3fArray([Gf.Vec3f(*map(float, m[:3, 3])) for m in there])
        animation.CreateTranslationsAttr().Set(places, 1 + frame)
    UsdSkel.BindingAPI.Apply(skeleton_prim.GetPrim()).CreateAnimationSourceRel().SetTargets(["/Man/Rig/Walk"])
    stage.GetRootLayer().Save()
    return path
