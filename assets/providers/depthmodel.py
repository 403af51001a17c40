"""A monocular depth model that a show brings: one picture in, how near everything in it looks.

Folders of Depth Anything, DPT, GLPN or ZoeDepth in transformers' own format, checked like every folder of weights:
safetensors only, nothing fetched, no code of the model's own.
Sources: Ranftl, Bochkovskiy and Koltun, "Vision Transformers for Dense Prediction", ICCV 2021; Yang and others, "Depth Anything
V2", NeurIPS 2024; Bhat and others, "ZoeDepth", 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from assets.providers.modelfolder import load
from assets.providers.onethread import one_thread
from pipeline.errors import ProviderError
from pipeline.io.color import to_display_8bit

Floats = npt.NDArray[np.float32]
# model_type of config.json: class of transformers, and whether it answers in metres or in a nearness without unit.
_FAMILIES = {
    "depth_anything": ("DepthAnythingForDepthEstimation", False),
    "dpt": ("DPTForDepthEstimation", False),
    "glpn": ("GLPNForDepthEstimation", True),
    "zoedepth": ("ZoeDepthForDepthEstimation", True),
}
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # where preprocessor_config.json says none: ImageNet's
_SIDE_PX = 518  # shorter side, where it says none
_LEAST_PX, _MOST_PX = 32, 2048
_NEAREST_M = 0.05  # an answer in metres below that is none


@dataclass(frozen=True, eq=False)
class DepthGuesser:
    """A loaded model. side_px: of the shorter side that it sees; multiple_px: its sides are multiples of that."""

    model: Any
    metric: bool
    side_px: int
    multiple_px: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    digest: str

    @classmethod
    def open(cls, folder: Path) -> DepthGuesser:
        """Load from a folder. Raises ProviderError for one that is no depth model or that holds more than weights."""
        found = load(folder, {kind: name for kind, (name, _) in _FAMILIES.items()}, "a depth model")
        multiple = found.shown.get("ensure_multiple_of", found.shown.get("size_divisor", 0)) or _patch_px(found.config)
        return cls(
            found.model,
            _FAMILIES[found.kind][1] or found.config.get("depth_estimation_type") == "metric",
            _side_px(found.shown),
            int(multiple),
            found.channels("image_mean", _MEAN),
            found.channels("image_std", _STD),
            found.digest,
        )

    def nearness(self, picture: Floats) -> Floats:
        """(H, W) float32, larger is nearer, linear in 1/m but for a scale and a shift that nobody knows.

        picture: (H, W, 3) float32 scene-linear ACEScg. Raises ProviderError when the model answers no finite number.
        """
        import torch

        height, width = picture.shape[:2]
        display = to_display_8bit(np.nan_to_num(np.asarray(picture, np.float32)))
        pixels = torch.from_numpy(np.ascontiguousarray(display)).permute(2, 0, 1)[None].float() / 255
        with one_thread(), torch.inference_mode():
            pixels = torch.nn.functional.interpolate(pixels, self._size(height, width), mode="bicubic", antialias=True)
            mean, std = (torch.tensor(each).view(1, 3, 1, 1) for each in (self.mean, self.std))
            said = self.model(pixel_values=(pixels.clamp(0, 1) - mean) / std).predicted_depth
            said = said.reshape(1, 1, *said.shape[-2:])
            if self.metric:
                said = 1 / said.clamp(min=_NEAREST_M)
            found = torch.nn.functional.interpolate(said, (height, width), mode="bilinear", align_corners=False)[0, 0]
        if not bool(found.isfinite().all()):
            raise ProviderError("the depth model answers NaN or infinity. Use a sound copy of its weights.")
        return np.asarray(found.numpy(), np.float32)

    def _size(self, height: int, width: int) -> tuple[int, int]:
        """What it sees: the picture's shape, its shorter side as it was trained, both sides whole multiples."""
        scale = self.side_px / min(height, width)
        sides = (max(1, round(side * scale / self.multiple_px)) * self.multiple_px for side in (height, width))
        tall, wide = (min(side, _MOST_PX // self.multiple_px * self.multiple_px) for side in sides)
        return tall, wide


def _side_px(shown: dict[str, Any]) -> int:
    """The shorter side of the pictures that the model was trained on."""
    size = shown.get("size", {})
    sides = [v for v in size.values() if isinstance(v, int)] if isinstance(size, dict) else [size]
    side = min(sides) if sides else _SIDE_PX
    return side if isinstance(side, int) and _LEAST_PX <= side <= _MOST_PX else _SIDE_PX


def _patch_px(config: dict[str, Any]) -> int:
    """The side of a patch, of the model or its backbone; 32 suits all others."""
    places = (config, config.get("backbone_config") or {})
    sizes = [place.get("patch_size") for place in places if isinstance(place, dict)]
    return next((size for size in sizes if isinstance(size, int) and size > 0), 32)
