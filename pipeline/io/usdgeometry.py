"""The polygon meshes of a USD stage, with all its instances laid out. Needs usd-core (pxr)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.io.meshfiles import Source
from pipeline.io.polygons import Polygons
from pipeline.io.usdlayers import parts_of
from pipeline.io.usdread import open_whole

Array = npt.NDArray[np.float64]


def read_usd(path: Path) -> Source:
    """Visible meshes of purpose default or render, at the stage's earliest time, in the stage's axes and unit.

    Scene-graph instances, point instancers and their prototypes, mirrored transforms and left-handed meshes are laid out;
    faces that are declared holes are left out; a subdivision surface is its cage. Raises FormatError when the file is
    missing, is not USD, or lacks a layer.
    """
    from pxr import UsdGeom

    stage = open_whole(path)
    walk = _Walk(stage)
    texture = tuple(file.name for file in parts_of(path)[1])
    up = "Z" if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z else "Y"
    solids = [str(p.GetTypeName()) for p in stage.Traverse() if p.IsA(UsdGeom.Gprim) and not p.IsA(UsdGeom.PointBased)]
    instead = f", only {', '.join(sorted(set(solids)))}" if solids else ""
    return Source(walk.all(), up, UsdGeom.GetStageMetersPerUnit(stage), texture, instead)


@dataclass
class _Walk:
    stage: Any
    _known: dict[str, list[Polygons]] = field(default_factory=dict)  # of a mesh that stands more than once

    def all(self) -> Iterator[Polygons]:
        yield from self._below(self.stage.GetPseudoRoot(), np.eye(4))

    def _below(self, root: Any, outer: Array) -> Iterator[Polygons]:
        """Polygons of the prims below and at `root`; outer: (4, 4) from the root's own axes."""
        from pxr import Usd, UsdGeom

        # A prototype may stand below an `over`, so being defined is asked of the stage's own prims alone.
        asked = Usd.PrimIsActive & Usd.PrimIsLoaded
        asked = asked & Usd.PrimIsDefined & ~Usd.PrimIsAbstract if root.IsPseudoRoot() else asked
        cache = UsdGeom.XformCache(Usd.TimeCode.EarliestTime())
        walk = iter(Usd.PrimRange(root, Usd.TraverseInstanceProxies(asked)))
        for prim in walk:
            seen = UsdGeom.Imageable(prim)
            if seen and seen.GetVisibilityAttr().Get(cache.GetTime()) == UsdGeom.Tokens.invisible:
                walk.PruneChildren()
                continue
            if prim.IsA(UsdGeom.PointInstancer):
                walk.PruneChildren()
                yield from self._instances(prim, outer @ _between(cache, prim, root))
            elif prim.IsA(UsdGeom.Mesh) and seen.ComputePurpose() in (UsdGeom.Tokens.default_, UsdGeom.Tokens.render):
                matrix = outer @ _between(cache, prim, root)
                for polygons in self._polygons(prim):
                    yield polygons.placed(matrix)

    def _instances(self, prim: Any, outer: Array) -> Iterator[Polygons]:
        from pxr import Usd, UsdGeom

        points, time = UsdGeom.PointInstancer(prim), Usd.TimeCode.EarliestTime()
        kinds = points.GetProtoIndicesAttr().Get(time) or []
        places = points.ComputeInstanceTransformsAtTime(time, time, UsdGeom.PointInstancer.IncludeProtoXform,
                                                        UsdGeom.PointInstancer.IgnoreMask)  # fmt: skip
        shown = points.ComputeMaskAtTime(time) or [True] * len(kinds)
        targets = [prim.GetStage().GetPrimAtPath(path) for path in points.GetPrototypesRel().GetForwardedTargets()]
        for kind, place, there in zip(kinds, places, shown, strict=True):
            if there:
                yield from self._below(targets[kind], outer @ np.array(place).T)

    def _polygons(self, prim: Any) -> list[Polygons]:
        key = str(prim.GetPrimInPrototype().GetPath() if prim.IsInstanceProxy() else prim.GetPath())
        if key not in self._known:
            self._known[key] = list(_by_material(prim))
        return self._known[key]


def _between(cache: Any, prim: Any, root: Any) -> Array:
    """(4, 4) root_from_prim; a prototype's own transform is left out, its instances' transforms hold it."""
    if root.IsPseudoRoot():
        return np.array(cache.GetLocalToWorldTransform(prim)).T
    return np.eye(4) if prim == root else np.array(cache.ComputeRelativeTransform(prim, root)[0]).T


def _by_material(prim: Any) -> Iterator[Polygons]:
    """A mesh, cut up where parts of it have a material of their own."""
    from pxr import UsdShade

    whole = _mesh(prim)
    left = ~_holes(prim, len(whole.counts))
    for subset in UsdShade.MaterialBindingAPI(prim).GetMaterialBindSubsets():
        chosen = np.zeros(len(whole.counts), bool)
        chosen[np.array(subset.GetIndicesAttr().Get(), np.int64)] = True
        name = f"{prim.GetName()} {subset.GetPrim().GetName()} {_material(subset.GetPrim())}"
        yield whole.some(chosen & left, name.strip())
        left &= ~chosen
    yield whole.some(left, f"{prim.GetName()} {_material(prim)}".strip())


def _material(prim: Any) -> str:
    from pxr import UsdShade

    material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0]
    return str(material.GetPrim().GetName()) if material else ""


def _holes(prim: Any, count: int) -> npt.NDArray[np.bool_]:
    from pxr import UsdGeom

    holes = np.zeros(count, bool)
    holes[np.array(UsdGeom.Mesh(prim).GetHoleIndicesAttr().Get() or [], np.int64)] = True
    return holes


def _mesh(prim: Any) -> Polygons:
    from pxr import Usd, UsdGeom

    mesh, time = UsdGeom.Mesh(prim), Usd.TimeCode.EarliestTime()
    points = np.array(mesh.GetPointsAttr().Get(time) or [], np.float64).reshape(-1, 3)
    counts = np.array(mesh.GetFaceVertexCountsAttr().Get(time) or [], np.int64)
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get(time) or [], np.int64)
    polygons = Polygons(prim.GetName(), points, counts, corners)
    polygons = Polygons(prim.GetName(), points, counts, corners, _normals(mesh, polygons))
    turned = mesh.GetOrientationAttr().Get(time) == UsdGeom.Tokens.leftHanded
    return polygons.turned_round() if turned else polygons


def _normals(mesh: Any, polygons: Polygons) -> Array | None:
    """(C, 3), primvars:normals before the plain attribute; None where there are none, or not as many as there should be."""
    from pxr import Usd, UsdGeom

    time = Usd.TimeCode.EarliestTime()
    primvar = UsdGeom.PrimvarsAPI(mesh).GetPrimvar("normals")
    if primvar and primvar.HasValue():
        given, spread = primvar.ComputeFlattened(time), primvar.GetInterpolation()
    else:
        given, spread = mesh.GetNormalsAttr().Get(time), mesh.GetNormalsInterpolation()
    if not given:
        return None
    values = np.array(given, np.float64).reshape(-1, 3)
    of_face = np.repeat(np.arange(len(polygons.counts)), polygons.counts)
    rows = {"faceVarying": np.arange(len(of_face)), "uniform": of_face, "constant": 0 * of_face}.get(
        str(spread), polygons.corners
    )
    return values[rows] if not len(rows) or rows.max() < len(values) else None
