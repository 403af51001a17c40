"""A long walk of a large crowd in parts that are kept: whoever was killed half way goes on from there, to the same bytes."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from assets.crowd.simulation import Walked, simulate
from pipeline.io.files import replacing
from pipeline.kernels.steer import Flock
from pipeline.stage import Kept

Array = npt.NDArray[np.float64]
PART = 500_000  # people times frames of a part: a few seconds of work
_ROWS = ("plan", "yaws", "speeds", "states")


class Walk(Protocol):
    """assets.crowd.simulation.simulate, or what stands in for it."""

    def __call__(
        self,
        starts: Array,
        slots: Array,
        radii: Array,
        times_s: Array,
        *,
        keep_out: Sequence[npt.ArrayLike],
        foes: npt.NDArray[np.int64],
        yaws: Array,
    ) -> Walked: ...


def straight(
    starts: Array,
    slots: Array,
    radii: Array,
    times_s: Array,
    *,
    keep_out: Sequence[npt.ArrayLike],
    foes: npt.NDArray[np.int64],
    yaws: Array,
) -> Walked:
    """In one go, nothing kept."""
    return simulate(starts, slots, radii, times_s, keep_out=keep_out, foes=foes, yaws=yaws)


def in_parts(folder: Path, kept: Kept, part: int = PART) -> Walk:
    """A walk that leaves its finished parts in `folder` and takes those that are there; all parts of one folder must be
    of one walk. The last part is not kept: when it is done, so is the walk. part: people times frames."""

    def walk(
        starts: Array,
        slots: Array,
        radii: Array,
        times_s: Array,
        *,
        keep_out: Sequence[npt.ArrayLike],
        foes: npt.NDArray[np.int64],
        yaws: Array,
    ) -> Walked:
        length, last = max(part // max(len(starts), 1), 1), len(times_s) - 1
        found: list[Walked] = []
        for first in range(0, max(last, 1), length):
            end, file = min(first + length, last), folder / f"{first:06d}.npz"
            if file in kept:
                found.append(_read(file))
                continue
            rows = slice(first, end + 1)  # a part begins at the moment on which the one before ended
            since = found[-1].end if found else None
            made = simulate(
                starts, slots[rows], radii, times_s[rows], keep_out=keep_out, foes=foes, yaws=yaws, since=since
            )
            if end < last:
                _write(file, made)
                kept.note(file)
            found.append(made)
        return _joined(found)

    return walk


def forget(folder: Path) -> None:
    """Remove the parts of a walk that is done."""
    shutil.rmtree(folder, ignore_errors=True)


def _joined(parts: list[Walked]) -> Walked:
    rows = {name: np.concatenate([getattr(part, name)[min(k, 1) :] for k, part in enumerate(parts)]) for name in _ROWS}
    return Walked(**rows, end=parts[-1].end)


def _write(file: Path, part: Walked) -> None:
    end = {f"end_{field.name}": getattr(part.end, field.name) for field in fields(Flock)}
    with replacing(file) as temporary:
        np.savez(temporary, **{name: getattr(part, name) for name in _ROWS}, **end)


def _read(file: Path) -> Walked:
    with np.load(file) as data:
        end = Flock(**{field.name: data[f"end_{field.name}"] for field in fields(Flock)})
        return Walked(**{name: data[name] for name in _ROWS}, end=end)
