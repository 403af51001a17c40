"""Any local folder in diffusers' format as a provider: a model with its ControlNets, adapter and LoRAs, or a video model.

Families: diffusers_families.py. What is refused: diffusers_guard.py. Weights load when the first picture is wanted.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.providers.base import UNWATCHED, Capabilities, Watch
from assets.providers.canvas import Canvas, Sizes, canvas_for
from assets.providers.diffusion.calls import Painting, call_arguments
from assets.providers.diffusion.families import CHANGE, FILL, PAINT
from assets.providers.diffusion.guard import checked_folder, model_index
from assets.providers.diffusion.licence import licence_of
from assets.providers.diffusion.loading import Model, first_line, is_out_of_memory, load
from assets.providers.diffusion.parts import CONTROLS, Parts, capabilities_of, checked_parts, digest_of, lora_of
from assets.providers.diffusion.words import words_of
from assets.providers.pictures import recovered, shown, shown_reference
from assets.providers.request import Array, Request, Result
from pipeline.errors import ProviderDown, ProviderError, ProviderNonsense, ProviderRefused
from pipeline.provider_sections import DiffusersFolder

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Folder:
    """A model folder, checked. Each take is painted on its own, so an answer does not depend on what was asked with it.

    model_digest covers weights, configurations and the settings that decide a picture.
    """

    name: str
    settings: DiffusersFolder
    parts: Parts
    capabilities: Capabilities
    licence: str
    model_digest: str
    _loaded: list[Model] = field(default_factory=list, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def open(cls, settings: DiffusersFolder, name: str = "diffusers") -> Folder:
        """Check the folder and all that the show adds to it; nothing is loaded. Raises ProviderError."""
        folder = checked_folder(settings.folder)
        index = model_index(folder)
        parts = checked_parts(settings, folder, str(index["_class_name"]))
        return cls(
            name=name,
            settings=settings,
            parts=parts,
            capabilities=capabilities_of(settings, parts),
            licence=licence_of(folder, index),
            model_digest=digest_of(settings, parts, index),
        )

    def generate(self, requests: Sequence[Request], watch: Watch = UNWATCHED) -> list[Result]:
        """Paint every request, take by take. Raises ProviderError before painting anything it cannot do."""
        for request in requests:
            self._check(request)
        total = sum(request.count for request in requests)
        results: list[Result] = []
        done = 0
        with self._lock:  # a pipeline paints one thing at a time
            for request in requests:
                takes = []
                for take in range(request.count):
                    watch.check(self.name)
                    watch.progress(done, total, "pictures")
                    takes.append(self.take(request, take, watch, (done, total)))
                    done += 1
                results.append(self._result(request, np.stack(takes)))
        watch.progress(total, total, "pictures")
        return results

    def take(self, request: Request, take: int, watch: Watch, so_far: tuple[int, int]) -> Array:
        """(F, H, W, 4) one take, painted from the seed plus its number; so_far: pictures done, and of how many."""
        if request.guides.init is not None and request.strength == 0:
            return request.guides.init.copy()
        model = self._model()
        painting = self._painting(model, request, take)

        def after_step(pipe: Any, step: int, time: Any, inside: dict[str, Any]) -> dict[str, Any]:
            watch.check(self.name)
            watch.progress(*so_far, f"pictures, step {step + 1} of {pipe.num_timesteps}")
            return inside

        with self._library(model, request):
            model.dress(lora_of(request.identity.name, self.parts.loras), self.settings.lora_scale)
            if self.parts.adapter is not None:
                model.base.set_ip_adapter_scale(self.settings.reference_scale if request.references else 0.0)
            pipeline = model.pipeline(painting.doing, tuple(painting.controls))
            asked = call_arguments(self.parts.family, painting, pipeline)
            answer = pipeline(**asked, callback_on_step_end=after_step)
        return self._recovered(request, answer)

    def _painting(self, model: Model, request: Request, take: int) -> Painting:
        """The request as tensors, at a size that the model can paint."""
        import torch
        from PIL import Image

        canvas, step = self._canvas(request), self.parts.family.frames_step(self.parts.folder)
        frames = [shown(request, frame) for frame in range(request.frames)]
        guides = [guide for guide in self._guides() if guide in frames[0]]
        if self.parts.family.video:
            guides = [self.settings.video_guide if self.settings.video_guide in guides else guides[0]]
        references = [Image.fromarray(shown_reference(picture)) for picture in request.references]
        if self.parts.adapter is not None and not references:
            references = [Image.new("RGB", (32, 32))]  # the adapter wants one; at scale 0 it counts for nothing
        doing = self._doing(request)
        return Painting(
            doing=doing,
            prompt=self._prompt(request),
            negative=request.negative,
            size_px=canvas.size_px,
            controls={guide: _tensor([frame[guide] for frame in frames], canvas, step) for guide in guides},
            scales=self.settings.scales,
            steps=request.steps,
            strength=request.strength,
            guidance=self.settings.guidance,
            generator=torch.Generator("cpu").manual_seed(request.seed + take),
            init=None if doing == PAINT else _tensor([frame["init"] for frame in frames], canvas, step),
            mask=_tensor([frame["mask"] for frame in frames], canvas, step, 1) if doing == FILL else None,
            references=tuple(references),
            union=model.is_union(guides[0]),
        )

    def _canvas(self, request: Request) -> Canvas:
        """Small pictures are painted at about the size that the model was trained on."""
        asked, able = self.settings.native_px, self.capabilities
        native_px = self.parts.family.trained_px(self.parts.folder) if asked is None else asked
        sizes = Sizes(
            least_px=able.multiple_px,
            most_px=able.max_side_px,
            multiple_px=able.multiple_px,
            longest=math.inf,
            native_pixels=native_px**2,
        )
        return canvas_for(sizes, *request.size_px)

    def _guides(self) -> list[str]:
        return list(CONTROLS) if self.parts.family.video else [g for g in CONTROLS if g in self.parts.nets]

    def _doing(self, request: Request) -> str:
        if request.guides.mask is not None:
            return FILL
        return CHANGE if request.guides.init is not None and request.strength < 1 else PAINT

    def _prompt(self, request: Request) -> str:
        if request.prompt:
            return request.prompt
        parts = request.guides.parts
        return words_of(request.identity, None if parts is None else np.unique(parts[parts > 0]).tolist())

    def _check(self, request: Request) -> None:
        self.capabilities.check(self.name, request)
        if self.parts.family.video and request.strength < 1:
            raise ProviderError(f"{self.name}: a video model keeps of init what the mask says. Use strength 1.")
        if request.negative and not self.parts.family.reads_negative(self._doing(request)):
            raise ProviderError(f"{self.name}: reads no negative words when it starts from init. Leave them out.")

    def _model(self) -> Model:
        if not self._loaded:
            self._loaded.append(load(self.parts, self.settings))
        return self._loaded[0]

    @contextmanager
    def _library(self, model: Model, request: Request) -> Iterator[None]:
        """While diffusers paints: whatever it says becomes one line of ours."""
        import torch

        try:
            yield
        except ProviderError:
            raise
        except Exception as error:
            size = "{} x {} px".format(*request.size_px)
            if is_out_of_memory(error):
                if model.device == "cuda":
                    torch.cuda.empty_cache()
                told = f"no memory for {request.frames} frames of {size}"
                raise ProviderDown(f"{self.name}: {told}. Ask for less, or set offload = true.") from error
            raise ProviderError(
                f"{self.name}: could not paint {size} ({first_line(error)}). Check the model."
            ) from error
        finally:
            if model.offload:
                model.base.maybe_free_model_hooks()

    def _recovered(self, request: Request, answer: Any) -> Array:
        """The pipeline's pictures, cut back to the asked size, in scene-linear light with alpha."""
        if any(getattr(answer, "nsfw_content_detected", None) or ()):
            raise ProviderRefused(f"{self.name}: its safety checker refused the picture. Change the words or the seed.")
        pictures = np.asarray(answer.frames[0] if hasattr(answer, "frames") else answer.images)
        if not np.isfinite(pictures).all():
            raise ProviderNonsense(f"{self.name}: painted NaN. Set precision = bfloat16, or single.")
        canvas = self._canvas(request)
        cut = [canvas.brought_back(np.asarray(picture, np.float32), self.name) for picture in pictures]
        return np.stack([recovered(request, frame, picture) for frame, picture in enumerate(cut[: request.frames])])

    def _result(self, request: Request, takes: Array) -> Result:
        import diffusers

        model, settings = self._model(), self.settings
        facts = {
            "provider": self.name,
            "family": self.parts.family.title,
            "doing": self._doing(request),
            "prompt": self._prompt(request),
            "negative": request.negative,
            "seeds": f"{request.seed} to {request.seed + request.count - 1}",
            "steps": str(request.steps),
            "strength": f"{request.strength:g}",
            "guidance": f"{settings.guidance:g}",
            "size_px": "{} x {}".format(*self._canvas(request).size_px),
            "scales": ", ".join(f"{guide} {settings.scales.get(guide, 1.0):g}" for guide in self._guides()),
            "lora": lora_of(request.identity.name, self.parts.loras) or "",
            "references": str(len(request.references)),
            "device": f"{model.device}, {model.precision}",
            "diffusers": str(diffusers.__version__),
        }
        return Result(takes, request.digest(), self.model_digest, self.licence, metadata=facts)


def _tensor(pictures: Sequence[Array], canvas: Canvas, frames_step: int, channels: int = 3) -> torch.Tensor:
    """(F, channels, H, W) float32 0..1 of uint8 pictures on the canvas; a video goes on with its last frame to a step and one."""
    import torch

    laid = [canvas.laid(p[..., None].repeat(channels, -1) if p.ndim == 2 else p) for p in pictures]
    laid += [laid[-1]] * (-(len(laid) - 1) % frames_step)
    return torch.from_numpy(np.stack(laid).transpose(0, 3, 1, 2).astype(np.float32) / 255)
