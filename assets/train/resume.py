"""Where a training stands, kept so that a stopped one goes on as if it had not been stopped. Numbers only, no pickles."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np

_MOMENTS = ("exp_avg", "exp_avg_sq")


def keep_state(folder: Path, unet: Any, mean: Any, optimizer: Any, rng: np.random.Generator, **progress: float) -> None:
    """Write weights, their running mean, AdamW's moments, the dice and `progress` to FOLDER, whole or not at all."""
    from safetensors.torch import save_file

    tensors = {f"unet.{name}": value.detach().contiguous() for name, value in unet.named_parameters()}
    tensors |= {f"mean.{name}": value.contiguous() for name, value in mean.named_parameters()}
    for name, value in unet.named_parameters():
        for moment in _MOMENTS:
            tensors[f"{moment}.{name}"] = optimizer.state[value][moment].contiguous()
    progress_text = json.dumps({**progress, "rng": rng.bit_generator.state})
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / "state.tmp"
    save_file(tensors, unfinished, metadata={"progress": progress_text})
    os.replace(unfinished, folder / "state.safetensors")


def take_up(folder: Path, unet: Any, mean: Any, optimizer: Any, rng: np.random.Generator) -> dict[str, Any]:
    """Put everything back as `keep_state` found it; returns its progress. Empty when FOLDER keeps no state."""
    import torch
    from safetensors import safe_open

    path = folder / "state.safetensors"
    if not path.exists():
        return {}
    with safe_open(path, framework="pt") as kept, torch.no_grad():
        progress: dict[str, Any] = json.loads(kept.metadata()["progress"])
        for name, value in mean.named_parameters():
            value.copy_(kept.get_tensor(f"mean.{name}"))
        for name, value in unet.named_parameters():
            value.copy_(kept.get_tensor(f"unet.{name}"))
            moments = {moment: kept.get_tensor(f"{moment}.{name}").reshape(value.shape) for moment in _MOMENTS}
            moments = {m: torch.empty_like(value).copy_(tensor) for m, tensor in moments.items()}
            optimizer.state[value] = {"step": torch.tensor(float(progress["step"])), **moments}
    rng.bit_generator.state = progress.pop("rng")
    return progress
