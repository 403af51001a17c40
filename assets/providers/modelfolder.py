"""A folder in transformers' own format: safetensors only, nothing fetched, no code of the model's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.providers.diffusion.digest import files_of, model_digest
from assets.providers.diffusion.guard import checked_folder, read_config
from pipeline.errors import ProviderError


@dataclass(frozen=True, eq=False)
class Loaded:
    """A model, ready to be asked. kind: config.json's model_type; shown: preprocessor_config.json, or nothing."""

    model: Any
    kind: str
    config: dict[str, Any]
    shown: dict[str, Any]
    digest: str

    def channels(self, name: str, usual: tuple[float, ...]) -> tuple[float, ...]:
        """Three numbers of the preprocessor, image_mean or image_std; `usual` where it says none."""
        return tuple(map(float, self.shown.get(name, usual)))


def load(folder: Path, classes: Mapping[str, str], what: str) -> Loaded:
    """Load a folder whose model_type is one of `classes`, which names the class of transformers for each.

    what: what it should be, in words. Raises ProviderError for another one, or one that holds more than weights.
    """
    root = checked_folder(folder)
    config, kept = read_config(root / "config.json"), root / "preprocessor_config.json"
    shown = read_config(kept) if kept.is_file() else {}
    kind = str(config.get("model_type"))
    if kind not in classes:
        raise ProviderError(f"{folder}: is a {kind!r}. Name {what}: {', '.join(classes)}.")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    import transformers

    name = classes[kind]
    try:
        model = getattr(transformers, name).from_pretrained(
            root, local_files_only=True, use_safetensors=True, trust_remote_code=False
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise ProviderError(f"{folder}: cannot be loaded ({str(error).splitlines()[0]}). Use a sound copy.") from error
    ready = model.float().eval().requires_grad_(False)
    return Loaded(ready, kind, config, shown, model_digest(files_of(root), name))
