"""The families of models that a diffusers folder may hold: which pipeline paints with ControlNets, and what it can read."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assets.providers.diffusion.guard import read_config
from pipeline.errors import ProviderError

PAINT, CHANGE, FILL = "paint", "change", "fill"  # anew, from init, inside the mask


@dataclass(frozen=True, slots=True)
class Family:
    """One family. classes: of model_index.json's _class_name. pipelines: diffusers' classes by what they do.

    net, nets: classes of one ControlNet and of several at once ("": one only, or none). shares_net: several guides at once
    are read by one union net only. control: what `paint` calls its
    control picture; the others say control_image. guidance: what it calls the setting. patch: latent pixels to a token.
    native_px: side of the square that it was
    trained on, where its UNet does not say. half: what "auto" takes on a GPU. modes: numbers of guides for union nets. lists: controls are told in lists, even one. adapter: it can read reference pictures through an IP-Adapter.
    """

    title: str
    classes: tuple[str, ...]
    pipelines: Mapping[str, str]
    net: str = ""
    nets: str = ""
    shares_net: bool = False
    control: str = "control_image"
    guidance: str = "guidance_scale"
    patch: int = 2
    native_px: int = 1024
    half: str = "bfloat16"
    modes: Mapping[str, int] = field(default_factory=dict)
    lists: bool = False
    adapter: bool = False
    video: bool = False

    def reads_negative(self, doing: str) -> bool:
        """Flux does so only where it paints anew."""
        return self.title != "Flux" or doing == PAINT

    def multiple_px(self, folder: Path) -> int:
        """Sides that it can paint."""
        return math.lcm(self._scale(folder), 8)  # some pipelines refuse other sides, whatever their VAE

    def _scale(self, folder: Path) -> int:
        """Pixels to a side of a token, from the configuration of the VAE."""
        vae = read_config(folder / "vae" / "config.json")
        if "temperal_downsample" in vae:  # diffusers' own spelling
            return int(2 ** len(vae["temperal_downsample"])) * self.patch
        return int(2 ** (len(vae.get("block_out_channels", [0] * 4)) - 1)) * self.patch

    def trained_px(self, folder: Path) -> int:
        """Side of the square that it was trained on."""
        unet = folder / "unet" / "config.json"
        sample = read_config(unet).get("sample_size") if unet.is_file() else None
        return sample * self._scale(folder) if isinstance(sample, int) else self.native_px

    def frames_step(self, folder: Path) -> int:
        """A video has a multiple of so many frames, and one."""
        if not self.video:
            return 1
        return int(
            2 ** sum(read_config(folder / "vae" / "config.json").get("temperal_downsample", [False, True, True]))
        )


_SD = "StableDiffusion"
FAMILIES = (
    Family(
        "Stable Diffusion 1 and 2",
        (f"{_SD}Pipeline", f"{_SD}ControlNetPipeline", f"{_SD}Img2ImgPipeline"),
        {
            PAINT: f"{_SD}ControlNetPipeline",
            CHANGE: f"{_SD}ControlNetImg2ImgPipeline",
            FILL: f"{_SD}ControlNetInpaintPipeline",
        },
        net="ControlNetModel",
        nets="MultiControlNetModel",
        control="image",
        patch=1,
        half="half",
        adapter=True,
    ),
    Family(
        "Stable Diffusion XL",
        (f"{_SD}XLPipeline", f"{_SD}XLControlNetPipeline", f"{_SD}XLImg2ImgPipeline"),
        {
            PAINT: f"{_SD}XLControlNetPipeline",
            CHANGE: f"{_SD}XLControlNetImg2ImgPipeline",
            FILL: f"{_SD}XLControlNetInpaintPipeline",
        },
        net="ControlNetModel",
        nets="MultiControlNetModel",
        control="image",
        patch=1,
        half="half",
        adapter=True,
    ),
    Family(
        "Stable Diffusion XL with a union net",
        (f"{_SD}XLPipeline", f"{_SD}XLControlNetUnionPipeline"),
        {
            PAINT: f"{_SD}XLControlNetUnionPipeline",
            CHANGE: f"{_SD}XLControlNetUnionImg2ImgPipeline",
            FILL: f"{_SD}XLControlNetUnionInpaintPipeline",
        },
        net="ControlNetUnionModel",
        nets="ControlNetUnionModel",
        shares_net=True,
        patch=1,
        half="half",
        modes={"pose": 0, "depth": 1, "edges": 3, "normals": 4},  # xinsir's, from its card
        lists=True,
        adapter=True,
    ),
    Family(
        "Flux",
        ("FluxPipeline", "FluxControlNetPipeline", "FluxImg2ImgPipeline"),
        {
            PAINT: "FluxControlNetPipeline",
            CHANGE: "FluxControlNetImg2ImgPipeline",
            FILL: "FluxControlNetInpaintPipeline",
        },
        net="FluxControlNetModel",
        nets="FluxMultiControlNetModel",
        modes={"edges": 0, "depth": 2, "pose": 4},  # of InstantX's and Shakker Labs' union nets, from their cards
    ),
    Family(
        "Qwen-Image",
        ("QwenImagePipeline", "QwenImageControlNetPipeline"),
        {PAINT: "QwenImageControlNetPipeline"},
        net="QwenImageControlNetModel",
        nets="QwenImageMultiControlNetModel",
        shares_net=True,
        guidance="true_cfg_scale",
    ),
    Family(
        "Z-Image",
        ("ZImagePipeline", "ZImageControlNetPipeline"),
        {PAINT: "ZImageControlNetPipeline"},
        net="ZImageControlNetModel",
    ),
    Family(
        "Wan-VACE",
        ("WanVACEPipeline",),
        {PAINT: "WanVACEPipeline", FILL: "WanVACEPipeline"},
        native_px=640,
        video=True,
    ),
)


def family_of(class_name: str, folder: Path, nets: Iterable[str]) -> Family:
    """The family of a model_index.json's _class_name, of several the one whose ControlNets these classes are.

    Raises ProviderError that lists what is known.
    """
    fitting = [family for family in FAMILIES if class_name in family.classes]
    if fitting:
        return next((family for family in fitting if family.net in nets), fitting[0])
    known = "; ".join(f"{family.title} ({family.classes[0]})" for family in FAMILIES)
    raise ProviderError(f"{folder}: its pipeline is {class_name}, which is not known here. Known: {known}.")
