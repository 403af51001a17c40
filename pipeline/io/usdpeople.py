"""Write people who move into a USD stage (UsdSkel): bodies that many share, and one instance with its own motion each.

Equal poses lie in a .usdc file once, whoever strikes them: an instance costs some 16 bytes a sample, not its joints.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.io.usd import Surface, add_mesh, identifiers, over_time, say

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Puppet:
    """A body to be moved. joints: (J) paths as "root/spine05", parents first. parents: (J,), -1 for a root.

    heads: (J, 3) metres in rest, where no joint is turned. influences: (V, K) joint numbers and weights (V, K).
    """

    surface: Surface
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    heads: Array
    influences: Array
    weights: Array


@dataclass(frozen=True, slots=True, eq=False)
class Gestures:
    """P poses, each joint against its parent: translations (P, J, 3) metres, turns (P, J, 4) x, y, z, w; float32."""

    translations: Array
    turns: Array


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """One instance. positions (F, 3), yaws (F,) radians. beats: at time code times[i] it is in pose `steps[i]` of gestures
    `moves[i]`; in between, in between. facts: text attributes."""

    name: str
    puppet: int
    positions: Array
    yaws: Array
    scale: float
    times: Array
    moves: Array
    steps: Array
    facts: dict[str, str]


def add_people(
    stage: Any, place: str, puppets: dict[str, Puppet], gestures: Sequence[Gestures], actors: Sequence[Actor]
) -> None:
    """Define `actors` under `place`, their bodies and motions beside them. Actor.puppet counts in `puppets`."""
    from pxr import UsdGeom, UsdSkel

    bodies = f"{place}/Bodies"
    stage.CreateClassPrim(bodies)
    paths = [f"{bodies}/{name}" for name in identifiers(list(puppets))]
    for path, (name, puppet) in zip(paths, puppets.items(), strict=True):
        _body(stage, path, name, puppet)
    UsdGeom.Scope.Define(stage, f"{place}/Motions")
    UsdGeom.Xform.Define(stage, f"{place}/Agents")
    arrays = [_arrays(one) for one in gestures]
    tokens = [_tokens(puppet.joints) for puppet in puppets.values()]
    rest = [_rest_scales(len(puppet.joints)) for puppet in puppets.values()]
    for name, actor in zip(identifiers([actor.name for actor in actors]), actors, strict=True):
        motion = UsdSkel.Animation.Define(stage, f"{place}/Motions/{name}")
        motion.CreateJointsAttr(tokens[actor.puppet])
        motion.CreateScalesAttr(rest[actor.puppet])
        translations, rotations = motion.CreateTranslationsAttr(), motion.CreateRotationsAttr()
        for time, move, step in zip(actor.times.tolist(), actor.moves, actor.steps, strict=True):
            there, turned = arrays[move][step]
            translations.Set(there, time)
            rotations.Set(turned, time)
        prim = stage.DefinePrim(f"{place}/Agents/{name}")
        prim.GetReferences().AddInternalReference(paths[actor.puppet])
        prim.SetInstanceable(True)
        _stand(stage, UsdGeom.Xformable(prim), actor)
        UsdSkel.BindingAPI.Apply(prim).CreateAnimationSourceRel().SetTargets([motion.GetPath()])
        for fact, value in actor.facts.items():
            say(prim, fact, value)


def _body(stage: Any, path: str, name: str, puppet: Puppet) -> None:
    from pxr import Gf, UsdSkel, Vt

    root = UsdSkel.Root.Define(stage, path)
    root.CreateExtentAttr(Vt.Vec3fArray([Gf.Vec3f(-1.5, -0.2, -1.5), Gf.Vec3f(1.5, 2.8, 1.5)]))
    say(root.GetPrim(), "character", name)
    skeleton = UsdSkel.Skeleton.Define(stage, f"{path}/Skeleton")
    skeleton.CreateJointsAttr(_tokens(puppet.joints))
    from_parent = [
        puppet.heads[i] - (puppet.heads[parent] if parent >= 0 else 0) for i, parent in enumerate(puppet.parents)
    ]
    skeleton.CreateBindTransformsAttr(_shifts(puppet.heads))
    skeleton.CreateRestTransformsAttr(_shifts(np.array(from_parent)))
    mesh = add_mesh(stage, f"{path}/Body", puppet.surface)
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1))
    many = puppet.influences.shape[1]
    numbers = np.ascontiguousarray(puppet.influences.ravel(), np.int32)
    binding.CreateJointIndicesPrimvar(False, many).Set(Vt.IntArray.FromNumpy(numbers))
    shares = np.ascontiguousarray(puppet.weights.ravel(), np.float32)
    binding.CreateJointWeightsPrimvar(False, many).Set(Vt.FloatArray.FromNumpy(shares))
    UsdSkel.BindingAPI.Apply(root.GetPrim()).CreateSkeletonRel().SetTargets([skeleton.GetPath()])


def _stand(stage: Any, prim: Any, actor: Actor) -> None:
    from pxr import Gf

    over_time(prim.AddTranslateOp().GetAttr(), stage, actor.positions, lambda p: Gf.Vec3d(*p.tolist()))
    degrees = np.degrees(np.unwrap(actor.yaws.astype(np.float64)))
    over_time(prim.AddRotateYOp().GetAttr(), stage, degrees, float)
    prim.AddScaleOp().Set(Gf.Vec3f(actor.scale))


def _arrays(gestures: Gestures) -> list[tuple[Any, Any]]:
    from pxr import Vt

    return [
        (Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(t, np.float32)), Vt.QuatfArray.FromNumpy(np.ascontiguousarray(q)))
        for t, q in zip(gestures.translations, gestures.turns.astype(np.float32), strict=True)
    ]


def _shifts(points: Array) -> Any:
    from pxr import Gf, Vt

    return Vt.Matrix4dArray([Gf.Matrix4d(1).SetTranslate(Gf.Vec3d(*point)) for point in points.tolist()])


def _tokens(names: Sequence[str]) -> Any:
    from pxr import Vt

    return Vt.TokenArray(list(names))


def _rest_scales(count: int) -> Any:
    from pxr import Gf, Vt

    return Vt.Vec3hArray(count, Gf.Vec3h(1, 1, 1))
