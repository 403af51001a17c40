"""An image encoder that a show brings: pictures of people to points that lie near each other when the pictures look alike.

Folders of CLIP, SigLIP, DINOv2, DINOv3 or ViT in transformers' own format, checked like every folder of weights: safetensors
only, nothing fetched, no code of the model's own.
Sources: Radford and others, "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021; Oquab and
others, "DINOv2: Learning Robust Visual Features without Supervision", TMLR 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.providers.modelfolder import load
from assets.providers.onethread import one_thread
from pipeline.io.color import to_display_8bit

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
# model_type of config.json: class of transformers, and which of its answers stands for the picture.
_FAMILIES = {
    "clip": ("CLIPVisionModelWithProjection", "image_embeds"),
    "clip_vision_model": ("CLIPVisionModelWithProjection", "image_embeds"),
    "siglip": ("SiglipVisionModel", "pooler_output"),
    "siglip_vision_model": ("SiglipVisionModel", "pooler_output"),
    "dinov2": ("Dinov2Model", "pooler_output"),
    "dinov2_with_registers": ("Dinov2WithRegistersModel", "pooler_output"),
    "dinov3_vit": ("DINOv3ViTModel", "pooler_output"),
    "vit": ("ViTModel", "last_hidden_state"),
}
_MEAN, _STD = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)  # where preprocessor_config.json says none
_GREY = 0.18  # scene-linear, behind a figure, and its mean brightness: a shot's exposure is not the person's
_ROOM = 1.1  # of the square round a figure
_AT_ONCE = 16


@dataclass(frozen=True, eq=False)
class Encoder:
    """A loaded encoder. side_px: of the squares that it sees. digest: of its weights and configurations."""

    model: Any
    answer: str
    side_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    digest: str

    @classmethod
    def open(cls, folder: Path) -> Encoder:
        """Load from a folder. Raises ProviderError for one that is no encoder or that holds more than weights."""
        found = load(folder, {kind: name for kind, (name, _) in _FAMILIES.items()}, "an image encoder")
        return cls(
            found.model,
            _FAMILIES[found.kind][1],
            _side_px(found.shown, found.config),
            found.channels("image_mean", _MEAN),
            found.channels("image_std", _STD),
            found.digest,
        )

    def embed(self, pictures: Sequence[Array]) -> Floats:
        """(N, D) float32 of unit length. pictures: (H, W, 4) scene-linear ACEScg, premultiplied, of any sizes.

        Each figure is cut out, put on mid grey in a square and brought to mid grey's brightness. The same whatever they are
        asked with.
        """
        import torch

        found: list[Floats] = []
        with one_thread(), torch.inference_mode():
            squares = [self._seen(picture) for picture in pictures]
            for start in range(0, len(squares), _AT_ONCE):
                batch = squares[start : start + _AT_ONCE]
                filled = torch.cat(batch + [torch.zeros_like(batch[0])] * (_AT_ONCE - len(batch)))
                said = getattr(self.model(pixel_values=filled), self.answer)
                points = said[:, 0] if said.ndim == 3 else said
                found += list(torch.nn.functional.normalize(points, dim=-1).numpy()[: len(batch)])
        return np.stack(found).astype(np.float32) if found else np.zeros((0, 1), np.float32)

    def _seen(self, picture: Array) -> Any:
        """(1, 3, side, side) as the model expects it."""
        import torch

        display = to_display_8bit(_squared(np.asarray(picture, np.float32)))
        pixels = torch.from_numpy(np.ascontiguousarray(display)).permute(2, 0, 1)[None].float() / 255
        size = (self.side_px, self.side_px)
        pixels = torch.nn.functional.interpolate(pixels, size, mode="bicubic", antialias=True).clamp(0, 1)
        mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (self.mean, self.std))
        return (pixels - mean) / std


def _squared(picture: Floats) -> Floats:
    """(S, S, 3): a figure in the middle of a grey square, its mean brightness that of the grey."""
    alpha = picture[..., 3]
    rows, columns = np.flatnonzero((alpha > 0.05).any(axis=1)), np.flatnonzero((alpha > 0.05).any(axis=0))
    if not len(rows):
        return np.full((8, 8, 3), _GREY, np.float32)
    cut = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    brightness = float(cut[..., :3].mean(axis=-1).sum() / cut[..., 3].sum())
    gain = _GREY / max(brightness, 1e-4)
    side = int(np.ceil(_ROOM * max(cut.shape[:2])))
    square = np.full((side, side, 3), _GREY, np.float32)
    top, left = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    inner = square[top : top + cut.shape[0], left : left + cut.shape[1]]
    inner[:] = gain * cut[..., :3] + (1 - cut[..., 3:]) * _GREY
    return square


def _side_px(shown: dict[str, Any], config: dict[str, Any]) -> int:
    """The side of the squares that the model was trained on."""
    sizes = [shown.get("crop_size"), shown.get("size"), config.get("vision_config", {}).get("image_size")]
    for size in [*sizes, config.get("image_size")]:
        found = (
            next((size[key] for key in ("height", "shortest_edge") if key in size), 0)
            if isinstance(size, dict)
            else size
        )
        if isinstance(found, int) and 8 <= found <= 2048:
            return found
    return 224
