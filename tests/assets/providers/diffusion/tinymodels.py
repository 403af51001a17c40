"""Tiny models of real families, built from configuration with random weights and saved in diffusers' format.

Each function saves a pipeline's folder and its ControlNets and returns settings that name them. Real classes throughout; only
the sizes are toys.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from pipeline.provider_sections import DiffusersFolder
from tests.assets.providers.diffusion.tinyparts import (
    QWEN_TEXT,
    TEXT,
    checker_of,
    clip_text,
    clip_tokenizer,
    ddim,
    eyes,
    eyes_config,
    lively,
    qwen_tokenizer,
    seeded,
    t5_text,
    t5_tokenizer,
    vae_of,
)

GUIDES = ("depth", "pose")


def stable_diffusion(folder: Path, checker: bool = False) -> DiffusersFolder:
    """Stable Diffusion 1.5; checker: with a safety checker, which lets everything pass as it is built."""
    import diffusers

    with seeded(1):
        net = {"block_out_channels": (8, 16), "layers_per_block": 1, "cross_attention_dim": TEXT,
               "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "norm_num_groups": 4,
               "attention_head_dim": 4}  # fmt: skip
        unet = diffusers.UNet2DConditionModel(**net, sample_size=24, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"))
        pipeline = diffusers.StableDiffusionPipeline(
            vae=vae_of(), text_encoder=clip_text(), tokenizer=clip_tokenizer(), unet=lively(unet),
            scheduler=ddim(), safety_checker=checker_of() if checker else None,
            feature_extractor=eyes() if checker else None, requires_safety_checker=checker,
        )  # fmt: skip
        nets = [
            lively(diffusers.ControlNetModel(**net, conditioning_embedding_out_channels=(4, 8)), 1.0) for _ in GUIDES
        ]
    return _saved(folder, pipeline, nets)


def stable_diffusion_xl(folder: Path, union: bool = False) -> DiffusersFolder:
    """Stable Diffusion XL; union: with one net that reads depth, normals, pose and edges."""
    import diffusers

    with seeded(2):
        net = {"block_out_channels": (8, 16), "layers_per_block": 1, "cross_attention_dim": 2 * TEXT,
               "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"), "norm_num_groups": 4,
               "attention_head_dim": (2, 4), "use_linear_projection": True, "addition_embed_type": "text_time",
               "addition_time_embed_dim": 8, "transformer_layers_per_block": (1, 1),
               "projection_class_embeddings_input_dim": 6 * 8 + TEXT}  # fmt: skip
        unet = diffusers.UNet2DConditionModel(**net, sample_size=24, up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"))
        pipeline = diffusers.StableDiffusionXLPipeline(
            vae=vae_of(), text_encoder=clip_text(), text_encoder_2=clip_text("CLIPTextModelWithProjection"),
            tokenizer=clip_tokenizer(), tokenizer_2=clip_tokenizer(), unet=lively(unet, gain=2), scheduler=ddim(),
        )  # fmt: skip
        if union:
            sizes = {"num_trans_channel": 8, "num_proj_channel": 8, "num_trans_head": 2}
            made = diffusers.ControlNetUnionModel(**net, **sizes, conditioning_embedding_out_channels=(4, 8))
            settings = _saved(folder, pipeline, [lively(made, 1.0, gain=2)])
            return replace(settings, controlnets=dict.fromkeys((*GUIDES, "normals", "edges"), folder / "depth"))
        nets = [
            lively(diffusers.ControlNetModel(**net, conditioning_embedding_out_channels=(4, 8)), 1.0) for _ in GUIDES
        ]
    return _saved(folder, pipeline, nets)


def flux(folder: Path, union: bool = False) -> DiffusersFolder:
    import diffusers

    with seeded(3):
        shape = {"patch_size": 1, "in_channels": 16, "num_layers": 1, "num_single_layers": 1, "attention_head_dim": 16,
                 "num_attention_heads": 2, "joint_attention_dim": TEXT, "pooled_projection_dim": TEXT,
                 "axes_dims_rope": (4, 4, 8)}  # fmt: skip
        pipeline = diffusers.FluxPipeline(
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(), vae=vae_of(flow=True), text_encoder=clip_text(),
            tokenizer=clip_tokenizer(), text_encoder_2=t5_text(), tokenizer_2=t5_tokenizer(),
            transformer=lively(diffusers.FluxTransformer2DModel(**shape)),
        )  # fmt: skip
        own = {**shape, "num_mode": 10} if union else shape
        nets = [lively(diffusers.FluxControlNetModel(**own), 0.5) for _ in GUIDES]
    return _saved(folder, pipeline, nets)


def qwen_image(folder: Path) -> DiffusersFolder:
    import diffusers
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    with seeded(4):
        text = {**QWEN_TEXT, "rope_scaling": {"type": "default", "mrope_section": [2, 3, 3], "rope_type": "default"}}
        seeing = {"depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": TEXT}
        shape = {"patch_size": 2, "in_channels": 16, "out_channels": 4, "num_layers": 1, "attention_head_dim": 16,
                 "num_attention_heads": 2, "joint_attention_dim": TEXT, "axes_dims_rope": (8, 4, 4)}  # fmt: skip
        pipeline = diffusers.QwenImagePipeline(
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
            vae=diffusers.AutoencoderKLQwenImage(
                base_dim=8, z_dim=4, dim_mult=[1, 2], num_res_blocks=1, temperal_downsample=[False],
                latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
            ),
            text_encoder=lively(Qwen2_5_VLForConditionalGeneration(Qwen2_5_VLConfig(text_config=text, vision_config=seeing)), gain=5),
            tokenizer=qwen_tokenizer(),
            transformer=lively(diffusers.QwenImageTransformer2DModel(**shape), gain=3),
        )  # fmt: skip
        net = lively(diffusers.QwenImageControlNetModel(**shape), 0.5)
    settings = _saved(folder, pipeline, [net])
    return replace(settings, controlnets=dict.fromkeys(GUIDES, folder / "depth"))  # a union net


def z_image(folder: Path) -> DiffusersFolder:
    import diffusers
    from transformers import Qwen3Config, Qwen3Model

    with seeded(5):
        shape = {"dim": 32, "n_refiner_layers": 1, "n_heads": 2, "n_kv_heads": 2}
        transformer = diffusers.ZImageTransformer2DModel(
            **shape, in_channels=4, n_layers=2, cap_feat_dim=TEXT, axes_dims=[8, 4, 4], axes_lens=[2048, 64, 64]
        )
        net = diffusers.ZImageControlNetModel(
            **shape, control_layers_places=[0], control_refiner_layers_places=[0], control_in_dim=4
        )
        pipeline = diffusers.ZImagePipeline(
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(), vae=vae_of(flow=True),
            text_encoder=lively(Qwen3Model(Qwen3Config(**QWEN_TEXT)), gain=5), tokenizer=qwen_tokenizer(),
            transformer=lively(transformer),
        )  # fmt: skip
    return _saved(folder, pipeline, [lively(net, 0.5)])


def wan_vace(folder: Path) -> DiffusersFolder:
    import diffusers

    with seeded(6):
        vae = diffusers.AutoencoderKLWan(
            base_dim=4, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
        )
        transformer = diffusers.WanVACETransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=16, out_channels=16,
            text_dim=TEXT, freq_dim=32, ffn_dim=32, num_layers=2, vace_layers=[0], vace_in_channels=96,
            rope_max_seq_len=32,
        )  # fmt: skip
        pipeline = diffusers.WanVACEPipeline(
            tokenizer=t5_tokenizer(), text_encoder=t5_text("UMT5EncoderModel", "UMT5Config"), vae=lively(vae, gain=2),
            scheduler=diffusers.UniPCMultistepScheduler(
                prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
            ),
            transformer=lively(transformer, 1.0, gain=3),
        )  # fmt: skip
    return _saved(folder, pipeline, [])


FAMILIES: dict[str, Callable[[Path], DiffusersFolder]] = {
    "sd": stable_diffusion, "sdxl": stable_diffusion_xl, "union": partial(stable_diffusion_xl, union=True), "flux": flux, "qwen": qwen_image, "z": z_image, "wan": wan_vace,
}  # fmt: skip


def lora(folder: Path, file: Path, part: str = "unet", seed: int = 7) -> Path:
    """A LoRA for the attention of a folder's UNet (or transformer), of random weights that count."""
    import diffusers
    from peft import LoraConfig
    from peft.utils import get_peft_model_state_dict
    from safetensors.torch import save_file

    kind = {"unet": "UNet2DConditionModel", "transformer": "FluxTransformer2DModel"}[part]
    with seeded(seed):
        model = getattr(diffusers, kind).from_pretrained(folder, subfolder=part)
        model.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"]))
        weights = {
            f"{part}.{name}": torch.randn_like(value).contiguous()
            for name, value in get_peft_model_state_dict(model).items()
        }
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(weights, file)
    return file


def ip_adapter(folder: Path, unet_folder: Path, width: int) -> Path:
    """An IP-Adapter for a folder's UNet: an image encoder and projections. width: of the UNet's words."""
    import diffusers
    from safetensors.torch import save_file
    from transformers import CLIPVisionModelWithProjection

    with seeded(8):
        CLIPVisionModelWithProjection(eyes_config()).save_pretrained(folder / "image_encoder")
        unet = diffusers.UNet2DConditionModel.from_pretrained(unet_folder, subfolder="unet")
        tokens = 4
        weights = {
            "image_proj.proj.weight": torch.randn(tokens * width, TEXT),
            "image_proj.proj.bias": torch.randn(tokens * width),
            "image_proj.norm.weight": torch.ones(width),
            "image_proj.norm.bias": torch.zeros(width),
        }
        place = 1
        for name, processor in unet.attn_processors.items():
            if "attn2" in name:
                module = unet.get_submodule(name.removesuffix(".processor"))
                for what in ("to_k_ip", "to_v_ip"):
                    weights[f"ip_adapter.{place}.{what}.weight"] = torch.randn(module.inner_dim, width)
            place += 2 if "attn2" in name else 0
            del processor
    save_file(weights, folder / "adapter.safetensors")
    return folder


def _saved(folder: Path, pipeline: Any, nets: list[Any]) -> DiffusersFolder:
    pipeline.save_pretrained(folder / "model", safe_serialization=True)
    named = {}
    for guide, net in zip(GUIDES, nets, strict=False):
        net.save_pretrained(folder / guide, safe_serialization=True)
        named[guide] = folder / guide
    return DiffusersFolder(folder / "model", controlnets=named, device="cpu", native_px=0)
