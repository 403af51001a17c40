"""Read a camera of a USD stage, whoever wrote it: poses, focal lengths, apertures, units, up. Needs usd-core (pxr)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import FormatError
from pipeline.io.usdread import open_stage

Array = npt.NDArray[np.float64]
DISTORTION = ("k1", "k2", "p1", "p2")


@dataclass(frozen=True, slots=True, eq=False)
class StageCamera:
    """A camera at F time codes.

    world_from_camera: (F, 4, 4) in the stage's unit; it looks along -Z. focal, wide, tall, offset_x, offset_y: (F,) focal
    length, apertures and their offsets, all in one unit. distortion: k1, k2, p1, p2 where our own export wrote them.
    first, last: the time codes that the stage says it holds, None when it does not.
    """

    path: str
    world_from_camera: Array
    focal: Array
    wide: Array
    tall: Array
    offset_x: Array
    offset_y: Array
    up: str
    metres_per_unit: float
    distortion: tuple[float, float, float, float] | None
    first: float | None
    last: float | None


def read_camera(path: Path, times: list[int], place: str = "") -> StageCamera:
    """The camera at `place`, or the only one of the stage, at time codes `times`.

    Raises FormatError when there is none, when there are several and none is named, and when it is scaled unevenly.
    """
    from pxr import Usd, UsdGeom

    stage = open_stage(path)
    prim = _choose(path, stage, place)
    camera = UsdGeom.Camera(prim)
    poses = np.array(
        [np.array(UsdGeom.XformCache(Usd.TimeCode(time)).GetLocalToWorldTransform(prim)).T for time in times]
    ).reshape(-1, 4, 4)
    ranged = stage.HasAuthoredTimeCodeRange()
    told = [prim.GetAttribute(f"battleplate:{name}") for name in DISTORTION]

    def values(attribute: Any) -> Array:
        return np.array([float(attribute.Get(time)) for time in times])

    if str(camera.GetProjectionAttr().Get()) != "perspective":
        raise FormatError(f"{path} {prim.GetPath()}: is an orthographic camera. Export a perspective one.")
    return StageCamera(
        path=str(prim.GetPath()),
        world_from_camera=_rigid(f"{path} {prim.GetPath()}", poses),
        focal=values(camera.GetFocalLengthAttr()),
        wide=values(camera.GetHorizontalApertureAttr()),
        tall=values(camera.GetVerticalApertureAttr()),
        offset_x=values(camera.GetHorizontalApertureOffsetAttr()),
        offset_y=values(camera.GetVerticalApertureOffsetAttr()),
        up="Z" if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z else "Y",
        metres_per_unit=float(UsdGeom.GetStageMetersPerUnit(stage)),
        distortion=tuple(float(a.Get()) for a in told) if all(a.HasValue() for a in told) else None,  # type: ignore[arg-type]
        first=stage.GetStartTimeCode() if ranged else None,
        last=stage.GetEndTimeCode() if ranged else None,
    )


def _choose(path: Path, stage: Any, place: str) -> Any:
    from pxr import UsdGeom

    found = [prim for prim in stage.Traverse() if prim.IsA(UsdGeom.Camera)]
    names = [str(prim.GetPath()) for prim in found]
    if not found:
        raise FormatError(f"{path}: holds no camera. Export the tracked camera into it.")
    if place:
        if place not in names:
            raise FormatError(f"{path}: holds no camera {place}. Its cameras: {', '.join(names[:6])}.")
        return found[names.index(place)]
    if len(found) > 1:
        raise FormatError(
            f"{path}: holds {len(found)} cameras. Write one of them as [solve] camera: {', '.join(names[:6])}."
        )
    return found[0]


def _rigid(where: str, poses: Array) -> Array:
    """Poses without their scale, which moves no camera. Raises FormatError on shear, uneven scale, a mirror."""
    scales = np.linalg.norm(poses[:, :3, :3], axis=1)
    turns = poses[:, :3, :3] / np.maximum(scales, 1e-12)[:, None, :]
    square = np.swapaxes(turns, 1, 2) @ turns
    if not np.allclose(square, np.eye(3), atol=1e-4) or not (np.linalg.det(turns) > 0).all():
        raise FormatError(
            f"{where}: its transform is sheared or mirrored. Export the camera's own, without parents' scale."
        )
    u, _, vt = np.linalg.svd(turns)
    out = poses.copy()
    out[:, :3, :3] = u @ vt
    return out
