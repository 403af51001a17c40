"""Tiny models of every family, saved and loaded by real diffusers pipelines: what is shown and said is what is painted."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from assets.providers.base import Watch
from assets.providers.diffusion.folder import Folder
from assets.providers.diffusion.loading import is_out_of_memory
from assets.providers.opening import open_provider
from assets.providers.request import Guides
from pipeline.errors import ProviderCancelled, ProviderError, ProviderRefused
from pipeline.provider_sections import ProviderEntry
from tests.assets.providers.diffusion import tinyasking, tinymodels
from tests.assets.providers.diffusion.tinyasking import (
    HEIGHT,
    INSIDE,
    WIDTH,
    X,
    differ,
    init_picture,
    paint,
    reference,
    request,
    with_guides,
)

saved, opened, one_thread = tinyasking.saved, tinyasking.opened, tinyasking.one_thread  # fixtures

FROM_INIT = ("sd", "sdxl", "union", "flux")


@pytest.mark.parametrize("family", tinymodels.FAMILIES)
def test_the_picture_follows_what_is_shown_and_said(opened, family):
    provider = opened(family)
    asked = request(provider)

    first = paint(provider, asked)

    assert first.shape == (1, 1, HEIGHT, WIDTH, 4)
    assert np.array_equal(first, paint(provider, asked))
    assert differ(first, paint(provider, request(provider, depth=0.02)))
    assert differ(first, paint(provider, replace(asked, prompt="Quiet rain")))
    assert differ(first, paint(provider, replace(asked, negative="fog")))
    assert differ(first, paint(provider, replace(asked, seed=2)))
    if family not in ("z", "wan"):  # these read one guide at a time
        assert differ(first, paint(provider, request(provider, arm=0.0)))


@pytest.mark.parametrize("family", FROM_INIT)
def test_it_starts_from_init_and_keeps_what_is_masked(opened, family):
    provider, init = opened(family), init_picture()
    mask = (X > WIDTH / 2).astype(np.float32)[None]
    anew = paint(provider, request(provider))
    started = with_guides(request(provider), init=init)

    half, none = (paint(provider, replace(started, strength=strength)) for strength in (0.5, 0.0))
    filled = paint(provider, with_guides(started, mask=mask))

    assert differ(half, anew)
    assert np.array_equal(none[0], init)
    assert np.array_equal(filled[0][mask == 0], init[mask == 0])
    assert differ(filled[0][mask == 1], init[mask == 1])


def test_a_take_is_the_first_take_of_its_own_seed_whatever_it_is_asked_with(opened):
    provider = opened("sd")
    asked = request(provider, seed=5, count=3)
    other = with_guides(request(provider, seed=1), init=init_picture())

    _, together = provider.generate([replace(other, strength=0.7), asked])
    alone = paint(provider, replace(asked, seed=7, count=1))

    assert np.array_equal(together.takes[2], alone[0])
    assert differ(together.takes[0], together.takes[1])


def test_one_guide_alone_is_enough_and_none_is_too_little(opened):
    provider = opened("sd")
    asked = request(provider)

    depth, pose = (
        paint(provider, replace(asked, guides=asked.guides.only({"coverage", g}))) for g in ("depth", "pose")
    )

    assert differ(depth, pose)
    with pytest.raises(ProviderError, match="needs one of the guides depth, pose"):
        provider.generate([replace(asked, guides=asked.guides.only({"coverage"}))])


def test_a_scale_of_0_makes_a_guide_count_for_nothing(saved):
    provider = Folder.open(replace(saved("sd"), scales={"depth": 0.0, "pose": 0.0}))

    near, far = (paint(provider, request(provider, depth=depth)) for depth in (0.3, 0.02))

    assert np.array_equal(near, far)


def test_small_pictures_are_painted_at_the_size_that_the_model_was_trained_on(saved):
    provider = Folder.open(replace(saved("sd"), native_px=None))  # its UNet says 24 latent pixels of 2

    (result,) = provider.generate([request(provider, steps=1)])

    width, height = map(int, result.metadata["size_px"].split(" x "))
    assert 1 <= width * height / 48**2 < 1.5
    assert result.takes.shape == (1, 1, HEIGHT, WIDTH, 4)


def test_cancelled_between_steps_it_stops_and_can_go_on(opened):
    provider, notes = opened("sd"), []
    asked = request(provider, steps=4)
    watch = Watch(progress=lambda done, total, note: notes.append(note), cancelled=lambda: len(notes) > 2)

    with pytest.raises(ProviderCancelled):
        provider.generate([asked], watch)

    assert notes == ["pictures", "pictures, step 1 of 4", "pictures, step 2 of 4"]
    assert differ(paint(provider, asked), 0 * INSIDE[..., None])


def test_a_safety_checker_that_objects_refuses(tmp_path):
    provider = Folder.open(tinymodels.stable_diffusion(tmp_path, checker=True))
    asked = request(provider)
    passed = paint(provider, asked)

    provider._model().base.safety_checker.concept_embeds_weights.fill_(-2)  # nothing is safe any more

    assert passed.any()
    with pytest.raises(ProviderRefused, match="safety checker"):
        provider.generate([asked])


def test_lower_precision_paints_nearly_the_same(opened, saved):
    provider = Folder.open(replace(saved("sd"), precision="bfloat16"))
    asked = request(provider)

    lower, full = paint(provider, asked), paint(opened("sd"), asked)

    assert not np.array_equal(lower, full)
    assert np.abs(lower - full).mean() < 0.05


@pytest.mark.parametrize("family", ["sd", *(pytest.param(family, marks=pytest.mark.slow) for family in ("z", "wan"))])
def test_parts_that_wait_in_memory_paint_the_same(opened, saved, family):
    provider = Folder.open(replace(saved(family), offload=True))
    asked = request(provider)

    first, again = (paint(provider, asked) for _ in range(2))

    whole = paint(opened(family), asked)
    np.testing.assert_allclose(first, whole, atol=1e-3)  # parts that moved may add up in another order
    assert np.array_equal(first, again)


@pytest.mark.slow
@pytest.mark.parametrize("family", tinymodels.FAMILIES)
def test_everything_at_once_works_in_lower_precision_from_parts_that_wait(saved, tmp_path, family):
    added = {}
    if family in ("sd", "sdxl", "union"):
        added["ip_adapter"] = tinymodels.ip_adapter(tmp_path / "ip", saved(family).folder, 32 if family == "sd" else 64)
        added["loras"] = {"walker": tinymodels.lora(saved(family).folder, tmp_path / "lora.safetensors")}
    provider = Folder.open(replace(saved(family), precision="bfloat16", offload=True, **added))
    able = provider.capabilities
    asked = replace(request(provider), references=(reference(0.9),) if able.reads_references else ())
    started = with_guides(asked, init=init_picture())
    ways = [asked]
    ways += [replace(started, strength=0.5)] if family in FROM_INIT else []
    ways += [with_guides(started, mask=(X > WIDTH / 2).astype(np.float32)[None])] if "mask" in able.guides else []

    pictures = [paint(provider, way) for way in ways]

    assert all(picture.any() and np.isfinite(picture).all() for picture in pictures)


def test_weights_in_half_precision_only_are_found(saved, opened, tmp_path):
    settings = saved("sd")
    folder = shutil.copytree(settings.folder, tmp_path / "model")
    net = shutil.copytree(settings.controlnets["depth"], tmp_path / "model" / "controlnet_depth")
    for file in (folder / "unet" / "diffusion_pytorch_model.safetensors", net / "diffusion_pytorch_model.safetensors"):
        file.rename(file.with_suffix(".fp16.safetensors"))
    provider = Folder.open(replace(settings, folder=folder, controlnets={"depth": Path("controlnet_depth")}))

    asked = request(provider)
    asked = replace(asked, guides=asked.guides.only({"coverage", "depth"}))

    assert np.array_equal(paint(provider, asked), paint(opened("sd"), asked))


def test_a_vae_of_four_channels_gives_its_own_alpha(saved, tmp_path):
    import diffusers

    settings = saved("sd")
    folder = shutil.copytree(settings.folder, tmp_path / "model")
    config = dict(diffusers.AutoencoderKL.load_config(folder / "vae"))
    with tinymodels.seeded(9):
        diffusers.AutoencoderKL.from_config({**config, "out_channels": 4}).save_pretrained(folder / "vae")
    provider = Folder.open(replace(settings, folder=folder))

    alpha = paint(provider, request(provider))[0, 0, ..., 3]

    assert provider.capabilities.alpha
    assert "init" not in provider.capabilities.guides
    assert len(np.unique(alpha[INSIDE == 1])) > 10


def test_flux_union_nets_are_told_which_guide_they_see(tmp_path):
    provider = Folder.open(tinymodels.flux(tmp_path, union=True))
    asked = request(provider)
    parts = provider.parts
    swapped = Folder.open(
        replace(provider.settings, controlnets={"depth": parts.nets["pose"], "pose": parts.nets["depth"]})
    )

    one = replace(asked, guides=asked.guides.only({"coverage", "depth"}))

    assert paint(provider, asked).any()
    assert paint(provider, one).any()
    assert differ(paint(provider, one), paint(swapped, one))


@pytest.mark.parametrize("family", ["sd", "union"])
def test_edges_lead_a_picture_by_themselves(opened, family):
    plain = opened(family)
    provider = Folder.open(replace(plain.settings, controlnets={"edges": plain.parts.nets["depth"]}))
    asked = request(plain)
    block = asked.guides.coverage
    drawn = [Guides(coverage=block, edges=lines) for lines in (block - np.roll(block, 1, axis=2) * block, 0 * block)]

    lined, bare = (paint(provider, replace(asked, guides=guides)) for guides in drawn)

    assert provider.capabilities.needs_one_of == {"edges"}
    assert differ(lined, bare)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"controlnets": {}}, "without a ControlNet"),
        ({"ip_adapter": Path("nowhere")}, "no such model folder"),
        ({"folder": Path("nowhere")}, "no such model folder"),
        ({"loras": {"walker": Path("nowhere.safetensors")}}, "no such file"),
    ],
)
def test_what_is_not_there_is_said_when_the_show_opens_it(saved, change, said):
    with pytest.raises(ProviderError, match=said) as refused:
        Folder.open(replace(saved("sd"), **change))

    assert "\n" not in str(refused.value)


def test_nets_of_another_family_are_refused(saved):
    with pytest.raises(
        ProviderError, match="is a FluxControlNetModel, Stable Diffusion 1 and 2 needs a ControlNetModel"
    ):
        Folder.open(replace(saved("sd"), controlnets=saved("flux").controlnets))


def test_a_device_that_is_not_there_is_refused(saved):
    missing = "mps" if torch.cuda.is_available() else "cuda"
    provider = Folder.open(replace(saved("sd"), device=missing))

    with pytest.raises(ProviderError, match="is not there"):
        paint(provider, request(provider))


def test_running_out_of_memory_is_known_for_what_it_is():
    with pytest.raises(RuntimeError) as failed:
        torch.empty(1 << 60, dtype=torch.uint8)

    assert is_out_of_memory(failed.value)


def test_a_show_opens_it_by_its_kind(saved):
    provider = open_provider(ProviderEntry("studio", saved("sd")))

    assert provider.name == "studio"
    assert not provider.capabilities.leaves_machine
    assert provider.capabilities.reads_prompt


def test_it_loads_offline(opened):
    paint(opened("sd"), request(opened("sd"), steps=1))

    assert {os.environ[flag] for flag in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "DIFFUSERS_OFFLINE")} == {"1"}
