"""Pictures that models of this machine painted, for the other shots of the show. They decide nothing: without them the same
pictures are painted again, to the byte.

shared/painted/PROVIDER/AB/KEY.npz holds `takes` (count, F, h, w, 4), half floats cut to what is not empty, and `told`, JSON.
What is paid for or leaves the machine is kept as an answer instead (answers.py), with everything that explains it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from assets.providers.base import Provider
from assets.providers.request import Array, Request, Result
from pipeline.errors import StoreError
from pipeline.fingerprint import ROOT, code_of, digest_of
from pipeline.io.files import replacing
from pipeline.provider_sections import ProviderEntry

FORM = 1
_DAMAGE = (OSError, EOFError, ValueError, KeyError, TypeError, NotImplementedError, zipfile.BadZipFile, zlib.error)
_LEFT = 0.75  # of what may lie here, once it was too much: not every picture makes room for itself alone


@dataclass(eq=False)
class Shelf:
    """One provider's. painter: digest of its name, its model and the code that paints. most_bytes: that may lie here."""

    folder: Path
    painter: str
    most_bytes: int
    _unmeasured: int = -1  # bytes put here since the shelf was measured; -1: never was

    @classmethod
    def of(cls, entry: ProviderEntry, provider: Provider, shared: Path) -> Shelf:
        """The shelf of a provider of this machine; one that holds nothing where its code is not ours to read."""
        file = Path(str(sys.modules[type(provider).__module__].__file__)).resolve()
        most = round(entry.conduct.share_gb * 2**30) if file.is_relative_to(ROOT) else 0
        code = code_of(file) if most else {}
        painter = digest_of([FORM, entry.name, provider.model_digest, code])
        return cls(folder_of(shared, entry.name), painter, most)

    def find(self, request: Request) -> Result | None:
        """What was painted for an equal request, or None. Raises StoreError when it is damaged; then it is there no more."""
        digest = request.digest()
        file = self._file(digest)
        if not self.most_bytes or not file.is_file():
            return None
        try:
            found = _read(file, request, digest)
            os.utime(file)  # who is asked for stays longest
        except FileNotFoundError:  # another run made room
            return None
        except _DAMAGE as error:
            file.unlink(missing_ok=True)
            raise StoreError(f"{file}: is damaged ({error}), and its picture is painted again.") from error
        return found

    def put(self, result: Result) -> None:
        """Keep what was painted. Raises StoreError or OSError when it cannot be written."""
        if not self.most_bytes:
            return
        file = self._file(result.request_digest)
        corner, cut = _cut(result.takes)
        told = {
            "form": FORM,
            "shape": result.takes.shape,
            "corner": corner,
            "sha256": hashlib.sha256(cut.data).hexdigest(),
            "result": {
                name: getattr(result, name)
                for name in ("request_digest", "model_digest", "licence", "cost_usd", "metadata")
            },
        }
        with replacing(file, durable=False) as temporary:
            np.savez_compressed(temporary, allow_pickle=False, takes=cut, told=np.array(json.dumps(told)))
        self._measure(file.stat().st_size)

    def _file(self, request_digest: str) -> Path:
        key = hashlib.sha256(f"{self.painter}\n{request_digest}".encode()).hexdigest()
        return self.folder / key[:2] / f"{key}.npz"

    def _measure(self, written: int) -> None:
        """Now and then, whether too much lies here; what nobody asked for longest goes."""
        self._unmeasured += written
        if self._unmeasured == written - 1 or self._unmeasured > self.most_bytes // 16:
            self._unmeasured = 0
            if size_of(self.folder) > self.most_bytes:
                clear(self.folder, round(_LEFT * self.most_bytes))


def in_half(result: Result) -> Result:
    """The answer in half floats' steps, as it is kept, so that a kept picture and a new one are the same to the byte."""
    half = _halved(result.takes)
    return replace(result, takes=half.astype(np.float32)) if np.isfinite(half).all() else result


def folder_of(shared: Path, provider: str) -> Path:
    """Where a provider's pictures lie. shared: the show's folder."""
    return shared / "painted" / provider


def size_of(folder: Path) -> int:
    """Bytes of all pictures of one provider."""
    return sum(size for _, size, _ in _files(folder))


def clear(folder: Path, most_bytes: int = 0) -> tuple[int, int]:
    """Remove what was not asked for longest until no more than `most_bytes` lie there; returns (pictures, bytes) removed."""
    left, removed, freed = size_of(folder), 0, 0
    for _, size, path in sorted(_files(folder)):
        if left - freed <= most_bytes:
            break
        Path(path).unlink(missing_ok=True)
        removed, freed = removed + 1, freed + size
    return removed, freed


def _files(folder: Path) -> Iterator[tuple[int, int, str]]:
    """Time of last use, bytes and path of every picture."""
    for file in folder.glob("*/*.npz"):
        try:
            facts = file.stat()
        except FileNotFoundError:  # another run made room
            continue
        yield facts.st_mtime_ns, facts.st_size, str(file)


def _halved(takes: Array) -> Array:
    with np.errstate(over="ignore"):  # too bright for half floats: the caller looks
        return np.asarray(takes.astype(np.float16))


def _cut(takes: Array) -> tuple[tuple[int, int], Array]:
    """(top, left), and what is not empty of all pictures; in half floats where that loses nothing."""
    half = _halved(takes)
    kept = half if np.array_equal(half.astype(np.float32), takes) else takes
    some = (kept != 0) | np.signbit(kept)
    rows, columns = (np.flatnonzero(some.any(axis=axes)) for axes in ((0, 1, 3, 4), (0, 1, 2, 4)))
    top, left = (int(each[0]) if len(each) else 0 for each in (rows, columns))
    bottom, right = (int(each[-1]) + 1 if len(each) else 0 for each in (rows, columns))
    return (top, left), np.ascontiguousarray(kept[:, :, top:bottom, left:right])


def _read(file: Path, request: Request, digest: str) -> Result:
    with np.load(file, allow_pickle=False) as arrays:
        told, cut = json.loads(str(arrays["told"])), np.ascontiguousarray(arrays["takes"])
    width, height = request.size_px
    shape = (request.count, request.frames, height, width, 4)
    if told["form"] != FORM or tuple(told["shape"]) != shape or told["result"]["request_digest"] != digest:
        raise ValueError("it answers another request")
    if hashlib.sha256(cut.data).hexdigest() != told["sha256"]:
        raise ValueError("its pixels are not those that were written")
    top, left = told["corner"]
    takes = np.zeros(shape, np.float32)
    takes[:, :, top : top + cut.shape[2], left : left + cut.shape[3]] = cut
    about: dict[str, Any] = told["result"]
    return Result(takes=takes, **about)
