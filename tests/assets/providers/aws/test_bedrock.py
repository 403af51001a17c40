"""Bedrock: the documented bodies, and nothing else leaves."""

from __future__ import annotations

import base64
import struct
from dataclasses import replace

import numpy as np
import pytest

from assets.providers.aws.families import FAMILIES, family_of
from assets.providers.canvas import canvas_for
from assets.providers.opening import open_provider
from assets.providers.pictures import recovered, shown
from pipeline.errors import (
    ProviderError,
)
from pipeline.provider_sections import BedrockModel, ProviderEntry
from tests.assets.providers.aws.awspainting import painted, seen
from tests.assets.providers.aws.bedrockasking import CANVAS, STRUCTURE, TITAN, model, order


@pytest.mark.parametrize("name", [STRUCTURE, CANVAS, TITAN])
def test_the_answer_is_what_the_service_painted_from_the_depth_map(amazon, name):
    provider = model(amazon, name)
    request = order(provider, seed=3)

    (result,) = provider.generate([request])

    canvas = canvas_for(provider.family.sizes, *request.size_px)
    picture = canvas.brought_back(painted(canvas.laid(shown(request)["depth"]), 3), "painter")
    assert np.array_equal(result.takes[0, 0], recovered(request, 0, picture))
    assert result.cost_usd == 0.07
    assert result.metadata["shown"] == "depth"


@pytest.mark.parametrize("name", [STRUCTURE, CANVAS])
def test_another_depth_or_another_seed_is_another_picture(amazon, name):
    provider = model(amazon, name)
    request = order(provider)
    nearer = replace(request, guides=replace(request.guides, depth=request.guides.depth * 2))

    first, second, third = (r.takes for r in provider.generate([request, nearer, replace(request, seed=2)]))

    assert not np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_without_depth_the_normals_are_shown(amazon):
    provider = model(amazon, STRUCTURE)
    request = order(provider)

    (result,) = provider.generate([replace(request, guides=request.guides.only(["coverage", "normals"]))])

    assert result.metadata["shown"] == "normals"
    assert len(np.unique(seen(amazon.bodies[0]["image"]).reshape(-1, 3), axis=0)) > 1


def test_stability_is_sent_its_documented_fields_alone(amazon):
    provider = model(amazon, STRUCTURE)

    provider.generate([order(provider, seed=9, negative="rain")])

    (body,) = amazon.bodies
    assert set(body) == {"image", "prompt", "negative_prompt", "control_strength", "seed", "output_format"}
    assert (body["prompt"], body["negative_prompt"], body["seed"]) == ("a walker in a red tunic", "rain", 9)
    assert body["output_format"] == "png"
    assert amazon.paths == [f"POST /model/{STRUCTURE}/invoke"]


@pytest.mark.parametrize(
    ("name", "sizes"), [(CANVAS, None), (TITAN, {(768, 1152), (384, 576), (896, 1152), (768, 1024)})]
)
def test_amazon_s_models_are_sent_their_documented_fields_alone(amazon, name, sizes):
    provider = model(amazon, name)

    provider.generate([order(provider, seed=9, negative="rain")])

    (body,) = amazon.bodies
    config = body["imageGenerationConfig"]
    assert set(body) == {"taskType", "textToImageParams", "imageGenerationConfig"}
    assert body["taskType"] == "TEXT_IMAGE"
    assert set(body["textToImageParams"]) == {
        "text",
        "negativeText",
        "conditionImage",
        "controlMode",
        "controlStrength",
    }
    assert body["textToImageParams"]["controlMode"] == "CANNY_EDGE"
    assert set(config) == {"numberOfImages", "width", "height", "cfgScale", "seed", "quality"}
    if sizes is None:
        assert config["width"] % 16 == config["height"] % 16 == 0
        assert min(config["width"], config["height"]) >= 320
        assert config["width"] * config["height"] < 4_194_304
    else:
        assert (config["width"], config["height"]) in sizes


def test_the_picture_that_leaves_carries_pixels_and_nothing_else(amazon):
    provider = model(amazon, STRUCTURE)

    provider.generate([order(provider)])

    data, chunks, at = base64.b64decode(amazon.bodies[0]["image"]), [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append(data[at + 4 : at + 8])
        at += 12 + length
    assert set(chunks) == {b"IHDR", b"IDAT", b"IEND"}


def test_without_a_prompt_the_identity_is_told_in_words(amazon):
    provider = model(amazon, STRUCTURE)

    provider.generate([order(provider, prompt="")])

    assert amazon.bodies[0]["prompt"].startswith("walker, ")


def test_too_many_words_are_refused_before_they_leave(amazon):
    provider = model(amazon, TITAN)

    with pytest.raises(ProviderError, match="prompt has 513 characters, Amazon Titan Image v2 reads 512"):
        provider.generate([order(provider, prompt="x" * 513)])

    assert amazon.paths == []


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_a_seed_that_fits_stays_itself_and_others_are_folded_in(family):
    low, high = family.seeds

    assert [family.seed(s) for s in (1, 2, 1000)] == [1, 2, 1000]
    assert all(low <= family.seed(s) <= high for s in (0, high, high + 1, 2**62))


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("stability.stable-image-control-sketch-v1:0", "Stability control"),
        ("eu.stability.stable-image-control-structure-v1:0", "Stability control"),
        ("arn:aws:bedrock:us-west-2:123456789012:inference-profile/us.stability.stable-image-control-structure-v1:0", "Stability control"),
        ("amazon.nova-canvas-v1:0", "Amazon Nova Canvas"),
        ("arn:aws:bedrock:us-east-1::foundation-model/luma.ray-v2:0", "Luma Ray 2"),
    ],
)  # fmt: skip
def test_a_family_is_known_by_its_model_s_id_profile_or_arn(name, family):
    assert family_of(name).name == family


@pytest.mark.parametrize("name", ["anthropic.claude-opus-v1:0", "stability.stable-image-core-v1:1", "notluma.ray", ""])
def test_an_unknown_model_is_refused_and_the_known_are_named(name):
    with pytest.raises(ProviderError, match=r"Known are stability\.stable-image-control-structure.*luma\.ray"):
        open_provider(ProviderEntry("aws", BedrockModel(name, region="us-west-2")))
