"""[providers.NAME] of show.toml: who may generate, where they are, and how they are asked. Each kind is one dataclass.

Secrets never stand here: services take their keys from the environment or their own credential files.
Fields marked as conduct (how often, how long, how much) decide no pixel, so a change of them makes nothing again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigError

CONDUCT: dict[str, Any] = {"decides": False}  # metadata of a field that changes no pixel


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a provider is asked. per_minute: calls at most, 0: no limit. at_once: requests handed over together.

    retries: how often what may be asked again is asked again, each time waiting longer. timeout_s: for one answer.
    usd_per_picture: what one picture is taken to cost before it is asked for (what was billed counts afterwards).
    most_usd: of the show, for this provider; None: no limit. ask_again_when_unsure: whether a request whose answer never
    came, and which may have been billed, is asked again without a person saying so. share_gb: what pictures that a model of
    this machine painted may take up in the show's folder, for its other shots; 0: none are kept.
    """

    per_minute: float = 0.0
    at_once: int = 1
    retries: int = 4
    wait_s: float = 1.0  # before the first retry; doubles each time, with jitter
    most_wait_s: float = 60.0
    timeout_s: float = 300.0
    usd_per_picture: float = 0.0
    most_usd: float | None = None
    ask_again_when_unsure: bool = False
    share_gb: float = 4.0

    def __post_init__(self) -> None:
        limits = (("per_minute", 0, 1e6), ("at_once", 1, 1024), ("retries", 0, 20), ("wait_s", 0, 3600),
                  ("most_wait_s", 0, 3600), ("timeout_s", 0.01, 86400), ("usd_per_picture", 0, 1e4),
                  ("share_gb", 0, 1e5))  # fmt: skip
        for name, low, high in limits:
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be {low} to {high}. Change it.")
        if self.most_usd is not None and self.most_usd < 0:
            raise ConfigError(f"most_usd is {self.most_usd}, must be 0 or more. Change it.")


@dataclass(frozen=True, slots=True)
class BuiltinModel:
    """kind = "builtin": the small model that ships, or one adapted to the show (battleplate train character)."""

    folder: Path | None = None  # None: the model that ships


_CONTROLS = ("depth", "normals", "pose", "edges")  # guides that ControlNets and video models read


@dataclass(frozen=True, slots=True)
class DiffusersFolder:
    """kind = "diffusers": a folder of weights on this machine, in diffusers' format, safetensors only.

    controlnets: guide name (depth, normals, pose, edges) to its ControlNet's folder, or to the name of a subfolder of `folder`.
    scales: of each ControlNet by guide, 1 by default. ip_adapter: a folder with image_encoder/ and one .safetensors file, for
    reference pictures. loras: identity's name, or its first word, to its .safetensors file. native_px: side of the square
    that the model paints best: smaller requests are painted enlarged to that area and averaged down; 0: as they are.
    video_guide: which of several guides leads a video model.
    """

    folder: Path
    controlnets: dict[str, Path] = field(default_factory=dict)
    ip_adapter: Path | None = None
    loras: dict[str, Path] = field(default_factory=dict)
    scales: dict[str, float] = field(default_factory=dict)
    guidance: float = 5.0
    reference_scale: float = 0.6
    lora_scale: float = 0.8
    native_px: int | None = None  # None: what the model was trained on
    video_guide: str = "depth"
    most_frames: int = 81  # of a video model, at once
    device: str = "auto"  # auto | cpu | cuda | mps
    precision: str = "auto"  # auto | half | bfloat16 | single
    offload: bool = field(default=False, metadata=CONDUCT)  # parts that do not work lie in the machine's memory

    def __post_init__(self) -> None:
        choices = (("device", ("auto", "cpu", "cuda", "mps")), ("precision", ("auto", "half", "bfloat16", "single")),
                   ("video_guide", _CONTROLS))  # fmt: skip
        for name, known in choices:
            if getattr(self, name) not in known:
                raise ConfigError(f"{name} is {getattr(self, name)!r}, must be one of {', '.join(known)}. Change it.")
        for name in ("controlnets", "scales"):
            if unknown := sorted(set(getattr(self, name)) - set(_CONTROLS)):
                raise ConfigError(f"{name} names {unknown[0]!r}, known guides: {', '.join(_CONTROLS)}. Change it.")
        numbers = [("guidance", self.guidance, 30), ("reference_scale", self.reference_scale, 2),
                   ("lora_scale", self.lora_scale, 2), ("native_px", self.native_px or 0, 4096),
                   *((f"scales.{guide}", scale, 2) for guide, scale in self.scales.items())]  # fmt: skip
        for name, value, high in numbers:
            if not 0 <= value <= high:
                raise ConfigError(f"{name} is {value}, must be 0 to {high}. Change it.")
        if not 1 <= self.most_frames <= 10_000:
            raise ConfigError(f"most_frames is {self.most_frames}, must be 1 to 10000. Change it.")


@dataclass(frozen=True, slots=True)
class ComfyServer:
    """kind = "comfyui": a ComfyUI server and a workflow in API format, whose nodes are titled with the slots they fill.

    slots: slot (prompt, negative, seed, steps, strength, width, height, count, frames, depth, normals, pose, edges, mask, init,
    reference, reference2 .., output) to "NODE.INPUT" of the workflow; those left out are found by the nodes' titles.
    native_px: side of the square that its model paints best: guides are shown enlarged to about that area, answers are
    averaged down; 0 shows them as they are. multiple_px: what divides the sides that it can paint.
    """

    url: str
    workflow: Path
    slots: dict[str, str] = field(default_factory=dict)
    licence: str = "as the workflow's models say"
    native_px: int = 1024
    multiple_px: int = 16
    most_frames: int = 81  # of a video workflow, at once

    def __post_init__(self) -> None:
        for name, low, high in (("native_px", 0, 4096), ("multiple_px", 1, 256), ("most_frames", 1, 10_000)):
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"{name} is {getattr(self, name)}, must be {low} to {high}. Change it.")


@dataclass(frozen=True, slots=True)
class BedrockModel:
    """kind = "bedrock": a model on Amazon Bedrock. Keys come from AWS's own chain; endpoint: only for tests and proxies."""

    model: str
    region: str = ""  # "": AWS's own configuration
    s3_output: str = ""  # s3://bucket/prefix for models that answer later (video)
    licence: str = "the service's terms"
    endpoint: str = field(default="", metadata=CONDUCT)


@dataclass(frozen=True, slots=True)
class SageMakerEndpoint:
    """kind = "sagemaker": an endpoint of one's own that speaks docs/providers.md's request and answer.

    asynchronous: requests and answers go over S3 (s3_input), for pictures that take longer than a minute.
    """

    endpoint_name: str
    region: str = ""
    asynchronous: bool = False
    s3_input: str = ""
    licence: str = "as the endpoint's model says"
    endpoint: str = field(default="", metadata=CONDUCT)
    s3_endpoint: str = field(default="", metadata=CONDUCT)


@dataclass(frozen=True, slots=True)
class IdentityModel:
    """[identity] of show.toml: an image encoder, by which the report also says how alike people look in all shots.

    model: a folder of CLIP, SigLIP, DINOv2, DINOv3 or ViT on this machine, safetensors only; none: colours and sizes alone.
    """

    model: Path | None = None


@dataclass(frozen=True, slots=True)
class DepthModel:
    """[depth] of show.toml: a monocular depth model, for what neighbouring frames cannot tell.

    model: a folder of Depth Anything, DPT, GLPN or ZoeDepth on this machine, safetensors only; none: the frames alone.
    """

    model: Path | None = None


Settings = BuiltinModel | DiffusersFolder | ComfyServer | BedrockModel | SageMakerEndpoint
KINDS: dict[str, type[Settings]] = {
    "builtin": BuiltinModel,
    "diffusers": DiffusersFolder,
    "comfyui": ComfyServer,
    "bedrock": BedrockModel,
    "sagemaker": SageMakerEndpoint,
}


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """One [providers.NAME]: its name in the show, what it is, and how it is asked."""

    name: str
    settings: Settings
    conduct: Conduct = field(default_factory=Conduct, metadata=CONDUCT)


BUILTIN = ProviderEntry("builtin", BuiltinModel())


@dataclass(frozen=True, slots=True)
class CrowdProviders:
    """Whom the crowd's brief asks, in order of preference."""

    entries: tuple[ProviderEntry, ...] = (BUILTIN,)


@dataclass(frozen=True, slots=True)
class SetProviders:
    """Whom the set's brief asks, in order of preference."""

    entries: tuple[ProviderEntry, ...] = (BUILTIN,)
