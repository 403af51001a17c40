"""A few of ComfyUI's node classes: a graph is checked as ComfyUI checks it, and really painted from what it loads."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

Graph = dict[str, dict[str, Any]]
# class: its required inputs, and the types that it gives
NODES: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "CheckpointLoaderSimple": ({"ckpt_name": "COMBO"}, ("MODEL", "CLIP", "VAE")),
    "ControlNetLoader": ({"control_net_name": "COMBO"}, ("CONTROL_NET",)),
    "CLIPTextEncode": ({"text": "STRING", "clip": "CLIP"}, ("CONDITIONING",)),
    "LoadImage": ({"image": "COMBO"}, ("IMAGE", "MASK")),
    "ImageBatch": ({"image1": "IMAGE", "image2": "IMAGE"}, ("IMAGE",)),
    "ControlNetApplyAdvanced": (
        {
            "positive": "CONDITIONING",
            "negative": "CONDITIONING",
            "control_net": "CONTROL_NET",
            "image": "IMAGE",
            "strength": "FLOAT",
            "start_percent": "FLOAT",
            "end_percent": "FLOAT",
        },
        ("CONDITIONING", "CONDITIONING"),
    ),
    "EmptyLatentImage": ({"width": "INT", "height": "INT", "batch_size": "INT"}, ("LATENT",)),
    "VAEEncode": ({"pixels": "IMAGE", "vae": "VAE"}, ("LATENT",)),
    "KSampler": (
        {
            "model": "MODEL",
            "seed": "INT",
            "steps": "INT",
            "cfg": "FLOAT",
            "sampler_name": "COMBO",
            "scheduler": "COMBO",
            "positive": "CONDITIONING",
            "negative": "CONDITIONING",
            "latent_image": "LATENT",
            "denoise": "FLOAT",
        },
        ("LATENT",),
    ),
    "VAEDecode": ({"samples": "LATENT", "vae": "VAE"}, ("IMAGE",)),
    "SaveImage": ({"images": "IMAGE", "filename_prefix": "STRING"}, ()),
    "Moderation": ({"images": "IMAGE", "rule": "STRING"}, ("IMAGE",)),
}
NUMBERS = {"INT": int, "FLOAT": (int, float), "STRING": str, "COMBO": str}


class NodeError(Exception):
    """A node raised while it ran: its class's name is what ComfyUI calls the exception's type."""


class OutOfMemoryError(NodeError):
    pass


class ContentRefusedError(NodeError):
    pass


def node_errors(graph: Graph, inputs: Path) -> dict[str, Any]:
    """What is wrong with a graph, node by node, in ComfyUI's form; empty when nothing is."""
    found = {}
    for name, node in graph.items():
        required = NODES.get(node["class_type"], ({}, ()))[0]
        errors = [wrong for key, kind in required.items() if (wrong := _wrong(graph, node, key, kind, inputs))]
        if errors:
            found[name] = {"errors": errors, "dependent_outputs": [], "class_type": node["class_type"]}
    return found


def _wrong(graph: Graph, node: dict[str, Any], key: str, kind: str, inputs: Path) -> dict[str, Any]:
    value = node["inputs"].get(key)
    if key not in node["inputs"]:
        return _error("required_input_missing", "Required input is missing", key)
    if isinstance(value, list):
        gives = NODES[graph[value[0]]["class_type"]][1]
        return {} if gives[value[1]] == kind else _error("return_type_mismatch", "Return type mismatch", key)
    if kind not in NUMBERS or not isinstance(value, NUMBERS[kind]):
        return _error("invalid_input_type", f"Failed to convert an input value to a {kind} value", f"{key}, {value}")
    if node["class_type"] == "LoadImage" and not (inputs / value).is_file():
        return _error("custom_validation_failed", "Custom validation failed for node", f"Invalid image file: {value}")
    return {}


def _error(kind: str, message: str, details: str) -> dict[str, Any]:
    return {"type": kind, "message": message, "details": details, "extra_info": {}}


class Painter:
    """Runs one graph. say(event, data): what the socket is told; step(): looks whether the job was interrupted."""

    def __init__(self, folder: Path, graph: Graph, say: Callable[..., None], step: Callable[[], None]) -> None:
        self.folder, self.graph, self.say, self.step = folder, graph, say, step
        self.made: dict[str, Any] = {}
        self.outputs: dict[str, Any] = {}

    def run(self) -> None:
        for name, node in self.graph.items():
            if node["class_type"] == "SaveImage":
                self.node(name)

    def node(self, name: str) -> Any:
        if name not in self.made:
            node = self.graph[name]
            wired = {k: self.node(v[0])[v[1]] if isinstance(v, list) else v for k, v in node["inputs"].items()}
            self.now = name
            self.say("executing", {"node": name, "display_node": name})
            self.made[name] = getattr(self, node["class_type"])(**wired)
        return self.made[name]

    def CheckpointLoaderSimple(self, ckpt_name):
        return ckpt_name, ckpt_name, ckpt_name

    def ControlNetLoader(self, control_net_name):
        return (control_net_name,)

    def CLIPTextEncode(self, text, clip):
        return ({"text": text, "seen": []},)

    def LoadImage(self, image):
        with Image.open(self.folder / "input" / image) as opened:
            pixels = np.asarray(opened.convert("RGB"), np.float32)[None] / 255
        return pixels, pixels[..., 0]

    def ImageBatch(self, image1, image2):
        return (np.concatenate([image1, image2]),)

    def ControlNetApplyAdvanced(self, positive, negative, control_net, image, strength, start_percent, end_percent):
        shown = {**positive, "seen": [*positive["seen"], (control_net, image, strength)]}
        return shown, negative

    def EmptyLatentImage(self, width, height, batch_size):
        return (np.zeros((batch_size, height // 8 * 8, width // 8 * 8, 3), np.float32),)

    def VAEEncode(self, pixels, vae):
        return (pixels,)

    def KSampler(self, model, seed, steps, positive, negative, latent_image, denoise, **_):
        """Each control's brightness in a colour of its own, over a ground that the words choose, with the seed's grain."""
        count, height, width, _ = latent_image.shape
        for value in range(1, steps + 1):
            self.step()
            self.say("progress", {"value": value, "max": steps, "node": self.now})
        painted = []
        for index in range(count):
            grain = np.random.default_rng([seed, index]).normal(0, 0.02, (height, width, 3))
            picture = _colour(f"{model} {positive['text']} / {negative['text']}") * 0.3 + grain
            for net, image, strength in positive["seen"]:
                shown = _resized(image[index % len(image)], width, height)
                picture = picture + strength * 0.5 * _colour(net) * shown
            painted.append(denoise * picture + (1 - denoise) * latent_image[index])
        return (np.clip(painted, 0, 1),)

    def VAEDecode(self, samples, vae):
        return (samples,)

    def Moderation(self, images, rule):
        if rule == "memory":
            raise OutOfMemoryError("Allocation on device 0 would exceed allowed memory.")
        if rule == "flag":
            self.outputs[self.now] = {"text": ["blocked: nsfw"]}
            return (images[:0],)
        if rule:
            raise ContentRefusedError(f"The request was blocked by content moderation: {rule}")
        return (images,)

    def SaveImage(self, images, filename_prefix):
        told = PngInfo()
        told.add_text("prompt", json.dumps(self.graph))
        names = [f"{filename_prefix}_{uuid.uuid4().hex[:8]}_{index + 1:05d}_.png" for index in range(len(images))]
        for name, picture in zip(names, images, strict=True):
            Image.fromarray(np.uint8(np.round(picture * 255))).save(self.folder / "output" / name, pnginfo=told)
        flagged = [text for told in self.outputs.values() for text in told.get("text", [])]
        shown = {"images": [{"filename": name, "subfolder": "", "type": "output"} for name in names]}
        self.outputs[self.now] = {**shown, "text": flagged} if flagged else shown
        self.say("executed", {"node": self.now, "display_node": self.now, "output": self.outputs[self.now]})
        return ()


def _colour(words: str) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(words.encode()).digest()[:3], np.uint8) / 255


def _resized(picture: np.ndarray, width: int, height: int) -> np.ndarray:
    rows, columns = np.arange(height) * picture.shape[0] // height, np.arange(width) * picture.shape[1] // width
    return picture[rows][:, columns]
