"""Train the model that ships: python -m assets.train.sprites DATA OUT [--steps 6000] [--minutes 45]."""

from __future__ import annotations

import argparse
import collections
import copy
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.providers.builtin import fold, one_thread
from assets.providers.conditioning import OUTLINE, Condition
from assets.train.bench import Bench, drawn
from assets.train.curve import Look, add_look
from assets.train.recipe import Recipe, new_unet, save_model
from assets.train.resume import keep_state, take_up

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, Any]
SAVE_EVERY = 500


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    minutes: float,
    start: Any = None,
    tell: Callable[[str], None] = print,
    tell_every: int = 50,
    save_every: int = SAVE_EVERY,
) -> None:
    """Train and save the running mean of the weights to `out`, every `save_every` steps and at the end.

    Ends after recipe.steps, or when `minutes` have passed; the learning rate follows whichever is nearer its end. A run
    that was stopped goes on from OUT/training, with the same bytes when only steps end it; OUT/curve.csv tells its way.
    """
    import torch

    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    unet = (start or new_unet()).train().to(memory_format=torch.channels_last)
    mean = copy.deepcopy(unet).requires_grad_(False)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=1.0, weight_decay=recipe.weight_decay, betas=(0.9, 0.99))
    at = take_up(out / "training", unet, mean, optimizer, rng)
    step, before_min = int(at.get("step", 0)), float(at.get("minutes", 0.0))
    bench, began, recent = Bench(data, recipe), time.monotonic(), collections.deque[float](maxlen=200)
    done = max(step / recipe.steps, before_min / minutes)
    while done < 1:
        for group in optimizer.param_groups:
            group["lr"] = _rate(recipe, step, done)
        loss = _loss(unet, *bench.batch(rng), recipe, rng)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimizer.step()
        step += 1
        _follow(mean, unet, min(recipe.mean_decay, (1 + step) / (10 + step)))
        recent.append(loss.item())
        passed = before_min + (time.monotonic() - began) / 60
        done = max(step / recipe.steps, passed / minutes)
        saves, kept_loss = step % save_every == 0 or done >= 1, math.nan
        if saves:
            save_model(out, copy.deepcopy(mean))
            keep_state(out / "training", unet, mean, optimizer, rng, step=step, minutes=passed)
            kept_loss = _kept_loss(mean, bench, recipe)
        if saves or step % tell_every == 0:
            bench.look_again()
            look = Look(step, passed, optimizer.param_groups[0]["lr"], float(np.mean(recent)), kept_loss)
            add_look(out, look)
            tell(f"step {step} {100 * done:.1f}% {passed:.1f} min loss {look.loss:.4f}")


def _kept_loss(mean: Any, bench: Bench, recipe: Recipe) -> float:
    """Loss of the running mean of the weights on what was kept back; NaN when nothing was."""
    import torch

    rng = np.random.default_rng(0)
    kept = bench.kept_batch(rng)
    if kept is None:
        return math.nan
    with torch.inference_mode():
        return float(_loss(mean, *kept, recipe, rng))


def _rate(recipe: Recipe, step: int, done: float) -> float:
    warm = min(1.0, (step + 1) / recipe.warm_up_steps)
    return recipe.learning_rate * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(done, 1))))


def _follow(mean: Any, unet: Any, decay: float) -> None:
    import torch

    with torch.no_grad():
        for kept, new in zip(mean.parameters(), unet.parameters(), strict=True):
            kept.lerp_(new, 1 - decay)


def _loss(unet: Any, shown: list[Condition], truth: Array, recipe: Recipe, rng: np.random.Generator) -> torch.Tensor:
    import torch

    channels = np.stack([s.channels for s in shown])
    noise = rng.standard_normal(truth.shape, np.float32)
    share = np.where(rng.random(len(shown)) < recipe.whole_noise, 1.0, rng.uniform(0.02, 1, len(shown)))
    share = share.astype(np.float32)[:, None, None, None]
    noisy = (1 - share) * truth + share * noise
    seen = fold(torch.from_numpy(np.concatenate([noisy, channels], axis=1))).contiguous(
        memory_format=torch.channels_last
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        clean = unet(
            seen,
            torch.from_numpy(share[:, 0, 0, 0] * 1000),
            torch.from_numpy(np.stack([s.tokens for s in shown])),
            class_labels=torch.from_numpy(np.stack([s.light for s in shown])),
            return_dict=False,
        )[0]
    painted = torch.nn.functional.pixel_shuffle(clean.float(), 2)
    return _distance(painted, torch.from_numpy(truth), *_weights(shown, truth, recipe), recipe)


def _weights(shown: list[Condition], truth: Array, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, 4, 1, 1) of the channels' errors and (B, 4, H, W) of the pixels'.

    What counts is inside the figure; outside only enough to keep the flow's start in order, but for alpha: the model is to
    know the outline, told or not.
    """
    import torch

    pixels = np.where(drawn(truth), 1.0, 0.05)[:, None].repeat(4, axis=1)
    channels = np.ones((len(shown), 4, 1, 1))
    for each, one in enumerate(shown):
        outlined = one.light[OUTLINE] > 0
        channels[each, 3] = recipe.alpha_weight if outlined else recipe.outline_weight
        pixels[each, 3] = np.where(pixels[each, 3] < 1, recipe.outside_weight, 1.0) if outlined else 1.0
    return torch.from_numpy(np.float32(channels)), torch.from_numpy(np.float32(pixels))


def _distance(
    painted: torch.Tensor, truth: torch.Tensor, channels: torch.Tensor, pixels: torch.Tensor, recipe: Recipe
) -> torch.Tensor:
    off = (painted - truth) * channels
    level = (off.abs() + recipe.square_weight * off * off) * pixels
    across = (off[..., 1:] - off[..., :-1]).abs() * pixels[..., 1:]
    down = (off[..., 1:, :] - off[..., :-1, :]).abs() * pixels[..., 1:, :]
    return (level.sum() + recipe.edge_weight * (across.sum() + down.sum())) / pixels[:, 0].sum() / 4


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--steps", type=int, default=Recipe().steps)
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--from", dest="start", type=Path, help="a model folder to go on from")
    parser.add_argument("--rate", type=float, default=Recipe().learning_rate)
    asked = parser.parse_args()
    start = None
    if asked.start:
        from diffusers import UNet2DConditionModel

        start = UNet2DConditionModel.from_pretrained(asked.start, subfolder="unet", local_files_only=True)
    recipe = replace(Recipe(), steps=asked.steps, learning_rate=asked.rate)
    with one_thread():
        train(asked.data, asked.out, recipe, asked.minutes, start, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
