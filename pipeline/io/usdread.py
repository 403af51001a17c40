"""Read the point instancers of a USD stage, whoever wrote it, as plain arrays. Needs usd-core (pxr)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import FormatError
from pipeline.io.usdlayers import parts_of

Array = npt.NDArray[Any]
Times = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Clock:
    """A stage's time: what its time codes run from and to (None: not said), and how many make a second."""

    start: float | None
    end: float | None
    codes_per_second: float


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """Values at (S,) rising time codes: (S, N, ...). One sample stands for all time."""

    times: Times
    values: Array


@dataclass(frozen=True, slots=True, eq=False)
class Instancer:
    """One PointInstancer with N members, in its own space.

    prototypes: names (what they say of themselves in `battleplate:character`, else the prim's). numbered: the file gives
    ids. ids, prototype_of: (N,). positions: (S, N, 3). quaternions: (S, N, 4) as x, y, z, w. scales: (S, N, 3).
    shown: (F, N) bool and matrices: (F, 4, 4) stage_from_local, at the times asked for. numbers: primvars of one number.
    words: primvars of one word each, as (vocabulary, numbers in it).
    """

    path: str
    prototypes: tuple[str, ...]
    numbered: bool
    ids: npt.NDArray[np.int64]
    prototype_of: npt.NDArray[np.int64]
    positions: Sampled
    quaternions: Sampled | None
    scales: Sampled | None
    shown: npt.NDArray[np.bool_]
    matrices: npt.NDArray[np.float64]
    numbers: dict[str, Sampled]
    words: dict[str, tuple[tuple[str, ...], Sampled]]


@dataclass(frozen=True, slots=True, eq=False)
class Crowds:
    """up: "Y" or "Z". times: (F,) the time codes read."""

    up: str
    metres_per_unit: float
    clock: Clock
    times: Times
    instancers: tuple[Instancer, ...]


def read_instancers(path: Path, times_of: Callable[[Clock], Times], labels: Collection[str] = ()) -> Crowds:
    """Every visible, active PointInstancer of the stage, in order of path; one within another's prototypes is left out.

    times_of: which time codes are wanted, given the stage's clock; only samples around them are read.
    labels: which primvars are wanted, one value per agent. Raises FormatError when the file is missing, is not USD, holds no PointInstancer, or contradicts itself.
    """
    from pxr import Usd, UsdGeom

    stage = open_whole(path)
    clock = Clock(
        stage.GetStartTimeCode() if stage.HasAuthoredTimeCodeRange() else None,
        stage.GetEndTimeCode() if stage.HasAuthoredTimeCodeRange() else None,
        stage.GetTimeCodesPerSecond(),
    )
    times = np.asarray(times_of(clock), np.float64)
    found = []
    walk = iter(Usd.PrimRange.Stage(stage, Usd.TraverseInstanceProxies()))
    for prim in walk:
        if prim.IsA(UsdGeom.PointInstancer):
            walk.PruneChildren()
            if UsdGeom.Imageable(prim).ComputeVisibility(times[0] if len(times) else 0.0) != UsdGeom.Tokens.invisible:
                found.append(_Reader(path, prim, times, labels).instancer())
    if not found:
        raise FormatError(
            f"{path}: holds no visible PointInstancer, so no crowd can be read. Export the agents as a PointInstancer."
        )
    up = "Z" if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z else "Y"
    return Crowds(up, UsdGeom.GetStageMetersPerUnit(stage), clock, times, tuple(found))


def open_stage(path: Path) -> Any:
    """The Usd.Stage of a file. Raises FormatError when it is missing or is not USD."""
    from pxr import Tf, Usd

    if not path.is_file():
        raise FormatError(f"{path}: there is no such file. Check the path.")
    try:
        stage = Usd.Stage.Open(str(path))
        stage.Reload()  # USD keeps what it once opened, also after the file was replaced
    except Tf.ErrorException as error:
        raise FormatError(f"{path}: is not a USD file, or is damaged. Write it again as .usdc or .usda.") from error
    return stage


def open_whole(path: Path) -> Any:
    """The Usd.Stage of a file whose layers are all there. Raises FormatError when it, or a layer that it names, is not."""
    stage = open_stage(path)
    missing = [file for file in parts_of(path)[1] if file.suffix.lower().startswith(".usd")]
    if missing:
        raise FormatError(
            f"{path}: needs {missing[0]}{f' and {len(missing) - 1} more' if missing[1:] else ''}, which is not there. "
            "Copy it along, or flatten the file: `usdcat --flatten`."
        )
    return stage


class _Reader:
    def __init__(self, path: Path, prim: Any, times: Times, labels: Collection[str]) -> None:
        from pxr import UsdGeom

        self.prim, self.times, self.labels = prim, times, labels
        self.where = f"{path} {prim.GetPath()}"
        self.points = UsdGeom.PointInstancer(prim)
        # At each of these times: who is there, in the order that the arrays have then.
        numbered, kinds = self._raw(self.points.GetIdsAttr()), self._raw(self.points.GetProtoIndicesAttr())
        self.numbered = numbered is not None
        if numbered is not None:
            self.roll = numbered
        else:
            if kinds is None:
                raise FormatError(f"{self.where}: protoIndices is missing, nobody knows who stands where. Export it.")
            self.roll = kinds[0], [np.arange(len(one)) for one in kinds[1]]
        self.constant = all(np.array_equal(one, self.roll[1][0]) for one in self.roll[1])
        if not self.constant and not self.numbered:
            raise FormatError(f"{self.where}: the number of agents changes and they have no ids. Export ids.")
        for one in self.roll[1]:
            if len(np.unique(one)) < len(one):
                raise FormatError(f"{self.where}: two agents have the same id. Give each its own.")
        self.ids = self.roll[1][0] if self.constant else np.unique(np.concatenate(self.roll[1]))

    def instancer(self) -> Instancer:
        from pxr import Usd, UsdGeom

        positions = self._sampled(self.points.GetPositionsAttr(), 3)
        if positions is None:
            raise FormatError(f"{self.where}: positions is missing or empty at the shot's frames. Export it.")
        turns = self._sampled(self.points.GetOrientationsfAttr(), 4)
        kinds = self._sampled(self.points.GetProtoIndicesAttr(), 0)
        prototypes = tuple(self._prototypes())
        if kinds is None or (len(self.ids) and not 0 <= kinds.values.min() <= kinds.values.max() < len(prototypes)):
            raise FormatError(f"{self.where}: protoIndices point past its {len(prototypes)} prototypes. Mend them.")
        cache = [UsdGeom.XformCache(Usd.TimeCode(t)).GetLocalToWorldTransform(self.prim) for t in self.times]
        return Instancer(
            path=str(self.prim.GetPath()),
            prototypes=prototypes,
            numbered=self.numbered,
            ids=self.ids.astype(np.int64),
            prototype_of=kinds.values[0].astype(np.int64),
            positions=positions,
            quaternions=turns or self._sampled(self.points.GetOrientationsAttr(), 4),
            scales=self._sampled(self.points.GetScalesAttr(), 3),
            shown=self._shown(),
            matrices=np.array([np.array(m).T for m in cache]).reshape(-1, 4, 4),
            numbers=dict(self._numbers()),
            words=dict(self._words()),
        )

    def _prototypes(self) -> Iterator[str]:
        for target in self.points.GetPrototypesRel().GetForwardedTargets():
            prim = self.prim.GetStage().GetPrimAtPath(target)
            said = prim.GetAttribute("battleplate:character") if prim else None
            yield str(said.Get()) if said else target.name

    def _shown(self) -> npt.NDArray[np.bool_]:
        """(F, N): there, and neither invisible nor inactive."""
        from pxr import Usd

        shown = np.ones((len(self.times), len(self.ids)), bool)
        hides = self.points.GetInvisibleIdsAttr().HasAuthoredValue() or self.prim.HasAuthoredMetadata("inactiveIds")
        if self.constant and not hides:
            return shown
        for row, time in enumerate(self.times):
            now = self._roll_at(time)
            mask = np.array(self.points.ComputeMaskAtTime(Usd.TimeCode(time)), bool)
            shown[row] = np.isin(self.ids, now[mask] if len(mask) else now)
        return shown

    def _roll_at(self, time: float) -> Array:
        times, rolls = self.roll
        return rolls[max(int(np.searchsorted(times, time, "right")) - 1, 0)]

    def _numbers(self) -> Iterator[tuple[str, Sampled]]:
        for primvar in self._primvars():
            kind = str(primvar.GetTypeName().scalarType)
            if kind in ("float", "double", "half", "int", "int64", "uint", "uint64", "uchar", "bool"):
                if primvar.IsIndexed():
                    sampled = self._table(*self._flattened(primvar), 0)
                else:
                    sampled = self._sampled(primvar.GetAttr(), 0)
                if sampled is not None:
                    yield primvar.GetPrimvarName(), sampled

    def _words(self) -> Iterator[tuple[str, tuple[tuple[str, ...], Sampled]]]:
        for primvar in self._primvars():
            if str(primvar.GetTypeName().scalarType) not in ("string", "token"):
                continue
            if primvar.IsIndexed() and primvar.GetAttr().GetNumTimeSamples() < 2:
                words, numbers = list(primvar.Get(self.times[0])), self._sampled(primvar.GetIndicesAttr(), 0)
            else:
                times, values = self._flattened(primvar)
                words = sorted({word for one in values for word in one})
                order = {word: i for i, word in enumerate(words)}
                numbers = self._table(times, [np.array([order[w] for w in one], np.int64) for one in values], 0)
            if numbers is not None:
                yield primvar.GetPrimvarName(), (tuple(str(word) for word in words), numbers)

    def _primvars(self) -> list[Any]:
        from pxr import UsdGeom

        found = UsdGeom.PrimvarsAPI(self.prim).GetPrimvarsWithValues()
        return [primvar for primvar in found if primvar.GetPrimvarName() in self.labels]

    def _flattened(self, primvar: Any) -> tuple[Times, list[Any]]:
        times = _around(primvar.GetTimeSamples(), self.times)
        return times, [primvar.ComputeFlattened(time) or [] for time in times]

    def _raw(self, attribute: Any) -> tuple[Times, list[Array]] | None:
        if not attribute or not attribute.HasValue():
            return None
        times = _around(attribute.GetTimeSamples(), self.times)
        values = [attribute.Get(time) for time in times]
        return None if any(value is None for value in values) else (times, [np.array(value) for value in values])

    def _sampled(self, attribute: Any, width: int) -> Sampled | None:
        raw = self._raw(attribute)
        return None if raw is None else self._table(*raw, width)

    def _table(self, times: Times, values: list[Any], width: int) -> Sampled | None:
        """Line values up by id; who is missing keeps the nearest earlier value, else the nearest later one."""
        shape = (len(times), len(self.ids), *((width,) if width else ()))
        if all(len(value) == 0 for value in values) and len(self.ids):
            return None
        first = np.asarray(values[0])
        table, there = np.zeros(shape, first.dtype), np.zeros(shape[:2], bool)
        for row, (time, value) in enumerate(zip(times, values, strict=True)):
            now, value = self._roll_at(time), np.asarray(value)
            if len(value) == 1 and len(now) != 1 and not width:  # a constant primvar
                value = np.broadcast_to(value, (len(now), *value.shape[1:]))
            if len(value) != len(now):
                raise FormatError(
                    f"{self.where}: {len(value)} values for {len(now)} agents at time code {time:g}. Export them together."
                )
            if self.constant:
                table[row], there[row] = value.reshape(shape[1:]), True
            else:
                columns = np.searchsorted(self.ids, now)
                table[row, columns], there[row, columns] = value, True
        return Sampled(times, table if there.all() else _filled(table, there))


def _filled(table: Array, there: npt.NDArray[np.bool_]) -> Array:
    rows = np.arange(len(table))[:, None]
    before = np.maximum.accumulate(np.where(there, rows, -1), axis=0)
    after = np.minimum.accumulate(np.where(there, rows, len(table))[::-1], axis=0)[::-1]
    source = np.clip(np.where(before >= 0, before, after), 0, len(table) - 1)
    return np.asarray(table[source, np.arange(table.shape[1])])


def _around(samples: list[float], wanted: Times) -> Times:
    """The sample times that decide the values at `wanted`: the last one before and the first one after each."""
    times = np.asarray(samples, np.float64)
    if not len(times):
        return np.zeros(1)
    before = np.clip(np.searchsorted(times, wanted, "right") - 1, 0, len(times) - 1)
    after = np.clip(np.searchsorted(times, wanted, "left"), 0, len(times) - 1)
    return np.asarray(np.unique(np.concatenate([times[before], times[after]])))
