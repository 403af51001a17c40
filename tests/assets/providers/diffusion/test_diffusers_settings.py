"""[providers.NAME] of a diffusers folder: the documentation's examples are read, and wrong values are named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pipeline import codec
from pipeline.errors import ConfigError
from pipeline.provider_sections import DiffusersFolder

PAGE = (Path(__file__).parents[4] / "docs/providers.md").read_text("utf-8").split("## diffusers folders")[1]


def test_every_example_is_understood():
    (example,) = re.findall(r"```toml\n(.*?)```", PAGE.split("\n## ")[0], re.DOTALL)
    entries = tomllib.loads(example)["providers"]

    for name, entry in entries.items():
        assert entry.pop("kind") == "diffusers"
        assert codec.build(DiffusersFolder, entry, name).folder

    assert len(entries) == 2


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"device": "gpu"}, "device is 'gpu', must be one of auto, cpu, cuda, mps"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
        (
            {"controlnets": {"canny": "nets/canny"}},
            "controlnets names 'canny', known guides: depth, normals, pose, edges",
        ),
        ({"scales": {"depth": 9.0}}, "scales.depth is 9.0, must be 0 to 2"),
        ({"native_px": 5000}, "native_px is 5000"),
        ({"most_frames": 0}, "most_frames is 0"),
        ({"video_guide": "init"}, "video_guide is 'init'"),
    ],
)
def test_a_wrong_value_is_named_with_its_limits(wrong, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        codec.build(DiffusersFolder, {"folder": "models/sd", **wrong}, "show.toml [providers.x]")
