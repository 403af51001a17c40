"""The examples of docs/crowd.md are read by the code that they explain."""

import re
import tomllib
from pathlib import Path

from assets.crowd.brief import check_brief
from assets.crowd.formations import FORMATIONS
from assets.motion.motions import MOTIONS
from pipeline import codec
from pipeline.crowd_sections import CrowdBrief

PAGE = (Path(__file__).parent.parent / "docs/crowd.md").read_text("utf-8")
ZONE = '[[crowd.zones]]\nname = "north"\ncount = 9\npolygon_m = [[0, 0], [9, 0], [9, 9]]\n'


def briefs():
    """Each example as a whole brief: words of a zone get one to stand in; of two that exclude each other, the first."""
    for text in re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL):
        if text.startswith("[stages."):  # settings of a stage are no brief
            continue
        whole = text if text.startswith("[") else ZONE + re.sub(r"(?m)^ripple.*$", "", text)
        yield codec.build(CrowdBrief, tomllib.loads(whole)["crowd"], "docs/crowd.md")


def test_every_example_is_understood():
    found = list(briefs())

    assert len(found) == 9
    for brief in found:
        check_brief(brief)


def test_every_formation_and_motion_is_named():
    for name in (*FORMATIONS, *MOTIONS):
        assert re.search(rf"\b{name}\b", PAGE), name
