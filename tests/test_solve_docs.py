"""The examples of docs/solve.md are read by the code that they explain."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from pipeline import codec
from pipeline.config import SECTIONS
from pipeline.provider_sections import DepthModel

PAGE = (Path(__file__).parent.parent / "docs/solve.md").read_text("utf-8")
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_understood(example: str):
    """Those without a heading go on with [solve]."""
    whole = example if "[" in example.lstrip()[:1] else f"[solve]\n{example}"

    for name, values in tomllib.loads(whole).items():
        codec.build({**SECTIONS, "depth": DepthModel}[name], values, f"docs/solve.md [{name}]")


def test_there_are_examples():
    assert len(EXAMPLES) >= 4
