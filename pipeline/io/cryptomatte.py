"""Cryptomatte: names to ids, the header that lists them, ranked coverage as EXR channels.

Source: Friedman and Jones, "Cryptomatte Specification", Psyop, version 1.2.0; Appleby, MurmurHash3 (x86, 32 bits).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.errors import ConfigError

Ids = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]
_WORD = 0xFFFFFFFF
_DENSE = 1 << 22  # numbers below it are looked up in a table, which takes a tenth of a sort's time


def murmur3(data: bytes) -> int:
    """MurmurHash3_x86_32 of `data`, seed 0."""
    value = 0
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        value ^= _scrambled(int.from_bytes(data[at : at + 4], "little"))
        value = (_turned(value, 13) * 5 + 0xE6546B64) & _WORD
    value ^= _scrambled(int.from_bytes(data[whole:], "little")) ^ len(data)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        value = ((value ^ (value >> shift)) * factor) & _WORD
    return value ^ (value >> 16)


@lru_cache(maxsize=1 << 16)  # the same few hundred names on every frame
def id_of(name: str) -> int:
    """The id of a name, as the bits of a float that is neither zero, tiny, infinite nor NaN: those get lost on the way."""
    value = murmur3(name.encode("utf-8"))
    if value >> 23 & 255 in (0, 255):
        value ^= 1 << 23
    return value


def metadata(layer: str, names: Mapping[int, str]) -> dict[str, str]:
    """Attributes of the EXR header that make `layer` a Cryptomatte. names: who may be in it, by any number of ours.

    Raises ConfigError for two names with the same id: in Nuke, who picks one of them would get both.
    """
    key = f"cryptomatte/{id_of(layer):08x}"[:-1]  # of the layer's own id, seven digits
    taken: dict[int, str] = {}
    for name in sorted(set(names.values())):
        other = taken.setdefault(id_of(name), name)
        if other != name:
            raise ConfigError(
                f"Cryptomatte {layer}: {other!r} and {name!r} have the same id {id_of(name):08x}, and ids must differ. "
                "Rename one of them, or its zone in the shot file."
            )
    manifest = {name: f"{number:08x}" for number, name in taken.items()}
    return {
        f"{key}/name": layer,
        f"{key}/hash": "MurmurHash3_32",
        f"{key}/conversion": "uint32_to_float32",
        f"{key}/manifest": json.dumps(manifest, separators=(",", ":"), ensure_ascii=True),
    }


def channels(layer: str, numbers: Ids, coverage: Floats, names: Mapping[int, str]) -> dict[str, npt.NDArray[Any]]:
    """Planes `LAYER00.R` (id), `.G` (its coverage), `.B`, `.A` (the next), `LAYER01.R` ... as float32.

    numbers: (H, W, R) uint32 keys of `names`, largest coverage first, 0: nobody. coverage: (H, W, R) float32 0..1. R even.
    Write them as they are, losslessly: half, DWAA or B44 destroy ids. Raises ValueError on another shape, KeyError for a
    number without a name.
    """
    if numbers.shape != coverage.shape or numbers.ndim != 3 or numbers.shape[2] % 2:
        raise ValueError(f"ids and coverage of one (H, W, even) are needed, not {numbers.shape} and {coverage.shape}")
    there, row = _who(numbers)
    ids = np.array([id_of(names[int(number)]) if number else 0 for number in there], np.uint32).view(np.float32)
    coded = ids[row].reshape(numbers.shape)
    planes: dict[str, npt.NDArray[Any]] = {}
    for rank in range(numbers.shape[2]):
        place = f"{layer}{rank // 2:02d}."
        planes[place + "RB"[rank % 2]] = np.ascontiguousarray(coded[:, :, rank])
        planes[place + "GA"[rank % 2]] = np.ascontiguousarray(coverage[:, :, rank], np.float32)
    return planes


def _who(numbers: Ids) -> tuple[Ids, npt.NDArray[np.intp]]:
    """The different numbers, sorted, and each pixel's row among them."""
    most = int(numbers.max(initial=0))
    if most >= _DENSE:
        there, row = np.unique(numbers, return_inverse=True)
        return there, row
    seen = np.zeros(most + 1, bool)
    seen[numbers] = True
    row_of = np.cumsum(seen) - 1
    return np.flatnonzero(seen).astype(np.uint32), row_of[numbers]


def _scrambled(block: int) -> int:
    return _turned((block * 0xCC9E2D51) & _WORD, 15) * 0x1B873593 & _WORD


def _turned(value: int, by: int) -> int:
    return (value << by | value >> (32 - by)) & _WORD
