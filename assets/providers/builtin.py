"""The small model that ships: a rectified flow that paints people and masonry from depth, normals, parts, pose and looks.

The more guides, the truer the picture; a pose map or a depth map alone is enough. With a pose map alone the outline is the
model's own. Without parts, the identity's looks are read as what the figure wears: list no others (assets.people.looks.worn).

A diffusers UNet2DConditionModel without a learned VAE: the picture is folded 2 x 2 into channels, the guides are laid
beside the noise, the identity's looks come in as cross-attention tokens and the light as a class embedding. It says the
clean picture, from which the flow's velocity follows: with so much told by the guides, one look is nearly enough.
Source of the sampler: Liu, Gong, Liu, "Flow Straight and Fast", ICLR 2023.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.providers.base import UNWATCHED, Capabilities, Watch
from assets.providers.conditioning import Condition, condition, own_alpha, painted, painting_target
from assets.providers.costumes import Costume, dressed, read_costumes
from assets.providers.onethread import one_thread
from assets.providers.palette import kept_to_palette
from assets.providers.request import Request, Result
from pipeline.errors import ProviderError

if TYPE_CHECKING:
    import torch

FOLDER = Path(__file__).parent.parent / "models" / "battleplate-sprites"
FOLD = 2  # pixels per side that become channels
MULTIPLE_PX = 16  # the UNet halves the folded picture three times
_NOISE_PX = 256  # noise lies about a picture's middle column, so that a figure has its own in a frame of any width
_BATCH_PX = 16 * 128 * 64  # pixels painted at once: bounds memory at about 1 GB
_READ = frozenset({"coverage", "depth", "normals", "parts", "pose", "init"})


@dataclass(frozen=True, eq=False)
class Builtin:
    """The shipped model, loaded. Answers are a function of the request alone, whatever it is batched with.

    keeps_palette: whether hues are kept to the looks (palette.py), as all pictures of a show are; not where it is learnt from.
    """

    unet: Any
    scheduler: Any
    model_digest: str
    licence: str
    name: str = "builtin"
    costumes: tuple[tuple[Costume, Any], ...] = ()  # and the network that paints who wears each
    keeps_palette: bool = True
    capabilities: Capabilities = field(
        default=Capabilities(
            guides=_READ,
            needed=frozenset(),
            needs_one_of=frozenset({"depth", "pose"}),
            multiple_px=MULTIPLE_PX,
            video=True,
            frames_apart=True,
            paints_looks=True,
        )
    )

    @classmethod
    def open(cls, folder: Path = FOLDER, name: str = "builtin") -> Builtin:
        """Load from a folder in diffusers' format, or the model that ships with a folder of costumes (costumes.py).

        Safetensors only, nothing fetched. Raises ProviderError.
        """
        costumes = () if (folder / "model_index.json").exists() else read_costumes(folder)
        folder = FOLDER if costumes else folder
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        os.environ.setdefault("DIFFUSERS_OFFLINE", "1")
        import torch
        from diffusers import FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

        try:
            index = json.loads((folder / "model_index.json").read_text())
            unet = UNet2DConditionModel.from_pretrained(
                folder, subfolder="unet", local_files_only=True, use_safetensors=True, torch_dtype=torch.float32
            )
            scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(
                folder, subfolder="scheduler", local_files_only=True
            )
        except (OSError, ValueError) as error:
            first_line = str(error).strip().splitlines()[0]
            raise ProviderError(f"{folder}: no model can be loaded ({first_line}). Restore the folder.") from error
        unet = unet.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        base = folder_digest(folder)
        worn = tuple((costume, dressed(unet, costume, base)) for costume in costumes)
        digest = hashlib.sha256("\n".join([base, *(c.digest for c in costumes)]).encode()).hexdigest() if worn else base
        return cls(unet, scheduler, digest, index["licence"], name, worn)

    def generate(self, requests: Sequence[Request], watch: Watch = UNWATCHED) -> list[Result]:
        """Paint each request, batched by size and steps. Raises ProviderError before painting anything."""
        for request in requests:
            self.capabilities.check(self.name, request)
        jobs = [
            _Job(index, take, frame)
            for index, request in enumerate(requests)
            for take in range(request.count)
            for frame in range(request.frames)
        ]
        pictures: dict[_Job, np.ndarray[Any, Any]] = {}
        with one_thread():
            for batch in self._batches(jobs, requests):
                watch.check(self.name)
                watch.progress(len(pictures), len(jobs), "pictures")
                pictures.update(zip(batch, self._paint(batch, requests), strict=True))
        return [self._result(index, request, pictures) for index, request in enumerate(requests)]

    def own_alphas(self, requests: Sequence[Request]) -> list[np.ndarray[Any, Any]]:
        """(H, W) of each request's first frame: the model's own alpha 0..1, before the guides' outline bounds it.

        What it knows of the outline shows here only: the alpha of an answer is the guides' own wherever they tell one.
        """
        jobs = [_Job(index, 0, 0) for index in range(len(requests))]
        alphas: dict[_Job, np.ndarray[Any, Any]] = {}
        with one_thread():
            for batch in self._batches(jobs, requests):
                said = self._said(batch, requests)
                alphas.update((job, own_alpha(numbers)) for job, (_, numbers) in zip(batch, said, strict=True))
        return [alphas[job] for job in jobs]

    def _paint(self, batch: list[_Job], requests: Sequence[Request]) -> list[np.ndarray[Any, Any]]:
        """RGBA pictures of jobs that share size, steps and strength."""
        pictures = [painted(shown, numbers) for shown, numbers in self._said(batch, requests)]
        if not self.keeps_palette or self._costume_of(requests[batch[0].request])[0]:
            return pictures  # a costume has colours that no palette says
        return [
            kept_to_palette(requests[job.request], job.frame, picture)
            for job, picture in zip(batch, pictures, strict=True)
        ]

    def _said(self, batch: list[_Job], requests: Sequence[Request]) -> list[tuple[Condition, np.ndarray[Any, Any]]]:
        """What the model is shown and says, (4, H, W), of jobs that share size, steps and strength."""
        import torch

        first = requests[batch[0].request]
        width, height = first.size_px
        costume, unet = self._costume_of(first)
        worn = [costume.worn_by(requests[job.request]) if costume else requests[job.request] for job in batch]
        conditions = [condition(request, job.frame) for request, job in zip(worn, batch, strict=True)]
        starts = [_start(*each) for each in zip(worn, batch, conditions, strict=True)]
        # A batch is always filled up to one size: the sums inside a convolution may depend on it.
        room = _batch_size(first) - len(batch)
        with torch.inference_mode():
            picture = _folded(np.stack(starts), room)
            guides = _folded(np.stack([shown.channels for shown in conditions]), room)
            tokens = _filled(np.stack([shown.tokens for shown in conditions]), room)
            light = _filled(np.stack([shown.light for shown in conditions]), room)
            self.scheduler.set_timesteps(sigmas=np.linspace(first.strength, 0, first.steps + 1)[:-1].tolist())
            for time in self.scheduler.timesteps:
                seen = torch.cat([picture, guides], 1).contiguous(memory_format=torch.channels_last)
                clean = unet(seen, time.expand(len(seen)), tokens, class_labels=light, return_dict=False)[0]
                velocity = (picture - clean) / (time / self.scheduler.config.num_train_timesteps)
                picture = self.scheduler.step(velocity, time, picture, return_dict=False)[0]
            unfolded = torch.nn.functional.pixel_shuffle(picture, FOLD).numpy()
        return [(shown, unfolded[i, :, :height, :width]) for i, shown in enumerate(conditions)]

    def _costume_of(self, request: Request) -> tuple[Costume | None, Any]:
        """What the identity wears, and the network that paints it."""
        return next(
            ((costume, unet) for costume, unet in self.costumes if costume.fits(request.identity)), (None, self.unet)
        )

    def _batches(self, jobs: list[_Job], requests: Sequence[Request]) -> Iterator[list[_Job]]:
        """Jobs of one size, steps, strength and costume together, in order."""
        groups: dict[tuple[Any, ...], list[_Job]] = {}
        for job in jobs:
            request = requests[job.request]
            costume, _ = self._costume_of(request)
            groups.setdefault((request.size_px, request.steps, request.strength, costume), []).append(job)
        for group in groups.values():
            size = _batch_size(requests[group[0].request])
            for start in range(0, len(group), size):
                yield group[start : start + size]

    def _result(self, index: int, request: Request, pictures: dict[_Job, np.ndarray[Any, Any]]) -> Result:
        takes = [[pictures[_Job(index, t, f)] for f in range(request.frames)] for t in range(request.count)]
        return Result(
            takes=np.stack([np.stack(take) for take in takes]),
            request_digest=request.digest(),
            model_digest=self.model_digest,
            licence=self.licence,
            metadata={"provider": self.name, "seed": str(request.seed), "steps": str(request.steps)},
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """One picture to paint."""

    request: int
    take: int
    frame: int


def folder_digest(folder: Path) -> str:
    """Hex SHA-256 over a model folder's weights and configurations, by name."""
    digest = hashlib.sha256()
    for path in sorted([*folder.rglob("*.json"), *folder.rglob("*.safetensors")]):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\n")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def fold(pictures: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) to (B, 4 C, H / 2, W / 2)."""
    import torch

    return torch.nn.functional.pixel_unshuffle(pictures, FOLD)


def _folded(pictures: np.ndarray[Any, Any], room: int) -> torch.Tensor:
    """Pad to a size that the UNet can halve, fill the batch, fold."""
    import torch

    height, width = pictures.shape[2:]
    margins = (0, -width % MULTIPLE_PX, 0, -height % MULTIPLE_PX, 0, 0, 0, room)
    return fold(torch.nn.functional.pad(torch.from_numpy(pictures), margins))


def _filled(rows: np.ndarray[Any, Any], room: int) -> torch.Tensor:
    import torch

    return torch.from_numpy(np.pad(rows, [(0, room)] + [(0, 0)] * (rows.ndim - 1)))


def _start(request: Request, job: _Job, shown: Condition) -> np.ndarray[Any, Any]:
    """Noise of the take's own seed (every frame of a take shares it), mixed with the picture to start from."""
    width, height = request.size_px
    drawn = max(width, _NOISE_PX)
    noise = np.random.default_rng(request.seed + job.take).standard_normal((4, height, drawn), np.float32)
    noise = noise[:, :, (drawn - width) // 2 :][:, :, :width]
    if request.guides.init is None or request.strength == 1:
        return noise
    init = painting_target(shown, request.guides.init[job.frame])
    return np.asarray((1 - request.strength) * init + request.strength * noise, np.float32)


def _batch_size(request: Request) -> int:
    width, height = request.size_px
    return max(1, min(16, _BATCH_PX // (width * height)))
