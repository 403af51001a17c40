"""Image encoders of a few thousand weights, made on the spot in transformers' own format: they know nothing of pictures."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers

_SIZE = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8}
KINDS = {
    "clip": ("CLIPVisionConfig", "CLIPVisionModelWithProjection", {"projection_dim": 24}),
    "siglip": ("SiglipVisionConfig", "SiglipVisionModel", {}),
    "dinov2": ("Dinov2Config", "Dinov2Model", {}),
    "vit": ("ViTConfig", "ViTModel", {}),
}


def tiny_encoder(folder: Path, kind: str = "clip", seed: int = 1) -> Path:
    """Write one with random weights; returns its folder."""
    config, model, more = KINDS[kind]
    torch.manual_seed(seed)
    made = getattr(transformers, model)(getattr(transformers, config)(image_size=32, **_SIZE, **more))
    made.save_pretrained(folder)
    shown = {
        "crop_size": {"height": 32, "width": 32},
        "image_mean": [0.48, 0.46, 0.41],
        "image_std": [0.27, 0.26, 0.28],
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(shown))
    return folder
