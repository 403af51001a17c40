"""Which joint is which: the names that common rigs give to hips, knees and hands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.errors import AssetError

NEEDED = ("hips", "chest", "arm", "forearm", "hand", "upleg", "leg", "foot")
FINGERS = ("index", "middle", "ring", "pinky")
SIDED = ("collar", "arm", "forearm", "hand", *FINGERS, "upleg", "leg", "foot", "toe")


@dataclass(frozen=True)
class Rig:
    """A family of rigs. names: role to the names it goes by, {s} for the side; of several that are there the last counts.

    Names are compared in lower case without anything but letters and digits.
    """

    name: str
    sides: tuple[str, str]
    names: Mapping[str, tuple[str, ...]] = field(repr=False)


def _rig(name: str, sides: tuple[str, str], **names: str) -> Rig:
    return Rig(name, sides, {role: tuple(words.split()) for role, words in names.items()})


RIGS = (
    _rig(
        "Mixamo, Rokoko or CMU BVH (Hips, LeftUpLeg, LeftForeArm)", ("left", "right"),
        hips="hips hip", chest="spine chest spine1 chest1 spine2 chest2 spine3 chest3 spine4", neck="neck", head="head",
        collar="{s}shoulder", arm="{s}upperarm {s}arm", forearm="{s}lowerarm {s}forearm", hand="{s}hand",
        index="{s}handindex1", middle="{s}handmiddle1", ring="{s}handring1", pinky="{s}handpinky1",
        upleg="{s}thigh {s}upperleg {s}upleg", leg="{s}shin {s}lowerleg {s}leg", foot="{s}foot", toe="{s}toe {s}toes {s}toebase",
    ),
    _rig(
        "Biovision or Xsens BVH (Chest, LeftHip, LeftElbow)", ("left", "right"),
        hips="hips hip", chest="chest chest2 chest3 chest4 spine spine1 spine2 spine3", neck="neck", head="head",
        collar="{s}collar", arm="{s}shoulder", forearm="{s}elbow", hand="{s}wrist", upleg="{s}hip", leg="{s}knee",
        foot="{s}ankle", toe="{s}toe {s}toes",
    ),
    _rig(
        "SMPL-X (pelvis, left_hip, left_elbow)", ("left", "right"),
        hips="pelvis", chest="spine1 spine2 spine3", neck="neck", head="head", collar="{s}collar", arm="{s}shoulder",
        forearm="{s}elbow", hand="{s}wrist", index="{s}index1", middle="{s}middle1", ring="{s}ring1",
        pinky="{s}pinky1", upleg="{s}hip", leg="{s}knee", foot="{s}ankle", toe="{s}foot",
    ),
    _rig(
        "CMU ASF (root, lfemur, lhumerus)", ("l", "r"),
        hips="root", chest="lowerback upperback thorax", neck="lowerneck", head="head", collar="{s}clavicle",
        arm="{s}humerus", forearm="{s}radius", hand="{s}wrist {s}hand", upleg="{s}femur", leg="{s}tibia", foot="{s}foot",
        toe="{s}toes",
    ),
    _rig(
        "Xsens MVN (Pelvis, T8, LeftUpperLeg)", ("left", "right"),
        hips="pelvis", chest="l5 l3 t12 t8", neck="neck", head="head", collar="{s}shoulder", arm="{s}upperarm",
        forearm="{s}forearm", hand="{s}hand", upleg="{s}upperleg", leg="{s}lowerleg", foot="{s}foot", toe="{s}toe",
    ),
    _rig(
        "Unreal (pelvis, spine_03, thigh_l)", ("l", "r"),
        hips="pelvis", chest="spine01 spine02 spine03 spine04 spine05", neck="neck01", head="head", collar="clavicle{s}",
        arm="upperarm{s}", forearm="lowerarm{s}", hand="hand{s}", index="index01{s}", middle="middle01{s}", ring="ring01{s}",
        pinky="pinky01{s}", upleg="thigh{s}", leg="calf{s}", foot="foot{s}", toe="ball{s}",
    ),
    _rig(
        "3ds Max Biped (Bip01 Pelvis, Bip01 L Thigh)", ("l", "r"),
        hips="pelvis", chest="spine spine1 spine2 spine3", neck="neck", head="head", collar="{s}clavicle",
        arm="{s}upperarm", forearm="{s}forearm", hand="{s}hand", upleg="{s}thigh", leg="{s}calf", foot="{s}foot",
        toe="{s}toe0",
    ),
    _rig(
        "Anny (root, spine01, upperleg01.L)", ("l", "r"),
        hips="root", chest="spine01", neck="neck01", head="head", collar="clavicle{s}", arm="upperarm01{s}",
        forearm="lowerarm01{s}", hand="wrist{s}", index="finger21{s}", middle="finger31{s}", ring="finger41{s}",
        pinky="finger51{s}", upleg="upperleg01{s}", leg="lowerleg01{s}", foot="foot{s}", toe="toe31{s}",
    ),
)  # fmt: skip


def roles_of(joints: Sequence[str], source: str) -> dict[str, int]:
    """Role to joint number: "hips", "chest", "neck"..., with a side for limbs: "arm.L". Optional ones may be missing.

    The family that knows most of the needed joints is taken. Raises AssetError that lists what that one misses.
    """
    numbers = {plain(name): number for number, name in reversed(list(enumerate(joints)))}
    found = [(rig, _matched(rig, numbers)) for rig in RIGS]
    rig, best = max(found, key=lambda pair: len(_wanted() & set(pair[1])))
    missing = _wanted() - set(best)
    if missing:
        lacking = ", ".join(sorted(_name(rig, role) for role in missing))
        raise AssetError(
            f"{source}: no joint found for {lacking}; nearest is the rig family {rig.name}. "
            "Rename the joints as one of the known families does: " + "; ".join(r.name for r in RIGS) + "."
        )
    return best


def plain(name: str) -> str:
    """A joint's name as it is compared: without path, namespace, capitals and marks."""
    last = re.split(r"[/|:]", name)[-1].lower()
    last = re.sub(r"^(mixamorig\d*|bip\d*)[_ ]?", "", last)
    return re.sub(r"[^a-z0-9]", "", last)


def _wanted() -> set[str]:
    return {f"{r}.{side}" for r in NEEDED if r in SIDED for side in "LR"} | {r for r in NEEDED if r not in SIDED}


def _matched(rig: Rig, numbers: Mapping[str, int]) -> dict[str, int]:
    found = {}
    for role, words in rig.names.items():
        for letter, side in zip("LR", rig.sides, strict=True) if role in SIDED else (("", ""),):
            there = [numbers[w] for w in (word.format(s=side) for word in words) if w in numbers]
            if there:
                found[f"{role}.{letter}" if letter else role] = there[-1]
    return found


def _name(rig: Rig, role: str) -> str:
    """How the rig's family calls a role."""
    base, _, letter = role.partition(".")
    return rig.names[base][-1].format(s=rig.sides["LR".index(letter)] if letter else "")
