"""Answers that are kept: a folder for each, with the pictures and everything that explains them years later.

shared/answers/AB/KEY/ holds take01.0001.exr .. (32-bit float RGBA, scene-linear ACEScg, premultiplied), guides.npz (the guides and
references, so that it can be made again) and request.json, which is written last: without it, it is no answer.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assets.providers.request import Guides, Identity, Light, PartLook, Request, Result
from pipeline import codec
from pipeline.errors import FormatError, ProviderError, StoreError
from pipeline.fingerprint import digest_of
from pipeline.io import exr
from pipeline.io.files import replacing, sha256, write_bytes

FORM = 1
_REFERENCE = "reference"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who answered, for the record. settings: of the provider's entry. calls: numbers in the ledger."""

    provider: str
    kind: str
    settings: Any
    calls: tuple[int, ...] = ()
    asked: str = ""  # UTC, ISO 8601
    shot: str = ""
    stage: str = ""


def key_of(provider: str, model_digest: str, request_digest: str) -> str:
    """Hex SHA-256 under which an answer is kept, and which goes with the request as its idempotency key."""
    return hashlib.sha256(f"battleplate answer 1\n{provider}\n{model_digest}\n{request_digest}".encode()).hexdigest()


def folder_of(shared: Path, key: str) -> Path:
    return shared / "answers" / key[:2] / key


def is_kept(shared: Path, key: str) -> bool:
    return (folder_of(shared, key) / "request.json").is_file()


def keep(shared: Path, key: str, request: Request, result: Result, origin: Origin) -> Path:
    """Write an answer, its request last; returns its folder. Raises StoreError when it cannot be written."""
    folder = folder_of(shared, key)
    names = [f"take{t + 1:02d}.{f + 1:04d}.exr" for t in range(request.count) for f in range(request.frames)]
    for name, picture in zip(names, result.takes.reshape(-1, *result.takes.shape[2:]), strict=True):
        exr.write(folder / name, {c: np.ascontiguousarray(picture[..., i]) for i, c in enumerate("RGBA")})
    pictures = {_REFERENCE + f"{i}": picture for i, picture in enumerate(request.references)}
    with replacing(folder / "guides.npz") as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **request.guides.given(), **pictures)
    explained = {
        "form": FORM,
        "key": key,
        **codec.plain(origin),
        "model_digest": result.model_digest,
        "licence": result.licence,
        "cost_usd": result.cost_usd,
        "metadata": result.metadata,
        "request_digest": result.request_digest,
        "request": _words(request),
        "guides": {name: _described(guide) for name, guide in request.guides.given().items()},
        "references": [_described(picture) for picture in request.references],
        "takes": names,
        "files": {name: sha256(folder / name) for name in (*names, "guides.npz")},
    }
    explained = json.loads(json.dumps(explained, default=float))  # NumPy's numbers become plain ones
    text = json.dumps({**explained, "digest": digest_of(explained)}, indent=1, sort_keys=True)
    write_bytes(folder / "request.json", (text + "\n").encode())
    return folder


def explain(shared: Path, key: str) -> dict[str, Any]:
    """Everything that is known of an answer. Raises StoreError when it is not there or damaged."""
    file = folder_of(shared, key) / "request.json"
    try:
        explained = json.loads(file.read_text("utf-8"))
        digest = explained.pop("digest")
    except FileNotFoundError as error:
        raise StoreError(f"{file}: no such answer. `battleplate providers ledger` lists the keys.") from error
    except (OSError, ValueError, KeyError, AttributeError) as error:
        raise StoreError(f"{file}: damaged ({error}). Restore it from a copy, or ask again.") from error
    if digest != digest_of(explained):
        raise StoreError(f"{file}: was changed after it was written. Restore it from a copy, or ask again.")
    return dict(explained)


def find(shared: Path, prefix: str) -> list[str]:
    """Keys of kept answers that begin so, in order."""
    folders = [f for f in (shared / "answers").glob("*/*") if f.name.startswith(prefix)]
    return sorted(f.name for f in folders if f.name.startswith(f.parent.name) and (f / "request.json").is_file())


def load(shared: Path, key: str) -> Result:
    """A kept answer, every file checked against its SHA-256. Raises StoreError when it is damaged or not there."""
    explained, folder = explain(shared, key), folder_of(shared, key)
    _check(explained, folder)
    try:
        pictures = np.stack([exr.read_rgba(folder / name) for name in explained["takes"]])
    except FormatError as error:
        raise StoreError(f"{error}") from error
    count = explained["request"]["count"]
    return Result(
        takes=pictures.reshape(count, -1, *pictures.shape[1:]),
        request_digest=explained["request_digest"],
        model_digest=explained["model_digest"],
        licence=explained["licence"],
        cost_usd=explained["cost_usd"],
        metadata=explained["metadata"],
    )


def asked(shared: Path, key: str) -> Request:
    """The request of a kept answer, to ask it again. Raises StoreError when it is not what was asked."""
    explained, folder = explain(shared, key), folder_of(shared, key)
    _check(explained, folder)
    words = _tuples(explained["request"])
    looks = tuple(PartLook(**look) for look in words["identity"]["looks"])
    try:
        with np.load(folder / "guides.npz", allow_pickle=False) as arrays:
            guides = Guides(**{name: arrays[name] for name in explained["guides"]})
            references = tuple(arrays[_REFERENCE + f"{i}"] for i in range(len(explained["references"])))
        told = {"identity": Identity(words["identity"]["name"], looks), "light": Light(**words["light"])}
        request = Request(**{**words, **told, "guides": guides, "references": references})
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, ProviderError) as error:
        raise StoreError(f"{folder}: the request cannot be read ({error}). Restore it from a copy.") from error
    if request.digest() != explained["request_digest"]:
        raise StoreError(f"{folder}: the request is not the one that was asked. It was made by another Battleplate.")
    return request


def set_aside(shared: Path, key: str) -> Path:
    """Move a damaged answer out of the way, beside where it was; nothing is deleted. Returns where it lies now."""
    folder, number = folder_of(shared, key), 1
    while (aside := folder.with_name(f"damaged-{number}-{folder.name}")).exists():
        number += 1
    folder.rename(aside)
    return aside


def _words(request: Request) -> dict[str, Any]:
    """A request without its pictures, as plain data."""
    kept = [f.name for f in dataclasses.fields(request) if f.name not in ("guides", "references")]
    return {name: codec.plain(getattr(request, name)) for name in kept}


def _described(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    data = np.ascontiguousarray(array).data
    return {"dtype": array.dtype.str, "shape": list(array.shape), "sha256": hashlib.sha256(data).hexdigest()}


def _check(explained: dict[str, Any], folder: Path) -> None:
    for name, digest in explained["files"].items():
        if not (folder / name).is_file() or sha256(folder / name) != digest:
            raise StoreError(f"{folder / name}: missing or damaged. Restore it from a copy, or ask again.")


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _tuples(v) for k, v in value.items()}
    return tuple(_tuples(v) for v in value) if isinstance(value, list) else value
