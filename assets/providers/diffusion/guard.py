"""Refuse a model folder before anything of it is loaded: code, pickles, and paths that lead out of it.

What is loaded afterwards is read from safetensors and plain configurations only; nothing of the folder is ever run.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.errors import ProviderError

PICKLES = frozenset({".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".dill", ".joblib"})
CODE = frozenset({".py", ".pyc", ".pyd", ".so", ".dll", ".dylib"})
LIBRARIES = frozenset({"diffusers", "transformers", "stable_diffusion"})  # the last: diffusers' own, of safety checkers
MAX_HEADER_BYTES = 100_000_000  # the format's own limit
MAX_CONFIG_BYTES = 64 * 1024 * 1024
_WORDS = ("tokenizer.json", "vocab.json", "added_tokens.json")  # data, whose keys are words of a language
_TOKENIZER_FILES = ("vocab_file", "merges_file", "tokenizer_file", "spm_file")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def checked_folder(folder: Path) -> Path:
    """The folder, resolved, once nothing in it can run or lead elsewhere. Raises ProviderError that names the file.

    Refused: code of any kind, `auto_map`, weights as pickles without safetensors beside them, safetensors whose header
    does not fit the file, links and names that lead out of the folder, adapter_config.json (it names another model).
    """
    if not folder.is_dir():
        raise ProviderError(f"{folder}: there is no such model folder. Check the path in show.toml.")
    root = folder.resolve()
    _check_weights(root)
    for path in _everything(root):
        if not path.resolve().is_relative_to(root):
            raise ProviderError(f"{path}: leads out of the model folder. Put a copy of the file in its place (cp -L).")
        if path.suffix.lower() in CODE:
            raise ProviderError(f"{path}: is code, and code of a model folder is never run. Use a model without it.")
        if path.is_dir():
            continue
        if path.suffix.lower() == ".json":
            _check_config(path)
        elif path.suffix.lower() == ".safetensors":
            check_safetensors(path)
    return root


def model_index(folder: Path) -> dict[str, Any]:
    """model_index.json of a folder in diffusers' format: components of known libraries in subfolders of their names.

    Raises ProviderError for a pipeline or component of one's own.
    """
    file = folder / "model_index.json"
    if not file.is_file():
        raise ProviderError(f"{file}: is missing, so this is no model in diffusers' format. Name its top folder.")
    index = read_config(file)
    if not isinstance(index.get("_class_name"), str) or "_module" in index:
        raise ProviderError(
            f"{file}: names a pipeline of its own, which would be code. Use a model of a known pipeline."
        )
    for name, value in index.items():
        if not _NAME.fullmatch(name):
            raise ProviderError(f"{file}: component {name!r} is no plain name of a subfolder. Use a sound copy.")
        if isinstance(value, list) and value != [None, None] and not _known_component(value):
            raise ProviderError(f"{file}: {name} is {value}, not of diffusers or transformers. Use a model without it.")
    return index


def check_safetensors(path: Path) -> None:
    """Raises ProviderError when the header of a weights file is not sound: too large, no JSON, not what the file holds."""
    wrong = f"{path}: is no sound safetensors file"
    with path.open("rb") as file:
        start = file.read(8)
        size = int.from_bytes(start, "little")
        held = path.stat().st_size - 8
        if len(start) < 8 or not 2 <= size <= min(MAX_HEADER_BYTES, held):
            raise ProviderError(f"{wrong} (its header would be {size} bytes long). Fetch it again.")
        try:
            header = json.loads(file.read(size))
            ends = [int(tensor["data_offsets"][1]) for name, tensor in header.items() if name != "__metadata__"]
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
            raise ProviderError(f"{wrong} (its header cannot be read). Fetch it again.") from error
    if max(ends, default=0) != held - size:
        raise ProviderError(f"{wrong} (it holds {held - size} bytes of {max(ends, default=0)}). Fetch it again.")


def checked_weights(path: Path) -> Path:
    """One file of weights (a LoRA, an adapter): safetensors with a sound header. Raises ProviderError."""
    if not path.is_file():
        raise ProviderError(f"{path}: there is no such file. Check the path in show.toml.")
    if path.suffix.lower() != ".safetensors":
        raise ProviderError(f"{path}: weights are read from safetensors only. Convert it.")
    check_safetensors(path)
    return path.resolve()


def read_config(file: Path) -> dict[str, Any]:
    """A JSON file of a model folder. Raises ProviderError when it cannot be read or holds no table."""
    try:
        if file.stat().st_size > MAX_CONFIG_BYTES:
            raise ProviderError(f"{file}: is over {MAX_CONFIG_BYTES >> 20} MB. Use a sound copy.")
        read = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ProviderError(f"{file}: cannot be read as JSON. Use a sound copy.") from error
    if not isinstance(read, dict):
        raise ProviderError(f"{file}: holds no table. Use a sound copy.")
    return read


def _everything(root: Path) -> Iterator[Path]:
    """Every file and folder, in order; links are told, not followed."""
    for folder, folders, files in os.walk(root):
        folders.sort()
        yield from (Path(folder, name) for name in sorted([*folders, *files]))


def _check_weights(root: Path) -> None:
    """No part that would be loaded comes as a pickle only. Other programs' weights (OpenVINO's) may lie beside the parts."""
    index = root / "model_index.json"
    parts = [root / name for name in read_config(index) if _NAME.fullmatch(name)] if index.is_file() else [root]
    parts += [] if index.is_file() else [path for path in _everything(root) if path.is_dir()]
    for part in parts:
        files = sorted(path for path in part.iterdir() if path.is_file()) if part.is_dir() else []
        pickles = [path for path in files if path.suffix.lower() in PICKLES]
        if pickles and not any(path.suffix.lower() == ".safetensors" for path in files):
            raise ProviderError(
                f"{pickles[0]}: is a pickle, which can run code when it is loaded, and no safetensors lie beside it. "
                "Convert it, or use a copy of the model with safetensors."
            )


def _check_config(file: Path) -> None:
    if file.name in _WORDS:
        return
    if file.name == "adapter_config.json":
        raise ProviderError(f"{file}: an adapter names another model. Remove it, and name the LoRA under loras.")
    try:
        read = read_config(file)
    except ProviderError:
        if file.name.endswith((".index.json", "config.json")) or file.name == "model_index.json":
            raise
        return  # a table of something that no loader reads
    if any(key in ("auto_map", "custom_pipeline", "custom_pipelines") for key in _keys(read)):
        raise ProviderError(f"{file}: asks for code of the model's own (auto_map). Use a model without it.")
    named = [read.get(key) for key in _TOKENIZER_FILES]
    weights = read.get("weight_map")
    named += [*weights.values()] if isinstance(weights, dict) else []
    for name in named:
        if name is not None and (not isinstance(name, str) or Path(name).name != name or name in ("", ".", "..")):
            raise ProviderError(f"{file}: names the file {name!r}, not one beside it. Use a sound copy.")


def _keys(value: Any) -> Iterator[str]:
    """All keys of a nested table."""
    waiting = [value]
    while waiting:
        now = waiting.pop()
        if isinstance(now, dict):
            yield from now
            waiting += now.values()
        elif isinstance(now, list):
            waiting += now


def _known_component(value: list[Any]) -> bool:
    return (
        len(value) == 2
        and value[0] in LIBRARIES
        and isinstance(value[1], str)
        and _NAME.fullmatch(value[1]) is not None
    )
