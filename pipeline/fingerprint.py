"""What decides whether a result is made again: a stage's code, settings and the content of its inputs."""

from __future__ import annotations

import ast
import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from pipeline import codec
from pipeline.errors import ConfigError, PlateError, StageError, StoreError
from pipeline.io import parts, sequences
from pipeline.io.files import sha256

ROOT = Path(__file__).resolve().parent.parent
_END_BYTES = 1 << 20
OURS = ("pipeline", "calibration", "assets", "stages", "tests")
# The declarations themselves: a new receipt, error or stage option changes no pixel of the stages that do not use it.
DECLARATIONS = (
    "pipeline/types.py",
    "pipeline/frames.py",
    "pipeline/sections.py",
    "pipeline/crowd_sections.py",
    "pipeline/far_sections.py",
    "pipeline/look_sections.py",
    "pipeline/optics_sections.py",
    "pipeline/output_sections.py",
    "pipeline/provider_sections.py",
    "pipeline/sky_sections.py",
    "pipeline/solve_sections.py",
    "pipeline/world_sections.py",
    "pipeline/errors.py",
    "pipeline/stage.py",
)


def digest_of(value: Any) -> str:
    """Hex SHA-256 of JSON-able data, the same for equal data."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


@cache
def code_of(file: Path, data: tuple[str, ...] = (), root: Path = ROOT) -> dict[str, str]:
    """Digest of each of our files that `file` is made of: path under `root` to hex digest.

    Python files count by their syntax tree without docstrings, so comments and layout rerun nothing; imports are followed
    wherever they stand. data: files and folders under `root` whose bytes count too (weights, recipes).
    Raises StageError when one is missing.
    """
    found: dict[str, str] = {}
    waiting = [file]
    while waiting:
        current = waiting.pop()
        name = current.relative_to(root).as_posix()
        if name in found or name in DECLARATIONS:
            continue
        found[name], modules = _syntax(current)
        waiting += [f for module in modules for f in _files(module, root)]
    for entry in data:
        found.update(_data_digests(root / entry, root))
    return dict(sorted(found.items()))


@cache
def _syntax(file: Path) -> tuple[str, tuple[str, ...]]:
    """Digest of a Python file's syntax tree without docstrings, and the modules of ours that it imports.

    Most files belong to many stages: each is read once.
    """
    tree = ast.parse(file.read_text("utf-8"))
    modules = tuple(_imports(tree))
    return hashlib.sha256(ast.dump(_without_docstrings(tree)).encode()).hexdigest(), modules


def section_digest(section: Any) -> str:
    """Digest of a shot-file section; a file that it names counts by its content, not by where it lies.

    Fields whose metadata says `decides: False` are left out: they change no pixel.
    """
    return digest_of(codec.plain(section, _outside, lambda field: field.metadata.get("decides", True)))


def _outside(path: Path) -> str:
    """Content digest of a file, or of every frame that a folder, a pattern or one frame of a sequence means."""
    try:
        found = sequences.find(path)
    except PlateError:  # no plate; or the stage that reads it says what is wrong
        return _with_parts(path) if path.is_file() else _model_folder(path) if path.is_dir() else "not there"
    files = [found] if isinstance(found, Path) else list(found.files)
    return digest_of([[f.name, _remembered(f)] for f in files])


def _model_folder(folder: Path) -> str:
    """A folder that holds no frames: weights. What is small counts by content, gigabytes by their size and both ends."""
    files = sorted(f for f in folder.rglob("*") if f.is_file() and not f.name.startswith("."))
    return digest_of([[f.relative_to(folder).as_posix(), f.stat().st_size, _both_ends(f)] for f in files])


def _both_ends(file: Path) -> str:
    """SHA-256 of the first and the last MiB."""
    with file.open("rb") as stream:
        digest = hashlib.sha256(stream.read(_END_BYTES))
        stream.seek(max(_END_BYTES, file.stat().st_size - _END_BYTES))
        digest.update(stream.read(_END_BYTES))
    return digest.hexdigest()


def _with_parts(path: Path) -> str:
    """A file that is made of others (USD layers, a glTF's buffers) counts with all of them."""
    others = parts.parts_of(path)
    own = _remembered(path)
    beside = [[os.path.relpath(file, path.resolve().parent), _remembered(file)] for file in others]
    return digest_of([own, *beside]) if beside else own


def _remembered(file: Path) -> str:
    status = file.stat()
    return _sha256_at(file, status.st_size, status.st_mtime_ns)


@cache
def _sha256_at(file: Path, size: int, mtime_ns: int) -> str:
    try:
        return sha256(file)
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}). Check the path and its permissions.") from error


def _imports(tree: ast.AST) -> list[str]:
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise StageError(
                    f"relative import of {node.module or '.'}: write it from the top, so that it can be followed."
                )
            names += [node.module or ""] + [f"{node.module}.{alias.name}" for alias in node.names]
    return [n for n in names if n.split(".")[0] in OURS]


def _files(module: str, root: Path) -> list[Path]:
    base = root.joinpath(*module.split("."))
    candidates = [base.with_suffix(".py"), base / "__init__.py"]
    return [c for c in candidates if c.is_file()]


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return tree


def _data_digests(path: Path, root: Path) -> dict[str, str]:
    if not path.exists():
        raise StoreError(f"{path}: is missing, and a stage is declared to read it. Restore it from the repository.")
    files = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
    kept = [f for f in files if "__pycache__" not in f.parts and f.suffix != ".md"]
    return {f.relative_to(root).as_posix(): sha256(f) for f in kept}
