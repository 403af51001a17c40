"""Plain data to dataclasses: strict, and every error names its field."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline import codec
from pipeline.crowd_sections import CrowdBrief, Zone
from pipeline.errors import ConfigError
from pipeline.frames import FrameFiles, FrameRange
from pipeline.sections import MatteSource
from pipeline.types import Mattes


def test_nested_tables_become_dataclasses():
    data = {"zones": [{"name": "van", "count": 3, "polygon_m": [[0, 0], [1, 0], [1, 1]], "characters": {"archer": 2}}]}

    brief = codec.build(CrowdBrief, data, "shot.toml [crowd]")

    assert brief.zones[0].polygon_m[1] == (1.0, 0.0)
    assert brief.zones[0].characters == {"archer": 2.0}


def test_unknown_key_names_the_place_and_a_close_name():
    with pytest.raises(ConfigError, match=r"shot.toml \[crowd\].zones\[0\]: unknown key 'cuont'. Did you mean 'count'"):
        codec.build(CrowdBrief, {"zones": [{"name": "van", "cuont": 3}]}, "shot.toml [crowd]")


def test_missing_key_is_named():
    with pytest.raises(ConfigError, match="'name' is missing"):
        codec.build(Zone, {"count": 3}, "zone")


@pytest.mark.parametrize("value", ["12", 1.5, True])
def test_a_count_is_a_whole_number(value):
    with pytest.raises(ConfigError, match=r"zone.count: expected a whole number"):
        codec.build(Zone, {"name": "van", "count": value}, "zone")


def test_an_optional_path_may_be_left_out():
    assert codec.build(MatteSource, {}, "m") == MatteSource(None)
    assert codec.build(MatteSource, {"path": "a.png"}, "m", Path("/x").joinpath) == MatteSource(Path("/x/a.png"))


def test_a_receipt_survives_the_way_to_json_and_back(tmp_path):
    receipt = Mattes(FrameFiles(tmp_path, "m.%04d.exr", FrameRange(1001, 1003)), "supplied")

    data = codec.plain(receipt, lambda p: p.relative_to(tmp_path).as_posix())

    assert codec.build(Mattes, data, "receipt", tmp_path.joinpath) == receipt
