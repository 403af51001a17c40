"""Write a shot as a USD stage: meshes, a crowd as a PointInstancer, the camera. Equal inputs give equal bytes.

Metres, Y up; a time code is a frame number. Needs usd-core (pxr), which is imported only when a stage is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import FormatError
from pipeline.frames import FrameRange, FrameRate
from pipeline.io.files import replacing
from pipeline.types import Lens

Array = npt.NDArray[Any]
SUFFIXES = (".usdc", ".usda", ".usd")
ROOT = "/Shot"


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """vertices (V, 3) metres, triangles (T, 3) counter-clockwise from outside, colours (T, 3) linear Rec.709."""

    vertices: Array
    triangles: Array
    colours: Array


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """One word per agent: numbers (N,) or (F, N) into `words`."""

    words: tuple[str, ...]
    numbers: Array


@contextmanager
def writing(path: Path, frames: FrameRange, rate: FrameRate) -> Iterator[Any]:
    """Give an empty Usd.Stage; on a clean exit it is written to `path`, whole or not at all.

    Raises FormatError when the name does not end in .usdc, .usda or .usd (which is written as .usdc).
    """
    from pxr import Sdf, Usd, UsdGeom

    check_ending(path)
    layer = Sdf.Layer.CreateAnonymous(".usda")
    stage = Usd.Stage.Open(layer)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    stage.SetTimeCodesPerSecond(float(rate.fraction))
    stage.SetFramesPerSecond(float(rate.fraction))
    stage.SetStartTimeCode(frames.first)
    stage.SetEndTimeCode(frames.last)
    stage.SetDefaultPrim(UsdGeom.Xform.Define(stage, ROOT).GetPrim())
    layer.customLayerData = {"battleplate:rate": str(rate)}  # 24000/1001 is no decimal number
    yield stage
    with replacing(path) as temporary:
        layer.Export(str(temporary))


def check_ending(path: Path) -> None:
    """Raise FormatError when `path` does not end as a USD file does."""
    if path.suffix not in SUFFIXES:
        raise FormatError(f"{path}: a stage is written as {', '.join(SUFFIXES)}. Change the file's ending.")


def identifiers(names: Sequence[str]) -> list[str]:
    """A prim name for each of `names`, no two alike."""
    from pxr import Tf

    made: dict[str, None] = {}
    for name in names:
        base = Tf.MakeValidIdentifier(name)
        made[next(n for n in (base, *(f"{base}_{k}" for k in range(2, len(names) + 2))) if n not in made)] = None
    return list(made)


def add_mesh(stage: Any, place: str, surface: Surface) -> Any:
    """Define a polygon mesh at `place` and return it."""
    from pxr import UsdGeom, Vt

    mesh = UsdGeom.Mesh.Define(stage, place)
    points = np.ascontiguousarray(surface.vertices, np.float32)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(points))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(np.ascontiguousarray(surface.triangles.ravel(), np.int32)))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(surface.triangles), 3, np.int32)))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateDoubleSidedAttr(True)
    mesh.CreateExtentAttr(box(points))
    unique, numbers = np.unique(np.ascontiguousarray(surface.colours, np.float32), axis=0, return_inverse=True)
    colour = mesh.CreateDisplayColorPrimvar(UsdGeom.Tokens.uniform)
    colour.Set(Vt.Vec3fArray.FromNumpy(unique))
    colour.SetIndices(Vt.IntArray.FromNumpy(numbers.ravel().astype(np.int32)))
    return mesh


def add_instancer(
    stage: Any,
    place: str,
    prototypes: Sequence[str],
    prototype_of: Array,
    ids: Array,
    positions: Array,
    yaws: Array,
    scales: Array,
) -> Any:
    """Define a PointInstancer at `place` and return it.

    prototypes: prim paths. prototype_of, ids, scales: (N,). positions (F, N, 3) metres, yaws (F, N) radians;
    what does not change is written once. Orientations are half floats (about 0.05 degrees): every reader knows those.
    """
    from pxr import UsdGeom, Vt

    instancer = UsdGeom.PointInstancer.Define(stage, place)
    for prototype in prototypes:
        instancer.CreatePrototypesRel().AddTarget(prototype)
    instancer.CreateProtoIndicesAttr(_ints(prototype_of))
    instancer.CreateIdsAttr(Vt.Int64Array.FromNumpy(ids.astype(np.int64)) if len(ids) else Vt.Int64Array())
    over_time(instancer.CreatePositionsAttr(), stage, positions, _vectors)
    turns = np.zeros((*yaws.shape, 4), np.float16)
    turns[..., 1], turns[..., 3] = np.sin(yaws / 2), np.cos(yaws / 2)
    over_time(instancer.CreateOrientationsAttr(), stage, turns, _quaternions)
    instancer.CreateScalesAttr(_vectors(np.repeat(scales[:, None], 3, axis=1)))
    if positions.size:
        around = positions.reshape(-1, 3)
        instancer.CreateExtentAttr(box(np.stack([around.min(axis=0) - 3, around.max(axis=0) + 3])))
    return instancer


def add_numbers(stage: Any, instancer: Any, name: str, values: Array) -> None:
    """A primvar of one number per agent: (N,) or (F, N), integers or floats."""
    from pxr import Sdf, UsdGeom

    whole = np.issubdtype(values.dtype, np.integer)
    kind = Sdf.ValueTypeNames.IntArray if whole else Sdf.ValueTypeNames.FloatArray
    primvar = UsdGeom.PrimvarsAPI(instancer).CreatePrimvar(name, kind, UsdGeom.Tokens.vertex)
    over_time(primvar.GetAttr(), stage, values if values.ndim > 1 else values[None], _ints if whole else _floats)


def add_words(stage: Any, instancer: Any, name: str, words: Words) -> None:
    """A primvar of one word per agent, as an index into a vocabulary."""
    from pxr import Sdf, UsdGeom, Vt

    api = UsdGeom.PrimvarsAPI(instancer)
    primvar = api.CreatePrimvar(name, Sdf.ValueTypeNames.StringArray, UsdGeom.Tokens.vertex)
    primvar.Set(Vt.StringArray(list(words.words)))
    numbers = words.numbers if words.numbers.ndim > 1 else words.numbers[None]
    over_time(primvar.CreateIndicesAttr(), stage, numbers, _ints)


def add_points(stage: Any, place: str, points: Array, width_m: float = 0.05) -> None:
    """Points (N, 3) in metres, each drawn `width_m` wide."""
    from pxr import UsdGeom

    cloud = UsdGeom.Points.Define(stage, place)
    cloud.CreatePointsAttr(_vectors(points))
    cloud.CreateWidthsAttr([width_m])
    cloud.SetWidthsInterpolation(UsdGeom.Tokens.constant)
    if len(points):
        cloud.CreateExtentAttr(box(points))


def add_camera(
    stage: Any, place: str, camera_from_world: Array, lens: Lens, sensor_width_mm: float, zoom: Array | None = None
) -> None:
    """A UsdGeomCamera that sees what `lens` sees, but for its distortion, which is written beside it as attributes.

    camera_from_world: (F, 4, 4) for the stage's frames, x right, y down, z ahead. Focal length and apertures in mm; the
    pixel aspect lies in their ratio, the principal point in the aperture offsets. zoom: (F,) each frame's focal length over
    the lens's; None: it is the same on all.
    """
    from pxr import Gf, Sdf, UsdGeom

    camera = UsdGeom.Camera.Define(stage, place)
    wide = sensor_width_mm
    focal = lens.focal_x_px * wide / lens.width
    tall = focal * lens.height / lens.focal_y_px
    lengths = focal * (np.ones(len(camera_from_world)) if zoom is None else zoom)
    over_time(camera.CreateFocalLengthAttr(), stage, lengths, float)
    camera.CreateHorizontalApertureAttr(wide)
    camera.CreateVerticalApertureAttr(tall)
    camera.CreateHorizontalApertureOffsetAttr((lens.width / 2 - lens.centre_x_px) * wide / lens.width)
    camera.CreateVerticalApertureOffsetAttr((lens.centre_y_px - lens.height / 2) * tall / lens.height)
    camera.CreateClippingRangeAttr(Gf.Vec2f(0.05, 20_000))
    place_op = camera.AddTransformOp()
    flipped = np.linalg.inv(camera_from_world) @ np.diag([1.0, -1.0, -1.0, 1.0])  # USD looks along -z, y up
    over_time(place_op.GetAttr(), stage, flipped, lambda m: Gf.Matrix4d(*m.T.ravel().tolist()))
    for name in ("k1", "k2", "p1", "p2"):
        attribute = camera.GetPrim().CreateAttribute(f"battleplate:{name}", Sdf.ValueTypeNames.Double, custom=True)
        attribute.Set(getattr(lens, name))


def say(prim: Any, name: str, value: str) -> None:
    """Write the text attribute battleplate:`name`."""
    from pxr import Sdf

    prim.CreateAttribute(f"battleplate:{name}", Sdf.ValueTypeNames.String, custom=True).Set(value)


def over_time(attribute: Any, stage: Any, values: Array, make: Callable[[Array], Any]) -> None:
    """Set (F, ...) values on the stage's frames; values that never change are set once, for all time."""
    if all(np.array_equal(value, values[0]) for value in values[1:]):
        attribute.Set(make(values[0]))
        return
    for frame, value in enumerate(values, start=int(stage.GetStartTimeCode())):
        attribute.Set(make(value), frame)


def box(points: Array) -> Any:
    """An extent around (N, 3) points."""
    from pxr import Vt

    return Vt.Vec3fArray.FromNumpy(np.stack([points.min(axis=0), points.max(axis=0)]).astype(np.float32))


def _vectors(values: Array) -> Any:
    from pxr import Vt

    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(values, np.float32)) if len(values) else Vt.Vec3fArray()


def _quaternions(values: Array) -> Any:
    from pxr import Vt

    return Vt.QuathArray.FromNumpy(np.ascontiguousarray(values, np.float16)) if len(values) else Vt.QuathArray()


def _floats(values: Array) -> Any:
    from pxr import Vt

    return Vt.FloatArray.FromNumpy(np.ascontiguousarray(values, np.float32)) if len(values) else Vt.FloatArray()


def _ints(values: Array) -> Any:
    from pxr import Vt

    return Vt.IntArray.FromNumpy(np.ascontiguousarray(values, np.int32)) if len(values) else Vt.IntArray()
