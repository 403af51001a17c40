"""Teach the built-in model a costume from a handful of pictures: a palette, then low-rank changes of its weights."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.people.characters import Character
from assets.people.mesh import posed_mesh
from assets.providers.builtin import Builtin, fold
from assets.providers.conditioning import Condition, condition, painting_target
from assets.providers.costumes import change
from assets.providers.onethread import one_thread
from assets.providers.request import Color
from assets.train.brought import bring
from assets.train.fitting import recoloured
from assets.train.people import asked
from assets.train.samples import Sample, sample_light

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, Any]
WINDOW = (128, 64)  # height and width of what is learnt from at once


@dataclass(frozen=True, slots=True)
class Lesson:
    """How a costume is taught. replayed: pictures of a batch in which the model paints the character in other poses, and must
    go on doing what it did wherever the pictures taught nothing."""

    steps: int = 110
    batch: int = 3
    replayed: int = 1
    rank: int = 8
    learning_rate: float = 3e-3
    pose_alone: float = 0.15  # share of samples that bring a pose map and no other guide
    keep_weight: float = 2.0  # of the difference to what the model painted before
    taught_error: float = 0.05  # encoded; a part is taught where palette alone leaves more
    seed: int = 1


def teach(
    model: Builtin,
    character: Character,
    samples: Sequence[Sample],
    palette: dict[int, Color],
    lesson: Lesson,
    tell: Callable[[str], None] = print,
) -> dict[str, torch.Tensor]:
    """Low-rank changes by name (assets.providers.costumes) after which the model paints `samples` as they are.

    samples: pictures of at least WINDOW. Their alpha is not learnt: outlines stay the guides'. A figure's other parts, and
    other poses, are held to what the model painted before.
    """
    import torch

    torch.manual_seed(lesson.seed)
    rng = np.random.default_rng(lesson.seed)
    before, unet = model.unet, copy.deepcopy(model.unet)
    pairs = _loosen(unet, lesson.rank)
    weights = [weight for pair in pairs.values() for weight in pair.parameters()]
    optimizer = torch.optim.AdamW(weights, lr=lesson.learning_rate, weight_decay=0.0)
    dressed = [Sample(recoloured(sample.request, palette), sample.truth) for sample in samples]
    taught = taught_parts(model, dressed, lesson.taught_error)
    others = _other_poses(character, palette, rng) if lesson.replayed else []
    recent: list[float] = []
    with one_thread():
        for step in range(lesson.steps):
            for group in optimizer.param_groups:
                group["lr"] = lesson.learning_rate * _share(step, lesson.steps)
            loss = _loss(unet, before, _batch(dressed, others, taught, lesson, rng), lesson, rng)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            recent.append(loss.item())
            if (step + 1) % 20 == 0 or step + 1 == lesson.steps:
                tell(f"step {step + 1} of {lesson.steps}, loss {np.mean(recent[-40:]):.4f}")
    found = {}
    for name, pair in pairs.items():
        for which, weight in (("A", pair.down), ("B", pair.up)):
            found[f"unet.{name}.lora_{which}.weight"] = weight.detach().half().contiguous()
    return found


def taught_parts(model: Builtin, samples: Sequence[Sample], error: float) -> frozenset[int]:
    """Parts of which the palette alone does not say what the pictures show."""
    pictures = [result.takes[0, 0] for result in model.generate([sample.request for sample in samples])]
    off: dict[int, list[float]] = {}
    for sample, picture in zip(samples, pictures, strict=True):
        parts, trusted = _trusted(sample)
        shown = condition(sample.request)
        apart = np.abs(painting_target(shown, picture)[:3] - painting_target(shown, sample.truth)[:3]).mean(0) / 5.0
        for part in np.unique(parts[trusted]):
            off.setdefault(int(part), []).append(float(apart[trusted & (parts == part)].mean()))
    return frozenset(part for part, errors in off.items() if np.mean(errors) > error)


@dataclass(frozen=True, slots=True, eq=False)
class _Learnt:
    """shown: what the model sees. truth: (4, H, W). trusted: (H, W) where the truth counts. kept: (4, H, W) where what was
    painted before counts."""

    shown: Condition
    truth: Array
    trusted: Array
    kept: Array


def _batch(
    samples: Sequence[Sample],
    others: Sequence[Sample],
    taught: frozenset[int],
    lesson: Lesson,
    rng: np.random.Generator,
) -> list[_Learnt]:
    chosen = [samples[int(rng.integers(len(samples)))] for _ in range(lesson.batch)]
    batch = [_learnt(sample, taught, True, lesson, rng) for sample in chosen]
    replayed = [others[int(rng.integers(len(others)))] for _ in range(lesson.replayed if others else 0)]
    return batch + [_learnt(sample, taught, False, lesson, rng) for sample in replayed]


def _learnt(sample: Sample, taught: frozenset[int], true: bool, lesson: Lesson, rng: np.random.Generator) -> _Learnt:
    """A window of a sample, as the model will see it. true: its picture is one, not only its guides."""
    parts, trusted = _trusted(sample)
    request = bring(sample.request, {"pose"}) if rng.random() < lesson.pose_alone else sample.request
    shown = condition(request)
    truth = painting_target(shown, sample.truth)
    known = (parts > 0) & ~np.isin(parts, list(taught))
    kept = np.concatenate([np.repeat(known[None], 3, 0), np.ones((1, *parts.shape), bool)])
    trusted = trusted & np.isin(parts, list(taught)) if true else np.zeros_like(trusted)
    area = _window(parts.shape, rng)
    cut = Condition(shown.channels[area], shown.tokens, shown.light, shown.base[area], shown.room[area])
    return _Learnt(cut, truth[area], trusted[area].astype(np.float32), kept[area].astype(np.float32))


def _window(shape: tuple[int, ...], rng: np.random.Generator) -> Any:
    starts = [int(rng.integers(side - wanted + 1)) for side, wanted in zip(shape, WINDOW, strict=True)]
    return (..., *(slice(start, start + side) for start, side in zip(starts, WINDOW, strict=True)))


def _trusted(sample: Sample) -> tuple[Array, Array]:
    """The part map, and where picture and guides agree that the figure is whole."""
    given = sample.request.guides.given()
    return given["parts"][0], (given["coverage"][0] > 0.95) & (sample.truth[..., 3] > 0.9)


def _loss(unet: Any, before: Any, batch: list[_Learnt], lesson: Lesson, rng: np.random.Generator) -> torch.Tensor:
    import torch

    truth = np.stack([each.truth for each in batch])
    noise = rng.standard_normal(truth.shape, np.float32)
    share = np.where(rng.random(len(batch)) < 0.5, 1.0, rng.uniform(0.1, 1, len(batch))).astype(np.float32)
    share[lesson.batch :] = 1.0  # of other poses there is no picture to mix in
    mixed = (1 - share)[:, None, None, None] * truth + share[:, None, None, None] * noise
    told = (
        fold(torch.from_numpy(np.concatenate([mixed, np.stack([e.shown.channels for e in batch])], axis=1))),
        torch.from_numpy(share * 1000),
        torch.from_numpy(np.stack([e.shown.tokens for e in batch])),
    )
    light = torch.from_numpy(np.stack([e.shown.light for e in batch]))
    with torch.no_grad():
        old = torch.nn.functional.pixel_shuffle(before(*told, class_labels=light, return_dict=False)[0], 2)
    new = torch.nn.functional.pixel_shuffle(unet(*told, class_labels=light, return_dict=False)[0], 2)
    trusted = torch.from_numpy(np.stack([e.trusted for e in batch]))[:, None]
    kept = torch.from_numpy(np.stack([e.kept for e in batch]))
    wrong = ((new - torch.from_numpy(truth))[:, :3].abs() * trusted).sum() / trusted.sum().clamp(min=1) / 3
    moved = ((new - old).abs() * kept).sum() / kept.sum().clamp(min=1)
    return wrong + lesson.keep_weight * moved


def _other_poses(character: Character, palette: dict[int, Color], rng: np.random.Generator) -> list[Sample]:
    """Guides of the character in other poses, views and lights; without pictures."""
    found = []
    for motion, phase in (("idle", 0.0), ("walk", 0.2), ("walk", 0.7), ("march", 0.45)):
        mesh = posed_mesh(character, motion, phase)
        for yaw in rng.uniform(0, 2 * np.pi, 6):
            request = asked(mesh, character, float(yaw), 0.05, sample_light(rng))
            found.append(Sample(recoloured(request, palette), np.zeros((*WINDOW, 4), np.float32)))
    return found


def _loosen(unet: Any, rank: int) -> dict[str, Any]:
    """Freeze the network and lay a low-rank pair over each of its layers; the pairs by the layers' names."""
    import torch
    from torch.nn.utils import parametrize

    class Pair(torch.nn.Module):
        """What is added to one layer's weights: nothing at first."""

        def __init__(self, weight: torch.Tensor) -> None:
            super().__init__()
            out, into, *taps = weight.shape
            down = torch.randn(rank, into, *taps) / math.sqrt(weight[0].numel())
            self.down = torch.nn.Parameter(down)
            self.up = torch.nn.Parameter(torch.zeros(out, rank, *([1] * len(taps))))

        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return weight + change(self.up, self.down, weight.shape)

    unet.requires_grad_(False)
    pairs: dict[str, Any] = {}
    for name, layer in list(unet.named_modules()):
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear):
            pairs[name] = Pair(layer.weight)
            parametrize.register_parametrization(layer, "weight", pairs[name], unsafe=True)
    return pairs


def _share(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / 10)
    return warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / max(1, steps))))
