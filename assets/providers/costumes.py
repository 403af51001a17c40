"""Costumes: what the built-in model was taught of single characters, kept beside it. Nobody else's pictures change.

FOLDER/NAME/costume.json says who, from which model, with whose consent; adapter.safetensors holds low-rank changes of the
weights, "unet.LAYER.lora_A.weight" and "lora_B.weight", as diffusers names them. Made by `battleplate train character`.
Source: Hu and others, "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022.
"""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assets.providers.request import Color, Identity, Request
from pipeline.errors import ProviderError

CARD, WEIGHTS = "costume.json", "adapter.safetensors"
_MOST_BYTES = 64 << 20  # a costume is a few hundred kilobytes


@dataclass(frozen=True, slots=True)
class Costume:
    """One character's. palette: albedos by part that go before the recipe's. base: digest of the model it changes."""

    character: str
    base: str
    palette: tuple[tuple[int, Color], ...]
    weights: Path
    digest: str

    def fits(self, identity: Identity) -> bool:
        """Whether an identity is this character, whatever the person's seed and the recipe's version."""
        return identity.name.split(" ")[0] == self.character

    def worn_by(self, request: Request) -> Request:
        """The request with the costume's colours."""
        colours = dict(self.palette)
        looks = tuple(replace(look, albedo=colours.get(look.part, look.albedo)) for look in request.identity.looks)
        return replace(request, identity=replace(request.identity, looks=looks))


def read_costumes(folder: Path) -> tuple[Costume, ...]:
    """The costumes in FOLDER, by character; none when it holds no cards. Raises ProviderError for a broken one."""
    return tuple(_read(card) for card in sorted(folder.glob(f"*/{CARD}")))


def _read(card: Path) -> Costume:
    try:
        told, weights = json.loads(card.read_text(encoding="utf-8")), card.with_name(WEIGHTS)
        palette = tuple((int(part), _colour(rgb)) for part, rgb in sorted(told["palette"].items()))
        if weights.stat().st_size > _MOST_BYTES:
            raise ProviderError(
                f"{weights}: {weights.stat().st_size >> 20} MB, limit {_MOST_BYTES >> 20}. Train it again."
            )
        digest = hashlib.sha256(card.read_bytes() + hashlib.sha256(weights.read_bytes()).digest()).hexdigest()
        return Costume(str(told["character"]), str(told["base"]), palette, weights, digest)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ProviderError(
            f"{card}: no costume can be read ({type(error).__name__}: {error}). Run battleplate train character again."
        ) from error


def dressed(unet: Any, costume: Costume, base: str) -> Any:
    """A copy of the model's network with the costume's changes. base: the model's digest.

    Raises ProviderError when the costume was made for another model, or its weights do not fit.
    """
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if costume.base != base:
        raise ProviderError(
            f"{costume.weights.parent}: made for another model ({costume.base[:12]}, this is {base[:12]}). "
            f"Run battleplate train character {costume.character} again."
        )
    worn = copy.deepcopy(unet)
    try:
        tensors = load_file(costume.weights)
        names = {name.removeprefix("unet.").rpartition(".lora_")[0] for name in tensors}
        with torch.no_grad():
            for name in sorted(names):
                layer = worn.get_submodule(name).weight
                down, up = (tensors[f"unet.{name}.lora_{which}.weight"].float() for which in "AB")
                layer += change(up, down, layer.shape)
    except (SafetensorError, OSError, AttributeError, KeyError, RuntimeError) as error:
        raise ProviderError(f"{costume.weights}: does not fit the model ({error}). Train the costume again.") from error
    return worn


def change(up: Any, down: Any, shape: Any) -> Any:
    """What a low-rank pair adds to a layer's weights: up (out, r[, 1, 1]) times down (r, in[, k, k])."""
    return (up.flatten(1) @ down.flatten(1)).reshape(shape)


def _colour(rgb: Any) -> Color:
    red, green, blue = (float(value) for value in rgb)
    if not all(0 <= value <= 1 for value in (red, green, blue)):
        raise ValueError(f"albedo {rgb} is not within 0 to 1")
    return red, green, blue
