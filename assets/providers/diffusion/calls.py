"""How each family's pipeline is called: one painting, told in the arguments of diffusers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assets.providers.diffusion.families import FILL, PAINT, Family

if TYPE_CHECKING:
    import torch

_MOST_WORDS = 512  # tokens that Wan reads


@dataclass(frozen=True, slots=True, eq=False)
class Painting:
    """One picture or video as a pipeline is to paint it; tensors float32 0..1 (F, C, H, W), padded to what it can make.

    controls: by guide, three channels. modes: by guide, of a union net. references: PIL pictures. frames: of a video.
    """

    doing: str
    prompt: str
    negative: str
    size_px: tuple[int, int]  # width, height
    controls: Mapping[str, torch.Tensor]
    scales: Mapping[str, float]
    steps: int
    strength: float
    guidance: float
    generator: torch.Generator
    init: torch.Tensor | None = None
    mask: torch.Tensor | None = None
    references: tuple[Any, ...] = ()
    union: bool = False


def call_arguments(family: Family, painting: Painting, pipeline: Any) -> dict[str, Any]:
    """The arguments with which `pipeline` is called."""
    width, height = painting.size_px
    made: dict[str, Any] = {
        "prompt": painting.prompt,
        "width": width,
        "height": height,
        "num_inference_steps": painting.steps,
        "generator": painting.generator,
        "output_type": "np",
        family.guidance: painting.guidance,
        **_negative(family, painting),
    }
    if family.video:
        return {**made, **_of_video(painting), **_read_words(painting, pipeline)}
    guides = list(painting.controls)
    controls = [painting.controls[guide] for guide in guides]
    scales = [painting.scales.get(guide, 1.0) for guide in guides]
    listed = family.lists or len(guides) > 1
    name = family.control if painting.doing == PAINT else "control_image"
    made |= {
        name: controls if listed else controls[0],
        "controlnet_conditioning_scale": scales if listed else scales[0],
    }
    if family.modes and (listed or painting.union):
        modes = [family.modes.get(guide) if painting.union else None for guide in guides]
        made["control_mode"] = modes if listed else modes[0]
    if painting.doing != PAINT:
        # Of fewer steps than this nothing would be left to do.
        steps = max(painting.steps, math.ceil(1 / painting.strength))
        made |= {"image": painting.init, "strength": painting.strength, "num_inference_steps": steps}
    if painting.doing == FILL:
        made["mask_image"] = painting.mask
    if painting.references:
        made["ip_adapter_image"] = [list(painting.references)]
    return made


def _negative(family: Family, painting: Painting) -> dict[str, Any]:
    if family.title == "Flux":
        if not painting.negative:
            return {}
        return {"negative_prompt": painting.negative, "true_cfg_scale": painting.guidance}
    if family.title == "Qwen-Image":
        return {"negative_prompt": painting.negative or " "}  # without any, guidance would be off
    return {"negative_prompt": painting.negative or None}


def _of_video(painting: Painting) -> dict[str, Any]:
    """Where the mask is black, the control video is what is to be kept; where it is white, the guide."""
    ((guide, video),) = painting.controls.items()
    made: dict[str, Any] = {"num_frames": len(video), "conditioning_scale": painting.scales.get(guide, 1.0)}
    if painting.mask is not None and painting.init is not None:
        inside = (painting.mask > 0.5).float()
        video = video * inside + painting.init * (1 - inside)
        made["mask"] = [inside.expand(-1, 3, -1, -1)]
    return {**made, "video": [video], "reference_images": list(painting.references) or None}


def _read_words(painting: Painting, pipeline: Any) -> dict[str, Any]:
    """Words as the text encoder reads them. The pipeline itself would first mend them with ftfy, which need not be there."""
    wanted = {"prompt": painting.prompt, "negative_prompt": painting.negative if painting.guidance > 1 else None}
    made: dict[str, Any] = {}
    for name, words in wanted.items():
        made[name] = None
        if words is not None:
            read = pipeline.tokenizer(
                " ".join(words.split()),
                padding="max_length",
                max_length=_MOST_WORDS,
                truncation=True,
                return_tensors="pt",
            )
            ids, there = (read[key].to(pipeline._execution_device) for key in ("input_ids", "attention_mask"))
            # What is only padding is 0: so the model learnt it.
            made[f"{name}_embeds"] = pipeline.text_encoder(ids, there).last_hidden_state * there[..., None]
    return made
