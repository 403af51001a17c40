"""The model's shape and the settings it was trained with."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets.providers.builtin import FOLD
from assets.providers.conditioning import CHANNELS, LIGHT_SIZE, TOKEN_SIZE

WINDOW_PX = 64
LICENCE = "Battleplate's own: trained on pictures that this project draws (assets/train), under the project's licence"


@dataclass(frozen=True, slots=True)
class Recipe:
    """How the weights are found. The learning rate warms up, then falls as a cosine to a fiftieth."""

    steps: int = 6000
    batch: int = 16
    learning_rate: float = 8e-4
    warm_up_steps: int = 150
    weight_decay: float = 1e-4
    mean_decay: float = 0.999  # of the running mean of the weights, which is what ships
    seed: int = 1
    whole_noise: float = 0.5  # share of samples trained at the first step's noise, which every picture starts from
    edge_weight: float = 0.5  # of the L1 between neighbours' differences, which keeps joints and folds sharp
    square_weight: float = 0.25  # of the squared error beside the L1
    pose_alone: float = 0.45  # shares of people that bring these guides and no other
    pose_and_depth: float = 0.1
    depth_alone: float = 0.05  # of people and of sets
    any_guides: float = 0.05  # any that hold a pose map or depth
    hide_pose: float = 0.15  # of the rest, which brings all: shares that do without one guide
    hide_depth: float = 0.05
    hide_normals: float = 0.05
    alpha_weight: float = 0.3  # of the error in alpha, beside a colour's, where the outline is told
    outline_weight: float = 0.6  # and where the model must find it
    outside_weight: float = 1.0  # of alpha's error outside a figure whose outline is told
    window_share: float = (
        0.5  # of the batches: windows of WINDOW_PX, little of them empty; the rest sees whole pictures
    )
    wide_share: float = 0.2  # of the whole batches: masonry in wide pictures
    broad_share: float = 0.3  # of the rest: people in wide frames
    near_share: float = 0.25  # of the rest: people at twice the size
    masonry_share: float = 0.22  # of the samples of any other batch


def new_unet() -> Any:
    """A UNet2DConditionModel with random weights: 4.3 million parameters, 10 ms a step and sprite on one core."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        in_channels=(4 + CHANNELS) * FOLD**2,
        out_channels=4 * FOLD**2,
        block_out_channels=(48, 64, 96, 128),
        down_block_types=("DownBlock2D",) * 4,
        mid_block_type="UNetMidBlock2DCrossAttn",
        up_block_types=("UpBlock2D",) * 4,
        layers_per_block=1,
        norm_num_groups=8,
        attention_head_dim=4,
        cross_attention_dim=96,
        encoder_hid_dim=TOKEN_SIZE,
        encoder_hid_dim_type="text_proj",
        class_embed_type="projection",
        projection_class_embeddings_input_dim=LIGHT_SIZE,
        resnet_time_scale_shift="scale_shift",
    )


def save_model(folder: Path, unet: Any) -> None:
    """Write a model folder in diffusers' format, half precision, safetensors."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    unet.half().save_pretrained(folder / "unet", safe_serialization=True)
    settings = json.loads((folder / "unet" / "config.json").read_text())
    settings.pop("_name_or_path", None)  # where it was loaded from: a path of one machine
    (folder / "unet" / "config.json").write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
    scheduler: Any = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=1.0)
    scheduler.save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "BattleplateSprites",
        "licence": LICENCE,
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "unet": ["diffusers", "UNet2DConditionModel"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=1, sort_keys=True) + "\n")
