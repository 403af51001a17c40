"""Load a checked model folder into diffusers' own pipelines: ControlNets, reference adapter, LoRAs, device and precision.

Safetensors only, from this machine only, and no code of the model's own.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.providers.diffusion.families import PAINT, Family
from assets.providers.diffusion.parts import Parts
from pipeline.errors import ProviderDown, ProviderError
from pipeline.provider_sections import DiffusersFolder

_OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "DIFFUSERS_OFFLINE")
_SAFE: dict[str, Any] = {"local_files_only": True, "use_safetensors": True}


@dataclass(frozen=True, eq=False)
class Model:
    """A loaded model. pipeline(doing, guides) gives the pipeline for a task and the guides that are shown."""

    parts: Parts
    base: Any
    nets: Mapping[str, Any]
    device: str
    precision: str
    offload: bool
    _made: dict[tuple[str, tuple[str, ...]], Any] = field(default_factory=dict)

    def pipeline(self, doing: str, guides: tuple[str, ...]) -> Any:
        """Made of the same parts as every other, so it costs no memory."""
        import diffusers

        key = (doing, guides)
        if key not in self._made:
            kind = getattr(diffusers, self.parts.family.pipelines[doing])
            taken = inspect.signature(kind.__init__).parameters
            own = {**self.base.components, **{k: v for k, v in self.base.config.items() if k in _PLAIN}}
            own["add_watermarker"] = False  # it would change pixels
            if self.nets:
                own["controlnet"] = self._net(guides)
            made = kind(**{name: part for name, part in own.items() if name in taken})
            made.set_progress_bar_config(disable=True)
            self._made[key] = made
        made = self._made[key]
        # A scheduler remembers where it stood; every picture begins with a fresh one.
        made.scheduler = type(self.base.scheduler).from_config(self.base.scheduler.config)
        return made

    def dress(self, lora: str | None, scale: float) -> None:
        """Paint with an identity's LoRA, or without any."""
        if not self.parts.loras:
            return
        if lora is None:
            self.base.disable_lora()
            return
        self.base.enable_lora()
        self.base.set_adapters([adapter_name(list(self.parts.loras), lora)], [scale])

    def is_union(self, guide: str) -> bool:
        """Whether a guide's net reads several kinds of guides and wants to be told which."""
        config = self.nets[guide].config if guide in self.nets else {}
        return bool(config.get("num_mode") or config.get("num_control_type"))

    def _net(self, guides: tuple[str, ...]) -> Any:
        if len(guides) == 1 or self.parts.family.net == self.parts.family.nets:
            return self.nets[guides[0]]
        import diffusers

        several = getattr(diffusers, self.parts.family.nets, None)
        if several is None:
            from diffusers.models.controlnets import multicontrolnet

            several = getattr(multicontrolnet, self.parts.family.nets)
        nets = [self.nets[guide] for guide in guides]
        return several(nets[:1] if self.parts.family.shares_net else nets)


_PLAIN = ("requires_safety_checker", "force_zeros_for_empty_prompt", "requires_aesthetics_score", "boundary_ratio")


def load(parts: Parts, settings: DiffusersFolder) -> Model:
    """Raises ProviderError when the folder does not load, ProviderDown when it does not fit in memory."""
    for flag in _OFFLINE:
        os.environ[flag] = "1"
    with loading(parts.folder):
        import diffusers
        import torch
        import transformers

        device = _device(settings.device, torch)
        precision = _precision(settings.precision, device, parts.family)
        dtype = {"half": torch.float16, "bfloat16": torch.bfloat16, "single": torch.float32}[precision]
        for said in (diffusers.utils.logging, transformers.utils.logging):
            said.disable_progress_bar()
            said.set_verbosity_error()
        loaded = {}
        for folder in dict.fromkeys(parts.nets.values()):  # a union net may read several guides
            kind = getattr(diffusers, parts.family.net)
            loaded[folder] = kind.from_pretrained(folder, dtype=dtype, **_variant(folder), **_SAFE)
        nets = {guide: loaded[folder] for guide, folder in parts.nets.items()}
        kind = getattr(diffusers, parts.family.pipelines[PAINT])
        given: dict[str, Any] = {"controlnet": next(iter(nets.values()))} if nets else {}
        if "add_watermarker" in inspect.signature(kind.__init__).parameters:
            given["add_watermarker"] = False
        base = kind.from_pretrained(parts.folder, dtype=dtype, **given, **_variant(*_parts_of(parts.folder)), **_SAFE)
        if parts.adapter is not None:
            _add_adapter(base, parts, dtype)
        _add_loras(base, parts)
        for module in [*base.components.values(), *nets.values()]:
            if isinstance(module, torch.nn.Module):
                module.eval().requires_grad_(False)
        if settings.offload:
            base.enable_model_cpu_offload(device=device)
        else:
            base.to(device)
        for net in nets.values():
            if net is not base.components["controlnet"]:
                net.to(device)
    return Model(parts, base, nets, device, precision, settings.offload)


@contextmanager
def loading(folder: Path) -> Iterator[None]:
    """Turn whatever a library says while it loads into one line of ours."""
    try:
        yield
    except ProviderError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise ProviderDown(f"{folder}: does not fit in memory. Set offload = true, or precision = half.") from error
        raise ProviderError(f"{folder}: no model can be loaded ({first_line(error)}). Restore the folder.") from error


def is_out_of_memory(error: BaseException) -> bool:
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error)


def first_line(error: BaseException) -> str:
    """What a library's exception says first, without its full stop."""
    said = str(error).strip().splitlines()
    return (said[0] if said else type(error).__name__).rstrip(".")


def adapter_name(identities: list[str], identity: str) -> str:
    """What an identity's LoRA is called inside: names of modules hold no dots or blanks."""
    return f"identity_{sorted(identities).index(identity)}"


def _device(wanted: str, torch: Any) -> str:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, found in there.items() if found)
    if not there.get(wanted):
        raise ProviderError(f"device {wanted!r} is not there. Use device = auto, or one of: {', '.join(there)}.")
    return wanted


def _precision(wanted: str, device: str, family: Family) -> str:
    if wanted != "auto":
        return wanted
    return "single" if device == "cpu" else family.half


def _parts_of(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()]


def _variant(*folders: Path) -> dict[str, str]:
    """{"variant": "fp16"} where a folder holds weights in half precision only, as many are handed on."""
    for folder in folders:
        names = [path.name for path in folder.glob("*.safetensors")]
        if names and all(".fp16" in name for name in names):
            return {"variant": "fp16"}
    return {}


def _add_adapter(base: Any, parts: Parts, dtype: Any) -> None:
    from transformers import CLIPVisionModelWithProjection

    assert parts.adapter is not None
    weights = parts.adapter_weights
    # Loaded here: the pipeline's own way would take a pickle where no safetensors lie.
    encoder = CLIPVisionModelWithProjection.from_pretrained(parts.adapter / "image_encoder", dtype=dtype, **_SAFE)
    base.register_modules(image_encoder=encoder)
    base.load_ip_adapter(
        str(parts.adapter), subfolder="", weight_name=weights.name, image_encoder_folder=None, local_files_only=True
    )


def _add_loras(base: Any, parts: Parts) -> None:
    for identity, path in parts.loras.items():
        name = adapter_name(list(parts.loras), identity)
        with loading(path):
            base.load_lora_weights(str(path.parent), weight_name=path.name, adapter_name=name, **_SAFE)
            if name not in {adapter for adapters in base.get_list_adapters().values() for adapter in adapters}:
                raise ProviderError(f"{path}: fits no part of this model. Use a LoRA of its family.")
