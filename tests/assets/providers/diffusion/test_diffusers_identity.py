"""Whom a model paints: words, LoRAs by identity, reference pictures; and the same in videos."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assets.providers.diffusion.folder import Folder
from assets.providers.request import Guides, Identity, PartLook
from assets.providers.windows import generate_in_windows
from pipeline.errors import ProviderError
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


def test_without_a_prompt_the_identity_is_said_in_words(opened):
    provider = opened("sd")
    red, blue = (
        Identity("legionary v1 7", (PartLook(4, colour), PartLook(7, (0.46, 0.32, 0.16), metallic=1.0)))
        for colour in ((0.3, 0.05, 0.035), (0.07, 0.12, 0.4))
    )
    asked = request(provider, prompt="", identity=red)

    first, second = provider.generate([asked, replace(asked, identity=blue)])

    assert first.metadata["prompt"] == "legionary, red cloth tunic, bronze helmet"
    assert differ(first.takes, second.takes)


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_a_lora_changes_its_identity_and_nobody_else(opened, saved, tmp_path, family):
    plain = opened(family)
    file = tinymodels.lora(saved(family).folder, tmp_path / "legionary.v1.safetensors")
    dressed = Folder.open(replace(saved(family), loras={"legionary": file}))
    his, other = (request(plain, identity=Identity(name, ())) for name in ("legionary v1 7", "legionaryless v1 7"))

    before = paint(dressed, other)
    changed = dressed.generate([his])[0]

    assert differ(changed.takes, paint(plain, his))
    assert changed.metadata["lora"] == "legionary"
    assert np.array_equal(before, paint(plain, other))
    assert np.array_equal(before, paint(dressed, other)), "the LoRA is taken off again"
    assert dressed.model_digest != plain.model_digest


def test_each_identity_wears_its_own_lora(saved, tmp_path):
    folder = saved("sd").folder
    files = {who: tinymodels.lora(folder, tmp_path / f"{who}.safetensors", seed=i) for i, who in enumerate("ab")}
    provider = Folder.open(replace(saved("sd"), loras=files))

    first, second = (paint(provider, request(provider, identity=Identity(who, ()))) for who in "ab")

    assert differ(first, second)


def test_a_lora_of_another_family_is_refused(saved, tmp_path):
    file = tinymodels.lora(saved("flux").folder, tmp_path / "flux.safetensors", part="transformer")
    provider = Folder.open(replace(saved("sd"), loras={"walker": file}))

    with pytest.raises(ProviderError, match=r"flux\.safetensors"):
        paint(provider, request(provider))


@pytest.mark.parametrize(("family", "width"), [("sd", 32), ("sdxl", 64)])
def test_references_lead_the_picture_through_an_adapter(opened, saved, tmp_path, family, width):
    plain = opened(family)
    adapter = tinymodels.ip_adapter(tmp_path, saved(family).folder, width)
    provider = Folder.open(replace(saved(family), ip_adapter=adapter))
    asked = request(provider)

    none, red, blue, two = (
        paint(provider, replace(asked, references=references))
        for references in ((), (reference(0.9),), (reference(0.1),), (reference(0.9), reference(0.1)))
    )

    assert differ(red, blue)
    assert differ(red, two)
    assert np.allclose(none, paint(plain, asked), atol=1e-5), "without a reference the adapter counts for nothing"
    with pytest.raises(ProviderError, match="reference"):
        plain.generate([replace(asked, references=(reference(0.9),))])


def test_a_video_follows_its_guide_its_reference_and_its_mask(opened):
    provider = opened("wan")
    asked = request(provider, frames=3, seed=3)
    moving = np.stack([np.roll(INSIDE, shift, 1) for shift in (0, 3, 6)])
    init = np.repeat(init_picture(), 3, 0)
    mask = np.repeat((X > WIDTH / 2).astype(np.float32)[None], 3, 0)

    still = paint(provider, asked)
    moved = paint(provider, with_guides(asked, depth=moving * 0.3))
    like = paint(provider, replace(asked, references=(reference(0.9),)))
    filled = paint(provider, with_guides(asked, init=init, mask=mask))

    assert still.shape == (1, 3, HEIGHT, WIDTH, 4)
    assert differ(still, moved)
    assert differ(still, like)
    assert np.array_equal(filled[0][mask == 0], init[mask == 0])
    assert differ(filled[0][mask == 1], still[0][mask == 1])


def test_a_video_is_led_by_the_guide_that_the_show_names(opened, saved):
    by_pose = Folder.open(replace(saved("wan"), video_guide="pose"))

    posed = [paint(by_pose, request(by_pose, arm=arm)) for arm in (0.0, 0.9)]
    deep = [paint(opened("wan"), request(by_pose, arm=arm)) for arm in (0.0, 0.9)]

    assert differ(*posed)
    assert np.array_equal(*deep)


def test_windows_of_a_long_video_go_on_from_the_frames_that_are_made(saved):
    provider = Folder.open(replace(saved("wan"), most_frames=5))
    asked = request(provider, frames=8, steps=1)
    first = replace(asked, guides=Guides(**{name: guide[:5] for name, guide in asked.guides.given().items()}))

    joined = generate_in_windows(provider, asked).takes

    assert joined.shape == (1, 8, HEIGHT, WIDTH, 4)
    assert np.array_equal(joined[:, :5], paint(provider, first))
    assert differ(joined[:, 5:], 0)


def test_a_longer_video_than_the_model_paints_is_refused(saved):
    provider = Folder.open(replace(saved("wan"), most_frames=2))

    with pytest.raises(ProviderError, match="limit 2"):
        provider.generate([request(provider, frames=3)])


def test_video_and_flux_say_what_they_cannot_read(opened):
    wan, flux = opened("wan"), opened("flux")
    started = {"init": init_picture()}

    with pytest.raises(ProviderError, match="strength 1"):
        wan.generate([replace(with_guides(request(wan), **started), strength=0.5)])
    with pytest.raises(ProviderError, match="negative words"):
        flux.generate([replace(with_guides(request(flux), **started), strength=0.5, negative="fog")])
