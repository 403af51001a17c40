"""A depth model of the show's own: real classes with random weights answer in the picture's size, the same every time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from assets.providers.depthmodel import DepthGuesser
from pipeline.errors import ProviderError

_DINO = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "patch_size": 7, "image_size": 28}


def tiny(folder: Path, kind: str = "depth_anything", **more: object) -> Path:
    """Write one of a few thousand random weights."""
    torch.manual_seed(3)
    if kind == "glpn":
        config = transformers.GLPNConfig(
            hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1], num_attention_heads=[1, 2, 2, 2], decoder_hidden_size=8
        )
        model = transformers.GLPNForDepthEstimation(config)
    else:
        backbone = transformers.Dinov2Config(
            **_DINO,
            out_features=["stage1", "stage2", "stage3", "stage4"],
            reshape_hidden_states=False,
            apply_layernorm=True,
        )
        config = transformers.DepthAnythingConfig(
            backbone_config=backbone, patch_size=7, reassemble_hidden_size=16, neck_hidden_sizes=[4, 4, 8, 8],
            fusion_hidden_size=8, head_hidden_size=4, **more,
        )  # fmt: skip
        model = transformers.DepthAnythingForDepthEstimation(config)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"size": {"height": 42, "width": 42}}))
    return folder


def picture(height=40, width=61):
    generator = np.random.default_rng(1)
    return generator.random((height, width, 3), np.float32)


@pytest.mark.parametrize("kind", ["depth_anything", "glpn"])
def test_it_answers_in_the_pictures_size_and_the_same_again(tmp_path, kind):
    guesser = DepthGuesser.open(tiny(tmp_path / kind, kind))

    said = guesser.nearness(picture())

    assert said.shape == (40, 61)
    assert said.dtype == np.float32
    assert np.isfinite(said).all()
    np.testing.assert_array_equal(said, guesser.nearness(picture()))
    assert np.abs(said - guesser.nearness(picture()[::-1].copy())).max() > 0


def test_metres_become_nearness(tmp_path):
    """The same weights read as metres answer one over what they say."""
    plain = DepthGuesser.open(tiny(tmp_path / "a"))
    metric = DepthGuesser.open(tiny(tmp_path / "b", depth_estimation_type="metric", max_depth=20))

    assert (plain.metric, metric.metric) == (False, True)
    assert metric.nearness(picture()).min() >= 1 / 20 - 1e-4


def test_what_it_sees_keeps_the_pictures_shape(tmp_path):
    guesser = DepthGuesser.open(tiny(tmp_path))

    tall, wide = guesser._size(540, 960)

    assert (tall, wide) == (42, 77)
    assert (tall % 7, wide % 7) == (0, 0)


@pytest.mark.parametrize(("wrong", "words"), [("kind", "is a 'bert'. Name a depth model"), ("pickle", "is a pickle"), ("cut", "no sound safetensors"), ("nothing", "no such model folder")])  # fmt: skip
def test_what_is_no_depth_model_or_more_than_weights_is_refused(tmp_path, wrong, words):
    folder = tiny(tmp_path / "model")
    weights, config = folder / "model.safetensors", folder / "config.json"
    if wrong == "kind":
        config.write_text(config.read_text().replace('"model_type": "depth_anything"', '"model_type": "bert"'))
    elif wrong == "pickle":
        weights.rename(folder / "pytorch_model.bin")
    elif wrong == "cut":
        weights.write_bytes(weights.read_bytes()[:-100])

    with pytest.raises(ProviderError, match=words):
        DepthGuesser.open(tmp_path / "none" if wrong == "nothing" else folder)
