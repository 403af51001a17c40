"""How fast the built-in model paints sprites, beside diffusers' own loop and a small latent pipeline: `make bench-generate`.

Sprites a second by wall time, guides drawn beforehand; the best of several runs, on one thread a process. Peers, in the same
run: "one by one" is the same network and scheduler called as diffusers' pipelines do, a picture at a time, in float32;
"SD ControlNet" is diffusers' StableDiffusionControlNetPipeline built from configuration with about as many parameters
and random weights (latents of an eighth, a text encoder, one ControlNet). Only ratios mean anything on a shared machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from typing import Any

import numpy as np

from assets.people.characters import load_character
from assets.people.mesh import posed_mesh
from assets.providers.builtin import Builtin, fold, one_thread
from assets.providers.conditioning import condition
from assets.providers.request import Light, Request
from assets.sprites.atlas import VIEWS, bin_phase, phases_of
from assets.sprites.sprite import Sight, figure_request
from assets.train.people import asked

SIZES = ((128, 64), (128, 128), (256, 128))  # height, width
FACTION = (("legionary", ("idle", "march")), ("spearman", ("idle", "march")), ("archer", ("idle", "march")))


def best_s(work: Callable[[], object], runs: int = 3) -> float:
    work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def requests(size: tuple[int, int], steps: int, count: int) -> list[Request]:
    who = load_character("legionary")
    mesh, near = posed_mesh(who, "march", 0.25), size[0] // 128
    drawn = [asked(mesh, who, k * 0.4, 0.05, Light(), near, size[1] // near) for k in range(count)]
    return [replace(request, steps=steps, seed=k + 1) for k, request in enumerate(drawn)]


def paint(size: tuple[int, int], steps: int, count: int) -> float:
    """Seconds for `count` sprites, in whichever process this is."""
    model, wanted = Builtin.open(), requests(size, steps, count)
    return best_s(lambda: model.generate(wanted))


def one_by_one(model: Builtin, wanted: list[Request]) -> None:
    """As a pipeline of diffusers does it: a picture at a time, the scheduler's step between calls of the network."""
    import torch

    with one_thread(), torch.inference_mode():
        for request in wanted:
            shown = condition(request)
            picture = fold(torch.randn(1, 4, *shown.room.shape))
            guides = fold(torch.from_numpy(shown.channels[None]))
            tokens, light = torch.from_numpy(shown.tokens[None]), torch.from_numpy(shown.light[None])
            model.scheduler.set_timesteps(sigmas=np.linspace(1, 0, request.steps + 1)[:-1].tolist())
            for at in model.scheduler.timesteps:
                clean = model.unet(torch.cat([picture, guides], 1), at, tokens, class_labels=light).sample
                velocity = (picture - clean) / (at / model.scheduler.config.num_train_timesteps)
                picture = model.scheduler.step(velocity, at, picture).prev_sample
            torch.nn.functional.pixel_shuffle(picture, 2).numpy()


def latent_peer(size: tuple[int, int], steps: int, count: int) -> tuple[Callable[[], None], float]:
    """A small SD 1.5-style ControlNet pipeline with random weights, and its millions of parameters."""
    import torch
    from diffusers import (
        AutoencoderTiny,
        ControlNetModel,
        DDIMScheduler,
        StableDiffusionControlNetPipeline,
        UNet2DConditionModel,
    )

    torch.manual_seed(1)
    shape: dict[str, Any] = {
        "block_out_channels": (48, 96, 128),
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        "cross_attention_dim": 96,
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "attention_head_dim": 8,
    }
    up = ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D")
    unet = UNet2DConditionModel(in_channels=4, out_channels=4, up_block_types=up, **shape)
    net = ControlNetModel(in_channels=4, conditioning_channels=3, **shape)
    vae = AutoencoderTiny()
    pipeline: Any = StableDiffusionControlNetPipeline(
        vae, None, None, unet, net, DDIMScheduler(), None, None, requires_safety_checker=False
    )
    pipeline.set_progress_bar_config(disable=True)
    height, width = size
    guide, words = torch.rand(count, 3, height, width), torch.randn(count, 8, 96)

    def work() -> None:
        with one_thread():
            pipeline(
                prompt_embeds=words,
                image=guide,
                height=height,
                width=width,
                num_inference_steps=steps,
                guidance_scale=1.0,
            )

    weights = sum(p.numel() for part in (unet, net, vae) for p in part.parameters())
    return work, weights / 1e6


def atlas() -> tuple[int, float, float]:
    """(sprites, seconds of guides, seconds of painting) of a faction's atlas, told from a fair sample of it."""
    model, wanted, drawn_s, poses, motions = Builtin.open(), [], 0.0, 0, 0
    for name, doing in FACTION:
        who = load_character(f"{name}_in_azure")
        for motion in doing:
            poses += phases_of(motion)
            motions += 1
            begun = time.perf_counter()
            mesh = posed_mesh(who, motion, float(bin_phase(motion, 3)))
            wanted += [figure_request(who, mesh, 64, Sight(k * np.pi / 3, 0.1), Light()) for k in range(6)]
            drawn_s += time.perf_counter() - begun
    painting_s = best_s(lambda: model.generate(wanted), 1)
    sprites = poses * VIEWS
    return sprites, drawn_s / motions * poses * VIEWS / 6, painting_s / len(wanted) * sprites


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=16, help="sprites in a run")
    count, model = parser.parse_args().count, Builtin.open()
    print("sprites/s: 1 process, 2 processes; peers as times of ours")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for size in SIZES:
            for steps in (1, 2):
                wanted = requests(size, steps, count)
                ours = best_s(lambda wanted=wanted: model.generate(wanted))
                two = max(pool.map(paint, [size] * 2, [steps] * 2, [count] * 2))
                single = best_s(lambda wanted=wanted: one_by_one(model, wanted), 1)
                work, millions = latent_peer(size, steps, count)
                latent = best_s(work, 1)
                print(
                    f"{size[0]} x {size[1]}, {steps} step(s): {count / ours:6.1f}, {2 * count / two:6.1f}; one by one "
                    f"{single / ours:.2f}x, SD ControlNet of {millions:.1f} million {latent / ours:.2f}x",
                    flush=True,
                )
    sprites, drawing_s, painting_s = atlas()
    print(
        f"atlas of a faction (3 characters, 2 motions, {VIEWS} views): {sprites} sprites, guides {drawing_s / 60:.1f} min, "
        f"painting {painting_s / 60:.1f} min in one process"
    )


if __name__ == "__main__":
    main()
