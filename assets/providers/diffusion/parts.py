"""What a model is made of in this show: its folder, ControlNets, adapter and LoRAs, checked; what it can do, and its digest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets.providers.base import Capabilities
from assets.providers.diffusion.digest import files_of, model_digest
from assets.providers.diffusion.families import FILL, Family, family_of
from assets.providers.diffusion.guard import checked_folder, checked_weights, read_config
from pipeline.errors import ProviderError
from pipeline.provider_sections import DiffusersFolder

CONTROLS = ("depth", "normals", "pose", "edges")
_OUTLINE = frozenset({"coverage", "depth", "parts", "normals"})  # what tells where the figure ends


@dataclass(frozen=True, slots=True)
class Parts:
    """What a model is loaded from, all checked and resolved: the folder, and by guide or identity what the show adds."""

    family: Family
    folder: Path
    nets: Mapping[str, Path] = field(default_factory=dict)
    adapter: Path | None = None
    loras: Mapping[str, Path] = field(default_factory=dict)

    @property
    def adapter_weights(self) -> Path:
        """The one .safetensors file beside image_encoder/. Raises ProviderError when there is none, or more."""
        assert self.adapter is not None
        found = sorted(self.adapter.glob("*.safetensors"))
        if len(found) != 1 or not (self.adapter / "image_encoder" / "config.json").is_file():
            raise ProviderError(
                f"{self.adapter}: an ip_adapter folder holds image_encoder/ and one .safetensors file, "
                f"{len(found)} found. Put them there."
            )
        return found[0]


def checked_parts(settings: DiffusersFolder, folder: Path, class_name: str) -> Parts:
    """What a show names, checked and resolved; folder: of the model, checked. Raises ProviderError."""
    nets = {
        guide: checked_folder(path if path.is_dir() else folder / path.name)
        for guide, path in settings.controlnets.items()
    }
    family = family_of(class_name, folder, [_net_class(net) for net in nets.values()])
    _check_nets(family, folder, nets)
    parts = Parts(
        family=family,
        folder=folder,
        nets=nets,
        adapter=None if settings.ip_adapter is None else checked_folder(settings.ip_adapter),
        loras={who: checked_weights(path) for who, path in sorted(settings.loras.items())},
    )
    if parts.adapter is not None and not family.adapter:
        raise ProviderError(f"{folder}: {family.title} takes no ip_adapter here. Leave it out of show.toml.")
    return parts


def lora_of(identity: str, loras: Iterable[str]) -> str | None:
    """Under which name the show has a LoRA of this identity: its whole name, or the one before version and seed."""
    names = sorted(loras, key=len, reverse=True)
    return next((name for name in names if identity == name or identity.startswith(f"{name} ")), None)


def _check_nets(family: Family, folder: Path, nets: Mapping[str, Path]) -> None:
    """ControlNets are of this family, and as many as it reads."""
    if family.video and nets:
        raise ProviderError(f"{folder}: {family.title} reads guides itself. Leave controlnets out.")
    if not family.video and not nets:
        raise ProviderError(f"{folder}: without a ControlNet it would follow no guide. Name one under controlnets.")
    if not family.nets and len(nets) > 1:
        raise ProviderError(f"{folder}: {family.title} takes one ControlNet at a time. Name one under controlnets.")
    for guide, net in nets.items():
        if (found := _net_class(net)) != family.net:
            raise ProviderError(f"{net}: is a {found}, {family.title} needs a {family.net}. Use one for it.")
        if read_config(net / "config.json").get("num_mode") and guide not in family.modes:
            raise ProviderError(f"{net}: {family.title}'s union nets know no {guide}. Leave that guide out.")
    if family.shares_net and len(set(nets.values())) > 1:
        raise ProviderError(
            f"{folder}: {family.title} reads several guides through one union net only. Name one folder."
        )


def capabilities_of(settings: DiffusersFolder, parts: Parts) -> Capabilities:
    family = parts.family
    controls = frozenset(CONTROLS if family.video else parts.nets)
    alpha = read_config(parts.folder / "vae" / "config.json").get("out_channels") == 4
    # A VAE of four channels would read four, and what is to be kept is shown in three.
    kept = {"init", "mask"} if FILL in family.pipelines and not alpha else set()
    return Capabilities(
        guides=controls | _OUTLINE | kept,
        needed=frozenset(),
        needs_one_of=controls,
        multiple_px=family.multiple_px(parts.folder),
        max_steps=200,
        most_frames=settings.most_frames if family.video else 1,
        video=family.video,
        alpha=alpha,
        reads_prompt=True,
        reads_references=family.video or parts.adapter is not None,
        light="fixed",
        remembers=False,
    )


def digest_of(settings: DiffusersFolder, parts: Parts, index: dict[str, Any]) -> str:
    """Over every file that is loaded and every setting that decides a pixel."""
    components = [name for name, value in index.items() if isinstance(value, list)]
    files = {f"model/{name}": path for name, path in files_of(parts.folder, components).items()}
    for guide, folder in parts.nets.items():
        files |= {f"controlnets/{guide}/{name}": path for name, path in files_of(folder).items()}
    if parts.adapter is not None:
        weights = parts.adapter_weights
        encoder = files_of(parts.adapter, ["image_encoder"])
        files |= {
            f"adapter/{name}": path for name, path in {**encoder, weights.name: weights}.items() if path.is_file()
        }
    files |= {f"loras/{who}": path for who, path in parts.loras.items()}
    decide = (settings.guidance, settings.reference_scale, settings.lora_scale, settings.device, settings.precision,
              settings.video_guide, settings.native_px, sorted(settings.scales.items()))  # fmt: skip
    return model_digest(files, repr(decide))


def _net_class(folder: Path) -> str:
    """Of a ControlNet's folder, from its configuration."""
    return str(read_config(folder / "config.json").get("_class_name"))
