"""Train the model that ships: python -m assets.train.sprites DATA OUT [--steps 6000] [--minutes 45]."""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assets.providers.builtin import fold, one_thread
from assets.providers.conditioning import OUTLINE, Condition, condition, painting_target
from assets.train.brought import bring_some
from assets.train.recipe import WINDOW_PX, Recipe, new_unet, save_model
from assets.train.samples import Sample, Shard

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, Any]
_SAVE_EVERY = 500


class Bench:
    """Where samples wait: people in narrow and in wide frames, masonry in tall and in wide crops."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self._folder, self._recipe = folder, recipe
        self._shards: dict[str, dict[Path, Shard]] = {kind: {} for kind in _KINDS}
        self.look_again()

    def look_again(self) -> None:
        """Take in shards that were drawn meanwhile."""
        for kind, shards in self._shards.items():
            for path in sorted(self._folder.glob(f"{kind}_????.npz")):
                if path not in shards:
                    shards[path] = Shard(path)

    def batch(self, rng: np.random.Generator) -> tuple[list[Condition], Array]:
        """What the model is shown, and what it should say (B, 4, H, W): all of one size."""
        recipe, have = self._recipe, [kind for kind in _KINDS if self._shards[kind]]
        windows = rng.random() < recipe.window_share
        if not windows and "wide" in have and rng.random() < recipe.wide_share:
            have = ["wide"]
        elif not windows and "broad" in have and rng.random() < recipe.broad_share:
            have = ["broad"]
        elif not windows:
            have = [kind for kind in have if kind in ("people", "tall")]
        people = sum(kind in _PEOPLE for kind in have)
        shares = {kind: (1 - recipe.masonry_share) / people for kind in have if kind in _PEOPLE}
        chances = np.array([shares.get(kind, recipe.masonry_share / 2) for kind in have])
        kinds = rng.choice(have, recipe.batch, p=chances / chances.sum())
        pairs = [_pair(self._draw(str(kind), rng), recipe, rng) for kind in kinds]
        if windows:
            pairs = [_window(*pair, rng) for pair in pairs]
        return [shown for shown, _ in pairs], np.stack([said for _, said in pairs])

    def _draw(self, kind: str, rng: np.random.Generator) -> Sample:
        shards = list(self._shards[kind].values())
        shard = shards[int(rng.integers(len(shards)))]
        return shard[int(rng.integers(len(shard)))]


_KINDS = ("people", "broad", "tall", "wide")
_PEOPLE = ("people", "broad")


def _pair(sample: Sample, recipe: Recipe, rng: np.random.Generator) -> tuple[Condition, Array]:
    shown = condition(bring_some(sample.request, recipe, rng))
    return shown, painting_target(shown, sample.truth)


def _window(shown: Condition, said: Array, rng: np.random.Generator) -> tuple[Condition, Array]:
    """Both, cut to a window around a random pixel of the figure; anywhere of a picture without one."""
    drawn = _drawn(said)
    rows, columns = np.nonzero(drawn if drawn.any() else ~drawn)
    pick = int(rng.integers(len(rows)))
    corner = [
        int(np.clip(centre[pick] - WINDOW_PX // 2 + rng.integers(-12, 13), 0, side - WINDOW_PX))
        for centre, side in zip((rows, columns), shown.room.shape, strict=True)
    ]
    area: Any = (..., *(slice(start, start + WINDOW_PX) for start in corner))
    cut = Condition(shown.channels[area], shown.tokens, shown.light, shown.base[area], shown.room[area])
    return cut, said[area]


def train(
    data: Path,
    out: Path,
    recipe: Recipe,
    minutes: float,
    start: Any = None,
    tell: Callable[[str], None] = print,
    tell_every: int = 50,
) -> None:
    """Train and save the running mean of the weights to `out`, every 500 steps and at the end.

    Ends after recipe.steps, or when `minutes` have passed; the learning rate follows whichever is nearer its end.
    """
    import torch

    torch.manual_seed(recipe.seed)
    rng = np.random.default_rng(recipe.seed)
    unet = (start or new_unet()).train().to(memory_format=torch.channels_last)
    mean = copy.deepcopy(unet).requires_grad_(False)
    optimizer = torch.optim.AdamW(unet.parameters(), lr=1.0, weight_decay=recipe.weight_decay, betas=(0.9, 0.99))
    bench, began, recent, step, done = Bench(data, recipe), time.monotonic(), [], 0, 0.0
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
        passed = (time.monotonic() - began) / 60
        done = max(step / recipe.steps, passed / minutes)
        if step % tell_every == 0:
            bench.look_again()
            tell(f"step {step} {100 * done:.1f}% {passed:.1f} min loss {np.mean(recent[-200:]):.4f}")
        if step % _SAVE_EVERY == 0 or done >= 1:
            save_model(out, copy.deepcopy(mean))


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


def _drawn(said: Array) -> Array:
    """Where the true picture holds anything, from what the model should say of it (..., 4, H, W)."""
    return np.asarray(said[..., 3, :, :] > -0.96)


def _weights(shown: list[Condition], truth: Array, recipe: Recipe) -> tuple[torch.Tensor, torch.Tensor]:
    """(B, 4, 1, 1) of the channels' errors and (B, 4, H, W) of the pixels'.

    What counts is inside the figure; outside only enough to keep the flow's start in order, but for alpha where the model
    must find the outline itself.
    """
    import torch

    pixels = np.where(_drawn(truth), 1.0, 0.05)[:, None].repeat(4, axis=1)
    channels = np.ones((len(shown), 4, 1, 1))
    for each, one in enumerate(shown):
        outlined = one.light[OUTLINE] > 0
        channels[each, 3] = recipe.alpha_weight if outlined else recipe.outline_weight
        pixels[each, 3] = pixels[each, 3] if outlined else 1.0
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
