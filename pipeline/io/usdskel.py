"""Read a moving skeleton out of a USD file (UsdSkel). The bytes only: what they mean for our people is assets.mocap's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.errors import FormatError

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Skel:
    """The first skeleton of a stage. Transforms map column vectors to the stage's world, in metres.

    joints: (J,) paths as "Hips/Spine". bind: (J, 4, 4) the pose that it was skinned in. transforms: (F, J, 4, 4).
    frame_s: seconds a frame.
    """

    joints: tuple[str, ...]
    bind: Array
    transforms: Array
    frame_s: float


def read_skel(path: Path) -> Skel:
    """The first animated skeleton in `path`, one sample a frame of the stage, whatever its axes; lengths in metres.

    Raises FormatError when the file cannot be opened or holds no animated skeleton.
    """
    from pxr import Tf, Usd, UsdGeom, UsdSkel

    try:
        stage = Usd.Stage.Open(str(path))
    except Tf.ErrorException as error:
        raise FormatError(f"{path}: cannot be opened as USD. Copy or export it again.") from error
    cache = UsdSkel.Cache()
    queries = [cache.GetSkelQuery(UsdSkel.Skeleton(p)) for p in stage.Traverse() if p.IsA(UsdSkel.Skeleton)]
    for query in queries:
        root = UsdSkel.Root.Find(query.GetPrim())
        if root:
            cache.Populate(root, Usd.PrimDefaultPredicate)
    moving = [query for query in queries if query and query.GetAnimQuery()]
    if not moving:
        raise FormatError(
            f"{path}: {len(queries)} skeletons, none with a SkelAnimation. Export the skeleton's animation."
        )
    query = moving[0]
    keys = query.GetAnimQuery().GetJointTransformTimeSamples()
    if len(keys) < 2:
        raise FormatError(f"{path}: its animation has {len(keys)} frames, need 2. Export a range of frames.")
    step = max(float(np.median(np.diff(keys))), 1e-6)
    codes = keys[0] + step * np.arange(round((keys[-1] - keys[0]) / step) + 1)
    metres = UsdGeom.GetStageMetersPerUnit(stage)
    transforms = np.stack([_world(query, UsdGeom.XformCache(code), code) for code in codes])
    bind = np.array(query.GetJointWorldBindTransforms(), float).reshape(-1, 4, 4).transpose(0, 2, 1)
    joints = tuple(str(joint) for joint in query.GetJointOrder())
    if len(bind) != len(joints) or not np.isfinite(transforms).all():
        raise FormatError(f"{path}: {len(bind)} bind transforms for {len(joints)} joints. Export it again.")
    bind = _matrix(UsdGeom.XformCache(codes[0]).GetLocalToWorldTransform(query.GetPrim())) @ bind
    for array in (bind, transforms):
        array[..., :3, 3] *= metres
    return Skel(joints, bind, transforms, step / stage.GetTimeCodesPerSecond())


def _world(query: object, places: object, code: float) -> Array:
    """(J, 4, 4) of every joint at a time code."""
    skeleton = query.ComputeJointSkelTransforms(code)  # type: ignore[attr-defined]
    local = np.array(skeleton, float).reshape(-1, 4, 4).transpose(0, 2, 1)
    return _matrix(places.GetLocalToWorldTransform(query.GetPrim())) @ local  # type: ignore[attr-defined]


def _matrix(matrix: object) -> Array:
    """A USD matrix (it maps row vectors) as one that maps column vectors."""
    return np.array(matrix, float).T
