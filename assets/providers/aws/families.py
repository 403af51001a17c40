"""The model families of Amazon Bedrock that can be shown a picture: what each is sent, what it answers, which sizes it makes.

None of them reads a pose: what can be shown is one picture, the depth map (where there is none, the normal map), or for video
the first and last frame. Sources: Amazon Bedrock User Guide ("Stability AI Image Services", "Amazon Titan Image Generator
models", "Luma AI models") and Amazon Nova User Guide ("Request and response structure for image generation", "Video
generation access and usage").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from assets.providers.aws.client import is_content, refused_content
from assets.providers.canvas import Sizes
from pipeline.errors import ProviderError, ProviderNonsense

# How closely the shown picture binds, 0 to 1. Depth of ours is exact, so it is meant; at 1 these models draw stiffly.
CONTROL = 0.8
_OUTLINE = frozenset({"coverage", "depth", "normals", "parts"})  # not shown but for the first of `shows`: where it ends
_TITAN_SIZES = (
    (1024, 1024), (768, 768), (512, 512), (768, 1152), (384, 576), (1152, 768), (576, 384), (768, 1280), (384, 640),
    (1280, 768), (640, 384), (896, 1152), (448, 576), (1152, 896), (576, 448), (768, 1408), (384, 704), (1408, 768),
    (704, 384), (640, 1408), (320, 704), (1408, 640), (704, 320), (1152, 640),
)  # fmt: skip
_RATIOS = {"1:1": (720, 720), "16:9": (1280, 720), "9:16": (720, 1280), "4:3": (960, 720), "3:4": (720, 960),
           "21:9": (1680, 720), "9:21": (720, 1680)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Order:
    """What is asked of a model. pictures: base64 PNGs on the canvas; one for a picture, for a video its first (and last)."""

    pictures: tuple[str, ...]
    prompt: str
    negative: str
    seed: int
    size_px: tuple[int, int]
    frames: int


@dataclass(frozen=True, slots=True)
class Family:
    """guides: what it reads, and what tells the outline. shows: of these, the first that is given is the picture shown.

    seeds: lowest and highest that it takes. most_prompt: characters. body: an order as its JSON. read: its JSON answer as
    base64 PNGs; of a video's families it is never called: their answer is a file on S3. last_too: the last frame is shown.
    """

    name: str
    ids: tuple[str, ...]
    sizes: Sizes
    body: Callable[[Order], dict[str, Any]]
    read: Callable[[Mapping[str, Any], str], list[str]]
    seeds: tuple[int, int]
    most_prompt: int
    max_side_px: int
    guides: frozenset[str] = _OUTLINE
    shows: tuple[str, ...] = ("depth", "normals")
    reads_negative: bool = True
    most_frames: int = 1
    last_too: bool = False

    @property
    def video(self) -> bool:
        return self.most_frames > 1

    def seed(self, seed: int) -> int:
        """A seed of ours as one of its own: itself where it fits."""
        low, high = self.seeds
        return (seed - low) % (high - low + 1) + low


def family_of(model: str) -> Family:
    """The family of a model id, an inference profile ("us." before it) or their ARN. Raises ProviderError."""
    name = model.rsplit("/", 1)[-1]
    for family in FAMILIES:
        if any(re.search(rf"(^|\.){re.escape(known)}", name) for known in family.ids):
            return family
    known = ", ".join(f"{known}..." for family in FAMILIES for known in family.ids)
    raise ProviderError(
        f"bedrock: {model!r} is no model that can be shown a picture here. Known are {known}, each also behind us., eu., ..."
    )


# ---------------------------------------------------------------- what is sent


def _stability(order: Order) -> dict[str, Any]:
    told = {
        "image": order.pictures[0],
        "prompt": order.prompt,
        "control_strength": CONTROL,
        "seed": order.seed,
        "output_format": "png",
    }
    return {**told, "negative_prompt": order.negative} if order.negative else told


def _amazon(order: Order) -> dict[str, Any]:
    words = {"text": order.prompt, **({"negativeText": order.negative} if order.negative else {})}
    # CANNY_EDGE holds to the edges of the picture; SEGMENTATION to its regions, which a depth map has none of.
    shown = {"conditionImage": order.pictures[0], "controlMode": "CANNY_EDGE", "controlStrength": CONTROL}
    return {
        "taskType": "TEXT_IMAGE",
        "textToImageParams": {**words, **shown},
        "imageGenerationConfig": {
            "numberOfImages": 1,
            "width": order.size_px[0],
            "height": order.size_px[1],
            "cfgScale": 6.5,
            "seed": order.seed,
            "quality": "standard",
        },
    }


def _nova_reel(order: Order) -> dict[str, Any]:
    first = {"format": "png", "source": {"bytes": order.pictures[0]}}
    return {
        "taskType": "TEXT_VIDEO",
        "textToVideoParams": {"text": order.prompt, "images": [first]},
        "videoGenerationConfig": {"durationSeconds": 6, "fps": 24, "dimension": "1280x720", "seed": order.seed},
    }


def _luma(order: Order) -> dict[str, Any]:
    frames = {
        f"frame{index}": {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture}}
        for index, picture in enumerate(order.pictures)
    }
    ratio = next(ratio for ratio, size in _RATIOS.items() if size == order.size_px)
    return {
        "prompt": order.prompt,
        "aspect_ratio": ratio,
        "resolution": "720p",
        "duration": "5s" if order.frames <= 120 else "9s",
        "loop": False,
        "keyframes": frames,
    }


# ---------------------------------------------------------------- what is answered


def _read_stability(answer: Mapping[str, Any], name: str) -> list[str]:
    for reason in _list(answer, "finish_reasons"):
        if reason is not None and is_content(str(reason)):
            raise refused_content(name, str(reason))
        if reason is not None:
            raise ProviderNonsense(f"{name}: ended with {str(reason)[:100]!r} instead of a picture. Ask again.")
    return _list(answer, "images")


def _read_amazon(answer: Mapping[str, Any], name: str) -> list[str]:
    images = _list(answer, "images")
    if answer.get("error") is not None and not images:
        raise refused_content(name, str(answer["error"]))
    return images


def _list(answer: Mapping[str, Any], key: str) -> list[Any]:
    found = answer.get(key)
    return found if isinstance(found, list) else []


def _no_read(answer: Mapping[str, Any], name: str) -> list[str]:
    raise ProviderNonsense(f"{name}: a video came as JSON. This is a bug.")


_from_a_picture = partial(Family, guides=_OUTLINE | {"init"}, shows=("init",), read=_no_read, reads_negative=False)
FAMILIES = (
    Family(
        name="Stability control",
        ids=("stability.stable-image-control-structure", "stability.stable-image-control-sketch"),
        sizes=Sizes(least_px=64, most_px=3072, longest=2.5, most_pixels=9_437_184, any_scale=True),
        body=_stability,
        read=_read_stability,
        seeds=(1, 4_294_967_294),  # 0 asks for a seed by chance
        most_prompt=10_000,
        max_side_px=3072,
    ),
    Family(
        name="Amazon Nova Canvas",
        ids=("amazon.nova-canvas",),
        sizes=Sizes(least_px=320, most_px=4096, multiple_px=16, longest=4.0, most_pixels=4_194_303),
        body=_amazon,
        read=_read_amazon,
        seeds=(0, 858_993_459),
        most_prompt=1024,
        max_side_px=4096,
    ),
    Family(
        name="Amazon Titan Image v2",
        ids=("amazon.titan-image-generator-v2",),
        sizes=Sizes(fixed=_TITAN_SIZES),
        body=_amazon,
        read=_read_amazon,
        seeds=(0, 2_147_483_646),
        most_prompt=512,
        max_side_px=1408,
    ),
    _from_a_picture(
        name="Amazon Nova Reel",
        ids=("amazon.nova-reel",),
        sizes=Sizes(fixed=((1280, 720),)),
        body=_nova_reel,
        seeds=(0, 2_147_483_646),
        most_prompt=512,
        max_side_px=2048,
        most_frames=144,
    ),
    _from_a_picture(
        name="Luma Ray 2",
        ids=("luma.ray",),
        sizes=Sizes(fixed=tuple(_RATIOS.values()), any_scale=True),
        body=_luma,
        seeds=(0, 2**62),  # it takes none
        most_prompt=5000,
        max_side_px=2048,
        most_frames=216,
        last_too=True,
    ),
)
